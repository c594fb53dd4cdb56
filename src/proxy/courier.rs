//! Brings a backend what it owns, in order.
//!
//! One [`Courier::turn`] takes a portion of the backend's queue, groups its points by target (database and policy),
//! sends each group in batches bounded by lines and bytes, and moves the cursor when all of it is settled. Points of
//! different targets may be reordered among themselves, never across a statement. A turn that fails leaves the
//! cursor where it was: sending points again in the same order ends in the same state.
//!
//! A courier does one thing at a time, and knows it by itself: work on files goes on when whoever asked for it has
//! died, and must have ended before anything else begins.

use std::{io::Write, sync::Arc};

use bytes::{Bytes, BytesMut};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    base::Clock,
    config::{Delivery, Gzip, HttpUrl},
    journal::{self, Entry},
    obs::BackendMetrics,
};

use super::{
    ack::{Note, Refusal},
    client::{Client, SendError},
    dead_letters::{DeadLetters, Letter},
    fleet::Backend,
    lookup::Lookup,
    queue::{Portion, Queue},
    record::{Kind, Record},
    verdict::{self, Verdict},
};

/// Delivers to one backend. Lives on one runtime, the client's.
#[derive(Debug)]
pub struct Courier {
    /// Where it delivers.
    pub backend: Arc<Backend>,
    /// What waits.
    pub queue: Arc<Queue>,
    /// Connections of the runtime that runs the turns.
    pub client: Client,
    /// Finds out about databases that the backend does not know.
    pub lookup: Arc<Lookup>,
    /// Takes what is refused and nobody can be told about.
    pub dead_letters: DeadLetters,
    /// Batch limits.
    pub config: Delivery,
    /// Stamps dead letters.
    pub clock: Arc<dyn Clock>,
    /// Counts what is delivered.
    pub metrics: BackendMetrics,
    /// Held by the one thing that is done.
    pub alone: Arc<Mutex<()>>,
}

/// How a turn ended.
#[derive(Debug)]
pub enum Turn {
    /// Nothing waits.
    Idle,
    /// The portion is settled; there may be more.
    Delivered,
    /// Nothing of the rest can be delivered now.
    Failed(Failure),
}

/// Why a turn could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The backend does not answer.
    #[error(transparent)]
    NoAnswer(#[from] SendError),
    /// The backend answers that it cannot take it now.
    #[error("refused for now: {0}")]
    Refused(String),
    /// The journal or the dead letters cannot be read or written.
    #[error(transparent)]
    Log(#[from] journal::Error),
    /// A thread that read the journal died.
    #[error("reader died: {0}")]
    Reader(#[from] tokio::task::JoinError),
}

/// The points of one record.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) lines: Bytes,
    pub(super) points: u64,
    pub(super) note: Option<Arc<Note>>,
}

/// The database and retention policy that points are meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) db: String,
    pub(super) policy: String,
}

impl Target {
    pub(super) fn as_pair(&self) -> (&str, &str) {
        (&self.db, &self.policy)
    }

    /// Whether the record may be meant for the same points under another name: the default policy has two.
    fn may_be_the_same(&self, record: &Record<'_>) -> bool {
        self.db == record.db && self.policy.is_empty() != record.policy.is_empty()
    }
}

impl Courier {
    /// Delivers one portion.
    pub async fn turn(&self) -> Turn {
        match self.try_turn().await {
            Ok(turn) => turn,
            Err(failure) => Turn::Failed(failure),
        }
    }

    async fn try_turn(&self) -> Result<Turn, Failure> {
        if !self.queue.has_more() {
            return Ok(Turn::Idle);
        }
        let alone = Arc::new(Arc::clone(&self.alone).lock_owned().await);
        let portion = self.take_portion(&alone).await?;
        let delivered = self.deliver(&portion).await;
        if let Err(failure) = delivered {
            // Whoever waits must not wait for this backend.
            portion
                .entries
                .iter()
                .filter_map(|entry| entry.note.as_ref())
                .for_each(|note| note.unreachable(self.backend.id));
            return Err(failure);
        }
        self.queue.done(&portion);
        Ok(Turn::Delivered)
    }

    async fn take_portion(&self, alone: &Arc<OwnedMutexGuard<()>>) -> Result<Portion, Failure> {
        let max_bytes = self.config.batch_bytes.as_usize();
        if self.queue.is_in_memory() {
            return Ok(self.queue.next(max_bytes)?);
        }
        let (queue, alone) = (Arc::clone(&self.queue), Arc::clone(alone));
        let take = move || {
            let _until_it_is_taken = alone;
            queue.next(max_bytes)
        };
        Ok(tokio::task::spawn_blocking(take).await??)
    }

    /// Works on the files of the queue; what has begun is finished even if nobody waits for it any more.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn with_queue(
        &self,
        work: impl FnOnce(&Queue) -> Result<(), journal::Error> + Send + 'static,
    ) -> Result<(), Failure> {
        let alone = Arc::clone(&self.alone).lock_owned().await;
        let queue = Arc::clone(&self.queue);
        let work = move || {
            let _until_it_is_done = alone;
            work(&queue)
        };
        Ok(tokio::task::spawn_blocking(work).await??)
    }

    async fn deliver(&self, portion: &Portion) -> Result<(), Failure> {
        let mut groups: Vec<(Target, Vec<Part>)> = Vec::new();
        for entry in &portion.entries {
            let Ok(record) = Record::read(&entry.payload) else {
                self.bury_unreadable(entry).await?;
                continue;
            };
            match record.kind {
                Kind::Lines => {
                    if groups.iter().any(|(target, _)| target.may_be_the_same(&record)) {
                        self.deliver_groups(&mut groups).await?;
                    }
                    add_to_group(&mut groups, &record, entry);
                }
                Kind::Statement => {
                    self.deliver_groups(&mut groups).await?;
                    self.deliver_statement(&record, entry).await?;
                }
            }
        }
        self.deliver_groups(&mut groups).await
    }

    async fn deliver_groups(&self, groups: &mut Vec<(Target, Vec<Part>)>) -> Result<(), Failure> {
        for (target, parts) in groups.drain(..) {
            let mut rest = parts.as_slice();
            while !rest.is_empty() {
                let (batch, after) = rest.split_at(self.batch_length(rest));
                self.deliver_batch(&target, batch).await?;
                rest = after;
            }
        }
        Ok(())
    }

    /// How many of these parts fit one batch; at least one.
    fn batch_length(&self, parts: &[Part]) -> usize {
        let (mut lines, mut bytes) = (0, 0);
        let fits = parts.iter().take_while(|part| {
            lines += part.points;
            bytes += part.lines.len();
            lines <= self.config.batch_lines.get() as u64 && bytes <= self.config.batch_bytes.as_usize()
        });
        fits.count().max(1)
    }

    async fn deliver_batch(&self, target: &Target, batch: &[Part]) -> Result<(), Failure> {
        match self.send(target, concatenate(batch)).await? {
            Verdict::Applied => {
                let points = batch.iter().map(|part| part.points).sum();
                self.metrics.delivered_points.inc_by(points);
                batch
                    .iter()
                    .filter_map(|part| part.note.as_ref())
                    .for_each(|note| note.applied(self.backend.id, None));
                Ok(())
            }
            Verdict::TooLarge => self.resolve(target, batch, None).await,
            Verdict::Refused { status, text }
            | Verdict::MissingDatabase { text, status }
            | Verdict::MissingPolicy { text, status } => {
                self.refuse_batch(target, batch, Refusal { status, text }).await
            }
            Verdict::Retry { text } => Err(Failure::Refused(text)),
        }
    }

    /// Sends points; creates a database or policy that the fleet knows and the backend does not.
    pub(super) async fn send(&self, target: &Target, lines: Bytes) -> Result<Verdict, Failure> {
        let verdict = self.send_once(target, lines.clone()).await?;
        let missing = matches!(verdict, Verdict::MissingDatabase { .. } | Verdict::MissingPolicy { .. });
        if !missing || !self.create_missing(target).await? {
            return Ok(verdict);
        }
        self.send_once(target, lines).await
    }

    async fn send_once(&self, target: &Target, lines: Bytes) -> Result<Verdict, Failure> {
        let gzip = match self.config.gzip {
            Gzip::Always => true,
            Gzip::Never => false,
            Gzip::Auto => !self.backend.address.load().as_deref().is_some_and(HttpUrl::is_loopback),
        };
        let body = if gzip {
            tokio::task::spawn_blocking(move || compress(&lines)).await?
        } else {
            lines
        };
        self.metrics.sent_bytes.inc_by(body.len() as u64);
        let answer = self.client.write(&self.backend, target.as_pair(), body, gzip).await?;
        Ok(verdict::of_write(answer.status, &answer.body))
    }

    /// Runs the statements that create what is missing; answers whether the fleet knew it.
    async fn create_missing(&self, target: &Target) -> Result<bool, Failure> {
        let statements = self.lookup.creation(&self.client, &target.db, &target.policy).await;
        for statement in &statements {
            let answer = self.client.statement(&self.backend, &target.db, statement).await?;
            tracing::info!(backend = %self.backend.config.name, %statement, status = answer.status, "created what the backend missed");
        }
        Ok(!statements.is_empty())
    }

    async fn deliver_statement(&self, record: &Record<'_>, entry: &Entry<Note>) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(record.body);
        let answer = self.client.statement(&self.backend, record.db, &text).await?;
        match verdict::of_statement(answer.status, &answer.body) {
            Verdict::Retry { text } => Err(Failure::Refused(text)),
            Verdict::Applied => {
                if let Some(note) = &entry.note {
                    note.applied(self.backend.id, Some(answer.body));
                }
                Ok(())
            }
            _ => {
                let refusal = Refusal {
                    status: answer.status,
                    text: verdict::error_text(&answer.body),
                };
                let target = Target {
                    db: record.db.to_owned(),
                    policy: String::new(),
                };
                let told = entry.note.as_ref().is_some_and(|note| note.refused(&refusal));
                if told {
                    Ok(())
                } else {
                    self.bury(&target, &refusal.text, record.body, 1).await
                }
            }
        }
    }

    /// Keeps refused points for the operator.
    pub(super) async fn bury(&self, target: &Target, reason: &str, lines: &[u8], points: u64) -> Result<(), Failure> {
        let name = &self.backend.config.name;
        self.dead_letters
            .keep(&Letter::new(self.clock.now(), name, target.as_pair(), reason, lines))
            .await?;
        self.metrics.dead_letters.inc_by(points);
        tracing::warn!(backend = %name, db = %target.db, points, reason, "points refused for good: kept as dead letters");
        Ok(())
    }

    async fn bury_unreadable(&self, entry: &Entry<Note>) -> Result<(), Failure> {
        let target = Target {
            db: String::new(),
            policy: String::new(),
        };
        self.bury(&target, "not a record of this version", &entry.payload, 1)
            .await
    }
}

fn add_to_group(groups: &mut Vec<(Target, Vec<Part>)>, record: &Record<'_>, entry: &Entry<Note>) {
    let lines = entry.payload.slice_ref(record.body);
    let part = Part {
        lines,
        points: u64::from(record.points),
        note: entry.note.clone(),
    };
    match groups
        .iter_mut()
        .find(|(target, _)| target.as_pair() == (record.db, record.policy))
    {
        Some((_, parts)) => parts.push(part),
        None => groups.push((
            Target {
                db: record.db.to_owned(),
                policy: record.policy.to_owned(),
            },
            vec![part],
        )),
    }
}

/// One body out of many; a single one is not copied.
pub(super) fn concatenate(parts: &[Part]) -> Bytes {
    if let [part] = parts {
        return part.lines.clone();
    }
    let mut body = BytesMut::with_capacity(parts.iter().map(|part| part.lines.len()).sum());
    parts.iter().for_each(|part| body.extend_from_slice(&part.lines));
    body.freeze()
}

fn compress(lines: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(lines.len() / 4), flate2::Compression::fast());
    // Writing into a Vec cannot fail.
    let written = encoder.write_all(lines).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

#[cfg(test)]
mod tests;

//! Asking one replica after another until one answers.

use std::{sync::Arc, time::Duration};

use reqwest::{Response, header};
use tokio::time::Instant;

use crate::{
    base::{BackendId, Reserved},
    influx::{
        influxql::ast::Statement,
        result::{Decoder, Format, StatementResult, decode_msgpack},
    },
};

use super::{
    super::{
        choice::{self, Candidate},
        client::{Client, SendError},
        fleet::{Backend, ReadInFlight},
        local::Local,
        plan::Replicas,
        verdict::error_text,
    },
    Asked, Options, QueryError, Reader, Relayed,
};

/// How often a read looks whether a replica has caught up while it waits for one.
pub(super) const POLL: Duration = Duration::from_millis(2);

/// How often a read that waits looks whether its backend still counts as alive.
const LIVENESS_POLL: Duration = Duration::from_millis(100);

/// How long a backend that broke off an answer has to show that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// What decoded cells take more than their JSON, at least: paid for from the budget.
const DECODED_FACTOR: u64 = 4;

impl Reader {
    /// Sends a request to the best replica, and to the next one when that cannot answer.
    pub(super) async fn ask(
        &self,
        client: &Client,
        replicas: &Replicas,
        send: impl AsyncFn(&Backend) -> Result<Response, SendError>,
    ) -> Result<Relayed, QueryError> {
        let candidates = self.candidates(replicas, self.mark(replicas)).await;
        let mut tried: Vec<(BackendId, String)> = Vec::new();
        for Candidate { backend, current } in candidates {
            if !current {
                tracing::debug!(backend = %backend.config.name, "asking a replica that lags");
            }
            let in_flight = ReadInFlight::on(&backend);
            let asked_at = Instant::now();
            let answered = tokio::select! {
                answered = send(&backend) => answered,
                () = silence(&backend) => Err(SendError::Lost("it stopped answering pings".to_owned())),
            };
            match answered {
                Ok(response) if is_answer(&response) => {
                    let micros = u64::try_from(asked_at.elapsed().as_micros()).unwrap_or(u64::MAX);
                    backend.condition.note_latency_us(micros);
                    return Ok(Relayed { response, in_flight });
                }
                Ok(response) => tried.push((backend.id, format!("answers {}", refusal(response).await))),
                Err(error @ (SendError::Connect(_) | SendError::Setup(_))) => {
                    tried.push((backend.id, error.to_string()));
                }
                Err(error) => {
                    if client.ping(&backend, SIGN_OF_LIFE).await.is_err() {
                        return Err(QueryError::BackendLost {
                            backend: backend.config.name.clone(),
                            reason: error.to_string(),
                        });
                    }
                    tried.push((backend.id, error.to_string()));
                }
            }
            let reason = tried.last().map_or("", |(_, reason)| reason);
            tracing::warn!(backend = %backend.config.name, reason, "replica cannot answer: asking the next");
        }
        Err(QueryError::Unavailable(self.why_none(replicas, &tried)))
    }

    /// Why each of the replicas does not answer.
    fn why_none(&self, replicas: &Replicas, tried: &[(BackendId, String)]) -> String {
        let reasons = replicas.backends.iter().map(|at| {
            let backend = &self.fleet.backends[*at];
            let reason = tried.iter().find(|(id, _)| *id == backend.id);
            let reason = reason.map_or("cannot be asked", |(_, reason)| reason);
            format!("{}: {reason}", backend.config.name)
        });
        reasons.collect::<Vec<_>>().join("; ")
    }

    /// How far a replica must have got to answer.
    fn mark(&self, replicas: &Replicas) -> u64 {
        let mark = replicas.slots.iter().map(|slot| self.watermarks.mark(*slot)).max();
        // Marks are raised before the commit. What failed to be written raised them, too, and nobody ever reaches it.
        mark.unwrap_or(u64::MAX).min(self.intake.journal.committed())
    }

    /// The usable replicas, best first; waits a while for one that has everything.
    async fn candidates(&self, replicas: &Replicas, mark: u64) -> Vec<Candidate> {
        let deadline = Instant::now() + self.patience;
        loop {
            let ranked = choice::rank(replicas.backends.iter().map(|at| &self.fleet.backends[*at]), mark);
            if ranked.first().is_none_or(|best| best.current) || Instant::now() >= deadline {
                return ranked;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The embedded backend that comes first, if one does.
    pub(super) async fn best_local(&self, replicas: &Replicas) -> Option<(Arc<Backend>, Arc<Local>)> {
        let candidates = self.candidates(replicas, self.mark(replicas)).await;
        let best = &candidates.first()?.backend;
        Some((Arc::clone(best), Arc::clone(best.local.as_ref()?)))
    }

    /// Asks a statement of one of its replicas and holds the answer.
    pub(super) async fn ask_decoded(
        &self,
        client: &Client,
        replicas: &Replicas,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        match self.best_local(replicas).await {
            Some((backend, local)) => self.hold_local(&backend, &local, statement, options, reserved).await,
            None => self.ask_remote(client, replicas, statement, options, reserved).await,
        }
    }

    /// Asks a statement of a replica that is an InfluxDB server, and reads the answer.
    pub(super) async fn ask_remote(
        &self,
        client: &Client,
        replicas: &Replicas,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let text = statement.to_string();
        let format = Format::from_accept(&options.accept);
        let counted = is_counted(statement, options, format);
        let form = form(&text, options, counted);
        // JSON does not tell a float from an integer; only MessagePack shows the difference to the client.
        let accept = match (statement, format) {
            (Statement::Select(_), Format::MsgPack) => Format::MsgPack,
            _ => Format::Json,
        };
        let asked = self.ask(client, replicas, async |backend| {
            client.query(backend, &form, accept.content_type()).await
        });
        let answer = asked.await?;
        let mut result = self.decode(answer, reserved).await?;
        if counted {
            result.series.iter_mut().for_each(|series| series.restore_times());
        }
        Ok(result)
    }

    /// Asks a statement of this very backend.
    pub(super) async fn ask_one(
        &self,
        client: &Client,
        backend: &Arc<Backend>,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        if let Some(local) = &backend.local {
            return self.hold_local(backend, local, statement, options, reserved).await;
        }
        let statement = &statement.to_string();
        let in_flight = ReadInFlight::on(backend);
        let unavailable = |reason: String| QueryError::Unavailable(format!("{}: {reason}", backend.config.name));
        let form = form(statement, options, false);
        let response = client
            .query(backend, &form, "application/json")
            .await
            .map_err(|error| unavailable(error.to_string()))?;
        if !is_answer(&response) {
            return Err(unavailable(refusal(response).await));
        }
        self.decode(Relayed { response, in_flight }, reserved).await
    }

    async fn decode(&self, answer: Relayed, reserved: &mut Reserved) -> Asked {
        let Relayed {
            mut response,
            in_flight: _still_reading,
        } = answer;
        let bad = |text: String| QueryError::Unsupported(text);
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let is_packed = content_type.is_some_and(|value| value == Format::MsgPack.content_type());
        let mut packed = Vec::new();
        let max_merged = self.settings.max_merged.as_usize();
        let mut decoder = Decoder::new(max_merged);
        let mut whole: Option<crate::influx::result::Response> = None;
        let mut held = 0;
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| QueryError::Unavailable(error.to_string()))?
        {
            held += chunk.len();
            if held > max_merged {
                return Err(QueryError::TooLarge(max_merged));
            }
            if !reserved.try_grow(chunk.len() as u64 * DECODED_FACTOR) {
                return Err(QueryError::Busy);
            }
            if is_packed {
                packed.extend_from_slice(&chunk);
                continue;
            }
            for document in decoder.push(&chunk).map_err(|error| bad(error.to_string()))? {
                match &mut whole {
                    None => whole = Some(document),
                    Some(whole) => whole.append(document),
                }
            }
        }
        decoder.finish().map_err(|error| bad(error.to_string()))?;
        if is_packed {
            whole = Some(decode_msgpack(&packed).map_err(|error| bad(error.to_string()))?);
        }
        let whole = whole.unwrap_or_default();
        match (whole.error, whole.results.into_iter().next()) {
            (Some(error), _) => Err(QueryError::Unsupported(error)),
            (None, first) => Ok(first.unwrap_or_else(StatementResult::default)),
        }
    }
}

/// Whether times are asked for as numbers. A statement with a time zone shows local times, unless the client wants
/// numbers, or a format that has no text for times.
fn is_counted(statement: &Statement, options: &Options, format: Format) -> bool {
    let wants_numbers = options.passed.iter().any(|(name, _)| *name == "epoch");
    match statement {
        Statement::Select(select) => select.time_zone.is_none() || wants_numbers || format != Format::Json,
        _ => false,
    }
}

/// Ends when the backend no longer counts as alive: a query has no time limit of its own, but must not wait for the dead.
async fn silence(backend: &Backend) {
    while backend.condition.is_usable() {
        tokio::time::sleep(LIVENESS_POLL).await;
    }
}

fn form<'a>(text: &'a str, options: &'a Options, counted: bool) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("q", text),
        ("db", options.db.as_str()),
        ("rp", options.policy.as_str()),
        ("chunked", "true"),
    ];
    if counted {
        form.push(("epoch", "ns"));
    }
    form.retain(|(_, value)| !value.is_empty());
    form
}

/// A backend that answers 2xx or says that the query is wrong has answered; others may do better with the rest.
fn is_answer(response: &Response) -> bool {
    let status = response.status();
    status.is_success() || matches!(status.as_u16(), 400 | 404 | 413 | 422)
}

async fn refusal(response: Response) -> String {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap_or_default();
    format!("{status} {}", error_text(&body))
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use crate::{
        base::{ByteBudget, SystemClock},
        config::Ack,
        influx::line::{Limits, Precision},
        obs::WriteMetrics,
        proxy::{
            agreement::{Agreement, ring::RingDocument},
            intake::{Intake, Write},
            schema::Database,
            testing::Rig,
            watermark::Watermarks,
        },
    };

    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_write_that_failed() {
        let rig = Rig::new(&["http://127.0.0.1:1"], "").await;
        let (clock, watermarks) = (Arc::new(SystemClock::new()), Arc::new(Watermarks::starting_at(0)));
        let lookup = Arc::clone(&rig.courier.lookup);
        lookup.learn("db", Database::default()).await.unwrap();
        let agreement = Agreement::open(Arc::clone(&rig.shared), RingDocument::of(&rig.config)).await;
        let limits = Limits {
            max_line: 1 << 10,
            max_errors: 1 << 10,
        };
        let intake = Arc::new(Intake {
            agreement: Arc::new(agreement.unwrap()),
            fleet: Arc::clone(&rig.fleet),
            journal: rig.journal.clone(),
            watermarks: Arc::clone(&watermarks),
            lookup: Arc::clone(&lookup),
            clock: Arc::clone(&clock) as _,
            ack: Ack::Journal,
            statement_timeout: Duration::ZERO,
            limits,
            databases: rig.config.proxy.databases.clone(),
            metrics: WriteMetrics::default(),
        });
        let reader = Reader {
            fleet: Arc::clone(&rig.fleet),
            watermarks,
            intake: Arc::clone(&intake),
            lookup,
            patience: Duration::ZERO,
            settings: rig.config.query,
            admission: Semaphore::new(1),
            budget: ByteBudget::new(0),
            clock,
        };
        let write = Write {
            db: "db",
            policy: "",
            precision: Precision::Nanoseconds,
            body: b"m v=1 1",
        };
        rig.fs.fail_syncs(1);
        assert!(intake.write(&rig.courier.client, write).await.is_err());
        let placement = rig.fleet.placement(b"db", b"m");
        let replicas = Replicas {
            backends: placement.owners.to_vec(),
            slots: vec![placement.slot],
        };
        let condition = &rig.courier.backend.condition;
        assert!(condition.has_reached(reader.mark(&replicas)));
        intake.write(&rig.courier.client, write).await.unwrap();
        assert!(!condition.has_reached(reader.mark(&replicas)));
    }
}

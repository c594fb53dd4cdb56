//! Versioned metadata of clusters: compare-and-swap writes, reads that wait for news, a bounded history.
//!
//! The store is the authority. Every write and every read looks at the cluster's head in the store, decides by
//! [`crate::cluster::version`], and a write swaps the head if it is still the one that was looked at; otherwise it
//! decides again. A swap, the bytes of the new version and the deletion of versions that are no longer kept are one
//! transaction, so that nothing is acknowledged before it is durable, and no bytes are left without a head.
//!
//! ```text
//! write, read --get, txn--> store --changes of heads--> MetaVersionActor --bytes, once for all--> directory --> waiting reads
//! ```
//!
//! A read that waits has subscribed before it looked, is woken by the actor with the bytes in hand, and looks at the
//! store once more when its time is up: a silent actor delays news but never hides them.

mod blobs;
mod directory;
mod follower;
mod heads;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use tokio::{sync::watch, time::Instant};

use crate::{
    base::{ByteSize, Clock, ErrorKind},
    cluster::{
        head::{Digest, Entry, Head, InvalidHead, Keep},
        version::{Life, Look, OnWrite, Poll, Seen, on_write},
    },
    meta::{self, MetaStore, Revision},
};

use super::guard::Guarded;
use directory::{Directory, State, Subscription};
use follower::MetaVersionActor;
use heads::{Heads, Stored};

pub use directory::Document;

/// Bodies up to this size are hashed where they are: that takes about a millisecond.
const INLINE_HASHED: usize = 256 << 10;

/// What the actor and its handles are made of; survives the actor's restarts.
#[derive(Debug, Clone)]
pub struct VersionsParts {
    /// Where everything is.
    pub store: Arc<dyn MetaStore>,
    /// Dates versions.
    pub clock: Arc<dyn Clock>,
    /// What is kept of a cluster.
    pub keep: Keep,
    /// The largest body.
    pub max_blob: ByteSize,
}

/// The way to the versioned metadata. Clones share everything.
#[derive(Debug, Clone)]
pub struct VersionsHandle {
    heads: Heads,
    directory: Arc<Directory>,
    clock: Arc<dyn Clock>,
    keep: Keep,
    max_blob: ByteSize,
    stopping: watch::Sender<bool>,
    actor: Guarded<MetaVersionActor>,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// It is durable, as this version.
    Stored(u64),
    /// Its author has not seen this, the current version; nothing was changed.
    Conflict(Document),
    /// Its author has seen a version, and there is none; nothing was changed.
    NotFound,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Another version than the client has.
    Newer(Document),
    /// The client has the current version, or, without a number, there was none when the process stopped.
    NoNews(Option<u64>),
    /// There is nothing.
    NotFound,
}

/// How long a read waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// For a version other than the client's.
    pub time: Duration,
    /// Whether it also waits for the first version.
    pub for_creation: bool,
}

/// Metadata could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VersionsError {
    /// The body is too large.
    #[error("metadata of {size} bytes exceed the limit of {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: ByteSize,
    },
    /// The store failed; a write may or may not have been done.
    #[error(transparent)]
    Store(#[from] meta::Error),
    /// The store holds no readable head.
    #[error(transparent)]
    Head(#[from] InvalidHead),
    /// The bytes of a version are missing or have another size than its head says.
    #[error("bytes of version {0} are damaged")]
    Body(u64),
}

impl VersionsError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Store(error) => error.kind(),
            Self::Head(_) | Self::Body(_) => ErrorKind::Corrupt,
        }
    }
}

impl VersionsHandle {
    /// Starts the actor on the current arbiter.
    #[must_use]
    pub fn start(parts: VersionsParts, restarts: Counter) -> Self {
        let VersionsParts {
            store,
            clock,
            keep,
            max_blob,
        } = parts;
        let heads = Heads::new(store);
        let directory = Arc::<Directory>::default();
        Self {
            actor: follower::start(heads.clone(), Arc::clone(&directory), restarts),
            heads,
            directory,
            clock,
            keep,
            max_blob,
            stopping: watch::Sender::new(false),
        }
    }

    /// Stores `body` as the next version, if `seen` is the current one (0: none was ever written).
    ///
    /// # Errors
    /// See [`VersionsError`]. When the store failed, the same write can be sent again: if it was done after all, that is
    /// recognised.
    pub async fn write(&self, cluster: &str, seen: u64, body: Bytes) -> Result<Write, VersionsError> {
        if body.len() as u64 > self.max_blob.0 {
            return Err(VersionsError::TooLarge {
                size: body.len(),
                limit: self.max_blob,
            });
        }
        let digest = digest_of(&body).await;
        let key = heads::key(cluster);
        loop {
            let stored = self.heads.get(&key).await?;
            match on_write(stored.as_ref().map(|stored| &stored.head), seen, &digest) {
                OnWrite::Store(version) => {
                    if self.store_version(&key, stored, (version, &digest, &body)).await? {
                        return Ok(Write::Stored(version));
                    }
                }
                OnWrite::Replayed(version) => return Ok(Write::Stored(version)),
                OnWrite::NotFound => return Ok(Write::NotFound),
                OnWrite::Conflict => {
                    if let Some(stored) = &stored
                        && let Some(body) = self.body(&self.directory.subscribe(&key), stored).await?
                    {
                        let version = stored.head.current.version;
                        return Ok(Write::Conflict(Document { version, body }));
                    }
                }
            }
        }
    }

    /// Reads the current version, or waits for one other than `version`, the client's.
    ///
    /// # Errors
    /// See [`VersionsError`].
    pub async fn read(&self, cluster: &str, version: u64, wait: Wait) -> Result<Read, VersionsError> {
        let key = heads::key(cluster);
        let mut subscription = self.directory.subscribe(&key);
        let deadline = Instant::now() + wait.time;
        let mut poll = Poll::new(version, wait.for_creation);
        let mut known = Revision(0);
        loop {
            let stored = self.heads.get(&key).await?;
            match poll.look(stored.as_ref().map(Stored::seen)) {
                Look::NotFound => return Ok(Read::NotFound),
                Look::Answer => {
                    if let Some(stored) = &stored
                        && let Some(body) = self.body(&subscription, stored).await?
                    {
                        let version = stored.head.current.version;
                        return Ok(Read::Newer(Document { version, body }));
                    }
                    continue;
                }
                Look::Hold => {}
            }
            let current = stored.as_ref().map(|stored| stored.head.current.version);
            if self.is_stopping() {
                return Ok(Read::NoNews(current));
            }
            if Instant::now() >= deadline {
                return Ok(current.map_or(Read::NotFound, |version| Read::NoNews(Some(version))));
            }
            known = known.max(stored.as_ref().map_or(Revision(0), |stored| stored.revision));
            if let Some(read) = self
                .hold(&mut subscription, (&mut poll, &mut known), (current, deadline))
                .await
            {
                return Ok(read);
            }
        }
    }

    /// Waits for what ends the poll; `None`: it must look at the store again.
    async fn hold(
        &self,
        subscription: &mut Subscription,
        (poll, known): (&mut Poll, &mut Revision),
        (current, deadline): (Option<u64>, Instant),
    ) -> Option<Read> {
        loop {
            let state = tokio::select! {
                biased;
                state = subscription.after(*known) => state,
                () = self.stopped() => return Some(Read::NoNews(current)),
                () = tokio::time::sleep_until(deadline) => return None,
            };
            *known = state.revision;
            // Whoever has seen nothing does not know what is newer than that.
            current?;
            match (poll.look(state.current.as_ref().map(|(seen, _)| *seen)), state.current) {
                (Look::Answer, Some((Seen { version, .. }, body))) => {
                    return Some(Read::Newer(Document { version, body }));
                }
                (Look::NotFound, _) => return Some(Read::NotFound),
                (Look::Hold | Look::Answer, _) => {}
            }
        }
    }

    /// The versions that are kept, newest first; `None` when there is nothing.
    ///
    /// # Errors
    /// See [`VersionsError`].
    pub async fn history(&self, cluster: &str) -> Result<Option<Vec<Entry>>, VersionsError> {
        let stored = self.heads.get(&heads::key(cluster)).await?;
        Ok(stored.map(|stored| stored.head.entries().cloned().collect()))
    }

    /// A version that is still kept.
    ///
    /// # Errors
    /// See [`VersionsError`].
    pub async fn history_body(&self, cluster: &str, version: u64) -> Result<Option<Document>, VersionsError> {
        let key = heads::key(cluster);
        loop {
            let Some(stored) = self.heads.get(&key).await? else {
                return Ok(None);
            };
            let Some(entry) = stored.head.entries().find(|entry| entry.version == version) else {
                return Ok(None);
            };
            if let Some(body) = self.heads.body(&stored, entry).await? {
                return Ok(Some(Document { version, body }));
            }
        }
    }

    /// Forgets a cluster's metadata, history included; whether there were any.
    ///
    /// # Errors
    /// See [`VersionsError`].
    pub async fn delete(&self, cluster: &str) -> Result<bool, VersionsError> {
        let key = heads::key(cluster);
        loop {
            let Some(stored) = self.heads.get(&key).await? else {
                return Ok(false);
            };
            if self.heads.delete(&stored).await? {
                return Ok(true);
            }
        }
    }

    /// Reads under way; nearly all of them wait.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.directory.listeners()
    }

    /// Answers all waiting reads, and from now on every read at once: the process stops.
    pub fn end_waits(&self) {
        self.stopping.send_replace(true);
    }

    /// Lets `time` pass, unless the process stops.
    pub async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Ends the actor, and the waits if they have not been ended.
    pub async fn stop(&self) {
        self.end_waits();
        follower::stop(&self.actor).await;
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        follower::crash(&self.actor).await;
    }

    /// Swaps the head for one with the new version; `false` when it is no longer the one that was looked at.
    async fn store_version(
        &self,
        key: &Arc<str>,
        before: Option<Stored>,
        (version, digest, body): (u64, &Digest, &Bytes),
    ) -> Result<bool, VersionsError> {
        let blob = blobs::new_name();
        let entry = Entry {
            version,
            written_at: self.clock.now(),
            digest: digest.clone(),
            blob: blob.clone(),
        };
        let revision = before.as_ref().map(|before| before.revision);
        let (head, dropped) = Head::after(before.map(|before| before.head), entry, self.keep);
        self.heads.swap((key, revision), &head, (&blob, body), &dropped).await
    }

    /// The bytes of the current version, read once for all who ask at the same time; `None` when there is a newer one.
    async fn body(&self, subscription: &Subscription, stored: &Stored) -> Result<Option<Bytes>, VersionsError> {
        let known = || subscription.at(stored.revision).map(|(_, body)| body);
        if let Some(body) = known() {
            return Ok(Some(body));
        }
        let _reading = subscription.channel().reading.lock().await;
        if let Some(body) = known() {
            return Ok(Some(body));
        }
        let body = self.heads.body(stored, &stored.head.current).await?;
        if let Some(body) = &body {
            subscription.channel().publish(State {
                revision: stored.revision,
                current: Some((stored.seen(), body.clone())),
            });
        }
        Ok(body)
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    async fn stopped(&self) {
        // The sender is this handle's: it cannot be gone.
        let mut stopping = self.stopping.subscribe();
        drop(stopping.wait_for(|stopping| *stopping).await);
    }
}

impl Stored {
    /// What a poll sees of it.
    fn seen(&self) -> Seen {
        Seen {
            version: self.head.current.version,
            life: Life(self.created.0),
        }
    }
}

async fn digest_of(body: &Bytes) -> Digest {
    if body.len() <= INLINE_HASHED {
        return Digest::of(body);
    }
    let shared = body.clone();
    match tokio::task::spawn_blocking(move || Digest::of(&shared)).await {
        Ok(digest) => digest,
        // the runtime ends
        Err(_) => Digest::of(body),
    }
}

#[cfg(test)]
mod tests;

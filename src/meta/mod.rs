//! Durable documents that are not points: nodes, cluster metadata, tasks, users, rings, jobs.
//!
//! [`MetaStore`] is the one interface, with etcd's semantics, so that the embedded store and etcd are the same to
//! every caller. Both must pass one conformance suite.
//!
//! * Keys are non-empty UTF-8 paths such as `/schema/db0`, ordered by their bytes; values are bytes.
//! * The store has one revision. Every transaction that changes something raises it by one, and all its changes carry
//!   that revision. A transaction that changes nothing leaves it.
//! * Each key knows the revision that created it, the one that last put it, and its version: the puts since it was
//!   created, from 1. Deletion ends that life; the next put starts a new one.
//! * A transaction compares, then does one of two lists of operations, all or nothing. Answered means durable.
//! * A watch delivers every later change in order, one [`Batch`] a revision, without gaps, or says
//!   [`Error::Compacted`]. List, then watch from the revision after the list's: no change is missed.
//! * A key put with a lease is deleted when the lease expires or is revoked, all its keys in one revision, unless it was
//!   put again or persisted. Leases are kept alive in memory only; when the store restarts, each lives for one more full
//!   time to live.
//!
//! ```text
//! callers -> trait MetaStore -> Embedded: embedded/writer (one thread, group commit) -> embedded (redb)
//!                                              |  decides by machine (PURE); deadlines: keeping leases alive
//!                                              v
//!                                         embedded/view: documents + history, read by get, list, watch
//! ```

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{future::BoxFuture, stream::BoxStream};

mod deadlines;
mod documents;
mod embedded;
mod error;
mod etcd;
mod follow;
mod history;
pub mod large;
mod machine;
mod snapshot;
mod txn;

pub use embedded::{CommitStats, Embedded};
pub use error::Error;
pub use etcd::{Etcd, EtcdOptions};
pub use follow::{Update, follow};
pub use history::HistoryLimit;
pub use snapshot::Snapshot;
pub use txn::{Compare, Condition, MAX_KEY, MAX_OPS, MAX_TXN, MAX_VALUE, Op, Response, Txn, TxnResult};

/// Most entries that one [`MetaStore::list`] answers.
pub const MAX_PAGE: usize = 1000;
/// Longest time to live of a lease: what outlives a year is no lease.
pub const MAX_TTL: Duration = Duration::from_secs(366 * 86_400);

/// A point in the store's history; the empty store is at 1, as in etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// Names a lease; never given twice by the same store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// A document and what the store knows of it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Arc<str>,
    /// The value.
    pub value: Bytes,
    /// The revision at which the key came to exist.
    pub created: Revision,
    /// The revision at which the value was put.
    pub modified: Revision,
    /// Puts since the key came to exist, this one included.
    pub version: u64,
    /// The lease with which the key vanishes.
    pub lease: Option<LeaseId>,
}

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The key was put and now is this.
    Put(KeyValue),
    /// The key was deleted, or vanished with its lease.
    Delete(Arc<str>),
}

/// All changes of one revision, in the order in which the transaction made them; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The revision of these changes.
    pub revision: Revision,
    /// The changes.
    pub events: Vec<Event>,
}

/// Part of the store's keys, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The store's revision when the page was read.
    pub revision: Revision,
    /// The entries.
    pub entries: Vec<KeyValue>,
    /// Whether there are entries after the last one.
    pub more: bool,
}

/// An answer to come.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// Changes as they happen; after an error it ends. [`Error::Closed`] says that the store was shut down.
pub type Watch = BoxStream<'static, Result<Batch, Error>>;

/// The interface to durable documents; see the module's page for the semantics.
///
/// Dropping an answer does not take the request back: it may still be carried out.
pub trait MetaStore: fmt::Debug + Send + Sync {
    /// Reads one key; at least as new as every change answered before.
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<KeyValue>>;

    /// Reads the keys that start with `prefix` and come after the key `after`, at most `limit` of them and never more
    /// than [`MAX_PAGE`]. Each page is read at its own revision.
    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> Answer<'a, Page>;

    /// Compares and does, atomically; answered when durable.
    ///
    /// Fails as [`Txn::check`] does, or with [`Error::LeaseNotFound`] when the branch to be done puts a key with a
    /// lease that does not exist, or with [`Error::Unavailable`]. Then nothing was changed. After
    /// [`Error::Unanswered`], [`Error::Storage`] and [`Error::Closed`] it is not known whether it was.
    fn txn(&self, txn: Txn) -> Answer<'_, TxnResult>;

    /// Streams the changes of keys that start with `prefix`, from the revision `from` on, itself included; it may be a
    /// future one. [`Error::Compacted`] comes through the stream: at once, or later when the reader fell too far behind.
    fn watch(&self, prefix: &str, from: Revision) -> Watch;

    /// Grants a lease that ends when it was not kept alive for `ttl`; a store may end it somewhat later, never earlier.
    fn lease_grant(&self, ttl: Duration) -> Answer<'_, LeaseId>;

    /// Lets the lease live for another full time to live from now.
    fn lease_keep_alive(&self, lease: LeaseId) -> Answer<'_, ()>;

    /// Ends the lease and deletes its keys, in one revision.
    fn lease_revoke(&self, lease: LeaseId) -> Answer<'_, ()>;

    /// Stores a value without condition and lease; the answer is the revision that did it.
    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> Answer<'a, Revision> {
        Box::pin(async move { Ok(self.txn(Txn::always(vec![Op::put(key, value)])).await?.revision) })
    }

    /// Deletes a key without condition; the answer is whether it existed.
    fn delete<'a>(&'a self, key: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let result = self.txn(Txn::always(vec![Op::Delete(key.into())])).await?;
            Ok(result.responses == [Response::Deleted(1)])
        })
    }

    /// Reads all keys that start with `prefix`, page after page.
    ///
    /// The answer's revision is that of the first page: a watch from the next one repeats what later pages may have
    /// seen already, and misses nothing.
    fn load<'a>(&'a self, prefix: &'a str) -> Answer<'a, Page> {
        Box::pin(async move {
            let mut all = self.list(prefix, None, MAX_PAGE).await?;
            while all.more {
                let after = all.entries.last().map(|entry| Arc::clone(&entry.key));
                let next = self.list(prefix, after.as_deref(), MAX_PAGE).await?;
                all.entries.extend(next.entries);
                all.more = next.more;
            }
            Ok(all)
        })
    }
}

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Event {
    /// The key that changed.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Put(kv) => &kv.key,
            Self::Delete(key) => key,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Checks a time to live that a lease is to have.
///
/// # Errors
/// [`Error::InvalidTtl`] when it is zero or above [`MAX_TTL`].
pub fn check_ttl(ttl: Duration) -> Result<(), Error> {
    if ttl.is_zero() || ttl > MAX_TTL {
        return Err(Error::InvalidTtl);
    }
    Ok(())
}

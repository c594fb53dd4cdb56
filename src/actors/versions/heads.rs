//! Heads and the bytes of versions in the store.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    cluster::{
        head::{Entry, Head},
        key::escape,
    },
    config,
    meta::{Compare, Condition, KeyValue, MAX_OPS, MetaStore, Op, Revision, Txn, large},
};

use super::VersionsError;

const _: () = assert!(
    config::MAX_BLOB.0 <= large::MAX_LARGE as u64 && config::MAX_HISTORY.get() < MAX_OPS - 2,
    "what can be configured fits into transactions"
);

/// Every head's key starts with this.
pub(super) const PREFIX: &str = "/clusters/heads/";

/// Every blob's key starts with this and its name.
const BLOBS: &str = "/clusters/blobs/";

/// A head as it was found.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) key: Arc<str>,
    pub(super) head: Head,
    /// When the cluster's first version was written.
    pub(super) created: Revision,
    /// When this head was.
    pub(super) revision: Revision,
}

/// The heads of all clusters.
#[derive(Debug, Clone)]
pub(super) struct Heads {
    pub(super) store: Arc<dyn MetaStore>,
}

/// The key of a cluster's head.
pub(super) fn key(cluster: &str) -> Arc<str> {
    format!("{PREFIX}{}", escape(cluster)).into()
}

/// A name that no other blob has.
pub(super) fn new_blob() -> String {
    // Keyed by the system's randomness: 128 bits of it.
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

impl Stored {
    /// Reads what the store holds.
    pub(super) fn read(found: &KeyValue) -> Result<Self, VersionsError> {
        Ok(Self {
            key: Arc::clone(&found.key),
            head: Head::decode(&found.value)?,
            created: found.created,
            revision: found.modified,
        })
    }
}

impl Heads {
    pub(super) fn new(store: Arc<dyn MetaStore>) -> Self {
        Self { store }
    }

    /// The head as it is now.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Stored>, VersionsError> {
        let found = self.store.get(key).await?;
        found.as_ref().map(Stored::read).transpose()
    }

    /// Replaces the head of this revision, or of none, and gives up what is dropped; `false` when it is another by now.
    pub(super) async fn swap(
        &self,
        (key, revision): (&Arc<str>, Option<Revision>),
        head: &Head,
        body: &Bytes,
        dropped: &[Entry],
    ) -> Result<bool, VersionsError> {
        let is = revision.map_or(Condition::Absent, Condition::Modified);
        let staged = large::stage(self.store.as_ref(), BLOBS, &head.current.blob, body).await?;
        let mut txn = Txn {
            when: vec![Compare::new(Arc::clone(key), is)],
            then: vec![Op::put(Arc::clone(key), head.encode())],
            otherwise: Vec::new(),
        };
        txn.then.extend(dropped.iter().map(removed));
        Ok(staged.commit(self.store.as_ref(), txn).await?.succeeded)
    }

    /// Deletes the head that was found, with all its versions; `false` when it is another by now.
    pub(super) async fn delete(&self, stored: &Stored) -> Result<bool, VersionsError> {
        let mut then = vec![Op::Delete(Arc::clone(&stored.key))];
        then.extend(stored.head.entries().map(removed));
        let is = Condition::Modified(stored.revision);
        let txn = Txn {
            when: vec![Compare::new(Arc::clone(&stored.key), is)],
            then,
            otherwise: Vec::new(),
        };
        Ok(self.store.txn(txn).await?.succeeded)
    }

    /// The bytes of one of a head's versions; `None` when the head is another by now.
    pub(super) async fn body(&self, stored: &Stored, entry: &Entry) -> Result<Option<Bytes>, VersionsError> {
        let Entry { digest, blob, .. } = entry;
        let size = usize::try_from(digest.size).unwrap_or(usize::MAX);
        let body = large::read(self.store.as_ref(), BLOBS, blob, size, &digest.sha256).await?;
        if body.is_some() {
            return Ok(body);
        }
        let now = self.store.get(&stored.key).await?;
        if now.is_some_and(|now| now.modified == stored.revision) {
            return Err(VersionsError::Body(entry.version));
        }
        Ok(None)
    }
}

fn removed(entry: &Entry) -> Op {
    large::remove(BLOBS, &entry.blob)
}

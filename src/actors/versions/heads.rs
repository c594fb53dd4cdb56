//! Heads and blobs in the store.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    cluster::{
        head::{Entry, Head},
        key::escape,
    },
    meta::{Compare, Condition, KeyValue, MetaStore, Op, Revision, Txn},
};

use super::{VersionsError, blobs};

/// Every head's key starts with this.
pub(super) const PREFIX: &str = "/clusters/heads/";

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
        (blob, body): (&str, &Bytes),
        dropped: &[Entry],
    ) -> Result<bool, VersionsError> {
        let is = revision.map_or(Condition::Absent, Condition::Modified);
        let staged = blobs::stage(self.store.as_ref(), blob, body).await?;
        let mut txn = Txn {
            when: vec![Compare::new(Arc::clone(key), is)],
            then: vec![Op::put(Arc::clone(key), head.encode())],
            otherwise: Vec::new(),
        };
        txn.then.extend(dropped.iter().map(|entry| blobs::delete(&entry.blob)));
        Ok(staged.commit(self.store.as_ref(), txn).await?)
    }

    /// Deletes the head that was found, with all its versions; `false` when it is another by now.
    pub(super) async fn delete(&self, stored: &Stored) -> Result<bool, VersionsError> {
        let mut then = vec![Op::Delete(Arc::clone(&stored.key))];
        then.extend(stored.head.entries().map(|entry| blobs::delete(&entry.blob)));
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
        let body = blobs::read(self.store.as_ref(), &entry.blob, entry.digest.size).await?;
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

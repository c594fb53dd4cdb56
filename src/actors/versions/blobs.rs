//! The bytes of versions, in chunks that fit into transactions.
//!
//! Bytes of one chunk are put by the transaction that swaps the head. Larger ones are put before it, bound to a lease from
//! which that transaction takes them: when it is not done, they vanish.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use crate::meta::{Compare, Condition, Error, LeaseId, MetaStore, Op, Txn};

/// Bytes in one chunk: it shares a transaction with a head and the names of what is dropped.
const CHUNK: usize = 512 << 10;
/// How long chunks may wait for their head: the largest body takes seconds.
const STAGED: Duration = Duration::from_secs(60);

/// Bytes on their way into the store.
pub(super) struct Staged {
    when: Vec<Compare>,
    then: Vec<Op>,
    lease: Option<LeaseId>,
}

/// A name that no other blob has.
pub(super) fn new_name() -> String {
    // Keyed by the system's randomness: 128 bits of it name the blob.
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

/// Prepares bytes to be stored under this name by a transaction to come.
pub(super) async fn stage(store: &dyn MetaStore, name: &str, body: &Bytes) -> Result<Staged, Error> {
    if body.len() <= CHUNK {
        return Ok(Staged {
            when: Vec::new(),
            then: vec![Op::put(chunk_key(name, 0), body.clone())],
            lease: None,
        });
    }
    let lease = store.lease_grant(STAGED).await?;
    let mut then = Vec::new();
    for (n, start) in (0..body.len()).step_by(CHUNK).enumerate() {
        let chunk = body.slice(start..body.len().min(start + CHUNK));
        let key = chunk_key(name, n);
        store
            .txn(Txn::always(vec![Op::put_leased(key.as_str(), chunk, lease)]))
            .await?;
        then.push(Op::Persist(key.into()));
    }
    Ok(Staged {
        // All chunks vanish in one revision, so that one stands for all.
        when: vec![Compare::new(chunk_key(name, 0), Condition::Present)],
        then,
        lease: Some(lease),
    })
}

impl Staged {
    /// Does the transaction with the bytes as part of it; whether its conditions held.
    pub(super) async fn commit(self, store: &dyn MetaStore, mut txn: Txn) -> Result<bool, Error> {
        let Self { when, then, lease } = self;
        txn.when.extend(when);
        txn.then.extend(then);
        let succeeded = store.txn(txn).await?.succeeded;
        if let Some(lease) = lease
            && let Err(error) = store.lease_revoke(lease).await
        {
            tracing::debug!(%error, "lease of staged bytes not ended: it ends by itself");
        }
        Ok(succeeded)
    }
}

/// The operation that deletes the bytes of this name.
pub(super) fn delete(name: &str) -> Op {
    Op::DeletePrefix(prefix(name).into())
}

/// Reads `size` bytes; `None` when some are missing.
pub(super) async fn read(store: &dyn MetaStore, name: &str, size: u64) -> Result<Option<Bytes>, Error> {
    let mut body = BytesMut::new();
    for n in 0.. {
        let Some(chunk) = store.get(&chunk_key(name, n)).await? else {
            return Ok(None);
        };
        if n == 0 && chunk.value.len() as u64 == size {
            return Ok(Some(chunk.value));
        }
        body.extend_from_slice(&chunk.value);
        if body.len() as u64 >= size {
            break;
        }
    }
    Ok((body.len() as u64 == size).then(|| body.freeze()))
}

fn prefix(name: &str) -> String {
    format!("/clusters/blobs/{name}/")
}

fn chunk_key(name: &str, n: usize) -> String {
    format!("{}{n:04}", prefix(name))
}

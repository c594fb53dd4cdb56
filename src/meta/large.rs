//! Values larger than a transaction: chunks under a name of their own, to which some document, the head, points.
//!
//! ```text
//! stage                      PREFIX/NAME/0000 .. with a lease     nobody sees them; without a head they vanish with it
//! commit, one transaction:   head -> NAME, chunks off the lease   all there and all kept, or nothing happened
//! ```
//!
//! A value of one chunk needs no lease: it is put by the head's transaction. A name is used once; what reads it holds
//! either the whole value or notices that it was removed.

use std::{fmt::Write as _, time::Duration};

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use super::{Compare, Condition, Error, LeaseId, MAX_OPS, MetaStore, Op, Txn, TxnResult};

/// Most bytes of one chunk: one shares a transaction with a head.
pub const CHUNK: usize = 512 << 10;
/// Most bytes of a large value: its chunks leave a quarter of a transaction's operations to the head.
pub const MAX_LARGE: usize = 96 * CHUNK;

const _: () = assert!(
    MAX_LARGE / CHUNK <= MAX_OPS / 4 * 3,
    "all chunks are persisted in one transaction"
);

/// How long chunks wait for their head; kept alive while they are written.
const STAGED: Duration = Duration::from_secs(60);

/// A value that is stored but not kept until it is committed.
#[derive(Debug)]
#[must_use]
pub struct Staged {
    when: Option<Compare>,
    ops: Vec<Op>,
    lease: Option<LeaseId>,
}

/// Stores `bytes` under `prefix` and `name`, for a transaction that is to come within a minute.
///
/// # Errors
/// [`Error::TooLarge`] above [`MAX_LARGE`], and what the store answers. What was staged then vanishes by itself.
pub async fn stage(store: &dyn MetaStore, prefix: &str, name: &str, bytes: &Bytes) -> Result<Staged, Error> {
    if bytes.len() > MAX_LARGE {
        return Err(Error::TooLarge {
            what: "large value bytes",
            size: bytes.len(),
            limit: MAX_LARGE,
        });
    }
    if bytes.len() <= CHUNK {
        return Ok(Staged {
            when: None,
            ops: vec![Op::put(chunk_key(prefix, name, 0), bytes.clone())],
            lease: None,
        });
    }
    let lease = store.lease_grant(STAGED).await?;
    let mut ops = Vec::new();
    for (number, start) in (0..bytes.len()).step_by(CHUNK).enumerate() {
        let chunk = bytes.slice(start..bytes.len().min(start + CHUNK));
        let key = chunk_key(prefix, name, number);
        let put = Op::put_leased(key.as_str(), chunk, lease);
        store.txn(Txn::always(vec![put])).await?;
        store.lease_keep_alive(lease).await?;
        ops.push(Op::Persist(key.into()));
    }
    Ok(Staged {
        // All chunks vanish in one revision: the first stands for all.
        when: Some(Compare::new(chunk_key(prefix, name, 0), Condition::Present)),
        ops,
        lease: Some(lease),
    })
}

impl Staged {
    /// Does the transaction, which makes a head point to the value, and keeps the value if its conditions hold.
    ///
    /// They do not hold either when the value has vanished meanwhile.
    ///
    /// # Errors
    /// As [`MetaStore::txn`] has them.
    pub async fn commit(self, store: &dyn MetaStore, mut txn: Txn) -> Result<TxnResult, Error> {
        let Self { when, ops, lease } = self;
        let own = ops.len();
        txn.when.extend(when);
        txn.then.extend(ops);
        let mut result = store.txn(txn).await?;
        if result.succeeded {
            result.responses.truncate(result.responses.len().saturating_sub(own));
        }
        if let Some(lease) = lease
            && let Err(error) = store.lease_revoke(lease).await
        {
            tracing::debug!(%error, "lease of a staged value was not revoked, it ends by itself");
        }
        Ok(result)
    }
}

/// Reads a value of `size` bytes; `None` when it was removed. `sha256` is lower-case hexadecimal.
///
/// # Errors
/// [`Error::Corrupt`] when the bytes are not those of the checksum, and what the store answers.
pub async fn read(
    store: &dyn MetaStore,
    prefix: &str,
    name: &str,
    size: usize,
    sha256: &str,
) -> Result<Option<Bytes>, Error> {
    let mut value = BytesMut::new();
    for number in 0..size.div_ceil(CHUNK).max(1) {
        let Some(chunk) = store.get(&chunk_key(prefix, name, number)).await? else {
            return Ok(None);
        };
        value.extend_from_slice(&chunk.value);
    }
    if value.len() != size || hex(&Sha256::digest(&value)) != sha256 {
        return Err(Error::Corrupt(format!(
            "{prefix}{name} is not the value that was stored"
        )));
    }
    Ok(Some(value.freeze()))
}

/// The operation that removes a value.
#[must_use]
pub fn remove(prefix: &str, name: &str) -> Op {
    Op::DeletePrefix(format!("{prefix}{name}/").into())
}

fn chunk_key(prefix: &str, name: &str, number: usize) -> String {
    format!("{prefix}{name}/{number:04}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        base::{ErrorKind, ManualClock},
        meta::{Embedded, HistoryLimit},
    };

    const PREFIX: &str = "/blobs/";

    fn store(dir: &tempfile::TempDir, clock: &ManualClock) -> Embedded {
        let path = dir.path().join("meta.redb");
        Embedded::open(&path, Arc::new(clock.clone()), HistoryLimit::DEFAULT).unwrap()
    }

    fn value(size: usize) -> Bytes {
        (0..size)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect::<Vec<_>>()
            .into()
    }

    fn head(name: &str) -> Txn {
        Txn {
            when: vec![Compare::new("/head", Condition::Absent)],
            then: vec![Op::put("/head", name.to_owned())],
            otherwise: vec![],
        }
    }

    async fn read_back(store: &Embedded, name: &str, expect: &Bytes) -> Result<Option<Bytes>, Error> {
        read(store, PREFIX, name, expect.len(), &hex(&Sha256::digest(expect))).await
    }

    /// Keys left once the store has looked at its clock.
    async fn keys(store: &Embedded) -> usize {
        store.txn(Txn::default()).await.unwrap();
        store.load("").await.unwrap().entries.len()
    }

    #[tokio::test]
    async fn what_is_committed_stays_and_what_is_not_vanishes() {
        for (size, chunks) in [(0, 1), (CHUNK, 1), (CHUNK + 1, 2), (3 * CHUNK, 3)] {
            let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
            let store = store(&dir, &clock);
            let bytes = value(size);
            let kept = stage(&store, PREFIX, "kept", &bytes).await.unwrap();
            let lost = stage(&store, PREFIX, "lost", &bytes).await.unwrap();
            let result = kept.commit(&store, head("kept")).await.unwrap();
            assert!(result.succeeded && result.responses.len() == 1, "{result:?}");
            assert!(!lost.commit(&store, head("lost")).await.unwrap().succeeded);
            let abandoned = stage(&store, PREFIX, "abandoned", &bytes).await.unwrap();
            clock.advance(STAGED);
            assert_eq!(keys(&store).await, 1 + chunks, "{size} bytes");
            if chunks > 1 {
                let vanished = abandoned.commit(&store, Txn::default()).await.unwrap();
                assert!(!vanished.succeeded);
            }
            assert_eq!(read_back(&store, "kept", &bytes).await.unwrap().unwrap(), bytes);
            let removed = Txn::always(vec![remove(PREFIX, "kept")]);
            store.txn(removed).await.unwrap();
            assert_eq!(read_back(&store, "kept", &bytes).await.unwrap(), None);
            assert_eq!(keys(&store).await, 1);
        }
    }

    #[tokio::test]
    async fn damage_and_size_are_noticed() {
        let (dir, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let store = store(&dir, &clock);
        let bytes = value(2 * CHUNK);
        let staged = stage(&store, PREFIX, "a", &bytes).await.unwrap();
        staged.commit(&store, head("a")).await.unwrap();
        store.put("/blobs/a/0001", value(CHUNK)).await.unwrap();
        let damaged = read_back(&store, "a", &bytes).await.unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Corrupt);
        let error = stage(&store, PREFIX, "c", &value(MAX_LARGE + 1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

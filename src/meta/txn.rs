//! Transactions: conditions on keys, what to do when all hold, what to do otherwise.
//!
//! Limits are checked once, by [`Txn::check`], before a transaction reaches a store; both branches count.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{Error, KeyValue, LeaseId, Revision};

/// Longest key, in bytes.
pub const MAX_KEY: usize = 4 << 10;
/// Longest value, in bytes.
pub const MAX_VALUE: usize = 1 << 20;
/// Most comparisons and operations of one transaction together: etcd's default `--max-txn-ops`.
pub const MAX_OPS: usize = 128;
/// Most bytes of keys and values in one transaction: etcd's default `--max-request-bytes` of 1.5 MiB, less a sixth
/// for its encoding.
pub const MAX_TXN: usize = 1280 << 10;

/// `if` all of `when` hold `then` these operations, `else` the others; all at one revision, or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Txn {
    /// Conditions, all of which must hold; none always hold.
    pub when: Vec<Compare>,
    /// Done, in order, when they hold.
    pub then: Vec<Op>,
    /// Done, in order, when one does not.
    pub otherwise: Vec<Op>,
}

/// One condition on one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compare {
    /// The key that is looked at.
    pub key: Arc<str>,
    /// What must be true of it.
    pub is: Condition,
}

/// What can be required of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The key does not exist.
    Absent,
    /// The key exists.
    Present,
    /// The key exists since exactly this revision.
    Created(Revision),
    /// The key was last put at exactly this revision.
    Modified(Revision),
    /// The key was put this many times since it was created.
    Version(u64),
    /// The key holds exactly these bytes.
    Value(Bytes),
}

/// One operation of a transaction. Reads see the writes before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Stores a value, and binds the key to the lease, or to none.
    Put {
        /// The key.
        key: Arc<str>,
        /// Its new value.
        value: Bytes,
        /// The lease with which the key vanishes.
        lease: Option<LeaseId>,
    },
    /// Takes an existing key off its lease. Counts as a put of the value that it has; a missing key is no error and no
    /// change.
    Persist(Arc<str>),
    /// Removes a key; a missing one is no error and no change.
    Delete(Arc<str>),
    /// Removes every key that starts with the prefix; the empty prefix means all.
    DeletePrefix(Arc<str>),
    /// Reads a key.
    Get(Arc<str>),
}

/// What came of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxnResult {
    /// Whether all conditions held, and so `then` was done.
    pub succeeded: bool,
    /// The store's revision after the transaction: a new one exactly when something was changed.
    pub revision: Revision,
    /// One answer for each operation done, in their order.
    pub responses: Vec<Response>,
}

/// The answer to one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The value is stored.
    Put,
    /// Whether the key exists, and so stays.
    Persisted(bool),
    /// So many keys were removed.
    Deleted(usize),
    /// The key as it is, if it exists.
    Got(Option<KeyValue>),
}

impl Compare {
    /// Requires `is` of `key`.
    pub fn new(key: impl Into<Arc<str>>, is: Condition) -> Self {
        Self { key: key.into(), is }
    }

    /// Whether the condition holds for the key as it is now.
    #[must_use]
    pub fn holds(&self, current: Option<&KeyValue>) -> bool {
        match (&self.is, current) {
            (Condition::Absent, current) => current.is_none(),
            (_, None) => false,
            (Condition::Present, Some(_)) => true,
            (Condition::Created(revision), Some(kv)) => kv.created == *revision,
            (Condition::Modified(revision), Some(kv)) => kv.modified == *revision,
            (Condition::Version(version), Some(kv)) => kv.version == *version,
            (Condition::Value(value), Some(kv)) => kv.value == *value,
        }
    }

    fn bytes(&self) -> usize {
        let value = match &self.is {
            Condition::Value(value) => value.len(),
            Condition::Absent
            | Condition::Present
            | Condition::Created(_)
            | Condition::Modified(_)
            | Condition::Version(_) => 0,
        };
        self.key.len() + value
    }
}

impl Op {
    /// A put of a key that lives until it is deleted.
    pub fn put(key: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        Self::Put {
            key: key.into(),
            value: value.into(),
            lease: None,
        }
    }

    /// A put of a key that vanishes with the lease.
    pub fn put_leased(key: impl Into<Arc<str>>, value: impl Into<Bytes>, lease: LeaseId) -> Self {
        Self::Put {
            key: key.into(),
            value: value.into(),
            lease: Some(lease),
        }
    }

    fn key(&self) -> &Arc<str> {
        match self {
            Self::Put { key, .. }
            | Self::Persist(key)
            | Self::Delete(key)
            | Self::DeletePrefix(key)
            | Self::Get(key) => key,
        }
    }

    fn value(&self) -> &[u8] {
        match self {
            Self::Put { value, .. } => value,
            Self::Persist(_) | Self::Delete(_) | Self::DeletePrefix(_) | Self::Get(_) => &[],
        }
    }

    fn deletes(&self, key: &str) -> bool {
        match self {
            Self::Delete(deleted) => **deleted == *key,
            Self::DeletePrefix(prefix) => key.starts_with(&**prefix),
            Self::Put { .. } | Self::Persist(_) | Self::Get(_) => false,
        }
    }
}

impl Txn {
    /// A transaction without conditions.
    #[must_use]
    pub fn always(then: Vec<Op>) -> Self {
        Self {
            then,
            ..Self::default()
        }
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let compared: usize = self.when.iter().map(Compare::bytes).sum();
        let done: usize = self.ops().map(|op| op.key().len() + op.value().len()).sum();
        compared + done
    }

    /// Checks everything that does not depend on the store's state.
    ///
    /// # Errors
    /// [`Error::EmptyKey`], [`Error::TooLarge`], or [`Error::DuplicateKey`] when a branch puts or persists a key that
    /// the same branch also puts, persists or deletes (etcd's rule: one change a key and revision).
    pub fn check(&self) -> Result<(), Error> {
        limit("transaction operations", self.count(), MAX_OPS)?;
        for compare in &self.when {
            check_key(&compare.key)?;
        }
        for op in self.ops() {
            check_op(op)?;
        }
        limit("transaction bytes", self.bytes(), MAX_TXN)?;
        check_written_once(&self.then)?;
        check_written_once(&self.otherwise)
    }

    /// Comparisons and operations. In etcd a persist is a transaction within, which needs room for one more.
    fn count(&self) -> usize {
        let nests = self.ops().any(|op| matches!(op, Op::Persist(_)));
        self.when.len() + self.then.len() + self.otherwise.len() + usize::from(nests)
    }

    fn ops(&self) -> impl Iterator<Item = &Op> {
        self.then.iter().chain(&self.otherwise)
    }
}

/// Checks a key that is read or written.
///
/// # Errors
/// [`Error::EmptyKey`], [`Error::TooLarge`].
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::EmptyKey);
    }
    limit("key bytes", key.len(), MAX_KEY)
}

fn check_op(op: &Op) -> Result<(), Error> {
    match op {
        Op::DeletePrefix(prefix) => limit("key bytes", prefix.len(), MAX_KEY)?,
        Op::Put { key, .. } | Op::Persist(key) | Op::Delete(key) | Op::Get(key) => check_key(key)?,
    }
    limit("value bytes", op.value().len(), MAX_VALUE)
}

fn check_written_once(branch: &[Op]) -> Result<(), Error> {
    let mut put = BTreeSet::new();
    for op in branch {
        if let Op::Put { key, .. } | Op::Persist(key) = op {
            let again = !put.insert(key) || branch.iter().any(|other| other.deletes(key));
            if again {
                return Err(Error::DuplicateKey(Arc::clone(key)));
            }
        }
    }
    Ok(())
}

fn limit(what: &'static str, size: usize, limit: usize) -> Result<(), Error> {
    if size > limit {
        return Err(Error::TooLarge { what, size, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    fn check(then: Vec<Op>, expect: Option<ErrorKind>) {
        let found = Txn::always(then.clone()).check().err().map(|error| error.kind());
        assert_eq!(found, expect, "{:.200}", format!("{then:?}"));
        let otherwise = Txn {
            otherwise: then,
            ..Txn::default()
        };
        assert_eq!(otherwise.check().err().map(|error| error.kind()), expect);
    }

    #[test]
    fn limits_are_exact() {
        check(vec![Op::put("k".repeat(MAX_KEY), "")], None);
        check(vec![Op::put("k".repeat(MAX_KEY + 1), "")], Some(ErrorKind::TooLarge));
        check(
            vec![Op::DeletePrefix("k".repeat(MAX_KEY + 1).into())],
            Some(ErrorKind::TooLarge),
        );
        check(vec![Op::put("k", vec![0; MAX_VALUE])], None);
        check(vec![Op::put("k", vec![0; MAX_VALUE + 1])], Some(ErrorKind::TooLarge));
        check(vec![Op::Get("k".into()); MAX_OPS], None);
        check(vec![Op::Get("k".into()); MAX_OPS + 1], Some(ErrorKind::TooLarge));
        let persist = |count| (0..count).map(|i| Op::Persist(i.to_string().into())).collect();
        check(persist(MAX_OPS - 1), None);
        check(persist(MAX_OPS), Some(ErrorKind::TooLarge));
        let halves = |second: usize| vec![Op::put("a", vec![0; MAX_VALUE]), Op::put("b", vec![0; second])];
        check(halves(MAX_TXN - MAX_VALUE - 2), None);
        check(halves(MAX_TXN - MAX_VALUE - 1), Some(ErrorKind::TooLarge));
    }

    #[test]
    fn a_branch_changes_a_key_once() {
        check(vec![], None);
        check(vec![Op::Get("".into())], Some(ErrorKind::InvalidArgument));
        check(vec![Op::put("a", "1"), Op::put("b", "1")], None);
        check(
            vec![Op::put("a", "1"), Op::put("a", "2")],
            Some(ErrorKind::InvalidArgument),
        );
        check(
            vec![Op::put("a", "1"), Op::Delete("a".into())],
            Some(ErrorKind::InvalidArgument),
        );
        check(
            vec![Op::DeletePrefix("".into()), Op::put("a", "1")],
            Some(ErrorKind::InvalidArgument),
        );
        check(
            vec![Op::Persist("a".into()), Op::put("a", "1")],
            Some(ErrorKind::InvalidArgument),
        );
        check(
            vec![Op::Delete("a".into()), Op::Persist("a".into())],
            Some(ErrorKind::InvalidArgument),
        );
        check(vec![Op::Delete("a".into()), Op::DeletePrefix("a".into())], None);
        let both = Txn {
            when: vec![Compare::new("a", Condition::Absent)],
            then: vec![Op::put("a", "1")],
            otherwise: vec![Op::put("a", "2")],
        };
        assert!(both.check().is_ok());
    }
}

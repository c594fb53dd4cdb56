//! Keys, transactions and answers in etcd's terms and in ours.
//!
//! | ours | etcd's |
//! |---|---|
//! | key | the store's prefix, then the key |
//! | `Created`, `Modified`, `Version`, `Value` of an existing key | the same; a number that no key has is never equal |
//! | `Absent`, `Present` | version 0, version above 0 |
//! | `Persist` | a transaction within: if the key exists, put it without lease and ignoring the value |

use std::sync::Arc;

use bytes::Bytes;
use etcd_client::{
    Compare as EtcdCompare, CompareOp, DeleteOptions, Event as EtcdEvent, EventType, PutOptions, ResponseHeader,
    Txn as EtcdTxn, TxnOp, TxnOpResponse, TxnResponse,
};

use super::super::{Compare, Condition, Error, Event, KeyValue, LeaseId, Op, Response, Revision, Txn, TxnResult};

/// The part of etcd's keys that belongs to a store.
#[derive(Debug, Clone)]
pub(super) struct Space {
    prefix: Arc<str>,
}

impl Space {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// A key as etcd has it.
    pub(super) fn key(&self, key: &str) -> Vec<u8> {
        [self.prefix.as_bytes(), key.as_bytes()].concat()
    }

    /// The range of the keys that start with `prefix`: its first key, and the first one after it.
    pub(super) fn range(&self, prefix: &str) -> (Vec<u8>, Vec<u8>) {
        let first = self.key(prefix);
        let mut end = first.clone();
        match end.last_mut() {
            // UTF-8 has no byte 0xff.
            Some(last) => *last += 1,
            // etcd's way to say: from the first key, to no end.
            None => return (vec![0], vec![0]),
        }
        (first, end)
    }

    /// The range of the keys that start with `prefix` and come after `after`.
    pub(super) fn range_after(&self, prefix: &str, after: Option<&str>) -> (Vec<u8>, Vec<u8>) {
        let (first, end) = self.range(prefix);
        match after {
            Some(after) if after >= prefix => ([self.key(after), vec![0]].concat(), end),
            Some(_) | None => (first, end),
        }
    }

    /// A document as etcd has it.
    pub(super) fn key_value(&self, kv: &etcd_client::KeyValue) -> Result<KeyValue, Error> {
        Ok(KeyValue {
            key: self.own_key(kv.key())?,
            value: Bytes::copy_from_slice(kv.value()),
            created: revision(kv.create_revision()),
            modified: revision(kv.mod_revision()),
            version: unsigned(kv.version()),
            lease: (kv.lease() != 0).then(|| LeaseId(unsigned(kv.lease()))),
        })
    }

    /// A change, and the revision that made it.
    pub(super) fn event(&self, event: &EtcdEvent) -> Result<(Revision, Event), Error> {
        let kv = event
            .kv()
            .ok_or_else(|| Error::Corrupt("event without key".to_owned()))?;
        let change = match event.event_type() {
            EventType::Put => Event::Put(self.key_value(kv)?),
            EventType::Delete => Event::Delete(self.own_key(kv.key())?),
        };
        Ok((revision(kv.mod_revision()), change))
    }

    /// A transaction that has passed [`Txn::check`].
    ///
    /// # Errors
    /// [`Error::LeaseNotFound`] for a lease that no etcd can have granted.
    pub(super) fn txn(&self, txn: &Txn) -> Result<EtcdTxn, Error> {
        let when: Vec<_> = txn.when.iter().map(|compare| self.compare(compare)).collect();
        let ops = |ops: &[Op]| ops.iter().map(|op| self.op(op)).collect::<Result<Vec<_>, _>>();
        Ok(EtcdTxn::new()
            .when(when)
            .and_then(ops(&txn.then)?)
            .or_else(ops(&txn.otherwise)?))
    }

    /// What came of a transaction.
    pub(super) fn txn_result(&self, response: &TxnResponse) -> Result<TxnResult, Error> {
        let responses = response.op_responses();
        let responses = responses.into_iter().map(|response| self.response(response));
        Ok(TxnResult {
            succeeded: response.succeeded(),
            revision: header_revision(response.header())?,
            responses: responses.collect::<Result<_, _>>()?,
        })
    }

    fn own_key(&self, key: &[u8]) -> Result<Arc<str>, Error> {
        let own = key
            .strip_prefix(self.prefix.as_bytes())
            .and_then(|key| std::str::from_utf8(key).ok());
        own.map(Arc::from)
            .ok_or_else(|| Error::Corrupt(format!("foreign key {:?}", String::from_utf8_lossy(key))))
    }

    fn compare(&self, compare: &Compare) -> EtcdCompare {
        let key = self.key(&compare.key);
        match &compare.is {
            Condition::Absent => EtcdCompare::version(key, CompareOp::Equal, 0),
            Condition::Present => EtcdCompare::version(key, CompareOp::Greater, 0),
            // To etcd all numbers of a missing key are 0; to us none is.
            Condition::Created(Revision(0)) | Condition::Modified(Revision(0)) | Condition::Version(0) => {
                EtcdCompare::version(key, CompareOp::Less, 0)
            }
            Condition::Created(revision) => EtcdCompare::create_revision(key, CompareOp::Equal, signed(revision.0)),
            Condition::Modified(revision) => EtcdCompare::mod_revision(key, CompareOp::Equal, signed(revision.0)),
            Condition::Version(version) => EtcdCompare::version(key, CompareOp::Equal, signed(*version)),
            Condition::Value(value) => EtcdCompare::value(key, CompareOp::Equal, value.to_vec()),
        }
    }

    fn op(&self, op: &Op) -> Result<TxnOp, Error> {
        Ok(match op {
            Op::Put { key, value, lease } => {
                let lease = lease.map(lease_number).transpose()?.unwrap_or(0);
                let options = PutOptions::new().with_lease(lease);
                TxnOp::put(self.key(key), value.to_vec(), Some(options))
            }
            Op::Persist(key) => {
                let exists = EtcdCompare::version(self.key(key), CompareOp::Greater, 0);
                let keep = PutOptions::new().with_ignore_value();
                let put = TxnOp::put(self.key(key), [], Some(keep));
                TxnOp::txn(EtcdTxn::new().when([exists]).and_then([put]))
            }
            Op::Delete(key) => TxnOp::delete(self.key(key), None),
            Op::DeletePrefix(prefix) => {
                let (first, end) = self.range(prefix);
                TxnOp::delete(first, Some(DeleteOptions::new().with_range(end)))
            }
            Op::Get(key) => TxnOp::get(self.key(key), None),
        })
    }

    fn response(&self, response: TxnOpResponse) -> Result<Response, Error> {
        Ok(match response {
            TxnOpResponse::Put(_) => Response::Put,
            TxnOpResponse::Txn(persist) => Response::Persisted(persist.succeeded()),
            TxnOpResponse::Delete(deleted) => {
                Response::Deleted(usize::try_from(deleted.deleted()).unwrap_or(usize::MAX))
            }
            TxnOpResponse::Get(got) => Response::Got(got.kvs().first().map(|kv| self.key_value(kv)).transpose()?),
        })
    }
}

/// The store's revision when an answer was given.
pub(super) fn header_revision(header: Option<&ResponseHeader>) -> Result<Revision, Error> {
    let header = header.ok_or_else(|| Error::Corrupt("answer without revision".to_owned()))?;
    Ok(revision(header.revision()))
}

/// A lease's number as etcd has it.
///
/// # Errors
/// [`Error::LeaseNotFound`] for a number that etcd does not give.
pub(super) fn lease_number(lease: LeaseId) -> Result<i64, Error> {
    let number = i64::try_from(lease.0).ok().filter(|number| *number != 0);
    number.ok_or(Error::LeaseNotFound(lease))
}

/// A number of etcd's, none of which is negative.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A number for etcd, in which a larger one than it can have stays larger than any that it has.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn revision(number: i64) -> Revision {
    Revision(unsigned(number))
}

//! A store in memory, which answers at once: paused time stands still meanwhile.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::ready, stream};

use crate::meta::{Answer, Error, KeyValue, LeaseId, MetaStore, Op, Page, Response, Revision, Txn, TxnResult, Watch};

/// Knows gets, lists, puts and deletes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    documents: Mutex<BTreeMap<Arc<str>, Bytes>>,
    is_closed: AtomicBool,
    writes: AtomicUsize,
}

impl Memory {
    /// From now on every write fails, or none.
    pub(super) fn set_closed(&self, is_closed: bool) {
        self.is_closed.store(is_closed, Ordering::Relaxed);
    }

    /// Transactions so far.
    pub(super) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.documents.lock().unwrap().keys().map(ToString::to_string).collect()
    }

    fn apply(&self, op: Op) -> Response {
        let mut documents = self.documents.lock().unwrap();
        match op {
            Op::Put { key, value, .. } => {
                documents.insert(key, value);
                Response::Put
            }
            Op::Delete(key) => Response::Deleted(documents.remove(&key).into_iter().count()),
            other => unreachable!("{other:?}"),
        }
    }
}

fn entry((key, value): (&Arc<str>, &Bytes)) -> KeyValue {
    KeyValue {
        key: Arc::clone(key),
        value: value.clone(),
        created: Revision(1),
        modified: Revision(1),
        version: 1,
        lease: None,
    }
}

impl MetaStore for Memory {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<KeyValue>> {
        let documents = self.documents.lock().unwrap();
        Box::pin(ready(Ok(documents.get_key_value(key).map(entry))))
    }

    fn list<'a>(&'a self, prefix: &'a str, _: Option<&'a str>, _: usize) -> Answer<'a, Page> {
        let documents = self.documents.lock().unwrap();
        let page = Page {
            revision: Revision(1),
            entries: documents
                .iter()
                .filter(|(key, _)| key.starts_with(prefix))
                .map(entry)
                .collect(),
            more: false,
        };
        Box::pin(ready(Ok(page)))
    }

    fn txn(&self, txn: Txn) -> Answer<'_, TxnResult> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Box::pin(ready(Err(Error::Closed)));
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        let result = TxnResult {
            succeeded: true,
            revision: Revision(1),
            responses: txn.then.into_iter().map(|op| self.apply(op)).collect(),
        };
        Box::pin(ready(Ok(result)))
    }

    fn watch(&self, _: &str, _: Revision) -> Watch {
        stream::empty().boxed()
    }

    fn lease_grant(&self, _: Duration) -> Answer<'_, LeaseId> {
        Box::pin(ready(Err(Error::Closed)))
    }

    fn lease_keep_alive(&self, _: LeaseId) -> Answer<'_, ()> {
        Box::pin(ready(Err(Error::Closed)))
    }

    fn lease_revoke(&self, _: LeaseId) -> Answer<'_, ()> {
        Box::pin(ready(Err(Error::Closed)))
    }
}

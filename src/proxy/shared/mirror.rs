//! The copy of shared documents in the local store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;

use super::Topic;
use crate::meta::{self, Event, KeyValue, MetaStore, Op, Page, Txn, Update};

/// What a copy's key starts with; the original's key follows.
const PREFIX: &str = "/last-known";
/// Its presence says that every topic was copied at least once.
const COMPLETE: &str = "/last-known-is-complete";
/// Changes in one transaction: documents are small, so that many are far below what one may hold.
const AT_ONCE: usize = 16;

/// The copy.
#[derive(Debug)]
pub(super) struct Mirror {
    local: Arc<dyn MetaStore>,
    complete: AtomicBool,
}

impl Mirror {
    pub(super) async fn open(local: Arc<dyn MetaStore>) -> Result<Self, meta::Error> {
        let complete = local.get(COMPLETE).await?.is_some();
        Ok(Self {
            local,
            complete: AtomicBool::new(complete),
        })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// All topics have been copied.
    pub(super) async fn complete(&self) {
        if self.complete.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.local.put(COMPLETE, Bytes::new()).await {
            tracing::warn!(%error, "copy of shared documents not marked: a restart needs the meta store");
        }
    }

    /// The copied documents of a topic, with their own keys.
    pub(super) async fn load(&self, topic: Topic) -> Result<Vec<KeyValue>, meta::Error> {
        let copies = self.local.load(&key(topic.prefix())).await?.entries;
        let original = |copy: KeyValue| KeyValue {
            key: copy.key.strip_prefix(PREFIX).unwrap_or(&copy.key).into(),
            ..copy
        };
        Ok(copies.into_iter().map(original).collect())
    }

    /// Makes the same change to the copy.
    pub(super) async fn copy(&self, topic: Topic, update: &Update) -> Result<(), meta::Error> {
        let ops = match update {
            Update::Lost(_) => return Ok(()),
            Update::Changed(batch) => batch.events.iter().map(copied).collect(),
            Update::Reset(page) => self.difference(topic, page).await?,
        };
        for ops in ops.chunks(AT_ONCE) {
            self.local.txn(Txn::always(ops.to_vec())).await?;
        }
        Ok(())
    }

    /// What turns the copy into these documents.
    async fn difference(&self, topic: Topic, page: &Page) -> Result<Vec<Op>, meta::Error> {
        let copied = self.load(topic).await?;
        let copied: BTreeMap<_, _> = copied.iter().map(|kv| (&*kv.key, &kv.value)).collect();
        let there: BTreeSet<_> = page.entries.iter().map(|kv| &*kv.key).collect();
        let gone = copied.keys().filter(|original| !there.contains(*original));
        let gone = gone.map(|original| Op::Delete(key(original).into()));
        let is_new = |kv: &&KeyValue| copied.get(&*kv.key) != Some(&&kv.value);
        let new = page.entries.iter().filter(is_new);
        let new = new.map(|kv| Op::put(key(&kv.key), kv.value.clone()));
        Ok(gone.chain(new).collect())
    }
}

fn copied(event: &Event) -> Op {
    match event {
        Event::Put(kv) => Op::put(key(&kv.key), kv.value.clone()),
        Event::Delete(original) => Op::Delete(key(original).into()),
    }
}

fn key(original: &str) -> String {
    format!("{PREFIX}{original}")
}

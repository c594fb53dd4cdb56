//! What readers see: the documents and the history, always as of the last durable commit.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::meta::{
    Batch, Error, KeyValue, Page, Revision, Snapshot,
    documents::Documents,
    history::{History, HistoryLimit, Look},
};

/// The published state. Locks are held for one look-up, never over I/O.
#[derive(Debug)]
pub(super) struct View {
    published: RwLock<Published>,
}

#[derive(Debug)]
struct Published {
    documents: Documents,
    history: History,
}

impl View {
    pub(super) fn new(documents: Documents, limit: HistoryLimit) -> Self {
        let history = History::after(documents.revision(), limit);
        Self {
            published: RwLock::new(Published { documents, history }),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<KeyValue> {
        self.read(|published| published.documents.get(key).cloned())
    }

    pub(super) fn page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Page {
        self.read(|published| published.documents.page(prefix, after, limit))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.read(|published| Snapshot::of(&published.documents))
    }

    /// Shows changes that have become durable.
    pub(super) fn publish(&self, batches: impl Iterator<Item = Batch>) {
        let mut published = self.published.write().unwrap_or_else(PoisonError::into_inner);
        for batch in batches {
            published.documents.absorb(&batch);
            published.history.push(batch);
        }
    }

    fn look(&self, prefix: &str, from: Revision) -> Result<Look, Error> {
        self.read(|published| published.history.next(prefix, from))
    }

    fn read<T>(&self, look: impl FnOnce(&Published) -> T) -> T {
        look(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One watch: a position in the history. It holds no changes, so a slow reader costs no memory.
#[derive(Debug)]
pub(super) struct Watching {
    /// Where to look.
    pub(super) view: Arc<View>,
    /// Tells that something was published, and, when its sender is gone, that nothing will be.
    pub(super) published: watch::Receiver<()>,
    /// Which keys to look for.
    pub(super) prefix: Arc<str>,
    /// The least revision that was not yet delivered.
    pub(super) from: Revision,
}

impl Watching {
    /// The next changes, as soon as there are any.
    pub(super) async fn next(&mut self) -> Result<Batch, Error> {
        loop {
            // Marked as seen before the look, so that a change in between wakes us again.
            self.published.mark_unchanged();
            match self.view.look(&self.prefix, self.from)? {
                Look::Found(batch) => {
                    self.from = batch.revision.next();
                    return Ok(batch);
                }
                Look::Later(from) => self.from = from,
            }
            self.published.changed().await.map_err(|_| Error::Closed)?;
        }
    }
}

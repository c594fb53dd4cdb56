//! The documents that all processes of a fleet share, as this one knows them.
//!
//! With the embedded store a process is alone: the store is the truth, and nobody else changes it. With etcd others do,
//! and it may be out of reach. Then this process follows it, keeps a copy of what the data path needs in the local store
//! below `/last-known`, and starts and goes on with that copy until etcd is there again.

mod mirror;

use std::{collections::BTreeSet, error::Error, fmt, sync::Arc};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use tokio::sync::watch;

use crate::meta::{self, KeyValue, MetaStore, Op, Revision, Txn, TxnResult, Update};

use mirror::Mirror;

/// What is shared, by the place of its documents in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Whether each backend is detached.
    Backends,
    /// The ring in force.
    Ring,
    /// The known schema.
    Schema,
}

/// Whether the shared store is in reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// All that this process follows is as the store has it.
    InStep,
    /// It may be out of date.
    Lost {
        /// Why, for people.
        reason: String,
    },
}

/// The shared store is out of reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("meta store is out of reach: {0}")]
pub struct OutOfReach(pub String);

/// The shared store, or what is left when it is out of reach.
#[derive(Debug)]
pub struct Shared {
    store: Arc<dyn MetaStore>,
    /// The copy; `None` when this process is alone.
    mirror: Option<Mirror>,
    contact: watch::Sender<Contact>,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Backends, Self::Ring, Self::Schema];

    /// What the keys of its documents start with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Backends => "/backends/",
            Self::Ring => "/ring",
            Self::Schema => "/schema/databases/",
        }
    }
}

impl Shared {
    /// The documents of a process that shares with nobody.
    #[must_use]
    pub fn alone(store: Arc<dyn MetaStore>) -> Self {
        Self {
            store,
            mirror: None,
            contact: watch::channel(Contact::InStep).0,
        }
    }

    /// The documents in a store that others change as well, copied to `local`.
    ///
    /// # Errors
    /// When `local` cannot be read.
    pub async fn among_others(store: Arc<dyn MetaStore>, local: Arc<dyn MetaStore>) -> Result<Self, meta::Error> {
        let reason = "not reached yet".to_owned();
        Ok(Self {
            store,
            mirror: Some(Mirror::open(local).await?),
            contact: watch::channel(Contact::Lost { reason }).0,
        })
    }

    /// Whether no other process uses the store.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.mirror.is_none()
    }

    /// Whether all that is followed was read at least once, by this process or an earlier one on the same data.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.mirror.as_ref().is_none_or(Mirror::is_complete)
    }

    /// Tells whether the store is in reach, and of every change of it.
    #[must_use]
    pub fn contact(&self) -> watch::Receiver<Contact> {
        self.contact.subscribe()
    }

    /// That the store is in reach.
    ///
    /// # Errors
    /// [`OutOfReach`].
    pub fn require(&self) -> Result<(), OutOfReach> {
        match &*self.contact.borrow() {
            Contact::InStep => Ok(()),
            Contact::Lost { reason } => Err(OutOfReach(reason.clone())),
        }
    }

    /// The documents of a topic: from the store when this process is alone, else the last known ones.
    ///
    /// # Errors
    /// When the local store cannot be read.
    pub async fn known(&self, topic: Topic) -> Result<Vec<KeyValue>, meta::Error> {
        match &self.mirror {
            Some(mirror) => mirror.load(topic).await,
            None => Ok(self.store.load(topic.prefix()).await?.entries),
        }
    }

    /// Stores a document for all.
    ///
    /// # Errors
    /// When the store fails or is out of reach.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<Revision, meta::Error> {
        Ok(self.txn(Txn::always(vec![Op::put(key, value)])).await?.revision)
    }

    /// Deletes a document for all.
    ///
    /// # Errors
    /// When the store fails or is out of reach.
    pub async fn delete(&self, key: &str) -> Result<Revision, meta::Error> {
        Ok(self.txn(Txn::always(vec![Op::Delete(key.into())])).await?.revision)
    }

    /// Compares and changes documents for all, see [`MetaStore::txn`].
    ///
    /// # Errors
    /// When the store fails or is out of reach.
    pub async fn txn(&self, txn: Txn) -> Result<TxnResult, meta::Error> {
        self.store.txn(txn).await
    }

    /// Follows the store, to be done by one task only. A process that is alone is told nothing.
    #[must_use]
    pub fn follow(self: &Arc<Self>) -> Follower {
        let topics: &[Topic] = if self.is_alone() { &[] } else { &Topic::ALL };
        let follow = |topic: &Topic| {
            let topic = *topic;
            let updates = meta::follow(Arc::clone(&self.store), topic.prefix());
            updates.map(move |update| (topic, update)).boxed()
        };
        Follower {
            shared: Arc::clone(self),
            updates: stream::select_all(topics.iter().map(follow)),
            behind: topics.iter().copied().collect(),
        }
    }

    /// Publishes the contact, and says so when it is another.
    fn set_contact(&self, contact: Contact) {
        let is_lost = |contact: &Contact| matches!(contact, Contact::Lost { .. });
        match (&contact, is_lost(&self.contact.borrow())) {
            (Contact::InStep, _) => tracing::info!("meta store is in reach"),
            (Contact::Lost { reason }, false) => tracing::error!(%reason, "meta store is out of reach"),
            (Contact::Lost { .. }, true) => {}
        }
        self.contact.send_replace(contact);
    }
}

/// Tells what changes in the shared store, by whomever.
pub struct Follower {
    shared: Arc<Shared>,
    updates: SelectAll<BoxStream<'static, (Topic, Update)>>,
    /// The topics that are out of step.
    behind: BTreeSet<Topic>,
}

impl Follower {
    /// What comes next; `None` when nothing more can come.
    pub async fn next(&mut self) -> Option<(Topic, Update)> {
        self.updates.next().await
    }

    /// An update was taken up: copies it, and notes what it says of the contact.
    pub async fn taken_up(&mut self, topic: Topic, update: &Update) {
        let Some(mirror) = &self.shared.mirror else { return };
        if let Err(error) = mirror.copy(topic, update).await {
            tracing::error!(%error, ?topic, "shared documents not copied: after a restart older ones are known");
        }
        match update {
            Update::Lost(error) => {
                self.behind.insert(topic);
                let reason = with_root_cause(error);
                self.shared.set_contact(Contact::Lost { reason });
            }
            // Somebody has to put one in force first, and it has to be copied.
            Update::Reset(page) if topic == Topic::Ring && page.entries.is_empty() => {}
            Update::Reset(_) | Update::Changed(_) => {
                if self.behind.remove(&topic) && self.behind.is_empty() {
                    mirror.complete().await;
                    self.shared.set_contact(Contact::InStep);
                }
            }
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("behind", &self.behind)
            .finish_non_exhaustive()
    }
}

/// An error with what caused it in the first place; libraries repeat it at every level.
fn with_root_cause(error: &meta::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&dyn Error| (*cause).source());
    let root = causes.last().map(|cause| format!(": {cause}"));
    format!("{error}{}", root.unwrap_or_default())
}

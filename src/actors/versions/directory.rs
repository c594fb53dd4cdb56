//! Who waits for which cluster's metadata: one channel a cluster, there as long as somebody listens.
//!
//! Whoever waits subscribes before reading the store, so that a change after the read is heard. What a channel holds may
//! be older than what the store was just seen to hold: states are ordered by their revisions, and a listener asks for one
//! after the revision that it knows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{cluster::version::Seen, meta::Revision};

/// A version with its bytes. Clones share them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its number.
    pub version: u64,
    /// Its bytes.
    pub body: Bytes,
}

/// What a cluster's metadata became at a revision.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// When; 0: nothing is known yet.
    pub(super) revision: Revision,
    /// What is there; `None`: it was deleted.
    pub(super) current: Option<(Seen, Bytes)>,
}

/// The channels, by the keys of the clusters' heads.
#[derive(Debug, Default)]
pub(super) struct Directory {
    channels: Mutex<HashMap<Arc<str>, Arc<Channel>>>,
}

/// The way to all who listen to one cluster.
#[derive(Debug)]
pub(super) struct Channel {
    state: watch::Sender<State>,
    /// The latest revision of which bytes were asked for: older ones need not be read any more.
    wanted: AtomicU64,
    /// Held while bytes are read from the store, so that they are read once for all.
    pub(super) reading: tokio::sync::Mutex<()>,
}

/// One listener; unsubscribes when it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    directory: Arc<Directory>,
    key: Arc<str>,
    channel: Arc<Channel>,
    /// `None` only while it is being dropped.
    receiver: Option<watch::Receiver<State>>,
}

impl Directory {
    /// Listens to the cluster whose head has this key.
    pub(super) fn subscribe(self: &Arc<Self>, key: &Arc<str>) -> Subscription {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.entry(Arc::clone(key)).or_insert_with(Arc::default);
        Subscription {
            directory: Arc::clone(self),
            key: Arc::clone(key),
            receiver: Some(channel.state.subscribe()),
            channel: Arc::clone(channel),
        }
    }

    /// The channel of a cluster, if anybody listens.
    pub(super) fn channel(&self, key: &str) -> Option<Arc<Channel>> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.get(key).cloned()
    }

    /// How many listen to any cluster.
    pub(super) fn listeners(&self) -> usize {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.values().map(|channel| channel.listeners()).sum()
    }

    /// The clusters that anybody listens to.
    pub(super) fn listened(&self) -> Vec<Arc<str>> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.keys().cloned().collect()
    }
}

impl Default for Channel {
    fn default() -> Self {
        let nothing = State {
            revision: Revision(0),
            current: None,
        };
        Self {
            state: watch::Sender::new(nothing),
            wanted: AtomicU64::new(0),
            reading: tokio::sync::Mutex::default(),
        }
    }
}

impl Channel {
    /// Tells the listeners, unless they know this state or a later one.
    pub(super) fn publish(&self, state: State) {
        self.state.send_if_modified(|known| {
            let newer = known.revision < state.revision;
            if newer {
                *known = state;
            }
            newer
        });
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.state.receiver_count()
    }

    /// Notes that the bytes of this revision are wanted.
    pub(super) fn want(&self, revision: Revision) {
        self.wanted.fetch_max(revision.0, Ordering::AcqRel);
    }

    /// Whether the bytes of this revision are still of use to listeners who have not got any.
    pub(super) fn wants(&self, revision: Revision) -> bool {
        self.wanted.load(Ordering::Acquire) <= revision.0 && self.state.borrow().revision < revision
    }
}

impl Subscription {
    /// The way to all listeners of the cluster.
    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// What is known of exactly this revision.
    pub(super) fn at(&self, revision: Revision) -> Option<(Seen, Bytes)> {
        let state = self.channel.state.borrow();
        state.current.clone().filter(|_| state.revision == revision)
    }

    /// The newest state after this revision, as soon as there is one.
    pub(super) async fn after(&mut self, revision: Revision) -> State {
        let Some(receiver) = &mut self.receiver else {
            return std::future::pending().await;
        };
        let newer = receiver.wait_for(|state| state.revision > revision).await;
        // The sender cannot be gone: this subscription holds it.
        match newer.map(|state| state.clone()) {
            Ok(state) => state,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = self.directory.channels.lock().unwrap_or_else(PoisonError::into_inner);
        self.receiver = None;
        if self.channel.listeners() == 0 {
            channels.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::version::Life;

    fn state(revision: u64) -> State {
        let seen = Seen {
            version: revision,
            life: Life(1),
        };
        State {
            revision: Revision(revision),
            current: Some((seen, Bytes::from(revision.to_string()))),
        }
    }

    #[tokio::test]
    async fn listeners_hear_the_newest_state_once() {
        let directory = Arc::<Directory>::default();
        let key: Arc<str> = "/c".into();
        let mut listener = directory.subscribe(&key);
        let channel = directory.channel("/c").unwrap();
        channel.publish(state(5));
        channel.publish(state(4));
        assert_eq!(listener.after(Revision(3)).await.revision, Revision(5));
        assert!(listener.at(Revision(5)).is_some() && listener.at(Revision(4)).is_none());
        let silent = tokio::time::timeout(std::time::Duration::from_millis(1), listener.after(Revision(5)));
        assert!(silent.await.is_err());
        // Whoever comes later sees what is known.
        assert_eq!(directory.subscribe(&key).after(Revision(4)).await.revision, Revision(5));
    }

    #[test]
    fn nobody_who_listens_costs_nothing() {
        let directory = Arc::<Directory>::default();
        let key: Arc<str> = "/c".into();
        let (one, two) = (directory.subscribe(&key), directory.subscribe(&key));
        drop(one);
        assert_eq!(directory.listened(), [Arc::clone(&key)]);
        drop(two);
        assert!(directory.channel("/c").is_none());
    }

    #[test]
    fn bytes_that_nobody_needs_any_more_are_not_wanted() {
        let channel = Channel::default();
        channel.want(Revision(5));
        channel.want(Revision(4));
        assert!(channel.wants(Revision(5)) && !channel.wants(Revision(4)));
        channel.publish(state(5));
        assert!(!channel.wants(Revision(5)));
    }
}

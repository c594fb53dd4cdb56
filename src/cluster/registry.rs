//! PURE. All nodes and hosts, kept up to date from the store's changes, and what has to follow from them.
//!
//! Documents come as [`Change`]s in the store's order; each knows its revision, so that one seen twice, or again from
//! the time before a listing, changes nothing. What must be written because of a change is a [`Consequence`]; several
//! processes find the same ones, and the conditions of their transactions make that harmless:
//!
//! * A node that has neither lease nor time of death has just died: the time is noted, and when it was the last live
//!   node of its host, the host is lost in the same transaction.
//! * A node that is dead for longer than the retention is purged.
//!
//! Every transaction that changes which nodes of a host live puts the host, be it unchanged, and requires that nobody
//! else has put it since the decision: so two of them never pass each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::base::TimestampNs;

use super::{
    brake::Brake,
    host::Host,
    node::{Key, Node},
    snapshot::{HostEntry, Snapshot},
};

/// The times on which the registry's decisions depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a node lives without a heartbeat.
    pub ttl: Duration,
    /// How long the record of a dead node is kept.
    pub retention: Duration,
    /// How long after its death a heartbeat brings a node back.
    pub revive_window: Duration,
    /// How long nothing follows from a mass expiry.
    pub brake_hold: Duration,
}

/// One key of the store as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The key.
    pub key: &'a str,
    /// The store's revision of the change.
    pub revision: u64,
    /// Its value and lease; `None` when it was deleted.
    pub put: Option<(&'a [u8], Option<u64>)>,
}

/// What has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// A node died.
    Died {
        /// The node as it was known.
        node: Arc<Node>,
        /// When it was seen to be dead.
        at: TimestampNs,
        /// Its host, if it has one, as it was known.
        host: Option<HostEntry>,
        /// Whether no other node of the host lives.
        is_last: bool,
    },
    /// A dead node is forgotten.
    Purge(Arc<Node>),
}

/// A document cannot be read; it is left out.
#[derive(Debug, thiserror::Error)]
#[error("document {key}: {error}")]
pub struct BadDocument {
    key: String,
    error: serde_json::Error,
}

/// All nodes and hosts.
#[derive(Debug)]
pub struct Registry {
    rules: Rules,
    nodes: BTreeMap<u64, Arc<Node>>,
    leases: BTreeMap<u64, Lease>,
    hosts: BTreeMap<u64, HostEntry>,
    host_ids: BTreeMap<String, u64>,
    /// Live nodes of every machine that has any.
    live_on: BTreeMap<String, BTreeSet<u64>>,
    /// Dead nodes whose death is not noted, with the time when it was seen.
    dying: BTreeMap<u64, TimestampNs>,
    /// Dead nodes whose death is noted, in the order of their deaths.
    dead: BTreeSet<(TimestampNs, u64)>,
    /// What was dying when everything was forgotten last.
    known_dying: BTreeMap<u64, TimestampNs>,
    /// Nodes that may have died since the last settling.
    unsettled: BTreeSet<u64>,
    brake: Brake,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    id: u64,
    modified: u64,
}

impl Registry {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            nodes: BTreeMap::new(),
            leases: BTreeMap::new(),
            hosts: BTreeMap::new(),
            host_ids: BTreeMap::new(),
            live_on: BTreeMap::new(),
            dying: BTreeMap::new(),
            dead: BTreeSet::new(),
            known_dying: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            brake: Brake::new(rules.ttl, rules.brake_hold),
        }
    }

    /// Forgets all documents, since all of them will be told again, but not how many nodes died lately, and which.
    pub fn clear(&mut self) {
        let fresh = Self::new(self.rules);
        let Self { brake, dying, .. } = std::mem::replace(self, fresh);
        (self.brake, self.known_dying) = (brake, dying);
    }

    /// Takes in one change at the time `now`; keys that are no node and no host are passed over.
    ///
    /// # Errors
    /// When the value cannot be read; the document then counts as absent.
    pub fn apply(&mut self, change: Change<'_>, now: TimestampNs) -> Result<(), BadDocument> {
        let bad = |error| BadDocument {
            key: change.key.to_owned(),
            error,
        };
        match Key::parse(change.key) {
            Some(Key::Record(id)) => self.apply_record(id, change, now).map_err(bad),
            Some(Key::Host(id)) => self.apply_host(id, change).map_err(bad),
            Some(Key::Alive(id)) => {
                self.apply_alive(id, change, now);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// To be called after the changes that came together, at the monotonic time `now`; whether the mass-expiry brake
    /// went on.
    pub fn settle(&mut self, now: Duration) -> bool {
        let unsettled = std::mem::take(&mut self.unsettled);
        let died = |id: &&u64| self.dying.contains_key(*id) && !self.known_dying.contains_key(*id);
        let deaths = unsettled.iter().filter(died).count();
        self.brake.note(deaths, self.leases.len(), now)
    }

    /// Whether nothing follows from deaths, because there were too many, at the monotonic time `now`.
    #[must_use]
    pub fn is_braked(&self, now: Duration) -> bool {
        self.brake.is_on(now)
    }

    /// What has to be written at the time `now`, monotonically `elapsed`; at most `limit` of each kind.
    #[must_use]
    pub fn due(&self, now: TimestampNs, elapsed: Duration, limit: usize) -> Vec<Consequence> {
        if self.is_braked(elapsed) {
            return Vec::new();
        }
        let died = self.dying.iter().map(|(id, at)| (id, *at)).take(limit);
        let died = died.filter_map(|(id, at)| Some(self.died(self.nodes.get(id)?, at)));
        let kept = self.kept();
        let past = self.dead.iter().take_while(|(at, _)| later(*at, kept) <= now);
        let purged = past.take(limit).filter_map(|(_, id)| self.nodes.get(id));
        died.chain(purged.map(|node| Consequence::Purge(Arc::clone(node))))
            .collect()
    }

    /// How long until more may be due, or the brake goes off, without any change; `None`: nothing waits for time to pass.
    #[must_use]
    pub fn next_due(&self, now: TimestampNs, elapsed: Duration) -> Option<Duration> {
        if let Some(left) = self.brake.left(elapsed) {
            return Some(left);
        }
        let (at, _) = self.dead.first()?;
        let left = later(*at, self.kept()).0.saturating_sub(now.0);
        Some(Duration::from_nanos(u64::try_from(left).unwrap_or(0)))
    }

    /// All of it as of the store's revision `revision`, for readers.
    #[must_use]
    pub fn snapshot(&self, revision: u64) -> Snapshot {
        Snapshot::new(revision, self.nodes.values(), self.hosts.values())
    }

    /// How long dead nodes are kept: at least as long as they may come back.
    fn kept(&self) -> Duration {
        self.rules.retention.max(self.rules.revive_window)
    }

    fn died(&self, node: &Arc<Node>, at: TimestampNs) -> Consequence {
        Consequence::Died {
            node: Arc::clone(node),
            at,
            host: self
                .host_ids
                .get(&node.hostname)
                .and_then(|id| self.hosts.get(id))
                .cloned(),
            is_last: !self.live_on.contains_key(&node.hostname),
        }
    }

    fn apply_record(&mut self, id: u64, change: Change<'_>, now: TimestampNs) -> Result<(), serde_json::Error> {
        if self.nodes.get(&id).is_some_and(|node| node.modified >= change.revision) {
            return Ok(());
        }
        let read = change.put.map(|(json, _)| Node::from_document(json, change.revision));
        let (node, outcome) = match read {
            Some(Ok(node)) => (Some(node), Ok(())),
            Some(Err(error)) => (None, Err(error)),
            None => (None, Ok(())),
        };
        self.replace(id, node, now);
        outcome
    }

    fn apply_alive(&mut self, id: u64, change: Change<'_>, now: TimestampNs) {
        if self
            .leases
            .get(&id)
            .is_some_and(|lease| lease.modified >= change.revision)
        {
            return;
        }
        let lease = change.put.and_then(|(_, lease)| lease);
        let modified = change.revision;
        match lease {
            Some(id_of_lease) => drop(self.leases.insert(
                id,
                Lease {
                    id: id_of_lease,
                    modified,
                },
            )),
            None => drop(self.leases.remove(&id)),
        }
        let node = self.nodes.get(&id).map(|node| Node::clone(node));
        self.replace(id, node, now);
    }

    fn apply_host(&mut self, id: u64, change: Change<'_>) -> Result<(), serde_json::Error> {
        if self
            .hosts
            .get(&id)
            .is_some_and(|entry| entry.modified >= change.revision)
        {
            return Ok(());
        }
        if let Some(entry) = self.hosts.remove(&id) {
            self.host_ids.remove(&entry.host.hostname);
        }
        let Some((json, _)) = change.put else { return Ok(()) };
        let host: Arc<Host> = Arc::new(serde_json::from_slice(json)?);
        let modified = change.revision;
        self.host_ids.insert(host.hostname.clone(), id);
        self.hosts.insert(id, HostEntry { host, modified });
        Ok(())
    }

    /// Puts the node with its present lease in the place of what was known of it.
    fn replace(&mut self, id: u64, node: Option<Node>, now: TimestampNs) {
        self.forget(id);
        let Some(mut node) = node else { return };
        node.lease = self.leases.get(&id).map(|lease| lease.id);
        match (node.lease, node.died_at) {
            (Some(_), _) => drop(self.live_on.entry(node.hostname.clone()).or_default().insert(id)),
            (None, Some(at)) => drop(self.dead.insert((at, id))),
            (None, None) => {
                self.unsettled.insert(id);
                self.dying.insert(id, self.known_dying.get(&id).copied().unwrap_or(now));
            }
        }
        self.nodes.insert(id, Arc::new(node));
    }

    /// Takes a node out of everything but the leases.
    fn forget(&mut self, id: u64) {
        let Some(node) = self.nodes.remove(&id) else { return };
        self.dying.remove(&id);
        if let Some(at) = node.died_at {
            self.dead.remove(&(at, id));
        }
        if let Some(live) = self.live_on.get_mut(&node.hostname) {
            live.remove(&id);
            if live.is_empty() {
                self.live_on.remove(&node.hostname);
            }
        }
    }
}

fn later(at: TimestampNs, by: Duration) -> TimestampNs {
    TimestampNs(at.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;

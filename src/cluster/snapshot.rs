//! PURE. All nodes and hosts at one moment, as readers see them.

use std::sync::Arc;

use super::{
    host::Host,
    node::{Node, NodeKind},
};

/// A host and the store's revision that put it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The host.
    pub host: Arc<Host>,
    /// The revision.
    pub modified: u64,
}

/// All nodes and hosts at one revision of the store; every list is in the order of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The store's revision up to which every change is in.
    pub revision: u64,
    /// Whether the store cannot be reached now, or never was: what is here may be out of date.
    pub stale: bool,
    /// The nodes of all clusters, dead ones included.
    pub data: Vec<Arc<Node>>,
    /// The Gyre processes, dead ones included.
    pub managers: Vec<Arc<Node>>,
    /// The machines on which nodes live or lived.
    pub hosts: Vec<HostEntry>,
}

impl Snapshot {
    /// What is known before anything was heard of the store.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            stale: true,
            ..Self::default()
        }
    }

    /// Both given in the order of ids.
    pub(super) fn new<'a>(
        revision: u64,
        nodes: impl Iterator<Item = &'a Arc<Node>>,
        hosts: impl Iterator<Item = &'a HostEntry>,
    ) -> Self {
        let (data, managers) = nodes.cloned().partition(|node| node.kind == NodeKind::Data);
        Self {
            revision,
            stale: false,
            data,
            managers,
            hosts: hosts.cloned().collect(),
        }
    }

    /// The data node of that id.
    #[must_use]
    pub fn data_node(&self, id: u64) -> Option<&Arc<Node>> {
        let at = self.data.binary_search_by_key(&id, |node| node.id).ok()?;
        self.data.get(at)
    }

    /// The live data node of that cluster on that machine; of several the one that registered last, which has the
    /// highest id.
    #[must_use]
    pub fn live_node(&self, cluster: &str, hostname: &str) -> Option<&Arc<Node>> {
        let is_it = |node: &&Arc<Node>| node.is_alive() && node.hostname == hostname && node.cluster == cluster;
        self.data.iter().rev().find(is_it)
    }

    /// The host of that id.
    #[must_use]
    pub fn host(&self, id: u64) -> Option<&HostEntry> {
        let at = self.hosts.binary_search_by_key(&id, |entry| entry.host.id).ok()?;
        self.hosts.get(at)
    }

    /// The host of that name.
    #[must_use]
    pub fn host_by_name(&self, hostname: &str) -> Option<&HostEntry> {
        self.hosts.iter().find(|entry| entry.host.hostname == hostname)
    }

    /// Whether a node other than `id` lives on that machine.
    #[must_use]
    pub fn others_live_on(&self, hostname: &str, id: u64) -> bool {
        let is_other = |node: &Arc<Node>| node.is_alive() && node.id != id && node.hostname == hostname;
        self.data.iter().chain(&self.managers).any(is_other)
    }

    /// Whether new jobs and tasks may be placed on the host: it is active and not paused.
    #[must_use]
    pub fn may_start_work(&self, hostname: &str) -> bool {
        let may = |entry: &HostEntry| entry.host.is_active && !entry.host.is_paused;
        self.host_by_name(hostname).is_some_and(may)
    }

    /// Whether what runs on the host has to end as failed: it was deactivated or lost. Pausing ends nothing.
    #[must_use]
    pub fn must_end_work(&self, hostname: &str) -> bool {
        self.host_by_name(hostname).is_none_or(|entry| !entry.host.is_active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base::TimestampNs, cluster::HostPatch};

    #[test]
    fn pausing_keeps_new_work_away_and_deactivating_ends_it() {
        let check = |patch: HostPatch, may_start: bool, must_end: bool| {
            let now = TimestampNs(0);
            let entry = HostEntry {
                host: Arc::new(Host::new(1, "h", now).patched(&patch, now)),
                modified: 1,
            };
            let snapshot = Snapshot::new(1, std::iter::empty(), std::iter::once(&entry));
            let decided = (snapshot.may_start_work("h"), snapshot.must_end_work("h"));
            assert_eq!(decided, (may_start, must_end), "{patch:?}");
        };
        let patch = |is_paused, is_active| HostPatch {
            is_paused: Some(is_paused),
            is_active: Some(is_active),
            pause_reason: None,
        };
        check(patch(false, true), true, false);
        check(patch(true, true), false, false);
        check(patch(false, false), false, true);
        check(patch(true, false), false, true);
        let unknown = Snapshot::default();
        assert!(!unknown.may_start_work("h") && unknown.must_end_work("h"));
    }
}

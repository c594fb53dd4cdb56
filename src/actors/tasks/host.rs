//! What an operator lets tasks do on this machine, while this process is registered as one of its nodes.

use crate::cluster::Snapshot;

use super::super::nodes::NodesHandle;

/// This machine in the node registry.
#[derive(Debug, Clone)]
pub(super) struct TaskHost {
    /// The registry, in which this process registers itself.
    pub(super) nodes: NodesHandle,
    /// The name under which it does.
    pub(super) hostname: String,
}

/// How much work is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Tasks start and run.
    Everything,
    /// Paused: no task starts, those that run stay.
    Running,
    /// Deactivated: what runs ends.
    Nothing,
}

impl TaskHost {
    /// What is allowed now.
    pub(super) fn allowed(&self) -> Allowed {
        allowed(&self.nodes.view(), &self.hostname)
    }
}

/// What is allowed on that machine. One that no live process stands for is unknown, or was lost for a moment with the
/// lease of its registration: that is nobody's order.
pub(super) fn allowed(snapshot: &Snapshot, hostname: &str) -> Allowed {
    let mut managers = snapshot.managers.iter();
    if !managers.any(|node| node.is_alive() && node.hostname == hostname) {
        return Allowed::Everything;
    }
    match (snapshot.may_start_work(hostname), snapshot.must_end_work(hostname)) {
        (_, true) => Allowed::Nothing,
        (false, false) => Allowed::Running,
        (true, false) => Allowed::Everything,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        base::TimestampNs,
        cluster::{Host, HostEntry, HostPatch, Node, NodeKind},
    };

    fn manager(lease: Option<u64>) -> Arc<Node> {
        Arc::new(Node {
            id: 1,
            kind: NodeKind::Manager,
            cluster: String::new(),
            ip: String::new(),
            hostname: "h".to_owned(),
            bind: String::new(),
            registered_at: TimestampNs(0),
            ttl: Duration::from_secs(10),
            died_at: None,
            lease,
            modified: 1,
        })
    }

    #[test]
    fn an_operator_restricts_and_a_lost_lease_does_not() {
        let check = |lease: Option<u64>, (is_paused, is_active): (bool, bool), expected: Allowed| {
            let patch = HostPatch {
                is_paused: Some(is_paused),
                is_active: Some(is_active),
                pause_reason: None,
            };
            let host = Host::new(2, "h", TimestampNs(0)).patched(&patch, TimestampNs(0));
            let snapshot = Snapshot {
                managers: vec![manager(lease)],
                hosts: vec![HostEntry {
                    host: Arc::new(host),
                    modified: 1,
                }],
                ..Snapshot::default()
            };
            assert_eq!(allowed(&snapshot, "h"), expected, "{patch:?}");
            assert_eq!(allowed(&snapshot, "other"), Allowed::Everything);
        };
        check(Some(1), (false, true), Allowed::Everything);
        check(Some(1), (true, true), Allowed::Running);
        check(Some(1), (true, false), Allowed::Nothing);
        check(None, (false, false), Allowed::Everything);
        assert_eq!(allowed(&Snapshot::unknown(), "h"), Allowed::Everything);
    }
}

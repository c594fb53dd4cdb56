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

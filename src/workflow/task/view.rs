//! PURE. A task as others see it.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::workflow::manifest::Manifest;

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TaskState {
    /// Waits to be started.
    Stopped,
    /// Fires when its schedule says so.
    Running,
    /// Was told to stop while it fired.
    Stopping,
    /// Its schedule is over.
    Ended,
    /// Failed too often in a row.
    Disabled,
}

/// A task as listings show it.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// Names it.
    pub id: String,
    /// As the manifest says, or `Task-<id>`.
    pub name: String,
    /// The latest moment after a fire at which one of its jobs may begin.
    pub deadline: Duration,
    /// What it does and when.
    pub manifest: Arc<Manifest>,
    /// Seconds since the epoch.
    pub created: i64,
    /// Seconds since the epoch of the last fire; none before the first and after a stop.
    pub last_run: Option<i64>,
    /// Fires, failed ones too.
    pub hits: u64,
    /// Fires that should have been while it was busy.
    pub misses: u64,
    /// Failed jobs, of which one fire may have several.
    pub failures: u64,
    /// The text of the last failure; empty when there was none.
    pub last_failure: String,
    /// Where it is in its life.
    pub state: TaskState,
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "Stopped",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Ended => "Ended",
            Self::Disabled => "Disabled",
        })
    }
}

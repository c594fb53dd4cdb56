//! PURE. The life of a task: its states, what may be done in each, what it counts.

use std::fmt;

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

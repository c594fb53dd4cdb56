//! PURE. What cannot be done with a task in its state.

use std::fmt;

use crate::{base::ErrorKind, workflow::schedule};

/// What was asked of a task cannot be done; the texts are Snap's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such task.
    #[error("Task not found: ID({0})")]
    NotFound(String),
    /// Start of a running one.
    #[error("Task is already running.")]
    AlreadyRunning,
    /// Start of a disabled one.
    #[error("Task is disabled. Cannot be started.")]
    StartDisabled,
    /// Start of one whose schedule cannot be followed any more.
    #[error(transparent)]
    Schedule(#[from] schedule::Invalid),
    /// Stop of a stopped one.
    #[error("Task is already stopped.")]
    AlreadyStopped,
    /// Stop of an ended one.
    #[error("Task is ended. Only running tasks can be stopped.")]
    StopEnded,
    /// Stop of a disabled one.
    #[error("Task is disabled. Only running tasks can be stopped.")]
    StopDisabled,
    /// Enable of one that is not disabled.
    #[error("Task must be disabled")]
    NotDisabled,
    /// Removal of a running one.
    #[error("Task must be stopped")]
    NotStopped,
}

impl Refusal {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::StartDisabled => ErrorKind::Conflict,
            Self::AlreadyRunning
            | Self::Schedule(_)
            | Self::AlreadyStopped
            | Self::StopEnded
            | Self::StopDisabled
            | Self::NotDisabled
            | Self::NotStopped => ErrorKind::InvalidArgument,
        }
    }
}

/// Errors of a start or stop as Snap counts them up, each with a blank behind it: `error 0: a error 1: b `.
#[must_use]
pub fn numbered<E: fmt::Display>(errors: &[E]) -> String {
    let one = |(number, error): (usize, &E)| format!("error {number}: {error} ");
    errors.iter().enumerate().map(one).collect()
}

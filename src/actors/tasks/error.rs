//! Why a task was not created or changed, in Snap's words.

use crate::{
    base::ErrorKind,
    meta,
    workflow::task::{Refusal, numbered},
};

use super::super::guard::Refused;

/// A task was not created, or not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TaskError {
    /// There is no such task, or its state does not allow it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The workflow means nothing with the plugins that are loaded, or plugins could not be started.
    #[error("{}", .0.join(" -- "))]
    Invalid(Vec<String>),
    /// There is a task of that id already.
    #[error("task {0} exists already")]
    Exists(String),
    /// As many tasks exist as are allowed.
    #[error("no more than {0} tasks are allowed")]
    TooMany(usize),
    /// An operator wants no new work on this machine.
    #[error("host {0} is paused or deactivated: it starts no task")]
    HostPaused(String),
    /// The store failed.
    #[error("task could not be stored: {0}")]
    Store(#[from] meta::Error),
    /// An actor cannot take it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A start or a stop failed: Snap numbers the reasons, `error 0: a error 1: b `.
    #[error("{}", number(.0))]
    Numbered(Box<TaskError>),
}

impl TaskError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refusal(refusal) => refusal.kind(),
            Self::Invalid(_) => ErrorKind::InvalidArgument,
            Self::Exists(_) => ErrorKind::AlreadyExists,
            Self::TooMany(_) => ErrorKind::TooLarge,
            Self::HostPaused(_) => ErrorKind::Denied,
            Self::Store(error) => error.kind(),
            Self::Refused(refused) => refused.kind(),
            Self::Numbered(error) => error.kind(),
        }
    }

    /// No task of that id.
    pub(super) fn not_found(id: &str) -> Self {
        Self::Refusal(Refusal::NotFound(id.to_owned()))
    }

    /// The same error as the answer to a start or a stop.
    pub(super) fn numbered(self) -> Self {
        Self::Numbered(Box::new(self))
    }
}

fn number(error: &TaskError) -> String {
    match error {
        TaskError::Invalid(errors) => numbered(errors),
        error => numbered(&[error]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_joined_or_numbered() {
        let check = |error: TaskError, plain: &str, numbered: &str| {
            assert_eq!(error.to_string(), plain);
            assert_eq!(error.numbered().to_string(), numbered);
        };
        let both = TaskError::Invalid(vec!["a".to_owned(), "b".to_owned()]);
        check(both, "a -- b", "error 0: a error 1: b ");
        let unknown = "Task not found: ID(x)";
        check(TaskError::not_found("x"), unknown, &format!("error 0: {unknown} "));
    }
}

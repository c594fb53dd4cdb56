//! What can go wrong with the engine.

use std::{io, path::PathBuf, sync::Arc};

use crate::base::ErrorKind;

use super::block::BlockError;

/// The engine's error. What a client may see has InfluxDB's words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A statement names a database that does not exist.
    #[error("database not found: {0}")]
    DatabaseNotFound(String),
    /// A write names a database that does not exist; InfluxDB quotes it there.
    #[error("database not found: {0:?}")]
    WriteToUnknownDatabase(String),
    /// A write or statement names a retention policy that does not exist.
    #[error("retention policy not found: {0}")]
    PolicyNotFound(String),
    /// There is a retention policy of this name with other properties.
    #[error("retention policy already exists")]
    PolicyExists,
    /// The existing policy is not the default, or not the one asked for.
    #[error("retention policy conflicts with an existing policy")]
    PolicyConflict,
    /// The duration is less than an hour.
    #[error("retention policy duration must be at least 1h0m0s")]
    DurationTooLow,
    /// A shard group would outlive the policy's duration.
    #[error("retention policy duration must be greater than the shard duration")]
    IncompatibleDurations,
    /// A policy without copies.
    #[error("replication factor must be greater than 0")]
    ReplicationTooLow,
    /// A database without a name.
    #[error("database name required")]
    DatabaseNameRequired,
    /// A policy without a name.
    #[error("retention policy name required")]
    PolicyNameRequired,
    /// The lines were not what they were said to be.
    #[error("{0}")]
    InvalidLines(String),
    /// The disk fails, or is full; what was to be stored stays in memory.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The file system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file without which nothing can be served is damaged, or a later version wrote it.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A thread died while it changed the engine's state, of which nothing may be made durable any more.
    #[error("the embedded engine broke while it was changed: it has to be opened again")]
    Broken,
    /// A block file.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Error {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DatabaseNotFound(_) | Self::WriteToUnknownDatabase(_) | Self::PolicyNotFound(_) => {
                ErrorKind::NotFound
            }
            Self::PolicyExists => ErrorKind::AlreadyExists,
            Self::PolicyConflict => ErrorKind::Conflict,
            Self::DurationTooLow
            | Self::IncompatibleDurations
            | Self::ReplicationTooLow
            | Self::DatabaseNameRequired
            | Self::PolicyNameRequired
            | Self::InvalidLines(_) => ErrorKind::InvalidArgument,
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Broken => ErrorKind::Internal,
            Self::Block(error) => error.kind(),
        }
    }

    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source: Arc::new(source),
        }
    }
}

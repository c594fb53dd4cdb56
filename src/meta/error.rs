//! What a metadata store can answer instead of doing what was asked.

use std::{path::PathBuf, sync::Arc};

use super::{LeaseId, Revision};
use crate::base::ErrorKind;

/// Why a request to a metadata store failed. Cheap to clone: one failed commit answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A key was empty.
    #[error("key is empty")]
    EmptyKey,
    /// A key, a value or a whole transaction exceeds its limit.
    #[error("{what} of {size} exceeds the limit of {limit}")]
    TooLarge {
        /// What was too large: `"key bytes"`, `"value bytes"`, `"large value bytes"`, `"transaction operations"` or
        /// `"transaction bytes"`.
        what: &'static str,
        /// The size that was asked for.
        size: usize,
        /// The largest size that is accepted.
        limit: usize,
    },
    /// One branch of a transaction writes the same key twice.
    #[error("key {0:?} is written twice in one transaction")]
    DuplicateKey(Arc<str>),
    /// A time to live is zero or longer than [`super::MAX_TTL`].
    #[error("time to live must be above zero and at most a year")]
    InvalidTtl,
    /// The lease was never granted, has expired or was revoked.
    #[error("lease {0} does not exist")]
    LeaseNotFound(LeaseId),
    /// A watch asked for history that is gone: list again, then watch from there.
    #[error("revisions before {oldest} are compacted")]
    Compacted {
        /// The least revision from which a watch can start.
        oldest: Revision,
    },
    /// The store was shut down, or stopped after a commit failed.
    #[error("metadata store is closed")]
    Closed,
    /// Another process has the store's file open.
    #[error("metadata file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A later version of Gyre wrote the store's file.
    #[error("metadata file has format {found}, this version reads up to {supported}")]
    NewerFormat {
        /// The file's format.
        found: u64,
        /// The latest format known here.
        supported: u64,
    },
    /// The stored bytes are damaged; nothing was read from them.
    #[error("metadata file is damaged: {0}")]
    Corrupt(String),
    /// Nobody answers for the store, for now. Nothing was done, and trying again is safe.
    #[error("metadata store is unavailable")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The answer did not come, or not in time; a write may or may not have been applied.
    #[error("metadata store did not answer")]
    Unanswered(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The disk or the remote store failed; a write may or may not have been applied.
    #[error("metadata store failed")]
    Storage(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::EmptyKey | Self::DuplicateKey(_) | Self::InvalidTtl => ErrorKind::InvalidArgument,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::LeaseNotFound(_) => ErrorKind::NotFound,
            Self::Compacted { .. } => ErrorKind::Conflict,
            Self::Closed | Self::InUse(_) | Self::Unavailable(_) | Self::Unanswered(_) => ErrorKind::Unavailable,
            Self::NewerFormat { .. } => ErrorKind::Unsupported,
            Self::Corrupt(_) => ErrorKind::Corrupt,
            Self::Storage(_) => ErrorKind::Internal,
        }
    }
}

//! What can go wrong with a journal.

use std::{io, path::PathBuf, sync::Arc};

use crate::base::ErrorKind;

use super::Seq;

/// A journal's error. Clones share the cause: one failed write fails everybody who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// All segments together have reached their limit; nothing was written.
    #[error("journal is full: {used} of {limit} bytes")]
    Full {
        /// Bytes held.
        used: u64,
        /// The most that may be held.
        limit: u64,
    },
    /// The record is longer than any may be.
    #[error("record of {len} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its length, bytes.
        len: usize,
        /// The limit, bytes.
        limit: u64,
    },
    /// The journal has been closed.
    #[error("journal is closed")]
    Closed,
    /// The disk fails, or is full; nothing of this write is kept.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// The file system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// Stored records are damaged or missing, and records after them are there.
    #[error("{}: damaged at byte {offset}: records {first} to {last} are lost or in doubt; set journal.on_damage = \"skip\" to go on without them", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// First record that is lost.
        first: Seq,
        /// Last record that is lost.
        last: Seq,
    },
}

impl Error {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Full { .. } => ErrorKind::Busy,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Closed | Self::Io { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::Corrupt,
        }
    }

    /// Names the file at which a file system operation failed.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source: Arc::new(source),
        }
    }
}

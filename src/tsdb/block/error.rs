//! What can go wrong with a block file.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{base::ErrorKind, query::source::Times};

use super::SeriesId;

/// A block file's error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BlockError {
    /// The disk fails, or is full.
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
    /// Stored bytes are not those that were written.
    #[error("{}: damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged part begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A later version of Gyre wrote the file.
    #[error("{}: block format {version} is not known", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// Rows were appended that a block cannot hold, or in the wrong order; nothing of the call was written.
    #[error("{}: series {series}: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Whose rows.
        series: SeriesId,
        /// What is wrong with them.
        what: &'static str,
    },
}

impl BlockError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Version { .. } => ErrorKind::Unsupported,
            Self::Invalid { .. } => ErrorKind::Internal,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source: Arc::new(source),
        }
    }

    pub(super) fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            offset,
            what,
        }
    }
}

/// A chunk that cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("series {series} from {} to {} is lost: {error}", times.min, times.max)]
pub struct Damage {
    /// Whose rows are lost.
    pub series: SeriesId,
    /// The times of the lost rows.
    pub times: Times,
    /// Why; names the file and the place.
    #[source]
    pub error: BlockError,
}

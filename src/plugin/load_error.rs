//! PURE. Why a plugin cannot be loaded or started, in Snap's words.

use std::{io, path::PathBuf};

use crate::{
    base::ErrorKind,
    workflow::{PluginKey, namespace::check::BadNamespace},
};

use super::{CallError, Checksum, handshake::HandshakeError, os_error::words};

/// A plugin could not be loaded, or an instance of it not be started.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("open {}: {}", .path.display(), words(.source))]
    Open {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not the one that was loaded.
    #[error("Current plugin checksum ({now}) does not match checksum when plugin was first loaded ({loaded}).")]
    Changed {
        /// What it contains.
        now: Checksum,
        /// What it contained.
        loaded: Checksum,
    },
    /// The file cannot be executed.
    #[error("fork/exec {}: {}", .path.display(), words(.source))]
    Execute {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A plugin that stands alone does not answer; its URL, and Go's words.
    #[error("Get {url:?}: {reason}")]
    Get {
        /// Where it should be.
        url: String,
        /// Why not.
        reason: String,
    },
    /// It does not say in time where it listens, or ended before.
    #[error("timed out waiting for plugin to load")]
    TimedOut,
    /// What it says first has no end.
    #[error("first line of plugin is longer than 64 KiB")]
    FirstLineTooLong,
    /// What it says first is not what a plugin must say.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// It speaks Go's own RPC, and there is a plugin built in that does the same.
    #[error("{error}; Gyre has it built in: load {{\"uri\": \"builtin:{twin}\"}} instead")]
    HasTwin {
        /// What is wrong with it.
        error: HandshakeError,
        /// The one built in, `TYPE:NAME:VERSION`.
        twin: PluginKey,
    },
    /// The files for TLS cannot be used.
    #[error("error while creating client connection: {0}")]
    Connection(String),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The plugin says itself that it cannot work.
    #[error("plugin loading did not succeed: {0}\n")]
    Failed(String),
    /// It offers a metric that may not have such a name.
    #[error(transparent)]
    Namespace(#[from] BadNamespace),
    /// Neither the metric nor the plugin has a version above 0.
    #[error("Bad metric version from plugin")]
    BadVersion,
    /// What was started is not what was loaded.
    #[error("plugin {found} was started where {wanted} was expected")]
    Another {
        /// What it says that it is.
        found: PluginKey,
        /// What was loaded.
        wanted: PluginKey,
    },
}

impl LoadError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Open { .. } => ErrorKind::Internal,
            Self::Changed { .. } => ErrorKind::Corrupt,
            Self::TimedOut => ErrorKind::Timeout,
            Self::Get { .. } | Self::Call(_) => ErrorKind::Unavailable,
            Self::Handshake(HandshakeError::Native(_)) | Self::HasTwin { .. } => ErrorKind::Unsupported,
            Self::Execute { .. }
            | Self::FirstLineTooLong
            | Self::Handshake(_)
            | Self::Connection(_)
            | Self::Failed(_)
            | Self::Namespace(_)
            | Self::BadVersion
            | Self::Another { .. } => ErrorKind::InvalidArgument,
        }
    }
}

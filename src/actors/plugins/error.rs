//! Why plugins could not be loaded, unloaded or configured, in Snap's words.

use std::io;

use crate::{
    actors::guard::Refused,
    base::ErrorKind,
    meta,
    plugin::{CallError, LoadError, trust::TrustError},
    workflow::{catalogue::offer::BadOffer, config::InvalidConfig},
};

use super::record::BadDocument;

/// The plugins did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PluginsError {
    /// The same type, name and version is loaded.
    #[error("plugin is already loaded")]
    AlreadyLoaded,
    /// No such plugin is loaded.
    #[error("plugin not found")]
    NotFound,
    /// It is being unloaded.
    #[error("Plugin must be in a LoadedState")]
    NotLoaded,
    /// These started tasks need it, and no other loaded plugin would do.
    #[error("Plugin is used by running task. Stop the task to be able to unload the plugin:\n{}", .0.join("\n"))]
    InUse(Vec<String>),
    /// No built-in has that name.
    #[error("no plugin of the name {0} is built in")]
    NoBuiltIn(String),
    /// It does not start, does not say what it is, or says what no plugin may say.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It offers metrics that cannot be asked for.
    #[error(transparent)]
    Offer(#[from] BadOffer),
    /// It may not run here.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A built-in cannot be described with the global configuration.
    #[error(transparent)]
    Describe(#[from] CallError),
    /// Its file cannot be kept or read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// What is to be stored of it cannot be written down.
    #[error("{0}")]
    Document(#[from] serde_json::Error),
    /// What is stored of it cannot be read.
    #[error("{0}")]
    Stored(#[from] BadDocument),
    /// What is stored of the configuration cannot be read.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// Built-in plugins and those that stand alone have no file.
    #[error("plugin has no file")]
    NoFile,
    /// The actor cannot take it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store failed, or cannot be reached.
    #[error(transparent)]
    Store(#[from] meta::Error),
}

impl PluginsError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyLoaded => ErrorKind::AlreadyExists,
            Self::NotFound | Self::NoBuiltIn(_) => ErrorKind::NotFound,
            Self::NotLoaded | Self::InUse(_) => ErrorKind::Conflict,
            Self::Load(error) => error.kind(),
            Self::Describe(_) | Self::Offer(_) => ErrorKind::InvalidArgument,
            Self::Trust(_) => ErrorKind::Denied,
            Self::File(_) | Self::Document(_) => ErrorKind::Internal,
            Self::Stored(_) | Self::Config(_) => ErrorKind::Corrupt,
            Self::NoFile => ErrorKind::Unsupported,
            Self::Refused(refused) => refused.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

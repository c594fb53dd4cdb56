//! Loading: a plugin is started once, asked what it is and what it can do, and ended again.

use crate::{
    base::ErrorKind,
    workflow::{Config, PluginKey},
};

use super::{Description, Launch};

/// The global configuration of a plugin that has just said which one it is.
pub type GlobalConfigOf<'a> = &'a (dyn Fn(&PluginKey) -> Config + Send + Sync);

/// A plugin could not be loaded, or an instance of it not be started.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not built yet.
    #[error("not supported yet")]
    Unsupported,
}

impl LoadError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Unsupported
    }
}

/// Starts a plugin, asks what it is, and ends it; one that stands alone goes on.
///
/// # Errors
/// When it does not start, does not say what it is, cannot be spoken with, or says what no plugin may say.
pub async fn load(_launch: &Launch, _global: GlobalConfigOf<'_>) -> Result<Description, LoadError> {
    Err(LoadError::Unsupported)
}

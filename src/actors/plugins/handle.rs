//! The way to the plugins.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::join_all, stream};
use prometheus_client::metrics::counter::Counter;
use tokio::runtime;

use crate::{
    actors::guard::{Guarded, Refused, guard},
    base::Clock,
    meta::MetaStore,
    plugin::{LogLevel, PluginTls, builtin, discover::Candidate, trust::Trust},
    workflow::{
        Config, PluginKey,
        config::{Address, GlobalConfig},
        manifest::Manifest,
        plan::Plan,
    },
};

use super::{
    Add, Configure, Crash, Loaded, Origin, PluginsActor, PluginsError, PluginsView, Remove, RestoreConfig, Running,
    StartInstance, Stop, Subscription,
    load::{self, Found},
    pool::Runner,
    record::{self, Source},
    resolve,
    shared::{Change, Shared, StartOf},
};

/// Messages to the actor under way at once.
const CAPACITY: usize = 1024;
/// Plugins that are loaded at once when the process starts: a load is a process that starts.
const LOADS_AT_ONCE: usize = 8;

/// Whether a plugin that is being loaded is to be loaded again at the next start by what is stored now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Stored,
    /// It is stored already, or is found again.
    NotStored,
}

/// What the actor and its handles are made of.
#[derive(Debug)]
pub struct PluginsParts {
    /// Where loaded plugins and their configuration are kept: the documents of this process.
    pub store: Arc<dyn MetaStore>,
    /// Dates what is loaded and called.
    pub clock: Arc<dyn Clock>,
    /// What built-in plugins work with.
    pub deps: builtin::Deps,
    /// Which plugins may run.
    pub trust: Trust,
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
    /// How often in a row an instance that died is started again; `None` is endless.
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
    actor: Guarded<PluginsActor>,
    shared: Arc<Shared>,
}

impl PluginsHandle {
    /// Starts the actor on the current arbiter, with nothing loaded.
    #[must_use]
    pub fn start(parts: PluginsParts, restarts: Counter) -> Self {
        let shared = Arc::new(Shared::new(parts, runtime::Handle::current(), restarts.clone()));
        let for_actor = Arc::clone(&shared);
        let make = move |life| PluginsActor::new(Arc::clone(&for_actor), life);
        Self {
            actor: guard("plugins".to_owned(), CAPACITY, restarts, make),
            shared,
        }
    }

    /// Loads again what was loaded when the process ended. What cannot be loaded is logged, and kept for the next start.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn restore(&self) -> Result<(), PluginsError> {
        if let Err(error) = self.actor.ask(RestoreConfig).await? {
            tracing::error!(%error, "changed plugin configuration cannot be read: plugins are loaded without it");
        }
        let stored = self.shared.store.load(record::PLUGINS).await?;
        let all = stored.entries.iter().map(|entry| async move {
            match self.load_again(&entry.value).await {
                // A task or a client that named it was faster.
                Ok(_) | Err(PluginsError::AlreadyLoaded) => {}
                Err(error) => {
                    tracing::error!(%error, key = %entry.key, "plugin was not loaded again: tried at the next start");
                }
            }
        });
        stream::iter(all).buffer_unordered(LOADS_AT_ONCE).collect::<()>().await;
        let sources = stored.entries.iter().map(|entry| Source::from_bytes(&entry.value));
        let wanted = sources
            .map(|source| Ok(source?.kept()))
            .collect::<Result<Vec<_>, PluginsError>>();
        // A document that cannot be read may mean any executable.
        if let Ok(wanted) = wanted {
            self.shared
                .executables
                .sweep(wanted.into_iter().flatten().collect())
                .await?;
        }
        Ok(())
    }

    /// Loads the plugins that lie in these directories, and returns the manifests of tasks there, in order. What cannot
    /// be read or loaded is logged. None of it is loaded again at the next start, but by looking again.
    pub async fn discover(&self, directories: &[PathBuf]) -> Vec<PathBuf> {
        let mut tasks = vec![];
        for directory in directories {
            match load::scan(directory.clone()).await {
                Ok(found) => {
                    let loads = found
                        .plugins
                        .into_iter()
                        .map(|candidate| self.load_candidate(candidate));
                    stream::iter(loads)
                        .buffer_unordered(LOADS_AT_ONCE)
                        .collect::<()>()
                        .await;
                    tasks.extend(found.tasks);
                }
                Err(error) => tracing::error!(%error, directory = %directory.display(), "directory was not read"),
            }
        }
        tasks
    }

    /// Loads a plugin, and answers when it is known and stored. Goes on when nobody waits for the answer any more.
    ///
    /// # Errors
    /// See [`PluginsError`].
    pub async fn load(&self, request: LoadRequest) -> Result<Arc<Loaded>, PluginsError> {
        let this = self.clone();
        let loading = async move {
            let found = load::find(&this.shared, request).await?;
            this.add(found, Keep::Stored).await
        };
        // The runtime ends with the process.
        self.shared
            .setting
            .runtime
            .spawn(loading)
            .await
            .map_err(|_| Refused::Gone)?
    }

    /// Unloads a plugin, unless a started task needs it.
    ///
    /// # Errors
    /// See [`PluginsError`].
    pub async fn unload(&self, key: &PluginKey) -> Result<Arc<Loaded>, PluginsError> {
        let message = Remove {
            key: key.clone(),
            forced: false,
        };
        self.actor.ask(message).await?
    }

    /// What is loaded now.
    #[must_use]
    pub fn view(&self) -> Arc<PluginsView> {
        Arc::clone(&self.shared.published.load().view)
    }

    /// Raised by everything that may change what a task means: it is to be resolved again at its next fire.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.published.load().view.epoch
    }

    /// All running instances, ordered by plugin and number.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        let pools = self.shared.published.load().all_pools();
        let mut running: Vec<_> = pools.iter().flat_map(|pool| pool.running()).collect();
        running.sort_by(|one, other| (&one.key, one.id).cmp(&(&other.key, other.id)));
        running
    }

    /// The executable of a plugin.
    ///
    /// # Errors
    /// When it is not loaded, has no file, or the file cannot be read.
    pub async fn file(&self, key: &PluginKey) -> Result<Bytes, PluginsError> {
        let loaded = self.view().get(key).cloned().ok_or(PluginsError::NotFound)?;
        match &loaded.origin {
            Origin::File { path, .. } => load::read(path.clone()).await,
            Origin::Remote { .. } | Origin::BuiltIn(_) => Err(PluginsError::NoFile),
        }
    }

    /// The global configuration that holds at an address.
    #[must_use]
    pub fn config(&self, address: &Address) -> Config {
        self.shared.published.load().view.config.get(address)
    }

    /// Changes settings, and answers with what holds at the address then.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn set_config(&self, address: &Address, config: Config) -> Result<Config, PluginsError> {
        self.configure(address, Change::Put(config)).await
    }

    /// Removes settings, and answers with what holds at the address then.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn remove_config(&self, address: &Address, names: &[String]) -> Result<Config, PluginsError> {
        self.configure(address, Change::Remove(names.to_vec())).await
    }

    /// What a task means with what is loaded. Built-in plugins that it names are loaded.
    ///
    /// # Errors
    /// Everything that is wrong with it, in Snap's words.
    pub async fn resolve(&self, manifest: &Manifest) -> Result<Plan, Vec<String>> {
        resolve::check_targets(&manifest.workflow)
            .await
            .map_err(|error| vec![error])?;
        for builtin in resolve::missing(manifest, &self.view()) {
            let name = format!("builtin:{}", builtin.key());
            match self.load(LoadRequest::BuiltIn { name }).await {
                // Another task has named it too.
                Ok(_) | Err(PluginsError::AlreadyLoaded) => {}
                Err(error) => return Err(vec![error.to_string()]),
            }
        }
        let resolved = self.shared.published.load().resolve(manifest);
        resolved.map_err(|errors| errors.iter().map(ToString::to_string).collect())
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
        let task: Arc<str> = Arc::from(task);
        let published = self.shared.published.load_full();
        let keys = plan.plugins();
        let holds = keys.iter().map(|key| async {
            let pool = published.pools.get(key).ok_or(PluginsError::NotFound)?;
            let start = |id| self.start_instance(&pool.loaded, id).boxed();
            pool.subscribe(&task, manifest, &start).await
        });
        let mut held = BTreeMap::new();
        let mut errors = vec![];
        for (key, hold) in keys.iter().zip(join_all(holds).await) {
            match hold {
                Ok(hold) => drop(held.insert(key.clone(), hold)),
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() {
            Ok(Subscription::new(task, held))
        } else {
            Err(errors)
        }
    }

    /// Ends the actor and all instances. What is loaded is loaded again at the next start.
    pub async fn stop(&self) {
        self.actor.expect_end();
        // An actor that is being restarted is as good as ended.
        let _ended = self.actor.ask(Stop).await;
        let pools = self.shared.published.load().all_pools();
        join_all(pools.iter().map(|pool| pool.close())).await;
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        let _gone = self.actor.ask(Crash).await;
    }

    async fn load_again(&self, document: &[u8]) -> Result<(), PluginsError> {
        let found = load::find_again(&self.shared, Source::from_bytes(document)?).await?;
        self.add(found, Keep::NotStored).await?;
        Ok(())
    }

    async fn load_candidate(&self, candidate: Candidate) {
        let path = candidate.path.clone();
        let loaded = async {
            let found = load::find_candidate(&self.shared, candidate).await?;
            self.add(found, Keep::NotStored).await
        };
        match loaded.await {
            // Somebody has sent it along too.
            Ok(_) | Err(PluginsError::AlreadyLoaded) => {}
            Err(error) => tracing::error!(%error, path = %path.display(), "plugin was found and not loaded"),
        }
    }

    /// Asks a plugin what it is, and counts it among the loaded ones.
    async fn add(&self, found: Found, keep: Keep) -> Result<Arc<Loaded>, PluginsError> {
        let mut arrival = load::describe(&self.shared, found).await?;
        if keep == Keep::NotStored {
            arrival.source = None;
        }
        if self.view().get(arrival.loaded.key()).is_some() {
            return Err(PluginsError::AlreadyLoaded);
        }
        if let Origin::Remote { .. } = arrival.loaded.origin {
            let id = self.shared.setting.new_id();
            arrival.runner = Some(self.start_instance(&arrival.loaded, id).await?);
        }
        self.actor.ask(Add(arrival)).await?
    }

    /// Starts an instance: a process is watched by an actor, on the arbiter of this one.
    async fn start_instance(&self, loaded: &Loaded, id: u64) -> Result<Runner, PluginsError> {
        match self.shared.start_of(&loaded.origin) {
            StartOf::Launch(launch) => {
                let key = loaded.key().clone();
                let handle = self.actor.ask(StartInstance { key, id, launch }).await??;
                Ok(Runner::External(handle))
            }
            StartOf::BuiltIn(builtin) => Ok(Runner::BuiltIn(builtin.start(&self.shared.deps))),
        }
    }

    async fn configure(&self, address: &Address, change: Change) -> Result<Config, PluginsError> {
        let address = address.clone();
        self.actor.ask(Configure { address, change }).await?
    }
}

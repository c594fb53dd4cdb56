//! Telemetry: plugins, tasks, and the way of what they collect into Gyre's own databases.
//!
//! Start: what an earlier Gyre left running is ended; plugins are loaded again; then what lies in the directories to
//! discover; then tasks go on, the default one and those of the directories among them. All that happens behind the
//! open front door. Stop: the front door first, then the tasks, then the plugins, while the write path still takes what
//! they publish.

mod default_task;
mod gauges;
mod manifests;
mod write_path;

use std::{os::unix::fs::MetadataExt, path::PathBuf, sync::Arc};

use tokio::task::JoinHandle;

use crate::{
    actors::{PluginsHandle, PluginsOptions, PluginsParts, TaskError, TasksHandle, TasksParts},
    base::Clock,
    config::{self, Config},
    obs::Metrics,
    plugin::{
        LogLevel, PluginTls,
        builtin::{Deps, LastValues},
        reap,
        trust::{Level, Trust},
    },
    workflow::config::GlobalConfig,
};

use super::{StartError, nodes, nodes::Nodes, stores::Stores};

pub(super) use write_path::WritePath;

/// The directory of plugins' executables in the data directory.
const PLUGINS: &str = "plugins";
/// The directory of prepared keyrings in the data directory.
const KEYRINGS: &str = "keyrings";

/// The plugins and tasks of this process.
#[derive(Debug)]
pub(super) struct Telemetry {
    pub(super) plugins: PluginsHandle,
    pub(super) tasks: TasksHandle,
    pub(super) last_values: Arc<LastValues>,
    going_on: JoinHandle<()>,
}

impl Telemetry {
    /// Opens what is stored and begins to go on with it, on the current arbiter.
    pub(super) async fn start(
        config: &Config,
        stores: &Stores,
        nodes: &Nodes,
        write_path: WritePath,
        metrics: &mut Metrics,
    ) -> Result<Self, StartError> {
        let deps = Deps::new(Arc::new(write_path.start()), Arc::clone(&stores.clock));
        let mark = owner_marker(config)?;
        let parts = plugins_parts(config, stores, &deps, &mark).await?;
        let plugins = PluginsHandle::start(parts, metrics.restarts("plugins"));
        let parts = tasks_parts(config, stores, nodes);
        let tasks = TasksHandle::open(plugins.clone(), parts, &metrics.restarts("tasks")).await?;
        gauges::register(metrics, &plugins, &tasks, &deps);
        let last_values = Arc::clone(&deps.last_values);
        let going_on = tokio::task::spawn_local(go_on(GoingOn {
            plugins: plugins.clone(),
            tasks: tasks.clone(),
            clock: Arc::clone(&stores.clock),
            mark,
            directories: config.telemetry.auto_discover.clone(),
            default_task: config.telemetry.default_task,
            expand_env: config.telemetry.expand_env,
        }));
        Ok(Self {
            plugins,
            tasks,
            last_values,
            going_on,
        })
    }

    /// Stores what was counted, and ends tasks and plugins.
    pub(super) async fn stop(self) {
        self.going_on.abort();
        self.tasks.shut_down().await;
        self.plugins.stop().await;
    }
}

/// What follows the start.
struct GoingOn {
    plugins: PluginsHandle,
    tasks: TasksHandle,
    clock: Arc<dyn Clock>,
    mark: Arc<str>,
    directories: Vec<PathBuf>,
    default_task: bool,
    expand_env: bool,
}

async fn go_on(this: GoingOn) {
    match reap::orphans(&this.mark).await {
        Ok(0) => {}
        Ok(killed) => tracing::info!(killed, "plugins of an earlier run ended"),
        Err(error) => tracing::warn!(%error, "plugins of an earlier run cannot be ended"),
    }
    if let Err(error) = this.plugins.restore().await {
        tracing::error!(%error, "plugins cannot be loaded again");
    }
    let files = this.plugins.discover(&this.directories).await;
    this.tasks.resume().await;
    if this.default_task
        && let Err(error) = this.add_default_task().await
    {
        tracing::error!(%error, "the default task cannot be started");
    }
    for file in files {
        if let Err(error) = manifests::add(&this.tasks, &file, &*this.clock, this.expand_env).await {
            tracing::error!(file = %file.display(), %error, "the file's task cannot be started");
        }
    }
}

impl GoingOn {
    /// Creates the default task unless it is there, in whatever state.
    async fn add_default_task(&self) -> Result<(), TaskError> {
        if self.tasks.get(default_task::ID).is_ok() {
            return Ok(());
        }
        let manifest = default_task::manifest(self.clock.now());
        let manifest = manifest.map_err(|error| TaskError::Invalid(vec![error.to_string()]))?;
        self.tasks.add(Some(default_task::ID), manifest).await.map(drop)
    }
}

/// Tells the plugins of this process from those of others: no two processes share a data directory. Its path alone would
/// not do: seen from the host, the one in a container may have the same.
fn owner_marker(config: &Config) -> Result<Arc<str>, StartError> {
    let dir = &config.data.dir;
    let both = dir.canonicalize().and_then(|path| Ok((path, dir.metadata()?)));
    let (path, of_dir) = both.map_err(|source| StartError::DataDir {
        path: dir.display().to_string(),
        source,
    })?;
    Ok(format!("{}@{}:{}", path.display(), of_dir.dev(), of_dir.ino()).into())
}

/// `telemetry.plugins` as plugins get it.
pub(super) fn plugin_config(config: &Config) -> Result<GlobalConfig, StartError> {
    let tree = serde_json::Value::Object(config.telemetry.plugins.settings.0.clone());
    GlobalConfig::from_document(&tree).map_err(|error| StartError::PluginConfig(error.to_string()))
}

async fn plugins_parts(
    config: &Config,
    stores: &Stores,
    deps: &Deps,
    mark: &Arc<str>,
) -> Result<PluginsParts, StartError> {
    let settings = &config.telemetry.plugins;
    let level = match settings.trust {
        config::PluginTrust::Off => Level::Off,
        config::PluginTrust::Warn => Level::Warn,
        config::PluginTrust::On => Level::On,
    };
    let trust = Trust::load(level, &settings.keyrings, &config.data.dir.join(KEYRINGS)).await?;
    let own_tls = settings.tls.as_ref().map(|tls| PluginTls {
        cert: tls.cert.clone(),
        key: tls.key.clone(),
        ca: tls.ca.clone(),
    });
    Ok(PluginsParts {
        store: Arc::<crate::meta::Embedded>::clone(&stores.local),
        clock: Arc::clone(&stores.clock),
        deps: deps.clone(),
        files: config.data.dir.join(PLUGINS),
        config: plugin_config(config)?,
        trust,
        options: PluginsOptions {
            max_running: settings.max_running.get(),
            max_restarts: settings.max_restarts,
            load_timeout: settings.load_timeout,
            cache_expiration: settings.cache_expiration,
            log_level: match config.log.level {
                config::LogLevel::Error => LogLevel::Error,
                config::LogLevel::Warn => LogLevel::Warn,
                config::LogLevel::Info => LogLevel::Info,
                config::LogLevel::Debug | config::LogLevel::Trace => LogLevel::Debug,
            },
            own_tls: own_tls.map(Arc::new),
            owner_marker: Arc::clone(mark),
        },
    })
}

fn tasks_parts(config: &Config, stores: &Stores, nodes: &Nodes) -> TasksParts {
    TasksParts {
        store: Arc::<crate::meta::Embedded>::clone(&stores.local),
        clock: Arc::clone(&stores.clock),
        zone: jiff::tz::TimeZone::system(),
        hostname: nodes::own_hostname(config),
        tags: config.telemetry.tags.clone(),
        nodes: config.nodes.self_register.then(|| nodes.handle.clone()),
        max_tasks: config.telemetry.max_tasks.get(),
        watch_backlog: config.telemetry.watch_backlog.get(),
    }
}

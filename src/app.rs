//! The composition root: what a configuration becomes, in which order it starts, and in which it stops.
//!
//! Start: journal, meta stores, dead letters; the fleet with its queues; the actors; plugins and tasks; the front door
//! last. Stop: the front door first, so that nothing new comes in; then what writes by itself, the tasks; then the actors,
//! then the logs.

mod actors;
mod bound;
mod embedded;
mod fleet;
mod gauges;
mod nodes;
pub mod open_files;
mod paths;
pub mod restore;
mod sharing;
mod stores;
mod telemetry;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    actors::{BackendHandle, CircleHandle, TaskError, VersionsHandle, VersionsParts},
    base::ByteBudget,
    cluster::head::Keep,
    config::Config,
    http::{BodyLimits, Server, ServerError, Services},
    journal::{self, Journal},
    meta,
    obs::Metrics,
    plugin::trust::TrustError,
    proxy::{
        ack::Note, backup::Backups, client::SendError, dead_letters::DeadLetters, fleet::Fleet, queue::Queue, registry,
        shared::Shared,
    },
    tsdb,
};

use actors::ActorParts;
use embedded::Appliers;
use nodes::Nodes;
use paths::Paths;
use stores::Stores;
use telemetry::{Telemetry, WritePath};

/// How often cursors are saved, and with them segments deleted: what is delivered twice after a crash is at most this.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How long the start waits to hear from the backends, so that the first requests find them.
const FIRST_CONTACT: Duration = Duration::from_secs(1);

/// A running Gyre.
#[derive(Debug)]
pub struct App {
    server: Server,
    nodes: Nodes,
    telemetry: Telemetry,
    circles: Vec<CircleHandle>,
    backends: Vec<BackendHandle>,
    bound: JoinHandle<()>,
    sharing: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    journal: Journal<Note>,
    queues: Vec<Arc<Queue>>,
    appliers: Appliers,
    dead_letters: DeadLetters,
    versions: VersionsHandle,
}

/// Gyre could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal, a spill log or the dead letters.
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
    /// The meta store.
    #[error("meta store: {0}")]
    Meta(#[from] meta::Error),
    /// What the meta store holds of the backends.
    #[error("backends: {0}")]
    Registry(#[from] registry::Error),
    /// An embedded engine.
    #[error("embedded engine: {0}")]
    Engine(#[from] tsdb::Error),
    /// The clients to the backends.
    #[error("clients: {0}")]
    Client(#[from] SendError),
    /// The front door.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// What the meta store holds of the tasks.
    #[error("tasks: {0}")]
    Tasks(#[from] TaskError),
    /// The signatures of plugins cannot be checked as configured.
    #[error("plugin signatures: {0}")]
    Trust(#[from] TrustError),
    /// The configured settings of plugins.
    #[error("telemetry.plugins: {0}")]
    PluginConfig(String),
    /// The threads of queries.
    #[error("query threads: {0}")]
    Threads(std::io::Error),
    /// A thread that opened files died.
    #[error("start died: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// The data directory cannot be used.
    #[error("data directory {path}: {source}")]
    DataDir {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The authorities that are trusted for etcd cannot be read.
    #[error("meta.etcd.ca {path}: {source}")]
    Authorities {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration asks for what this version does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// Finds what is wrong with a configuration though each of its keys is right, and starts nothing.
///
/// # Errors
/// Those of [`App::start`] that the configuration alone decides.
pub fn check(config: &Config) -> Result<(), StartError> {
    telemetry::plugin_config(config).map(drop)
}

impl App {
    /// Starts everything on the current thread's runtime, which must be the system thread's.
    ///
    /// # Errors
    /// See [`StartError`]; what was started is dropped.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let stores = stores::open(&config).await?;
        let budget = ByteBudget::new(config.memory.budget.0);
        let paths = Paths::open(&config, &stores).await?;
        let mut metrics = Metrics::new();
        let nodes = Nodes::start(&config, &stores.meta, &stores.clock, &mut metrics).await;
        gauges::register(&mut metrics, &paths.readiness(&stores), &budget, &stores);
        let versions = start_versions(&config, &stores, &mut metrics);
        let queues = fleet::open_queues(&config, &paths.fleet, &stores).await?;
        let parts = ActorParts {
            config: &config,
            paths: &paths,
            stores: &stores,
            metrics: &metrics,
        };
        let (circles, backends) = parts.start(&queues);
        let bound = bound::follow(&paths.fleet, &backends, nodes.handle.clone(), Arc::clone(&stores.local));
        let appliers = embedded::start(&config, &paths.fleet, &stores, &metrics).await?;
        let sharing = paths.share(&backends);
        first_contact(&paths.fleet, &stores.shared).await;
        let (intake, reader) = paths.ends(&config, &stores, &metrics, &budget);
        let write_path = WritePath::new(&intake, &reader, paths.client.clone());
        let telemetry = Telemetry::start(&config, &stores, &nodes, write_path, &mut metrics).await?;
        let services = Services {
            reader,
            plugins: telemetry.plugins.clone(),
            tasks: telemetry.tasks.clone(),
            last_values: Arc::clone(&telemetry.last_values),
            readiness: paths.readiness(&stores),
            agreement: paths.agreement,
            backups: backups(&paths.fleet, &stores),
            intake,
            fleet: paths.fleet,
            circles: circles.clone(),
            nodes: nodes.handle.clone(),
            versions: versions.clone(),
            dead_letters: stores.dead_letters.clone(),
            metrics: Arc::new(metrics),
            limits: body_limits(&config, budget),
            credentials: config.auth.clone(),
            api: config.proxy.api,
            client: paths.options,
            config,
        };
        Ok(Self {
            server: Server::start(Arc::new(services))?,
            nodes,
            telemetry,
            circles,
            backends,
            bound,
            sharing,
            upkeep: tokio::task::spawn_local(upkeep(stores.journal.clone(), queues.clone())),
            journal: stores.journal,
            queues,
            appliers,
            dead_letters: stores.dead_letters,
            versions,
        })
    }

    /// The addresses that the front door listens on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.server.addresses
    }

    /// Stops accepting, lets requests finish, syncs and ends.
    pub async fn stop(self) {
        let Self {
            server,
            nodes,
            telemetry,
            circles,
            backends: _,
            bound,
            sharing,
            upkeep,
            journal,
            queues,
            appliers,
            dead_letters,
            versions,
        } = self;
        versions.end_waits();
        telemetry.tasks.end_watches();
        server.stop().await;
        telemetry.stop().await;
        bound.abort();
        sharing.abort();
        versions.stop().await;
        nodes.stop().await;
        for circle in &circles {
            if let Err(error) = circle.stop().await {
                tracing::warn!(%error, "circle did not stop in order");
            }
        }
        upkeep.abort();
        let closed = tokio::task::spawn_blocking(move || {
            appliers.into_iter().for_each(|(applier, parts)| applier.stop(&parts));
            queues.iter().try_for_each(|queue| queue.close())?;
            journal.close()?;
            dead_letters.close()
        });
        match closed.await {
            Ok(Ok(())) => tracing::info!("stopped: everything is synced"),
            Ok(Err(error)) => tracing::error!(%error, "cursors not saved: some deliveries will be repeated"),
            Err(error) => tracing::error!(%error, "closing died"),
        }
    }

    /// Makes every actor panic, for tests of their supervision.
    #[doc(hidden)]
    pub async fn crash_actors(&self) {
        for backend in &self.backends {
            backend.crash().await;
        }
        for circle in &self.circles {
            circle.crash().await;
        }
        self.nodes.handle.crash().await;
        self.versions.crash().await;
        self.telemetry.plugins.crash().await;
        self.telemetry.tasks.crash().await;
    }
}

fn start_versions(config: &Config, stores: &Stores, metrics: &mut Metrics) -> VersionsHandle {
    let parts = VersionsParts {
        store: Arc::clone(&stores.meta),
        clock: Arc::clone(&stores.clock),
        keep: Keep {
            versions: config.meta.history.get(),
            bytes: config.meta.history_bytes.0,
        },
        max_blob: config.meta.max_blob,
    };
    let versions = VersionsHandle::start(parts, metrics.restarts("versions"));
    gauges::register_polls(metrics, &versions);
    versions
}

fn body_limits(config: &Config, budget: ByteBudget) -> BodyLimits {
    BodyLimits {
        received: config.http.max_body.as_usize(),
        decompressed: config.http.max_decompressed.as_usize(),
        budget,
        patience: config.http.request_timeout,
    }
}

fn backups(fleet: &Arc<Fleet>, stores: &Stores) -> Backups {
    Backups::new(
        Arc::clone(fleet),
        stores.journal.clone(),
        Arc::clone(&stores.local),
        stores.dead_letters.clone(),
        Arc::clone(&stores.clock),
    )
}

/// Waits until every backend was heard of, and the shared store, or not for long.
async fn first_contact(fleet: &Fleet, shared: &Shared) {
    let all_heard_of = async {
        while !fleet.backends.iter().all(|backend| backend.condition.is_alive()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sharing::in_step(shared).await;
    };
    let _in_time = tokio::time::timeout(FIRST_CONTACT, all_heard_of).await;
}

/// Saves cursors again and again.
async fn upkeep(journal: Journal<Note>, queues: Vec<Arc<Queue>>) {
    let mut due = tokio::time::interval(SAVE_EVERY);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut saved = Vec::new();
    loop {
        due.tick().await;
        let consumers = journal.consumers();
        let spilling = queues.iter().any(|queue| queue.is_spilled());
        if consumers == saved && !spilling {
            continue;
        }
        let (log, spilled) = (journal.clone(), queues.clone());
        let save = move || {
            log.save_cursors()
                .and_then(|()| spilled.iter().try_for_each(|queue| queue.save()))
        };
        match tokio::task::spawn_blocking(save).await {
            Ok(Ok(())) => saved = consumers,
            Ok(Err(error)) => tracing::error!(%error, "cursors not saved: trying again"),
            Err(error) => tracing::error!(%error, "saving cursors died: trying again"),
        }
    }
}

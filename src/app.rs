//! The composition root: what a configuration becomes, in which order it starts, and in which it stops.
//!
//! Start: journal, meta store, dead letters; the fleet with its queues; the actors; the front door last. Stop: the
//! front door first, so that nothing new comes in; then the actors, then the logs.

mod embedded;
mod gauges;
pub mod open_files;
pub mod restore;
mod stores;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use tokio::{sync::Semaphore, task::JoinHandle, time::Instant};

use crate::{
    actors::{BackendHandle, BackendParts, CircleHandle, CircleParts},
    base::{BackendId, ByteBudget, CircleId},
    config::{self, Ack, BackendUrl, Config, Delivery},
    http::{BodyLimits, Server, ServerError, Services},
    influx::line::Limits,
    journal::{self, Journal, fs::RealFs},
    meta,
    obs::Metrics,
    proxy::{
        ack::Note,
        backup::Backups,
        client::{Client, ClientOptions, SendError},
        courier::Courier,
        dead_letters::DeadLetters,
        fleet::{Backend, Circle, Condition, Fleet},
        intake::Intake,
        local::Pool,
        lookup::Lookup,
        queue::Queue,
        reader::Reader,
        registry,
        watermark::Watermarks,
    },
    ring::Ring,
    tsdb,
};

use embedded::Appliers;
use stores::Stores;

/// How often cursors are saved, and with them segments deleted: what is delivered twice after a crash is at most this.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// How long the start waits to hear from the backends, so that the first requests find them.
const FIRST_CONTACT: Duration = Duration::from_secs(1);
/// Error text about bad lines in one answer.
const MAX_LINE_ERRORS: usize = 64 << 10;

/// A running Gyre.
#[derive(Debug)]
pub struct App {
    server: Server,
    circles: Vec<CircleHandle>,
    backends: Vec<BackendHandle>,
    upkeep: JoinHandle<()>,
    journal: Journal<Note>,
    queues: Vec<Arc<Queue>>,
    appliers: Appliers,
    dead_letters: DeadLetters,
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
    /// The configuration asks for what this version does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl App {
    /// Starts everything on the current thread's runtime, which must be the system thread's.
    ///
    /// # Errors
    /// See [`StartError`]; what was started is dropped.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let stores = stores::open(&config).await?;
        let budget = ByteBudget::new(config.memory.budget.0);
        let fleet = Arc::new(build_fleet(&config, &stores).await?);
        let options = client_options(&config.delivery);
        let client = Client::new(fleet.backends.iter().map(AsRef::as_ref), options)?;
        let lookup =
            Arc::new(Lookup::open(Arc::clone(&fleet), Arc::clone(&stores.meta), Arc::clone(&stores.clock)).await?);
        let mut metrics = Metrics::new();
        gauges::register(&mut metrics, &fleet, &budget, &stores);
        let metrics = Arc::new(metrics);
        let queues = open_queues(&config, &fleet, &stores).await?;
        let parts = ActorParts {
            config: &config,
            fleet: &fleet,
            stores: &stores,
            client: &client,
            lookup: &lookup,
            metrics: &metrics,
        };
        let (circles, backends) = parts.start(&queues);
        let appliers = embedded::start(&config, &fleet, &stores, &metrics).await?;
        first_contact(&fleet).await;
        let intake = Arc::new(intake(&config, &fleet, &stores, &lookup, &metrics));
        let reader = Arc::new(reader(&config, &intake, &budget, &stores));
        let limits = BodyLimits {
            received: config.http.max_body.as_usize(),
            decompressed: config.http.max_decompressed.as_usize(),
            budget,
            patience: config.http.request_timeout,
        };
        let services = Services {
            backups: backups(&fleet, &stores),
            intake,
            reader,
            fleet,
            circles: circles.clone(),
            dead_letters: stores.dead_letters.clone(),
            metrics,
            limits,
            credentials: config.auth.clone(),
            api: config.proxy.api,
            client: options,
            config,
        };
        let server = Server::start(Arc::new(services))?;
        let upkeep = tokio::task::spawn_local(upkeep(stores.journal.clone(), queues.clone()));
        Ok(Self {
            server,
            circles,
            backends,
            upkeep,
            journal: stores.journal,
            queues,
            appliers,
            dead_letters: stores.dead_letters,
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
            circles,
            backends: _,
            upkeep,
            journal,
            queues,
            appliers,
            dead_letters,
        } = self;
        server.stop().await;
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
    }
}

async fn build_fleet(config: &Config, stores: &Stores) -> Result<Fleet, StartError> {
    let tip = stores.journal.committed();
    let pool = embedded::pool(config)?;
    let mut circles = Vec::with_capacity(config.circles.len());
    for (id, circle) in (0..).map(CircleId).zip(&config.circles) {
        let ring = Ring::new(&circle.node_keys(&config.proxy.hash_key))
            .ok_or(StartError::Unsupported("a circle without backends"))?;
        let mut members = Vec::with_capacity(circle.backends.len());
        for backend in &circle.backends {
            members.push(Arc::new(
                build_backend((config, stores, &pool), id, backend, tip).await?,
            ));
        }
        circles.push(Circle {
            id,
            name: circle.name.clone(),
            ring,
            members,
        });
    }
    Ok(Fleet::new(circles, config.proxy.shard_key.clone()))
}

async fn build_backend(
    (settings, stores, pool): (&Config, &Stores, &Arc<Pool>),
    circle: CircleId,
    config: &config::Backend,
    tip: u64,
) -> Result<Backend, StartError> {
    let remembered = registry::remember(stores.meta.as_ref(), &config.name).await?;
    let id = BackendId(remembered.id);
    let local = match config.url {
        BackendUrl::Embedded => Some(Arc::new(embedded::open(settings, stores, pool, id)?)),
        BackendUrl::Http(_) | BackendUrl::Node(_) => None,
    };
    let condition = Condition::default();
    condition.set_detached(remembered.detached);
    // What the journal held before is not known per backend: it must be passed to count as up to date.
    condition.note_owned(tip);
    Ok(Backend {
        id,
        circle,
        config: config.clone(),
        local,
        address: ArcSwapOption::from_pointee(config.url.fixed().cloned()),
        condition,
    })
}

async fn open_queues(config: &Config, fleet: &Arc<Fleet>, stores: &Stores) -> Result<Vec<Arc<Queue>>, StartError> {
    let (config, fleet, journal) = (config.clone(), Arc::clone(fleet), stores.journal.clone());
    let open = move || {
        let spill = config.data.dir.join("spill");
        // Backends that are no longer configured hold nothing any more.
        for (consumer, _) in journal.consumers() {
            if !fleet.backends.iter().any(|backend| backend.id.0 == consumer) {
                tracing::warn!(
                    consumer,
                    "a backend is no longer configured: what waited for it is given up"
                );
                journal.forget(consumer);
            }
        }
        let remote = fleet.backends.iter().filter(|backend| embedded::is_remote(backend));
        let open = |backend: &Arc<Backend>| open_queue(&config, &spill, backend, &journal);
        let queues = remote.map(open).collect::<Result<Vec<_>, _>>()?;
        // A crash must not forget a new backend's place once writes are taken in; on a full disk none are.
        if let Err(error) = journal.save_cursors() {
            tracing::warn!(%error, "cursors not saved at start");
        }
        Ok::<_, journal::Error>(queues)
    };
    Ok(tokio::task::spawn_blocking(open).await??)
}

fn open_queue(
    config: &Config,
    spill: &Path,
    backend: &Arc<Backend>,
    journal: &Journal<Note>,
) -> Result<Arc<Queue>, journal::Error> {
    let dir = spill.join(backend.id.to_string());
    let options = stores::journal_options(config, config.delivery.max_pending);
    Queue::open(Arc::clone(backend), journal.clone(), Arc::new(RealFs), dir, options).map(Arc::new)
}

fn client_options(delivery: &Delivery) -> ClientOptions {
    ClientOptions {
        timeout: delivery.timeout,
        connect_timeout: delivery.connect_timeout,
        connections: delivery.connections.get(),
    }
}

struct ActorParts<'a> {
    config: &'a Config,
    fleet: &'a Arc<Fleet>,
    stores: &'a Stores,
    client: &'a Client,
    lookup: &'a Arc<Lookup>,
    metrics: &'a Metrics,
}

impl ActorParts<'_> {
    fn start(&self, queues: &[Arc<Queue>]) -> (Vec<CircleHandle>, Vec<BackendHandle>) {
        let mut queues = queues.iter();
        let mut circles = Vec::new();
        let mut all = Vec::new();
        for circle in &self.fleet.circles {
            let mut backends = Vec::with_capacity(circle.members.len());
            for backend in &circle.members {
                let queue = if embedded::is_remote(backend) {
                    queues.next()
                } else {
                    None
                };
                backends.push(queue.map(|queue| self.start_backend(backend, queue)));
            }
            all.extend(backends.iter().flatten().cloned());
            let parts = CircleParts {
                id: circle.id,
                fleet: Arc::clone(self.fleet),
                backends,
            };
            circles.push(CircleHandle::start(
                parts,
                self.metrics.restarts(&format!("circle {}", circle.name)),
            ));
        }
        (circles, all)
    }

    fn start_backend(&self, backend: &Arc<Backend>, queue: &Arc<Queue>) -> BackendHandle {
        let courier = Courier {
            backend: Arc::clone(backend),
            queue: Arc::clone(queue),
            client: self.client.clone(),
            lookup: Arc::clone(self.lookup),
            dead_letters: self.stores.dead_letters.clone(),
            config: self.config.delivery,
            clock: Arc::clone(&self.stores.clock),
            metrics: self.metrics.backend(&backend.config.name),
            alone: Arc::default(),
        };
        let linger = match self.config.proxy.ack {
            Ack::Journal => self.config.delivery.linger,
            Ack::Applied { .. } => Duration::ZERO,
        };
        let parts = BackendParts {
            courier: Arc::new(courier),
            config: self.config.delivery,
            linger,
            fleet: Arc::clone(self.fleet),
            store: Arc::clone(&self.stores.meta),
        };
        BackendHandle::start(
            parts,
            self.metrics.restarts(&format!("backend {}", backend.config.name)),
        )
    }
}

fn backups(fleet: &Arc<Fleet>, stores: &Stores) -> Backups {
    Backups::new(
        Arc::clone(fleet),
        stores.journal.clone(),
        Arc::clone(&stores.embedded_meta),
        stores.dead_letters.clone(),
        Arc::clone(&stores.clock),
    )
}

/// Waits until every backend was heard of, or not for long.
async fn first_contact(fleet: &Fleet) {
    let deadline = Instant::now() + FIRST_CONTACT;
    while Instant::now() < deadline && !fleet.backends.iter().all(|backend| backend.condition.is_alive()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn intake(config: &Config, fleet: &Arc<Fleet>, stores: &Stores, lookup: &Arc<Lookup>, metrics: &Metrics) -> Intake {
    Intake {
        fleet: Arc::clone(fleet),
        journal: stores.journal.clone(),
        watermarks: Arc::new(Watermarks::starting_at(stores.journal.committed())),
        lookup: Arc::clone(lookup),
        clock: Arc::clone(&stores.clock),
        ack: config.proxy.ack,
        statement_timeout: config.delivery.timeout,
        limits: Limits {
            max_line: config.http.max_line.as_usize(),
            max_errors: MAX_LINE_ERRORS,
        },
        databases: config.proxy.databases.clone(),
        metrics: metrics.write.clone(),
    }
}

fn reader(config: &Config, intake: &Arc<Intake>, budget: &ByteBudget, stores: &Stores) -> Reader {
    Reader {
        fleet: Arc::clone(&intake.fleet),
        watermarks: Arc::clone(&intake.watermarks),
        intake: Arc::clone(intake),
        lookup: Arc::clone(&intake.lookup),
        patience: match config.proxy.ack {
            Ack::Applied { timeout } => timeout,
            Ack::Journal => config.delivery.linger * 4,
        },
        settings: config.query,
        admission: Semaphore::new(config.query.max_concurrent.get().min(Semaphore::MAX_PERMITS)),
        budget: budget.clone(),
        clock: Arc::clone(&stores.clock),
    }
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

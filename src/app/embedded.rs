//! Embedded backends: their engines, and the threads that apply the journal to them.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    base::{BackendId, ByteSize},
    config::Config,
    journal::fs::RealFs,
    obs::Metrics,
    proxy::{
        fleet::{Backend, Fleet},
        local::{Applier, ApplierParts, Local, Pool},
    },
    query::influxql::Limits,
    tsdb::{self, Engine},
};

use super::{StartError, stores::Stores};

/// A quarter of the budget may hold points that are not flushed yet; the rest is for requests and answers.
const MEMTABLE_SHARE: u64 = 4;
/// Enough for quick flushes, however large the budget is.
const MAX_MEMTABLE: ByteSize = ByteSize::mib(128);

/// Threads that apply the journal, with what they work with.
pub(super) type Appliers = Vec<(Applier, ApplierParts)>;

/// The threads that queries run on: as many at a time as there are cores.
pub(super) fn pool(config: &Config) -> Result<Arc<Pool>, StartError> {
    let at_once = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let pool = Pool::new(at_once, config.query.max_concurrent).map_err(StartError::Threads)?;
    Ok(Arc::new(pool))
}

/// The directory of a backend's engine in the data directory.
pub(super) fn dir(data: &Path, id: BackendId) -> PathBuf {
    data.join("tsdb").join(id.to_string())
}

/// Opens the engine of an embedded backend. Reads files: not for an async thread.
pub(super) fn open(config: &Config, stores: &Stores, pool: &Arc<Pool>, id: BackendId) -> Result<Local, StartError> {
    let dir = dir(&config.data.dir, id);
    let options = tsdb::Options {
        memtable_bytes: ByteSize((config.memory.budget.0 / MEMTABLE_SHARE).min(MAX_MEMTABLE.0)).as_usize(),
        ..tsdb::Options::default()
    };
    let clock = Arc::clone(&stores.clock);
    let (engine, recovery) = Engine::open(Arc::new(RealFs), &dir, options, Arc::clone(&clock))?;
    report(&dir, &recovery);
    let limits = Limits {
        points: config.query.max_points,
        series: config.query.max_series,
        buckets: config.query.max_buckets,
    };
    Ok(Local::new(engine, clock, Arc::clone(pool), limits))
}

fn report(dir: &Path, recovery: &tsdb::Recovery) {
    for (path, what) in &recovery.damaged {
        tracing::error!(path = %path.display(), what, "damaged file set aside: the rest is served");
    }
    if recovery.nameless_series > 0 {
        tracing::error!(dir = %dir.display(), series = recovery.nameless_series, "series whose names are lost");
    }
}

/// Applies what the journal holds and starts the threads.
pub(super) async fn start(
    config: &Config,
    fleet: &Fleet,
    stores: &Stores,
    metrics: &Metrics,
) -> Result<Appliers, StartError> {
    let parts = |backend: &Arc<Backend>| {
        Some(ApplierParts {
            backend: Arc::clone(backend),
            local: Arc::clone(backend.local.as_ref()?),
            journal: stores.journal.clone(),
            dead_letters: stores.dead_letters.clone(),
            clock: Arc::clone(&stores.clock),
            metrics: metrics.backend(&backend.config.name),
            retention_check: config.embedded.retention_check,
            restarts: metrics.restarts(&format!("keeper {}", backend.config.name)),
        })
    };
    let all: Vec<ApplierParts> = fleet.backends.iter().filter_map(parts).collect();
    // It reads files, and waits for dead letters to be synced.
    let start = move || {
        all.into_iter()
            .map(|parts| Ok((Applier::start(&parts)?, parts)))
            .collect()
    };
    tokio::task::spawn_blocking(start).await?
}

/// Whether a backend is reached over HTTP, and so has a queue and an actor.
pub(super) fn is_remote(backend: &Backend) -> bool {
    backend.local.is_none()
}

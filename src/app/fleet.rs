//! The fleet as configured: circles, their backends, and the queue of each backend that is a server.

use std::{path::Path, sync::Arc};

use crate::{
    base::{BackendId, CircleId},
    config::{self, BackendUrl, Config},
    journal::{self, Journal, fs::RealFs},
    proxy::{
        ack::Note,
        fleet::{Backend, Circle, Condition, Fleet},
        local::Pool,
        queue::Queue,
        registry,
    },
    ring::Ring,
};

use super::{
    StartError, embedded,
    stores::{self, Stores},
};

/// Puts the circles together as configured; opens the embedded engines.
pub(super) async fn build(config: &Config, stores: &Stores) -> Result<Fleet, StartError> {
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
        BackendUrl::Http(_) => None,
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
        condition,
    })
}

/// Opens the queues of all remote backends, in order; gives up what waits for those no longer configured.
pub(super) async fn open_queues(
    config: &Config,
    fleet: &Arc<Fleet>,
    stores: &Stores,
) -> Result<Vec<Arc<Queue>>, StartError> {
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

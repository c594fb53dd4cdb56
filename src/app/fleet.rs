//! The fleet as configured: circles, their backends, and the queue of each backend that is a server.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    base::CircleId,
    config::{self, BackendUrl, Config},
    journal::{self, Journal, fs::RealFs},
    meta::Embedded,
    proxy::{
        ack::Note,
        attachment,
        fleet::{Backend, Circle, Condition, Fleet},
        local::Pool,
        queue::Queue,
        registry,
        shared::Shared,
    },
    ring::Ring,
};

use super::{
    StartError, embedded,
    stores::{self, Stores},
};

/// Puts the circles together as configured; opens the embedded engines.
pub(super) async fn build(config: &Config, stores: &Stores) -> Result<Fleet, StartError> {
    let parts = Parts {
        config,
        stores,
        pool: embedded::pool(config)?,
        tip: stores.journal.committed(),
        known: attachment::known(&stores.shared).await?,
        own: attachment::known(&Shared::alone(Arc::<Embedded>::clone(&stores.local))).await?,
    };
    let mut circles = Vec::with_capacity(config.circles.len());
    for (id, circle) in (0..).map(CircleId).zip(&config.circles) {
        let ring = Ring::new(&circle.node_keys(&config.proxy.hash_key))
            .ok_or(StartError::Unsupported("a circle without backends"))?;
        let mut members = Vec::with_capacity(circle.backends.len());
        for backend in &circle.backends {
            members.push(Arc::new(parts.build(id, backend).await?));
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

/// What backends are made of.
struct Parts<'a> {
    config: &'a Config,
    stores: &'a Stores,
    pool: Arc<Pool>,
    /// The journal's last record.
    tip: u64,
    /// Which backends are detached, as the shared store has it, or had.
    known: BTreeMap<String, bool>,
    /// The same as this process had it while it was alone: the shared store may have to be told.
    own: BTreeMap<String, bool>,
}

impl Parts<'_> {
    async fn build(&self, circle: CircleId, config: &config::Backend) -> Result<Backend, StartError> {
        let id = registry::number(self.stores.local.as_ref(), &config.name).await?;
        let local = match config.url {
            BackendUrl::Embedded => Some(Arc::new(embedded::open(self.config, self.stores, &self.pool, id)?)),
            BackendUrl::Http(_) => None,
        };
        let condition = Condition::default();
        let known = self.known.get(&config.name);
        let is_detached = |known: Option<&bool>| known.is_some_and(|detached| *detached);
        condition.set_detached(is_detached(known.or_else(|| self.own.get(&config.name))));
        condition.set_known_detached(is_detached(known));
        // What the journal held before is not known per backend: it must be passed to count as up to date.
        condition.note_owned(self.tip);
        Ok(Backend {
            id,
            circle,
            config: config.clone(),
            local,
            condition,
        })
    }
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

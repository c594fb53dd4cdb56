//! A plugin that does what a test says.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{runtime::Handle, time::Instant};

use super::{
    super::{Hold, Pool, Runner, Setting},
    SECOND, task,
};
use crate::{
    actors::plugins::{Loaded, Origin, PluginsError},
    base::{ManualClock, TimestampNs},
    plugin::{Answer, Batches, CallError, Description, Instance, StreamRequest},
    workflow::{
        Config, Data, Element, Metric, PluginKey, PluginMeta, PluginType, Routing,
        manifest::Manifest,
        plan::{Collect, Step},
        policy::Policy,
    },
};

/// What all instances of the plugin do: every call takes a second.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) asked: Mutex<Vec<Vec<Metric>>>,
    pub(super) most_at_once: AtomicUsize,
    /// Instances that exist.
    pub(super) alive: AtomicUsize,
    /// How long an instance takes to start.
    pub(super) starts_in: Mutex<Duration>,
    /// Starts that are going to fail.
    pub(super) broken_starts: AtomicUsize,
    collected: AtomicU64,
    running: AtomicUsize,
    failure: Mutex<Option<String>>,
    hanging: Mutex<HashSet<u64>>,
}

/// An instance that follows the script.
#[derive(Debug)]
struct Scripted {
    id: u64,
    script: Arc<Script>,
}

/// A pool of such instances.
#[derive(Debug)]
pub(super) struct World {
    pub(super) pool: Arc<Pool>,
    pub(super) script: Arc<Script>,
}

impl Script {
    /// From now on all calls fail.
    pub(super) fn fail(&self, why: &str) {
        *self.failure.lock().unwrap() = Some(why.to_owned());
    }

    /// From now on no call of this instance ends.
    pub(super) fn hang(&self, id: u64) {
        self.hanging.lock().unwrap().insert(id);
    }
}

impl Scripted {
    async fn work(&self) -> Result<(), CallError> {
        let running = self.script.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.script.most_at_once.fetch_max(running, Ordering::SeqCst);
        if self.script.hanging.lock().unwrap().contains(&self.id) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(SECOND).await;
        self.script.running.fetch_sub(1, Ordering::SeqCst);
        match &*self.script.failure.lock().unwrap() {
            Some(failure) => Err(CallError::Plugin(failure.clone())),
            None => Ok(()),
        }
    }
}

impl Instance for Scripted {
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        async move {
            self.script.asked.lock().unwrap().push(wanted.to_vec());
            self.work().await?;
            let number = self.script.collected.fetch_add(1, Ordering::SeqCst);
            let collected = |metric: &Metric| Metric {
                data: Data::Uint64(number),
                ..metric.clone()
            };
            Ok(wanted.iter().map(collected).collect())
        }
        .boxed()
    }

    fn process(&self, metrics: Arc<[Metric]>, _: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        async move { self.work().await.map(|()| metrics.to_vec()) }.boxed()
    }

    fn publish(&self, _: Arc<[Metric]>, _: Arc<Config>) -> Answer<'_, ()> {
        self.work().boxed()
    }

    fn stream(&self, _: StreamRequest) -> Answer<'_, Batches> {
        async { Err(CallError::Unsupported("no streams".to_owned())) }.boxed()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.script.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl World {
    /// A pool of at most three instances; each serves so many tasks.
    pub(super) fn new(routing: Routing, concurrency: usize) -> Self {
        Self::with_meta(PluginMeta {
            key: PluginKey {
                kind: PluginType::Publisher,
                name: "scripted".to_owned(),
                version: 1,
            },
            concurrency,
            exclusive: false,
            cache_ttl: Duration::ZERO,
            routing,
        })
    }

    pub(super) fn with_meta(meta: PluginMeta) -> Self {
        let loaded = Loaded {
            description: Description {
                meta,
                policy: Policy::default(),
                metrics: vec![],
            },
            signed: false,
            loaded_at: TimestampNs(0),
            origin: Origin::Remote { url: String::new() },
        };
        let setting = Setting {
            clock: Arc::new(ManualClock::default()),
            max_running: 3,
            cache_expiration: SECOND / 2,
            runtime: Handle::current(),
            next_id: Arc::new(AtomicU64::new(1)),
        };
        Self {
            pool: Arc::new(Pool::new(Arc::new(loaded), setting, (None, None))),
            script: Arc::default(),
        }
    }

    pub(super) async fn subscribe(&self, id: &str) -> Result<Hold, PluginsError> {
        let start = |id| {
            let script = Arc::clone(&self.script);
            async move {
                let starts_in = *script.starts_in.lock().unwrap();
                tokio::time::sleep(starts_in).await;
                let broken = &script.broken_starts;
                if broken
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok()
                {
                    return Err(PluginsError::NoBuiltIn("broken".to_owned()));
                }
                script.alive.fetch_add(1, Ordering::SeqCst);
                Ok(Runner::BuiltIn(Arc::new(Scripted { id, script })))
            }
            .boxed()
        };
        self.pool.subscribe(&task(id), &manifest(), &start).await
    }

    pub(super) async fn collect(
        &self,
        id: &str,
        collect: &Collect,
        deadline: Instant,
    ) -> Result<Vec<Metric>, CallError> {
        self.pool.collect(&task(id), collect, deadline).await
    }

    pub(super) async fn publish(&self, id: &str, deadline: Instant) -> Result<(), CallError> {
        let step = Step {
            plugin: self.pool.loaded.key().clone(),
            config: Arc::default(),
            process: vec![],
            publish: vec![],
        };
        self.pool.publish(&task(id), &step, Arc::from([]), deadline).await
    }

    /// Numbers of the instances in the pool.
    pub(super) fn instances(&self) -> Vec<u64> {
        self.pool.running().iter().map(|one| one.id).collect()
    }

    pub(super) fn alive(&self) -> usize {
        self.script.alive.load(Ordering::SeqCst)
    }
}

pub(super) fn metric(name: &str) -> Metric {
    Metric::new([Element::new(name)].into_iter().collect(), 1)
}

pub(super) fn collect(names: &[&str]) -> Collect {
    Collect {
        plugin: PluginKey {
            kind: PluginType::Collector,
            name: "scripted".to_owned(),
            version: 1,
        },
        metrics: names.iter().map(|name| metric(name)).collect(),
    }
}

pub(super) fn manifest() -> Arc<Manifest> {
    let text = br#"{"version":1,"schedule":{"type":"simple","interval":"1s"},
        "workflow":{"collect":{"metrics":{"/a":{}}}}}"#;
    Arc::new(crate::workflow::manifest::from_json(text, TimestampNs(0)).unwrap())
}

//! Plugins that do what a test says.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream,
};
use tokio::time::Instant;

use super::super::calls::{Calls, Plugins};
use crate::{
    plugin::{Answer, Batches, CallError, StreamRequest},
    workflow::{
        Config, Data, Element, Metric, Namespace, PluginKey, PluginType,
        manifest::Manifest,
        plan::{Collect, Plan, Step},
    },
};

/// One collector, and what follows it.
#[derive(Debug)]
pub(super) struct Scripted {
    script: Arc<Mutex<Script>>,
    epoch: AtomicU64,
    /// How many holds there are now.
    holds: Arc<AtomicUsize>,
}

/// What the plugins do from now on, and what was done with them.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// How long a collection takes.
    pub(super) takes: Duration,
    /// What collectors say instead of collecting.
    pub(super) collect_fails: Option<String>,
    /// What publishers say instead of publishing.
    pub(super) publish_fails: Option<String>,
    /// Whether a collection panics.
    pub(super) panics: bool,
    /// What is wrong with every manifest.
    pub(super) unresolved: Vec<String>,
    /// Why no plugin can be started.
    pub(super) unsubscribed: Vec<String>,
    /// The version of the collector that manifests mean.
    pub(super) version: i64,
    /// Which load of the plugins it is: raised when they are unloaded and loaded again.
    pub(super) load: u64,
    /// Loads of the plugins that tasks took hold of.
    pub(super) held: Vec<u64>,
    /// What the next streams send: batches, and the error with which each breaks.
    pub(super) streams: Vec<(usize, String)>,
    /// When collections began.
    pub(super) collected: Vec<Instant>,
    /// Versions of the collectors that were called.
    pub(super) versions: Vec<i64>,
    /// The tags that publishers saw, of each metric.
    pub(super) published: Vec<Metric>,
    /// Collections under way.
    under_way: usize,
}

/// A hold on the plugins.
#[derive(Debug)]
struct Hold {
    script: Arc<Mutex<Script>>,
    load: u64,
    holds: Arc<AtomicUsize>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            script: Arc::default(),
            epoch: AtomicU64::new(1),
            holds: Arc::default(),
        }
    }
}

impl Scripted {
    /// The script.
    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// How many tasks hold the plugins now.
    pub(super) fn holds(&self) -> usize {
        self.holds.load(Ordering::Relaxed)
    }

    /// Something was loaded or unloaded.
    pub(super) fn raise_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// When collections began, counted from there in milliseconds.
    pub(super) fn collected_since(&self, begun: Instant) -> Vec<u128> {
        let collected = self.script().collected.clone();
        collected
            .iter()
            .map(|at| at.duration_since(begun).as_millis())
            .collect()
    }
}

fn key(kind: PluginType, version: i64) -> PluginKey {
    PluginKey {
        kind,
        name: "scripted".to_owned(),
        version,
    }
}

fn metric() -> Metric {
    let mut metric = Metric::new(Namespace::from_iter([Element::new("a"), Element::new("b")]), 1);
    metric.data = Data::Int64(1);
    metric
}

impl Plugins for Scripted {
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    fn resolve<'a>(&'a self, _: &'a Manifest) -> BoxFuture<'a, Result<Plan, Vec<String>>> {
        let script = self.script();
        if !script.unresolved.is_empty() {
            return ready(Err(script.unresolved.clone())).boxed();
        }
        let collect = Collect {
            plugin: key(PluginType::Collector, script.version),
            metrics: Arc::from([metric()]),
        };
        let publish = Step {
            plugin: key(PluginType::Publisher, 1),
            config: Arc::<Config>::default(),
            process: vec![],
            publish: vec![],
        };
        let process = Step {
            plugin: key(PluginType::Processor, 1),
            publish: vec![publish.clone()],
            ..publish
        };
        let plan = Plan {
            collect: vec![collect],
            process: vec![process],
            publish: vec![],
        };
        ready(Ok(plan)).boxed()
    }

    fn subscribe<'a>(
        &'a self,
        _: &'a str,
        _: &'a Arc<Manifest>,
        _: &'a Plan,
    ) -> BoxFuture<'a, Result<Arc<dyn Calls>, Vec<String>>> {
        let mut script = self.script();
        if !script.unsubscribed.is_empty() {
            return ready(Err(script.unsubscribed.clone())).boxed();
        }
        self.holds.fetch_add(1, Ordering::Relaxed);
        let load = script.load;
        script.held.push(load);
        let hold = Hold {
            load,
            script: Arc::clone(&self.script),
            holds: Arc::clone(&self.holds),
        };
        ready(Ok(Arc::new(hold) as Arc<dyn Calls>)).boxed()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hold {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    fn panics(&self) -> bool {
        self.script().panics
    }
}

/// A collection under way, which may be cut off.
struct UnderWay<'a>(&'a Hold);

impl<'a> UnderWay<'a> {
    fn begin(hold: &'a Hold, version: i64) -> Self {
        let mut script = hold.script();
        assert_eq!(script.under_way, 0, "runs overlap");
        script.under_way += 1;
        script.collected.push(Instant::now());
        script.versions.push(version);
        Self(hold)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.script().under_way -= 1;
    }
}

impl Calls for Hold {
    fn collect<'a>(&'a self, collect: &'a Collect, _: Instant) -> Answer<'a, Vec<Metric>> {
        async move {
            let _under_way = UnderWay::begin(self, collect.plugin.version);
            let takes = self.script().takes;
            tokio::time::sleep(takes).await;
            assert!(!self.panics(), "wanted");
            let fails = self.script().collect_fails.clone();
            match fails {
                Some(text) => Err(CallError::Plugin(text)),
                None => Ok(vec![metric()]),
            }
        }
        .boxed()
    }

    fn process<'a>(&'a self, _: &'a Step, metrics: Arc<[Metric]>, _: Instant) -> Answer<'a, Vec<Metric>> {
        ready(Ok(metrics.to_vec())).boxed()
    }

    fn publish<'a>(&'a self, _: &'a Step, metrics: Arc<[Metric]>, _: Instant) -> Answer<'a, ()> {
        let mut script = self.script();
        script.published.extend(metrics.iter().cloned());
        let fails = script.publish_fails.clone();
        ready(fails.map_or(Ok(()), |text| Err(CallError::Plugin(text)))).boxed()
    }

    fn stream<'a>(&'a self, _: &'a Collect, _: StreamRequest) -> Answer<'a, Batches> {
        let mut script = self.script();
        script.collected.push(Instant::now());
        if script.streams.is_empty() {
            return ready(Ok(stream::pending().boxed())).boxed();
        }
        let (batches, error) = script.streams.remove(0);
        let batches = stream::iter((0..batches).map(|_| Ok(vec![metric()])));
        let broken = stream::once(ready(Err(CallError::Transport(error))));
        ready(Ok(batches.chain(broken).boxed())).boxed()
    }

    fn is_outdated(&self) -> bool {
        self.load != self.script().load
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

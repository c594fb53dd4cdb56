//! The instances of one plugin, and the calls that they do for tasks.
//!
//! ```text
//! subscribe --starts, one more while too many tasks share one--> members <--stops, when too few are left-- Hold dropped
//! call -> begin: an idle member, by the plugin's routing ----------^
//!           `-> wait, at most MAX_WAITING, until the deadline -> woken by a call that ended
//! ```
//!
//! Whatever is decided is decided under one short lock ([`state`]); nothing is awaited there. A member is stopped
//! only after it was taken out, so that no task gets it, and has ended its calls.

mod runner;
mod state;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio::{
    runtime,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    base::{Clock, TimestampNs},
    plugin::{Batches, CallError, Instance, StreamRequest},
    workflow::{
        Config, Metric, Routing,
        cache::{CollectCache, Look},
        manifest::Manifest,
        plan::{Collect, Step},
        pool::{Call, NoInstance, fingerprint},
    },
};

use super::{Loaded, Origin, PluginsError, Running, executables::Kept};
use state::{Begin, Doomed, Member, Next, Picked, Rules, State};

pub(super) use runner::Runner;

/// Calls that one instance does at once; built-in plugins have no such limit.
const CALLS_AT_ONCE: usize = 4;
/// How long an instance that is no longer wanted may end its calls: they time out before.
const DRAINED_WITHIN: Duration = Duration::from_secs(12);
/// What an instance is told that no task wants any more; Snap's words.
const UNSUBSCRIBED: &str = "unsubscription event";

/// What all pools share.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) clock: Arc<dyn Clock>,
    /// The most instances of one plugin.
    pub(super) max_running: usize,
    /// How long at least what was collected is given to others.
    pub(super) cache_expiration: Duration,
    /// Where instances are stopped in the background.
    pub(super) runtime: runtime::Handle,
    /// The number of the next instance.
    pub(super) next_id: Arc<AtomicU64>,
}

/// The instances of one plugin.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) loaded: Arc<Loaded>,
    kept: Option<Kept>,
    setting: Setting,
    state: Mutex<State>,
    cache: Mutex<CollectCache>,
    /// Whether the plugin is unloaded: one that is loaded later under the same key has a pool of its own.
    is_unloaded: AtomicBool,
    /// When the cache's time began.
    epoch: Instant,
    changed: watch::Sender<()>,
}

/// Starts an instance of that number.
pub(super) type Start<'a> = &'a (dyn Fn(u64) -> BoxFuture<'a, Result<Runner, PluginsError>> + Send + Sync);

/// A task's hold on a pool. Dropping it lets go.
#[derive(Debug)]
pub(super) struct Hold {
    pool: Arc<Pool>,
    task: Arc<str>,
    released: AtomicBool,
}

/// An instance while it does a call.
struct Slot<'a> {
    pool: &'a Pool,
    picked: Picked,
    hit: Option<TimestampNs>,
}

impl Pool {
    /// A pool without instances; or with this one, which then is its only one and stays until the plugin is unloaded.
    pub(super) fn new(loaded: Arc<Loaded>, setting: Setting, (pinned, kept): (Option<Runner>, Option<Kept>)) -> Self {
        let mut rules = Rules {
            meta: loaded.description.meta.clone(),
            max_running: setting.max_running,
            max_calls: CALLS_AT_ONCE,
            pinned: pinned.is_some(),
        };
        let is_built_in = matches!(loaded.origin, Origin::BuiltIn(_));
        if is_built_in || rules.pinned {
            // One instance serves all. What is cached stays each task's own if it is sticky.
            rules.meta.routing = Routing::LeastRecentlyUsed;
        }
        if is_built_in {
            rules.meta.concurrency = usize::MAX;
            rules.max_calls = usize::MAX;
        }
        let mut state = State::new(rules);
        if let Some(runner) = pinned {
            state.add(Member::new(setting.new_id(), runner, setting.clock.now()));
        }
        Self {
            cache: Mutex::new(CollectCache::new(&loaded.description.meta, setting.cache_expiration)),
            loaded,
            kept,
            setting,
            state: Mutex::new(state),
            is_unloaded: AtomicBool::new(false),
            epoch: Instant::now(),
            changed: watch::Sender::new(()),
        }
    }

    /// Takes hold of the pool for a task, and starts the instances that this takes.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        task: &Arc<str>,
        manifest: &Arc<Manifest>,
        start: Start<'_>,
    ) -> Result<Hold, PluginsError> {
        if !self.state().enter(task, manifest) {
            return Err(PluginsError::NotLoaded);
        }
        let hold = Hold {
            pool: Arc::clone(self),
            task: Arc::clone(task),
            released: AtomicBool::new(false),
        };
        drop(self.stop(self.state().take_dead()));
        let mut changed = self.changed.subscribe();
        loop {
            let next = self.state().next();
            match next {
                Next::Served => return Ok(hold),
                Next::Start => self.grow(start).await?,
                // The sender is this pool's: it cannot be gone.
                Next::Wait => drop(changed.changed().await),
            }
        }
    }

    /// Starts an instance that the state counts as starting.
    async fn grow(&self, start: Start<'_>) -> Result<(), PluginsError> {
        let id = self.setting.new_id();
        let mut starting = Starting {
            pool: self,
            member: None,
        };
        let runner = start(id).await?;
        starting.member = Some(Member::new(id, runner, self.setting.clock.now()));
        Ok(())
    }

    /// Collects for a task; what is fresh in the cache does not reach an instance.
    pub(super) async fn collect(
        &self,
        task: &Arc<str>,
        collect: &Collect,
        deadline: Instant,
    ) -> Result<Vec<Metric>, CallError> {
        in_time(deadline)?;
        let first = self.look(task, &collect.metrics);
        if first.missing.is_empty() {
            return Ok(first.cached);
        }
        let configs = collect.metrics.iter().map(|metric| &*metric.config);
        let call = self.call(task, configs);
        let mut slot = self.begin(call, deadline).await?;
        // Others may have collected it while this call waited.
        let Look { mut cached, missing } = self.look(task, &collect.metrics);
        if missing.is_empty() {
            return Ok(cached);
        }
        let collected = slot.instance().collect(Arc::clone(&missing)).await?;
        drop(slot);
        self.cache().keep(task, &missing, &collected, self.epoch.elapsed());
        cached.extend(collected);
        Ok(cached)
    }

    /// Changes metrics for a task.
    pub(super) async fn process(
        &self,
        task: &Arc<str>,
        step: &Step,
        metrics: Arc<[Metric]>,
        deadline: Instant,
    ) -> Result<Vec<Metric>, CallError> {
        in_time(deadline)?;
        let mut slot = self.begin(self.call(task, [&*step.config]), deadline).await?;
        slot.instance().process(metrics, Arc::clone(&step.config)).await
    }

    /// Takes metrics away for a task.
    pub(super) async fn publish(
        &self,
        task: &Arc<str>,
        step: &Step,
        metrics: Arc<[Metric]>,
        deadline: Instant,
    ) -> Result<(), CallError> {
        in_time(deadline)?;
        let mut slot = self.begin(self.call(task, [&*step.config]), deadline).await?;
        slot.instance().publish(metrics, Arc::clone(&step.config)).await
    }

    /// Lets a streaming collector send to a task.
    pub(super) async fn stream(
        &self,
        task: &Arc<str>,
        collect: &Collect,
        request: StreamRequest,
    ) -> Result<Batches, CallError> {
        let configs = collect.metrics.iter().map(|metric| &*metric.config);
        let picked = self
            .state()
            .attach(self.call(task, configs), self.setting.clock.now())?;
        picked.runner.instance().stream(request).await
    }
}

impl Pool {
    /// The tasks that hold it, with what they say.
    pub(super) fn subscribers(&self) -> Vec<(Arc<str>, Arc<Manifest>)> {
        self.state().subscribers()
    }

    /// Lets no task take hold any more, or every task again. Those that hold it may go on.
    pub(super) fn retire(&self, retired: bool) {
        self.state().retire(retired);
    }

    /// The plugin is not to be loaded again. Those that hold the pool may go on; an instance that is nobody's ends.
    pub(super) fn unloaded(&self) {
        self.is_unloaded.store(true, Ordering::Release);
        if let Some(kept) = &self.kept {
            kept.want(false);
        }
        drop(self.stop(self.state().take_pinned()));
    }

    /// Whether the plugin is unloaded.
    pub(super) fn is_unloaded(&self) -> bool {
        self.is_unloaded.load(Ordering::Acquire)
    }

    /// Stops all instances, whoever uses them.
    pub(super) async fn close(&self) {
        self.retire(true);
        let stopping = self.stop(self.state().take_all());
        join(stopping).await;
    }

    /// The instance that stands alone, if the plugin does.
    pub(super) fn pinned(&self) -> Option<Runner> {
        self.state().pinned()
    }

    /// Its instances, as they are listed.
    pub(super) fn running(&self) -> Vec<Running> {
        let shown = |member: &Member| Running {
            key: self.loaded.key().clone(),
            id: member.id,
            signed: self.loaded.signed,
            hit_count: member.hits,
            last_hit: member.last_hit,
        };
        self.state().members().iter().map(shown).collect()
    }

    /// An instance for a call: at once, or when one is free.
    async fn begin(&self, call: Call<'_>, deadline: Instant) -> Result<Slot<'_>, CallError> {
        let turn = {
            let mut state = self.state();
            match state.begin(call) {
                Begin::Now(picked) => return Ok(self.slot(picked)),
                Begin::Never(error) => return Err(error.into()),
                Begin::Later => {
                    let (wake, turn) = oneshot::channel();
                    if !state.wait(call, wake) {
                        return Err(CallError::LimitExceeded);
                    }
                    Turn { pool: self, turn }
                }
            }
        };
        turn.come(deadline).await
    }

    fn slot(&self, picked: Picked) -> Slot<'_> {
        Slot {
            pool: self,
            picked,
            hit: None,
        }
    }

    fn call<'a>(&self, task: &'a Arc<str>, configs: impl IntoIterator<Item = &'a Config>) -> Call<'a> {
        let config = match self.loaded.description.meta.routing {
            Routing::ConfigBased => fingerprint(configs),
            Routing::LeastRecentlyUsed | Routing::Sticky => 0,
        };
        Call { task, config }
    }

    fn look(&self, task: &Arc<str>, wanted: &Arc<[Metric]>) -> Look {
        self.cache().look(task, wanted, self.epoch.elapsed())
    }

    /// Begins calls that wait, if they can.
    fn serve(&self) {
        let served = self.state().serve();
        for (wake, answer) in served {
            if let Err(Ok(picked)) = wake.send(answer) {
                // It waits no more: the instance is free for others.
                drop(self.slot(picked));
            }
        }
    }

    /// Stops what is too much after the members or the subscribers changed.
    fn settle(&self) -> Vec<JoinHandle<()>> {
        let surplus = self.state().take_surplus();
        let stopping = self.stop(surplus);
        self.serve();
        self.changed.send_replace(());
        stopping
    }

    /// Stops instances in the background. The answer is of those that had nothing to do, and are gone soon.
    fn stop(&self, doomed: Vec<Doomed>) -> Vec<JoinHandle<()>> {
        let mut soon = vec![];
        for Doomed { runner, drained } in doomed {
            let is_idle = drained.is_none();
            let stopped = self.setting.runtime.spawn(async move {
                if let Some(drained) = drained {
                    // Nothing is ever sent: the error says that the last call has ended.
                    drop(timeout(DRAINED_WITHIN, drained).await);
                }
                runner.stop(UNSUBSCRIBED).await;
            });
            soon.extend(is_idle.then_some(stopped));
        }
        soon
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, CollectCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Setting {
    pub(super) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

/// An instance that is being started; counted until this is dropped.
struct Starting<'a> {
    pool: &'a Pool,
    member: Option<Member>,
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        self.pool.state().started(self.member.take());
        drop(self.pool.settle());
    }
}

/// A call that waits for an instance.
struct Turn<'a> {
    pool: &'a Pool,
    turn: oneshot::Receiver<Result<Picked, NoInstance>>,
}

impl<'a> Turn<'a> {
    async fn come(mut self, deadline: Instant) -> Result<Slot<'a>, CallError> {
        match timeout_at(deadline, &mut self.turn).await {
            Ok(Ok(Ok(picked))) => Ok(self.pool.slot(picked)),
            Ok(Ok(Err(error))) => Err(error.into()),
            // The pool answers everybody who waits, or is gone.
            Ok(Err(_)) => Err(NoInstance.into()),
            Err(_) => Err(CallError::Overdue),
        }
    }
}

impl Drop for Turn<'_> {
    /// Gives back an instance that came too late.
    fn drop(&mut self) {
        self.turn.close();
        if let Ok(Ok(picked)) = self.turn.try_recv() {
            drop(self.pool.slot(picked));
        }
    }
}

impl Slot<'_> {
    /// The instance, which is about to be called.
    fn instance(&mut self) -> &dyn Instance {
        self.hit = Some(self.pool.setting.clock.now());
        self.picked.runner.instance()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.pool.state().ended(self.picked.id, self.hit);
        self.pool.serve();
    }
}

impl Hold {
    /// The pool that is held.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Lets go, and returns when the instances that nobody needs any more are gone.
    pub(super) async fn end(&self) {
        join(self.release()).await;
    }

    fn release(&self) -> Vec<JoinHandle<()>> {
        if self.released.swap(true, Ordering::AcqRel) {
            return vec![];
        }
        self.pool.state().leave(&self.task);
        self.pool.settle()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Whoever wants to wait has called `end`.
        drop(self.release());
    }
}

/// Waits for instances that are being stopped.
async fn join(stopping: Vec<JoinHandle<()>>) {
    for stopped in stopping {
        if let Err(error) = stopped.await {
            tracing::error!(%error, "an instance was not stopped in order");
        }
    }
}

/// Refuses what should have begun before.
fn in_time(deadline: Instant) -> Result<(), CallError> {
    if Instant::now() > deadline {
        return Err(CallError::Overdue);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! The way to the tasks.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use jiff::tz::TimeZone;
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};
use uuid::Uuid;

use crate::{
    base::Clock,
    meta::MetaStore,
    workflow::{
        Tags,
        manifest::{self, Manifest},
        task::{Task, TaskState, TaskView},
    },
};

use super::{
    super::{
        guard::{Guarded, guard},
        nodes::NodesHandle,
        plugins::PluginsHandle,
    },
    actor,
    calls::Plugins,
    directory::Listed,
    error::TaskError,
    keeper::{self, Keeper},
    record,
    watcher::Watcher,
    world::World,
};

/// Requests for new or no more tasks under way at once.
const CAPACITY: usize = 4096;
/// Tasks that subscribe their plugins at once when the process starts.
const RESUMED_AT_ONCE: usize = 16;
/// How long the end of the process waits for runs under way.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// What the tasks of a process are made of.
#[derive(Debug, Clone)]
pub struct TasksParts {
    /// Where tasks are kept: the documents of this process.
    pub store: Arc<dyn MetaStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where cron expressions tell the time.
    pub zone: TimeZone,
    /// This machine's name: metrics say that they were collected on it.
    pub hostname: String,
    /// Tags that all metrics below a namespace get.
    pub tags: BTreeMap<String, Tags>,
    /// The registry, when this process is registered in it as a node on this machine: its operator can pause it.
    pub nodes: Option<NodesHandle>,
    /// How many tasks there may be.
    pub max_tasks: usize,
    /// How many events a watcher may be behind before it is closed.
    pub watch_backlog: usize,
}

/// The way to the tasks. Clones share it.
#[derive(Clone)]
pub struct TasksHandle {
    world: Arc<World>,
    keeper: Guarded<Keeper>,
    is_open: watch::Sender<bool>,
}

impl TasksHandle {
    /// Reads the tasks that are stored, and starts their actors on the current arbiter; `restarts` counts those of all.
    /// None runs before [`TasksHandle::resume`].
    ///
    /// # Errors
    /// When the store cannot be read; a task that cannot be read is left out, and logged.
    pub async fn open(plugins: PluginsHandle, parts: TasksParts, restarts: &Counter) -> Result<Self, TaskError> {
        Self::open_with(Arc::new(plugins), parts, restarts).await
    }

    /// As [`TasksHandle::open`], with any plugins.
    pub(super) async fn open_with(
        plugins: Arc<dyn Plugins>,
        parts: TasksParts,
        restarts: &Counter,
    ) -> Result<Self, TaskError> {
        let stored = record::read_all(&*parts.store).await?;
        let world = Arc::new(World::new(plugins, parts, restarts));
        let (for_keeper, counted) = (Arc::clone(&world), restarts.clone());
        let make = move |life| Keeper::new(Arc::clone(&for_keeper), counted.clone(), life);
        let keeper = guard("tasks".to_owned(), CAPACITY, restarts.clone(), make);
        for (task, resume) in stored {
            keeper.ask(keeper::Restore(task, resume)).await?;
        }
        Ok(Self {
            world,
            keeper,
            is_open: watch::Sender::new(true),
        })
    }

    /// Starts the tasks that were running when the process ended; to be called once, when the plugins are loaded again.
    pub async fn resume(&self) {
        self.world.let_resume();
        stream::iter(self.world.directory.all())
            .for_each_concurrent(RESUMED_AT_ONCE, |task| async move {
                if let Err(error) = task.actor.ask(actor::GoOn).await {
                    tracing::error!(task = %task.entry.id, %error, "task does not go on");
                }
            })
            .await;
    }

    /// Creates the task of a manifest in JSON, and starts it if the manifest says so.
    ///
    /// # Errors
    /// See [`TaskError`]. When it was created and could not be started, it stays.
    pub async fn create(&self, manifest: &[u8]) -> Result<Arc<TaskView>, TaskError> {
        let manifest = manifest::from_json(manifest, self.world.clock.now());
        let manifest = manifest.map_err(|error| TaskError::Invalid(vec![error.to_string()]))?;
        self.add(None, manifest).await
    }

    /// Creates the task of a manifest, under that id or a new one, and starts it if the manifest says so.
    ///
    /// # Errors
    /// See [`TaskError`]. When it was created and could not be started, it stays.
    pub async fn add(&self, id: Option<&str>, manifest: Manifest) -> Result<Arc<TaskView>, TaskError> {
        self.world
            .plugins
            .resolve(&manifest)
            .await
            .map_err(TaskError::Invalid)?;
        let id = id.map_or_else(|| Uuid::new_v4().to_string(), ToOwned::to_owned);
        let starts = manifest.start;
        let task = Task::new(id.clone(), Arc::new(manifest), self.world.clock.now());
        self.keeper.ask(keeper::Add(task)).await??;
        let task = self.task(&id)?;
        let created = task.entry.view();
        if !starts {
            return Ok(created);
        }
        task.actor.ask(actor::Start).await??;
        // As it was started: what it may have done since is not of its creation.
        Ok(Arc::new(TaskView {
            state: TaskState::Running,
            ..TaskView::clone(&created)
        }))
    }

    /// All tasks, in the order of their creation.
    #[must_use]
    pub fn list(&self) -> Vec<Arc<TaskView>> {
        self.world
            .directory
            .all()
            .iter()
            .map(|task| task.entry.view())
            .collect()
    }

    /// One task.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn get(&self, id: &str) -> Result<Arc<TaskView>, TaskError> {
        Ok(self.task(id)?.entry.view())
    }

    /// Starts a task.
    ///
    /// # Errors
    /// See [`TaskError`], always [`TaskError::Numbered`]; the task has not changed then.
    pub async fn start(&self, id: &str) -> Result<(), TaskError> {
        let started = async { self.task(id)?.actor.ask(actor::Start).await? };
        started.await.map_err(TaskError::numbered)
    }

    /// Stops a task, when its run under way is over, or has taken too long.
    ///
    /// # Errors
    /// See [`TaskError`], always [`TaskError::Numbered`].
    pub async fn stop(&self, id: &str) -> Result<(), TaskError> {
        let stopped = async { self.task(id)?.actor.ask(actor::Stop).await? };
        stopped.await.map_err(TaskError::numbered)
    }

    /// Makes a disabled task a stopped one.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn enable(&self, id: &str) -> Result<Arc<TaskView>, TaskError> {
        let task = self.task(id)?;
        task.actor.ask(actor::Enable).await??;
        Ok(task.entry.view())
    }

    /// Removes a task that does not run; its watchers are closed.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn remove(&self, id: &str) -> Result<(), TaskError> {
        self.keeper.ask(keeper::Delete(self.task(id)?)).await?
    }

    /// Watches a task from now on, whether it runs or not.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn watch(&self, id: &str) -> Result<Watcher, TaskError> {
        Ok(self.task(id)?.entry.channel.watch(self.is_open.subscribe()))
    }

    /// How many watch a task now.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.is_open.receiver_count()
    }

    /// Closes all watchers, and from now on every new one: the process stops.
    pub fn end_watches(&self) {
        self.is_open.send_replace(false);
    }

    /// Waits for the runs under way, not for long, stores what was counted and ends the actors. Tasks that were running
    /// stay so in the store.
    pub async fn shut_down(&self) {
        self.end_watches();
        let tasks = self.world.directory.all();
        let all = join_all(tasks.iter().map(shut_down));
        if timeout(END_PATIENCE, all).await.is_err() {
            tracing::warn!("some tasks were still at work: their runs are cut off");
        }
        self.world.recorder.save_all().await;
        for task in &tasks {
            keeper::end(task).await;
        }
        self.world.recorder.stop().await;
        self.keeper.expect_end();
        // An error says that it is gone already.
        let _stopped = self.keeper.ask(keeper::Stop).await;
    }

    /// Makes the actors panic, for tests of their supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        for task in self.world.directory.all() {
            let _gone = task.actor.ask(actor::Crash).await;
        }
        self.world.recorder.crash().await;
        let _gone = self.keeper.ask(keeper::Crash).await;
    }

    fn task(&self, id: &str) -> Result<Listed, TaskError> {
        self.world.directory.get(id).ok_or_else(|| TaskError::not_found(id))
    }
}

impl fmt::Debug for TasksHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TasksHandle")
            .field("tasks", &self.world.directory.len())
            .finish_non_exhaustive()
    }
}

/// Ends what a task does, when its run under way is over.
async fn shut_down(task: &Listed) {
    let (done, is_done) = oneshot::channel();
    // An error says that its actor is being restarted: nothing of it runs.
    if task.actor.ask(actor::ShutDown { done }).await.is_ok() {
        drop(is_done.await);
    }
}

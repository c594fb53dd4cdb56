//! Tasks on paused time, with scripted plugins and a store in memory.

mod failing;
mod life;
mod plugins;
mod resuming;
mod store;
mod streaming;
mod timing;
mod watching;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::{TasksHandle, TasksParts, Watched, Watcher};
use crate::{
    base::{Clock, TimestampNs},
    workflow::{
        manifest::{Manifest, Schedule, Window, Workflow},
        task::{TaskState, TaskView},
    },
};

use plugins::Scripted;
use store::Memory;

/// 2026-11-20T13:00:00Z.
const BEGUN: i64 = 1_795_179_600;
const SECOND: Duration = Duration::from_secs(1);

/// The time of the test's runtime, as a clock.
#[derive(Debug)]
struct TestClock {
    zero: Instant,
}

impl Clock for TestClock {
    fn now(&self) -> TimestampNs {
        let elapsed = i64::try_from(self.elapsed().as_nanos()).unwrap();
        TimestampNs(BEGUN * 1_000_000_000 + elapsed)
    }

    fn elapsed(&self) -> Duration {
        self.zero.elapsed()
    }
}

/// One process, and what outlives it.
struct Fixture {
    plugins: Arc<Scripted>,
    store: Arc<Memory>,
    clock: Arc<TestClock>,
    restarts: Counter,
    tasks: TasksHandle,
}

impl Fixture {
    async fn new() -> Self {
        let clock = Arc::new(TestClock { zero: Instant::now() });
        Self::on(Arc::default(), Arc::default(), clock).await
    }

    async fn on(plugins: Arc<Scripted>, store: Arc<Memory>, clock: Arc<TestClock>) -> Self {
        let parts = TasksParts {
            store: Arc::<Memory>::clone(&store),
            clock: Arc::<TestClock>::clone(&clock),
            zone: TimeZone::UTC,
            hostname: "h".to_owned(),
            tags: BTreeMap::new(),
            nodes: None,
            max_tasks: 5,
            watch_backlog: 4,
        };
        let restarts = Counter::default();
        let held = Arc::<Scripted>::clone(&plugins);
        let tasks = TasksHandle::open_with(held, parts, &restarts).await.unwrap();
        Self {
            plugins,
            store,
            clock,
            restarts,
            tasks,
        }
    }

    /// The next process, on the same store; its tasks have been resumed.
    async fn restarted(self) -> Self {
        self.tasks.shut_down().await;
        let next = Self::on(self.plugins, self.store, self.clock).await;
        next.tasks.resume().await;
        next
    }

    /// A running task.
    async fn running(&self, manifest: Manifest) -> String {
        let manifest = Manifest {
            start: true,
            ..manifest
        };
        self.tasks.add(None, manifest).await.unwrap().id.clone()
    }

    fn view(&self, id: &str) -> Arc<TaskView> {
        self.tasks.get(id).unwrap()
    }

    fn state(&self, id: &str) -> TaskState {
        self.view(id).state
    }

    /// Hits, misses, failures.
    fn counted(&self, id: &str) -> (u64, u64, u64) {
        let view = self.view(id);
        (view.hits, view.misses, view.failures)
    }

    /// Waits until the task is in that state, for two days at most.
    async fn until(&self, id: &str, state: TaskState) {
        let reached = async {
            while self.state(id) != state {
                tokio::time::sleep(SECOND).await;
            }
        };
        let in_time = tokio::time::timeout(2 * 86_400 * SECOND, reached).await;
        assert!(in_time.is_ok(), "is {:?}", self.view(id));
    }
}

/// Runs a test on paused time.
fn on_paused_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

/// Every second, for ever.
fn manifest() -> Manifest {
    windowed(Window {
        interval: SECOND,
        start: None,
        stop: None,
        count: 0,
    })
}

fn windowed(window: Window) -> Manifest {
    Manifest {
        schedule: Schedule::Windowed(window),
        ..streaming()
    }
}

fn streaming() -> Manifest {
    Manifest {
        name: None,
        deadline: 5 * SECOND,
        schedule: Schedule::Streaming,
        workflow: Workflow {
            metrics: BTreeMap::from([("/a/b".to_owned(), 0)]),
            ..Workflow::default()
        },
        start: false,
        max_failures: Some(10),
        max_collect_duration: 10 * SECOND,
        max_metrics_buffer: 0,
    }
}

/// What is seen until nothing more comes.
async fn watch_all(mut watcher: Watcher) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let (text, is_last) = match watcher.next().await {
            Watched::Event(json) => (kind(&json), false),
            Watched::Last(json) => (kind(&json), true),
            Watched::TooSlow => ("too slow".to_owned(), true),
            Watched::Closed => ("closed".to_owned(), true),
        };
        seen.push(text);
        if is_last {
            return seen;
        }
    }
}

fn kind(json: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(json).unwrap();
    event["type"].as_str().unwrap().to_owned()
}

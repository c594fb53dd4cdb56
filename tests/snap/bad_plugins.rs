//! Plugins that hang, crash, flood their output or answer rubbish, in every call: each is told of, and another task goes
//! on without missing an interval.

mod loading;

use std::time::Duration;

use serde_json::{Value, json};

use super::daemon::{Daemon, count};
use crate::support::{snap::Plugin, wait::Instant};

/// How often the witness fires.
const INTERVAL: Duration = Duration::from_millis(500);

/// A task on built-in plugins that must not notice anything.
struct Witness {
    task: String,
    since: Instant,
}

impl Witness {
    fn start(daemon: &Daemon) -> Self {
        let collect = json!({"metrics": {"/intel/mock/bar": {}}, "process": [{"plugin_name": "passthru"}]});
        let task = daemon.create("500ms", &json!({"name": "witness"}), &collect);
        let since = Instant::now();
        Self { task, since }
    }

    /// It fired in every interval.
    #[track_caller]
    fn check(&self, daemon: &Daemon) {
        let intervals = self.since.elapsed().as_millis() / INTERVAL.as_millis();
        let task = daemon.task(&self.task);
        assert_eq!(
            (count(&task, "miss_count"), count(&task, "failed_count")),
            (0, 0),
            "{task:#}"
        );
        assert!(
            u128::from(count(&task, "hit_count")) >= intervals,
            "{intervals} intervals: {task:#}"
        );
    }
}

/// A plugin that does `fault` in `call` is loaded, and a task with it created; the task's id.
#[track_caller]
fn task_with(daemon: &Daemon, kind: &str, call: &str, fault: &str) -> String {
    let loaded = daemon.try_load(&Plugin::bad(kind, call, fault));
    assert!(loaded.is_ok(), "{call} {fault}: {loaded:?}");
    let name = format!("bad-{}-{fault}", call.to_lowercase());
    let of_mock = |step: &str| json!({"metrics": {"/intel/mock/bar": {}}, step: [{"plugin_name": name}]});
    let own = json!({"metrics": {format!("/bad/{}/{fault}", call.to_lowercase()): {}}});
    let (interval, collect) = match kind {
        "collector" => ("500ms", own),
        "streaming-collector" => ("streaming", own),
        "processor" => ("500ms", of_mock("process")),
        _ => ("500ms", of_mock("publish")),
    };
    daemon.create(interval, &json!({"name": format!("{call} {fault}")}), &collect)
}

#[track_caller]
fn failure(task: &Value) -> String {
    task["last_failure_message"].as_str().unwrap_or_default().to_owned()
}

/// All faults at once in one server, each in its own task.
#[track_caller]
fn faults_are_told(faults: &[&str]) {
    let calls = [
        ("collector", "CollectMetrics"),
        ("processor", "Process"),
        ("publisher", "Publish"),
        ("streaming-collector", "StreamMetrics"),
    ];
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    let mut tasks = Vec::new();
    for (kind, call) in calls {
        for fault in faults
            .iter()
            .filter(|fault| **fault != "hang" || kind != "streaming-collector")
        {
            tasks.push((format!("{call} {fault}"), task_with(&daemon, kind, call, fault)));
        }
    }
    for (what, task) in &tasks {
        let failed = daemon.await_task(task, &format!("{what} is told"), |task| !failure(task).is_empty());
        let is_told = ["rpc error: code = ", "its process ended"]
            .iter()
            .any(|words| failure(&failed).contains(words));
        assert!(is_told, "{what}: {failed:#}");
    }
    witness.check(&daemon);
    for (_, task) in &tasks {
        daemon.act(task, "stop");
    }
    witness.check(&daemon);
    daemon.await_no_process("");
}

#[test]
fn calls_that_never_end() {
    faults_are_told(&["hang"]);
}

#[test]
fn crashes_in_calls() {
    faults_are_told(&["crash"]);
}

#[test]
fn answers_that_are_rubbish() {
    faults_are_told(&["rubbish", "wrong-type", "huge"]);
}

/// What a plugin prints is read slowly: a flood costs next to nothing, and holds up who makes it.
#[test]
fn floods_of_output_hold_up_nobody_else() {
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    let beside = task_with(&daemon, "collector", "CollectMetrics", "flood-beside");
    let inside = task_with(&daemon, "collector", "CollectMetrics", "flood");
    let failed = daemon.await_task(&inside, "its call times out", |task| !failure(task).is_empty());
    assert!(failure(&failed).contains("DeadlineExceeded"), "{failed:#}");
    daemon.await_fires(&beside, 3);
    witness.check(&daemon);
    assert!(daemon.gyre.process().peak_bytes() < 512 << 20, "the flood is not kept");
    for task in [beside, inside] {
        daemon.act(&task, "stop");
    }
    daemon.await_no_process("");
}

#[test]
fn a_plugin_that_does_not_ping_is_replaced() {
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    let task = task_with(&daemon, "collector", "Ping", "crash");
    let first = daemon.await_process("bad", &[]);
    daemon.await_process("bad", &[first]);
    witness.check(&daemon);
    daemon.act(&task, "stop");
    daemon.await_no_process("");
}

#[test]
fn a_plugin_that_does_not_want_to_end_is_killed() {
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    for fault in ["hang", "crash", "rubbish"] {
        let task = task_with(&daemon, "collector", "Kill", fault);
        daemon.await_fires(&task, 1);
        daemon.act(&task, "stop");
        daemon.await_no_process("");
    }
    witness.check(&daemon);
}

#[test]
fn a_job_after_its_deadline_is_refused() {
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    daemon.load(&["pydemo", "pyfile"]);
    let collect = json!({
        "metrics": {"/py/demo/int": {}},
        "config": {"/py/demo": {"nap": 1.0}},
        "publish": super::daemon::publish_to(&daemon.file("out")),
    });
    let late = daemon.create("5s", &json!({"deadline": "500ms"}), &collect);
    let failed = daemon.await_task(&late, "the publisher is not called", |task| {
        count(task, "failed_count") == 1
    });
    assert_eq!(failure(&failed), "Worker refused to run overdue job.");
    assert_eq!(failed["task_state"], "Running");
    assert!(!daemon.file("out").exists());
    witness.check(&daemon);
}

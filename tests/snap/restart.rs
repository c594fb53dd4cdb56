//! What is there after Gyre was killed or ended: no plugin of its last life, and all plugins and tasks as they were.

use std::{path::Path, process::Command};

use serde_json::json;

use super::daemon::{Daemon, await_line, count, publish_to};
use crate::support::{
    snap::{OWNER_VARIABLE, Plugin, mark_of, processes_of, processes_with},
    wait,
};

/// Three tasks: one that runs, one that was stopped, one that failed too often.
struct Tasks {
    running: String,
    stopped: String,
    disabled: String,
}

fn create(daemon: &Daemon) -> Tasks {
    daemon.load(&["pydemo", "pyfile"]);
    let metrics = json!({"/py/demo/int": {}});
    let publish = publish_to(&daemon.file("out"));
    let boom = json!({"metrics": metrics, "config": {"/py/demo": {"boom": true}}});
    let tasks = Tasks {
        running: daemon.create(
            "200ms",
            &json!({"name": "runs"}),
            &json!({"metrics": metrics, "publish": publish}),
        ),
        stopped: daemon.create("200ms", &json!({}), &json!({"metrics": metrics})),
        disabled: daemon.create("200ms", &json!({"max-failures": 1}), &boom),
    };
    daemon.await_fires(&tasks.running, 2);
    daemon.await_fires(&tasks.stopped, 2);
    daemon.act(&tasks.stopped, "stop");
    daemon.await_task(&tasks.disabled, "it is disabled", |task| {
        task["task_state"] == "Disabled"
    });
    tasks
}

/// All are what they were, and the one that ran goes on.
#[track_caller]
fn check(daemon: &Daemon, tasks: &Tasks, least_hits: u64) {
    assert_eq!(daemon.plugins(), ["pydemo", "pyfile"]);
    let length = std::fs::read(daemon.file("out")).expect("the task wrote before").len();
    await_line(&daemon.file("out"), length, "/py/demo/int 42 ");
    let running = daemon.task(&tasks.running);
    assert_eq!(
        (&running["name"], &running["task_state"]),
        (&json!("runs"), &json!("Running"))
    );
    assert!(count(&running, "hit_count") > least_hits, "{running:#}");
    assert_eq!(daemon.task(&tasks.stopped)["task_state"], "Stopped");
    let disabled = daemon.task(&tasks.disabled);
    assert_eq!(
        (&disabled["task_state"], &disabled["failed_count"]),
        (&json!("Disabled"), &json!(1))
    );
    assert!(
        disabled["last_failure_message"]
            .as_str()
            .unwrap_or_default()
            .contains("asked to fail")
    );
}

#[test]
fn after_a_kill_nothing_is_left_and_all_goes_on() {
    let mut daemon = Daemon::start();
    let tasks = create(&daemon);
    let data = daemon.gyre.data();
    let old = processes_of(&data);
    assert!(!old.is_empty(), "plugins run");
    daemon.gyre.kill9();
    // Their parent's death is a signal to them on Linux, so that they need not wait for the restart.
    wait::until("plugins die with their parent", super::daemon::PATIENCE, || {
        processes_of(&data).is_empty().then_some(())
    });
    daemon.gyre.restart();
    restarted(&daemon, &tasks, 0);
}

#[test]
fn after_an_orderly_end_all_goes_on() {
    let mut daemon = Daemon::start();
    let tasks = create(&daemon);
    let hits = count(&daemon.task(&tasks.running), "hit_count");
    assert!(daemon.gyre.terminate().success());
    assert_eq!(processes_of(&daemon.gyre.data()), []);
    daemon.gyre.restart();
    restarted(&daemon, &tasks, hits);
}

#[track_caller]
fn restarted(daemon: &Daemon, tasks: &Tasks, least_hits: u64) {
    daemon.await_task_listed(&tasks.running);
    daemon.await_task(&tasks.running, "it runs again", |task| task["task_state"] == "Running");
    check(daemon, tasks, least_hits);
}

/// What a plugin starts is not its parent's child, and so outlives both; its environment tells whose it was.
#[test]
fn orphans_of_a_last_life_are_ended_at_the_start() {
    let mut daemon = Daemon::start();
    let data = daemon.gyre.data();
    daemon.gyre.kill9();
    orphan(&mark_of(&data));
    assert_eq!(processes_of(&data).len(), 1);
    // As of one in a container, where that path means another directory.
    let foreign = format!("{}@0:0", data.display());
    orphan(&foreign);
    daemon.gyre.restart();
    daemon.await_no_process("");
    let left = processes_with(&foreign);
    assert_eq!(left.len(), 1, "another Gyre's plugin is none of its business");
    crate::support::snap::kill9(left[0].pid);
}

fn orphan(mark: &str) {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "sleep 600 >/dev/null 2>&1 </dev/null &"])
        .env(OWNER_VARIABLE, mark);
    assert!(shell.status().expect("a POSIX shell is installed").success());
}

#[test]
fn a_plugin_that_was_changed_on_disk_is_not_started() {
    let mut daemon = Daemon::start();
    daemon.load(&["pydemo", "pyfile"]);
    daemon.gyre.kill9();
    let files = walk(&daemon.gyre.data().join("plugins"));
    let demo = files.iter().find(|path| path.ends_with("snap-plugin-collector-pydemo"));
    let demo = demo.unwrap_or_else(|| panic!("the upload is kept: {files:?}"));
    std::fs::write(demo, "#!/bin/sh\ntouch ran\n").expect("it can be written by its owner");
    daemon.gyre.restart();
    wait::until("the other is there", super::daemon::PATIENCE, || {
        (daemon.plugins() == ["pyfile"]).then_some(())
    });
    assert!(daemon.gyre.process().log().contains("checksum"), "the log says why");
    assert!(daemon.try_load(&Plugin::new("pydemo")).is_ok(), "it can be loaded anew");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

//! The life of tasks, as clients lead it, with the built-in mock.

use std::time::Duration;

use serde_json::{Value, json};

use super::daemon::{Daemon, body, count};
use crate::support::wait;

/// Collects one metric.
fn collect() -> Value {
    json!({
        "metrics": {"/intel/mock/foo": {"version": 1}},
        "config": {"/intel/mock": {"password": "secret"}},
    })
}

/// Collects, and cannot publish.
fn collect_in_vain() -> Value {
    let mut collect = collect();
    collect["publish"] = json!([{"plugin_name": "mock-file", "config": {"file": "/nonexistent/dir/x"}}]);
    collect
}

/// Sends an order; the status and the message of the answer.
#[track_caller]
fn order(daemon: &Daemon, method: &str, target: &str) -> (u16, String) {
    let answer = daemon.ask(method, target, None);
    let message = answer.json()["meta"]["message"].as_str().unwrap_or_default().to_owned();
    (answer.status, message)
}

fn state(task: &Value) -> &str {
    task["task_state"].as_str().expect("tasks have states")
}

#[test]
fn a_counted_task_ends_and_runs_again() {
    let daemon = Daemon::start();
    let more = json!({"start": false, "schedule": {"type": "simple", "interval": "200ms", "count": 3}});
    let id = daemon.create("200ms", &more, &collect());
    let created = daemon.task(&id);
    assert_eq!(
        (state(&created), &created["last_run_timestamp"]),
        ("Stopped", &json!(-1))
    );
    for hits in [3, 6] {
        daemon.act(&id, "start");
        let ended = daemon.await_task(&id, "it ends", |task| state(task) == "Ended");
        assert_eq!(
            (count(&ended, "hit_count"), count(&ended, "failed_count")),
            (hits, 0),
            "{ended:#}"
        );
    }
    let refused = order(&daemon, "PUT", &format!("/v1/tasks/{id}/stop"));
    let text = "error 0: Task is ended. Only running tasks can be stopped. ";
    assert_eq!(refused, (500, text.to_owned()));
    assert_eq!(order(&daemon, "DELETE", &format!("/v1/tasks/{id}")).0, 200);
    assert_eq!(order(&daemon, "GET", &format!("/v1/tasks/{id}")).0, 404);
}

#[test]
fn a_failing_task_is_disabled_until_it_is_enabled() {
    let daemon = Daemon::start();
    let id = daemon.create("100ms", &json!({"max-failures": 2}), &collect_in_vain());
    let disabled = daemon.await_task(&id, "it is disabled", |task| state(task) == "Disabled");
    assert_eq!(
        (count(&disabled, "hit_count"), count(&disabled, "failed_count")),
        (2, 2),
        "{disabled:#}"
    );
    assert!(disabled["last_failure_message"].is_string(), "{disabled:#}");
    let refused = order(&daemon, "PUT", &format!("/v1/tasks/{id}/start"));
    assert_eq!(
        refused,
        (409, "error 0: Task is disabled. Cannot be started. ".to_owned())
    );
    daemon.act(&id, "enable");
    assert_eq!(state(&daemon.task(&id)), "Stopped");
    daemon.act(&id, "start");
}

#[test]
fn quick_stops_and_starts_leave_one_fire_an_interval() {
    let daemon = Daemon::start();
    let id = daemon.create("500ms", &json!({}), &collect());
    for _ in 0..5 {
        daemon.act(&id, "stop");
        daemon.act(&id, "start");
    }
    let begun = wait::Instant::now();
    let before = count(&daemon.task(&id), "hit_count");
    daemon.await_fires(&id, 6);
    let fired = count(&daemon.task(&id), "hit_count") - before;
    let intervals = begun.elapsed().as_millis() / 500;
    assert!(
        u128::from(fired) <= intervals + 1,
        "{fired} fires in {intervals} intervals"
    );
}

#[test]
fn tasks_go_on_after_a_restart_and_after_a_crash() {
    let mut daemon = Daemon::start();
    let running = daemon.create("100ms", &json!({"name": "a"}), &collect());
    let stopped = daemon.create("100ms", &json!({"name": "b", "start": false}), &collect());
    let disabled = daemon.create("100ms", &json!({"max-failures": 1}), &collect_in_vain());
    daemon.await_fires(&running, 3);
    daemon.await_task(&disabled, "it is disabled", |task| state(task) == "Disabled");
    let before = daemon.task(&running);
    daemon.gyre.terminate();
    daemon.gyre.restart();
    for id in [&running, &stopped, &disabled] {
        daemon.await_task_listed(id);
    }
    let after = daemon.await_task(&running, "it runs", |task| state(task) == "Running");
    assert!(
        count(&after, "hit_count") >= count(&before, "hit_count"),
        "{before:#} {after:#}"
    );
    for same in ["name", "deadline", "workflow", "schedule", "creation_timestamp"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    daemon.await_fires(&running, 2);
    let states = [&stopped, &disabled].map(|id| state(&daemon.task(id)).to_owned());
    assert_eq!(states, ["Stopped", "Disabled"]);

    daemon.gyre.kill9();
    daemon.gyre.restart();
    daemon.await_task_listed(&running);
    daemon.await_task(&running, "it runs", |task| state(task) == "Running");
    daemon.await_fires(&running, 2);
}

#[test]
fn nothing_fires_after_a_stop() {
    let daemon = Daemon::start();
    let id = daemon.create("1ms", &json!({}), &collect());
    daemon.await_task(&id, "it fires", |task| count(task, "hit_count") > 50);
    daemon.act(&id, "stop");
    let stopped = daemon.task(&id);
    let after = count(&stopped, "hit_count");
    wait::pause(Duration::from_millis(50));
    assert_eq!(
        count(&daemon.task(&id), "hit_count"),
        after,
        "nothing fires after a stop"
    );
    assert_eq!(state(&stopped), "Stopped");
}

/// The id of the machine that this server registered itself on.
fn own_host(daemon: &Daemon) -> u64 {
    let listed = daemon.ask("GET", "/v6/nodes/", None).json();
    listed["results"][0]["id"]
        .as_u64()
        .expect("a server is a node on a host")
}

#[track_caller]
fn patch_host(daemon: &Daemon, id: u64, patch: &Value) {
    let answer = daemon.ask("PATCH", &format!("/v6/nodes/{id}/"), Some(patch));
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[test]
fn a_paused_host_starts_no_task_and_a_deactivated_one_ends_them() {
    let daemon = Daemon::start_with(|config| config.set("nodes", "self_register", true));
    let runs = daemon.create("100ms", &json!({}), &collect());
    let waits = daemon.create("100ms", &json!({"start": false}), &collect());
    let host = own_host(&daemon);
    patch_host(&daemon, host, &json!({"is_paused": true}));
    let (status, refused) = order(&daemon, "PUT", &format!("/v1/tasks/{waits}/start"));
    assert_eq!(status, 403);
    assert!(refused.contains("is paused"), "{refused}");
    daemon.await_fires(&runs, 2);
    assert_eq!(state(&daemon.task(&waits)), "Stopped");

    patch_host(&daemon, host, &json!({"is_paused": false, "is_active": false}));
    let ended = daemon.await_task(&runs, "it ends", |task| state(task) == "Disabled");
    let why = ended["last_failure_message"].as_str().unwrap_or_default();
    assert!(why.contains("deactivated"), "{ended:#}");

    patch_host(&daemon, host, &json!({"is_active": true}));
    daemon.act(&runs, "enable");
    daemon.act(&runs, "start");
    daemon.await_task(&runs, "it runs", |task| {
        count(task, "hit_count") > count(&ended, "hit_count")
    });
}

#[test]
fn a_task_that_is_too_many_is_refused() {
    let daemon = Daemon::start_with(|config| config.set("telemetry", "max_tasks", 1));
    daemon.create("1h", &json!({}), &collect());
    let manifest = json!({"schedule": {"type": "simple", "interval": "1h"}, "workflow": {"collect": collect()}});
    let refused = daemon.ask("POST", "/v1/tasks", Some(&manifest));
    assert_eq!(body(&refused, 500)["message"], "no more than 1 tasks are allowed");
}

//! Watch streams, as bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::start;
use crate::support::{
    gyre::Gyre,
    http::{Connection, Response},
    wait,
};

/// The end of every stream of version 1.
const END: &str = "{\n  \"meta\": {\n    \"code\": 200,\n    \"message\": \"Task watching ended\",\n    \
                   \"type\": \"schedule_task_watch_ended\",\n    \"version\": 1\n  },\n  \"body\": {}\n}";
const OPENED: &str = "data: {\"type\":\"stream-open\",\"message\":\"Stream opened\"}\n\n";
const PATIENCE: Duration = Duration::from_secs(10);

/// Creates a task that collects one metric of the built-in mock, with these tags; its id.
fn create(gyre: &Gyre, interval: &str, tags: Value) -> String {
    let manifest = json!({
        "version": 1,
        "schedule": {"type": "simple", "interval": interval},
        "workflow": {"collect": {
            "metrics": {"/intel/mock/foo": {"version": 1}},
            "config": {"/intel/mock": {"password": "secret"}},
            "tags": tags,
        }},
    });
    let created = gyre.client().post("/v1/tasks", manifest.to_string().as_bytes());
    assert_eq!(created.status, 201, "{}", created.text());
    created.json()["body"]["id"]
        .as_str()
        .expect("a task has an id")
        .to_owned()
}

fn put(gyre: &Gyre, path: &str) {
    let answer = gyre.client().request("PUT", path, &[], b"").expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
}

/// Opens a stream; its head, and the connection to read events from.
fn watch(gyre: &Gyre, path: &str) -> (Response, Connection) {
    let mut connection = gyre.client().connect().expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", gyre.addr());
    connection.send_raw(request.as_bytes()).expect("the request is sent");
    let head = connection.read_head().expect("an answer");
    assert_eq!(head.status, 200);
    (head, connection)
}

/// The next thing in a stream; `None` at its end.
fn next(connection: &mut Connection) -> Option<String> {
    let chunk = connection.read_chunk().expect("the stream goes on or ends");
    chunk.map(|chunk| String::from_utf8(chunk).expect("events are text"))
}

/// Everything up to the end.
fn rest(connection: &mut Connection) -> String {
    std::iter::from_fn(|| next(connection)).collect()
}

fn hits(gyre: &Gyre, id: &str) -> u64 {
    let task = gyre.client().get(&format!("/v1/tasks/{id}")).json();
    task["body"]["hit_count"].as_u64().unwrap_or_default()
}

#[test]
fn a_stream_from_open_to_stop() {
    let gyre = start(|config| config);
    let id = create(&gyre, "100ms", json!({"/": {"rack": "a1"}}));
    let (head, mut v1) = watch(&gyre, &format!("/v1/tasks/{id}/watch"));
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("access-control-allow-origin", "*"),
        ("transfer-encoding", "chunked"),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    let (_, mut v2) = watch(&gyre, &format!("/v2/tasks/{id}/watch"));
    assert_eq!(next(&mut v1).as_deref(), Some(OPENED));
    assert_eq!(next(&mut v2).as_deref(), Some(OPENED));
    put(&gyre, &format!("/v1/tasks/{id}/start"));
    assert_eq!(
        next(&mut v1).as_deref(),
        Some("data: {\"type\":\"task-started\",\"message\":\"\"}\n\n")
    );
    let event = next(&mut v1).expect("a fire");
    let json = event
        .strip_prefix("data: ")
        .and_then(|event| event.strip_suffix("\n\n"));
    let json: Value = serde_json::from_str(json.expect("one event")).expect("an event is JSON");
    let order: Vec<_> = json["event"][0].as_object().expect("a metric").keys().collect();
    assert_eq!(order, ["namespace", "data", "timestamp", "tags"]);
    assert_eq!(
        (json["type"].as_str(), json["message"].as_str()),
        (Some("metric-event"), Some(""))
    );
    assert_eq!(json["event"][0]["namespace"], "/intel/mock/foo");
    assert_eq!(json["event"][0]["tags"]["rack"], "a1");
    assert!(json["event"][0]["tags"]["plugin_running_on"].is_string());
    put(&gyre, &format!("/v1/tasks/{id}/stop"));
    let stopped = "data: {\"type\":\"task-stopped\",\"message\":\"\"}\n\n";
    let end = rest(&mut v1);
    assert!(end.ends_with(&format!("{stopped}{END}")), "{end}");
    let end = rest(&mut v2);
    assert!(end.ends_with(stopped), "version 2 says nothing more: {end}");
}

#[test]
fn a_slow_watcher_is_closed_and_slows_nobody() {
    let gyre = start(|config| config.set("telemetry", "watch_backlog", 2));
    // Few such events fill what the system buffers for a connection.
    let id = create(&gyre, "10ms", json!({"/": {"large": "x".repeat(256 << 10)}}));
    let (_, mut slow) = watch(&gyre, &format!("/v1/tasks/{id}/watch"));
    put(&gyre, &format!("/v1/tasks/{id}/start"));
    wait::until("the task fires on", PATIENCE, || (hits(&gyre, &id) > 200).then_some(()));
    let end = rest(&mut slow);
    assert!(
        end.ends_with(END) && !end.contains("task-stopped"),
        "closed while the task runs"
    );
    let task = gyre.client().get(&format!("/v1/tasks/{id}")).json();
    assert_eq!(
        (
            task["body"]["task_state"].as_str(),
            task["body"]["failed_count"].as_u64()
        ),
        (Some("Running"), None)
    );
}

#[test]
fn a_watcher_that_leaves_harms_nobody() {
    let gyre = start(|config| config);
    let id = create(&gyre, "20ms", json!({}));
    put(&gyre, &format!("/v1/tasks/{id}/start"));
    for _ in 0..20 {
        let (_, mut connection) = watch(&gyre, &format!("/v1/tasks/{id}/watch"));
        assert_eq!(next(&mut connection).as_deref(), Some(OPENED));
    }
    let (_, mut stays) = watch(&gyre, &format!("/v1/tasks/{id}/watch"));
    assert_eq!(next(&mut stays).as_deref(), Some(OPENED));
    for _ in 0..3 {
        assert!(next(&mut stays).expect("a fire").contains("metric-event"));
    }
    let task = gyre.client().get(&format!("/v1/tasks/{id}")).json();
    assert_eq!(task["body"]["failed_count"].as_u64(), None, "{task}");
}

#[test]
fn streams_do_not_hold_up_the_end_of_the_server() {
    let mut gyre = start(|config| config);
    let id = create(&gyre, "1h", json!({}));
    let (_, mut connection) = watch(&gyre, &format!("/v1/tasks/{id}/watch"));
    assert_eq!(next(&mut connection).as_deref(), Some(OPENED));
    let before = wait::Instant::now();
    assert!(gyre.terminate().success());
    assert!(before.elapsed() < PATIENCE, "{:?}", before.elapsed());
    assert_eq!(rest(&mut connection), END);
}

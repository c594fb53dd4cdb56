//! The built-in plugins in tasks, from the manifest to what comes out.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::daemon::{Daemon, PATIENCE, body};
use crate::support::{cli, http::Connection, wait};

/// Where the manifests of `examples/tasks` write to.
const PUBLISHED: &str = "/tmp/published_mock.log";

fn example(name: &str, published: &Path) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/tasks").join(name);
    let text = fs::read_to_string(file).expect("examples are there");
    text.replace(PUBLISHED, published.to_str().expect("temporary paths are UTF-8"))
}

fn watch(daemon: &Daemon, task: &str) -> Connection {
    let mut stream = daemon.gyre.client().connect().expect("a connection");
    let request = format!(
        "GET /v1/tasks/{task}/watch HTTP/1.1\r\nHost: {}\r\n\r\n",
        daemon.gyre.addr()
    );
    stream.send_raw(request.as_bytes()).expect("the request is sent");
    assert_eq!(stream.read_head().expect("an answer").status, 200);
    stream
}

/// The next event of a stream.
fn next(stream: &mut Connection) -> Value {
    let chunk = stream
        .read_chunk()
        .expect("the stream goes on")
        .expect("the stream has not ended");
    let text = String::from_utf8(chunk).expect("events are text");
    let event = text.strip_prefix("data: ").expect("an event");
    serde_json::from_str(event.trim_end()).expect("events are JSON")
}

/// One value of one row.
fn first(daemon: &Daemon, db: &str, influxql: &str) -> Option<Value> {
    let answer = daemon.gyre.client().query(db, influxql);
    let value = answer["results"][0]["series"][0]["values"][0][1].clone();
    (!value.is_null()).then_some(value)
}

#[test]
fn the_manifest_of_the_docs_runs_as_printed() {
    let daemon = Daemon::start();
    let published = daemon.file("mock.log");
    let manifest = example("mock-file.json", &published);
    let created = daemon.gyre.client().post("/v1/tasks", manifest.as_bytes());
    let task = body(&created, 201)["id"].as_str().expect("tasks have ids").to_owned();
    let mut stream = watch(&daemon, &task);
    assert_eq!(
        next(&mut stream),
        json!({"type": "stream-open", "message": "Stream opened"})
    );
    daemon.act(&task, "start");
    assert_eq!(next(&mut stream), json!({"type": "task-started", "message": ""}));
    for _ in 0..2 {
        let event = next(&mut stream);
        assert_eq!(
            (event["type"].as_str(), event["message"].as_str()),
            (Some("metric-event"), Some(""))
        );
        let metrics = event["event"].as_array().expect("metrics");
        let mut names: Vec<_> = metrics
            .iter()
            .filter_map(|metric| metric["namespace"].as_str())
            .collect();
        names.sort_unstable();
        let mut expected: Vec<_> = (0..10).map(|host| format!("/intel/mock/host{host}/baz")).collect();
        expected.extend(["/intel/mock/all/baz", "/intel/mock/bar", "/intel/mock/foo"].map(str::to_owned));
        expected.sort_unstable();
        assert_eq!(names, expected);
        for metric in metrics {
            assert!(matches!(metric["data"].as_i64(), Some(1001 | 1065..=1089)), "{metric}");
            assert!(
                metric["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')),
                "{metric}"
            );
            assert!(metric["tags"]["plugin_running_on"].is_string(), "{metric}");
        }
    }
    daemon.act(&task, "stop");
    let text = fs::read_to_string(&published).expect("the publisher has made its file");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('|').collect()).collect();
    assert!(lines.len() >= 26 && lines.len().is_multiple_of(13), "{text}");
    for line in lines {
        let [time, namespace, data, tags] = line[..] else {
            panic!("{line:?}")
        };
        assert!(
            time.ends_with(" +0000 UTC") && namespace.starts_with("/intel/mock/"),
            "{line:?}"
        );
        assert!(data.parse::<i64>().is_ok_and(|data| data >= 1001), "{line:?}");
        assert!(
            tags.starts_with("tags[plugin_running_on:") && tags.ends_with(']'),
            "{line:?}"
        );
    }
}

#[test]
fn the_manifest_in_yaml_is_the_same_task() {
    let daemon = Daemon::start();
    let published = daemon.file("mock.log");
    let manifest = daemon.file("mock-file.yaml");
    fs::write(&manifest, example("mock-file.yaml", &published)).expect("the test's directory is writable");
    let url = format!("http://{}", daemon.gyre.addr());
    let manifest = manifest.to_str().expect("temporary paths are UTF-8");
    let finished = cli::gyre(&["task", "--url", &url, "create", "--task-manifest", manifest]);
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
    wait::until("metrics are published", PATIENCE, || {
        let text = fs::read_to_string(&published).unwrap_or_default();
        text.lines()
            .any(|line| line.contains("|/intel/mock/host9/baz|"))
            .then_some(())
    });
}

#[test]
fn the_first_mock_tells_its_configuration_and_an_unknown_host() {
    let daemon = Daemon::start();
    let published = daemon.file("mock.log");
    let collect = |metric: &str| {
        json!({
            "metrics": {metric: {"version": 1}},
            "config": {"/intel/mock": {"password": "secret"}},
            "publish": [{"plugin_name": "file", "config": {"file": published}}],
        })
    };
    daemon.create("50ms", &json!({}), &collect("/intel/mock/foo"));
    wait::until("a line is published", PATIENCE, || {
        let text = fs::read_to_string(&published).unwrap_or_default();
        let wanted = "|/intel/mock/foo|The mock collected data! config data: name={bob} password={secret}|tags[";
        text.contains(wanted).then_some(())
    });
    let task = daemon.create("50ms", &json!({}), &collect("/intel/mock/host77/baz"));
    let failed = daemon.await_task(&task, "it fails", |task| task["failed_count"].as_u64().is_some());
    let text = "CollectMetrics call error : requested hostname `host77` is not available (list of available hosts: \
                [host0 host1 host2 host3 host4 host5 host6 host7 host8 host9])";
    assert_eq!(failed["last_failure_message"], text);
}

#[test]
fn the_metrics_of_this_very_server_are_scraped_into_a_database() {
    let daemon = Daemon::start();
    let url = format!("http://{}/metrics", daemon.gyre.addr());
    let collect = json!({
        "metrics": {"/prometheus/*": {}},
        "config": {"/prometheus": {"url": url}},
        "publish": [{"plugin_name": "influxdb", "config": {"database": "exporters"}}],
    });
    let task = daemon.create("200ms", &json!({}), &collect);
    daemon.await_fires(&task, 2);
    let query =
        "SELECT last(value) FROM \"prometheus/value\" WHERE metric = 'gyre_http_requests_total' AND status = '2xx'";
    let requests = wait::until("requests are counted", PATIENCE, || first(&daemon, "exporters", query));
    assert!(requests.as_f64().is_some_and(|requests| requests > 0.0), "{requests}");
    let query = format!(
        "SELECT last(value) FROM \"prometheus/value\" WHERE metric = 'up' AND target = '{}'",
        daemon.gyre.addr()
    );
    assert_eq!(first(&daemon, "exporters", &query), Some(json!(1)));
}

#[test]
fn another_influxdb_is_written_to_in_our_words_and_in_snaps() {
    let (daemon, other) = (Daemon::start(), Daemon::start());
    let addr = other.gyre.addr();
    other.gyre.client().query("", "CREATE DATABASE d");
    let publish = |config: Value| {
        let collect = json!({
            "metrics": {"/intel/mock/host1/baz": {}},
            "publish": [{"plugin_name": "influxdb", "config": config}],
        });
        daemon.create("100ms", &json!({}), &collect)
    };
    let ours = json!({"database": "d", "url": format!("http://{addr}"), "username": "u", "password": "p"});
    publish(ours);
    let snaps = json!({
        "database": "d", "host": addr.ip().to_string(), "port": addr.port(), "user": "u", "password": "p",
        "retention": "autogen", "isMultiFields": true,
    });
    publish(snaps);
    for query in [
        "SELECT last(value) FROM \"intel/mock/baz\" WHERE host = 'host1'",
        "SELECT last(baz) FROM intel_mock WHERE host = 'host1'",
    ] {
        wait::until(query, PATIENCE, || first(&other, "d", query));
    }
    let missing = publish(json!({"database": "missing", "url": format!("http://{addr}")}));
    let failed = daemon.await_task(&missing, "it fails", |task| task["failed_count"].as_u64().is_some());
    let text = failed["last_failure_message"].as_str().expect("a text");
    assert!(
        text.starts_with("influxdb: status 404: ") && text.contains("database not found"),
        "{text}"
    );
}

#[test]
fn last_values_are_shown_to_prometheus() {
    let daemon = Daemon::start();
    let collect = json!({
        "metrics": {"/intel/mock/host3/baz": {}, "/host/cpu/total/usage": {}},
        "tags": {"/intel": {"data.center": "x1"}},
        "publish": [{"plugin_name": "prometheus"}],
    });
    daemon.create("100ms", &json!({}), &collect);
    let shown = wait::until("values are shown", PATIENCE, || {
        let shown = daemon.gyre.client().get("/telemetry/metrics");
        assert_eq!(shown.status, 200);
        let text = shown.text();
        (text.contains("host_cpu_usage{core=\"total\",plugin_running_on=") && text.contains("intel_mock_baz{"))
            .then_some(text)
    });
    let line = shown
        .lines()
        .find(|line| line.starts_with("intel_mock_baz{"))
        .expect("it is there");
    assert!(
        line.starts_with("intel_mock_baz{data_center=\"x1\",host=\"host3\",plugin_running_on="),
        "{line}"
    );
}

#[test]
fn a_target_that_is_gone_is_told_in_the_task() {
    let daemon = Daemon::start();
    let gone = crate::support::ports::free();
    let collect = json!({
        "metrics": {"/prometheus/*": {}},
        "config": {"/prometheus": {"url": format!("http://user:pw@{gone}/metrics")}},
    });
    let task = daemon.create("100ms", &json!({}), &collect);
    let failed = daemon.await_task(&task, "it fails", |task| task["failed_count"].as_u64().is_some());
    let text = failed["last_failure_message"].as_str().expect("a text");
    assert!(text.starts_with(&format!("{gone}: ")) && !text.contains("pw"), "{text}");
}

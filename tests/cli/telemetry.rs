//! `gyre plugin`, `gyre metric` and `gyre task` over the plugins that are built in.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use super::{gyre, succeed, text};
use crate::{
    embedded,
    support::{dir, gyre as server, process::Process, wait},
};

const LIMIT: Duration = Duration::from_secs(20);

/// Collects, changes nothing and appends to a file.
fn manifest(file: &Path) -> String {
    format!(
        "---
version: 1
schedule:
  type: simple
  interval: 200ms
workflow:
  collect:
    metrics:
      /intel/mock/foo:
        version: 1
      /intel/mock/*/baz:
        version: 1
    config:
      /intel/mock:
        password: secret
    process:
      - plugin_name: passthru
        publish:
          - plugin_name: mock-file
            config:
              file: {}
",
        file.display()
    )
}

fn json_of(finished: &crate::support::cli::Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap()
}

fn first_words(table: &str) -> Vec<&str> {
    table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn plugins_are_loaded_listed_configured_and_unloaded() {
    let server = embedded::start(1, 1);
    let at = server.addr();
    let empty = succeed(at, &["plugin", "list"]).stdout;
    assert_eq!(empty, "No plugins found. Have you loaded a plugin?\n");
    let running = succeed(at, &["plugin", "list", "--running"]).stdout;
    assert_eq!(running, "No running plugins found. Have you started a task?\n");

    let loaded = succeed(at, &["plugin", "load", "mock:1"]).stdout;
    assert!(
        loaded.starts_with("Plugin loaded\nName: mock\nVersion: 1\nType: collector\nSigned: false\nLoaded Time: "),
        "{loaded}"
    );
    let again = gyre(at, &["plugin", "load", "mock:1"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("plugin is already loaded"), "{}", again.stderr);
    let list = succeed(at, &["plugin", "list"]).stdout;
    assert_eq!(first_words(&list), ["NAME", "mock"]);
    assert_eq!(json_of(&succeed(at, &["plugin", "list", "--json"]))[0]["name"], "mock");

    let config = |words: &[&str]| succeed(at, &[&["plugin", "config"], words, &["--json"]].concat());
    let set = config(&["set", "collector:mock:1", "n=3", "user=jane", "b=true"]);
    assert_eq!(json_of(&set), json!({"b": true, "n": 3, "user": "jane"}));
    let left = config(&["delete", "collector:mock:1", "b", "n"]);
    assert_eq!(json_of(&left), json!({"user": "jane"}));
    let shown = succeed(at, &["plugin", "config", "get", "collector:mock:1"]).stdout;
    assert_eq!(shown, "NAME  VALUE  TYPE\nuser  jane   string\n");

    let swapped = succeed(at, &["plugin", "swap", "mock:2", "collector:mock:1"]).stdout;
    assert!(
        swapped.contains("Plugin unloaded\nName: mock\nVersion: 1\nType: collector\n"),
        "{swapped}"
    );
    succeed(at, &["plugin", "unload", "collector", "mock", "2"]);
    let missing = gyre(at, &["plugin", "unload", "collector:mock:2"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("plugin not found"), "{}", missing.stderr);
}

#[test]
fn metrics_are_listed_and_explained() {
    let server = embedded::start(1, 1);
    let at = server.addr();
    let empty = succeed(at, &["metric", "list"]).stdout;
    assert_eq!(empty, "No metrics found. Have you loaded any collectors yet?\n");
    succeed(at, &["plugin", "load", "mock:1"]);
    succeed(at, &["plugin", "load", "mock:2"]);
    let list = succeed(at, &["metric", "list"]).stdout;
    assert!(
        list.lines()
            .any(|line| line.split_whitespace().eq(["/intel/mock/[host]/baz", "1,2"])),
        "{list}"
    );
    let verbose = succeed(at, &["metric", "list", "--verbose", "-m", "/intel/mock/foo"]).stdout;
    assert_eq!(
        first_words(&verbose),
        ["NAMESPACE", "/intel/mock/foo", "/intel/mock/foo"]
    );
    let one = succeed(at, &["metric", "get", "-m", "/intel/mock/foo", "-v", "1"]).stdout;
    assert!(one.contains("\nRules for collecting /intel/mock/foo:\n"), "{one}");
    assert!(
        one.lines()
            .any(|line| line.split_whitespace().eq(["password", "string", "true"])),
        "{one}"
    );
    let missing = gyre(at, &["metric", "get", "-m", "/nothing"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("/nothing"), "{}", missing.stderr);
}

fn exported_and_removed(at: SocketAddr, id: &str) {
    let exported = succeed(at, &["task", "export", id]).stdout;
    assert_eq!(exported.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&exported).unwrap()["id"], id);
    succeed(at, &["task", "remove", id]);
    let gone = gyre(at, &["task", "start", id]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("Task not found"), "{}", gone.stderr);
}

#[test]
fn tasks_are_created_watched_stopped_and_removed() {
    let (server, dir) = (embedded::start(1, 1), dir::temp_dir());
    let at = server.addr();
    let (file, published) = (dir.path().join("task.yaml"), dir.path().join("published"));
    fs::write(&file, manifest(&published)).unwrap();
    assert_eq!(
        succeed(at, &["task", "list"]).stdout,
        "No task found. Have you created a task?\n"
    );

    let created = json_of(&succeed(
        at,
        &[
            "task",
            "create",
            "-t",
            text(&file),
            "-n",
            "by hand",
            "--no-start",
            "--json",
        ],
    ));
    let id = created["id"].as_str().unwrap();
    assert_eq!(
        (&created["name"], &created["task_state"]),
        (&json!("by hand"), &json!("Stopped"))
    );

    let log = dir.path().join("watch.log");
    let mut watch = Command::new(server::binary());
    watch.args(["task", "watch", id, "--url", &format!("http://{at}"), "--json"]);
    let mut watch = Process::start("watch", &watch, &log);
    let seen = |what: &str| {
        wait::until(what, LIMIT, || {
            let text = fs::read_to_string(&log).ok()?;
            text.contains(what).then_some(())
        });
    };
    seen("stream-open");
    let started = succeed(at, &["task", "start", id]).stdout;
    assert_eq!(started, format!("Task started:\nID: {id}\n"));
    let again = succeed(at, &["task", "start", id]).stdout;
    assert_eq!(again, format!("Task is already running\nID: {id}\n"));
    seen("metric-event");
    wait::until("lines in the file", LIMIT, || {
        fs::read(&published).ok().filter(|lines| !lines.is_empty())
    });

    let running = gyre(at, &["task", "remove", id]);
    assert_eq!(running.code, Some(1));
    assert!(running.stderr.contains("Task must be stopped"), "{}", running.stderr);
    succeed(at, &["task", "stop", id]);
    seen("task-stopped");
    let ended = wait::until("the end of the watch", LIMIT, || watch.exit_status());
    assert!(ended.success(), "the watch ends with its task");
    let table = succeed(at, &["task", "list"]).stdout;
    assert!(table.lines().next().unwrap().starts_with("ID"), "{table}");
    assert!(table.contains("by hand") && table.contains("Stopped"), "{table}");

    exported_and_removed(at, id);
}

//! Plugins written with snap-plugin-lib-py: loaded, run in tasks, killed and restarted, unloaded.

mod discovery;
mod signed;
mod tls;

use std::fs;

use serde_json::json;

use super::daemon::{Daemon, await_line, body, publish_to};
use crate::support::snap::kill9;

/// Type, name and version, as in paths.
const PIPELINE: [(&str, &str, u32); 3] = [
    ("collector", "pydemo", 3),
    ("processor", "pytag", 1),
    ("publisher", "pyfile", 1),
];

#[test]
fn a_pipeline_survives_the_death_of_each_of_its_plugins() {
    let daemon = Daemon::start();
    daemon.load(&["pydemo", "pytag", "pyfile"]);
    daemon.await_no_process(""); // loading ends what it started
    let file = daemon.file("out");
    let collect = json!({
        "metrics": {"/py/demo/int": {}, "/py/demo/*/temp": {}},
        "config": {"/py/demo": {"scale": 3}},
        "tags": {"/py": {"dc": "x1"}},
        "process": [{"plugin_name": "PyTag", "config": {"label": "L"}, "publish": publish_to(&file)}],
    });
    let task = daemon.create("200ms", &json!({}), &collect);
    await_line(&file, 0, "/py/demo/int 126 ");
    let text = fs::read_to_string(&file).expect("it was read just now");
    for sensor in ["s0", "s1", "s2"] {
        assert!(text.contains(&format!("/py/demo/{sensor}/temp 43.0 ")), "{text}");
    }
    let line = text.lines().next().unwrap_or_default();
    for tag in [r#""dc": "x1""#, r#""seen": "L""#, r#""plugin_running_on": "#] {
        assert!(line.contains(tag), "{line}");
    }

    for (_, name, _) in PIPELINE {
        let old = daemon.processes(name);
        assert_eq!(old.len(), 1, "{name}: one task needs one instance");
        kill9(old[0]);
        daemon.await_process(name, &old);
        let length = fs::read(&file).expect("it was read before").len();
        await_line(&file, length, "/py/demo/int 126 ");
    }
    daemon.await_fires(&task, 3);
    end(&daemon, &task);
}

#[track_caller]
fn end(daemon: &Daemon, task: &str) {
    let (kind, name, version) = PIPELINE[0];
    let refused = daemon.unload(kind, name, version);
    assert_eq!(refused.status, 500, "{}", refused.text());
    assert!(
        refused.text().contains("Plugin is used by running task."),
        "{}",
        refused.text()
    );
    daemon.act(task, "stop");
    daemon.await_no_process("");
    for (kind, name, version) in PIPELINE {
        body(&daemon.unload(kind, name, version), 200);
    }
    assert!(daemon.plugins().is_empty());
}

#[test]
fn a_stream_goes_on_after_its_plugin_died() {
    let daemon = Daemon::start();
    daemon.load(&["pystream", "pyfile"]);
    let file = daemon.file("out");
    let collect = json!({"metrics": {"/py/stream/n": {}}, "publish": publish_to(&file)});
    let task = daemon.create("streaming", &json!({}), &collect);
    let length = await_line(&file, 0, "/py/stream/n 3 {}");
    assert_eq!(daemon.task(&task)["last_run_timestamp"], -1);

    let old = daemon.processes("pystream");
    kill9(old[0]);
    daemon.await_process("pystream", &old);
    await_line(&file, length, "/py/stream/n 0 {}"); // it counts from the start again
    let failed = daemon.await_task(&task, "the death is told", |task| task["failed_count"].is_u64());
    assert!(failed["last_failure_message"].is_string(), "{failed:#}");

    daemon.act(&task, "stop");
    daemon.await_no_process("");
}

#[test]
fn what_a_plugin_says_is_wrong_is_told_and_others_go_on() {
    let daemon = Daemon::start();
    daemon.load(&["pydemo", "pyfile"]);
    let (good, missing) = (daemon.file("good"), daemon.file("no/such/directory"));
    let metrics = json!({"/py/demo/int": {}});
    let fine = daemon.create(
        "200ms",
        &json!({}),
        &json!({"metrics": metrics, "publish": publish_to(&good)}),
    );
    let boom = json!({"metrics": metrics, "config": {"/py/demo": {"boom": true}}});
    let boom = daemon.create("200ms", &json!({"max-failures": 3}), &boom);
    let lost = json!({"metrics": metrics, "publish": publish_to(&missing)});
    let lost = daemon.create("200ms", &json!({"max-failures": 3}), &lost);
    for (task, says) in [
        (boom, "message: asked to fail in collect\n\nstack trace: "),
        (lost, "No such file or directory"),
    ] {
        let ended = daemon.await_task(&task, "it is disabled", |task| task["task_state"] == "Disabled");
        let message = ended["last_failure_message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{ended:#}");
        assert_eq!(
            (&ended["failed_count"], &ended["hit_count"]),
            (&json!(3), &json!(3)),
            "{ended:#}"
        );
    }
    daemon.await_fires(&fine, 3);
}

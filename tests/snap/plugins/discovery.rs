//! Plugins and tasks that lie in a directory are there after the start.

use std::fs;

use serde_json::json;

use crate::{
    snap::daemon::{Daemon, await_line},
    support::{dir, snap::Plugin},
};

#[test]
fn plugins_are_loaded_before_tasks_are_started() {
    let (dir, out) = (dir::temp_dir(), dir::temp_dir());
    for name in ["pydemo", "pyfile"] {
        Plugin::new(name).copy_to(dir.path());
    }
    Plugin::script("broken-plugin", "#!/bin/sh\nexit 1\n").copy_to(dir.path());
    fs::write(dir.path().join("a-broken.json"), "{").expect("the test's directory is writable");
    let file = out.path().join("lines");
    let manifest = format!(
        "---\nversion: 1\nname: found\nschedule:\n  type: simple\n  interval: 200ms\nworkflow:\n  collect:\n    \
         metrics:\n      /py/demo/int: {{}}\n    publish:\n      - plugin_name: pyfile\n        config:\n          \
         file: {}\n",
        file.display()
    );
    fs::write(dir.path().join("b-task.yaml"), manifest).expect("the test's directory is writable");

    let paths = vec![dir.path().display().to_string()];
    let daemon = Daemon::start_with(|config| config.set("telemetry", "auto_discover", paths));
    await_line(&file, 0, "/py/demo/int 42 ");
    assert_eq!(daemon.plugins(), ["pydemo", "pyfile"]);
    let tasks = daemon.ask("GET", "/v1/tasks", None).json();
    let tasks = &tasks["body"]["ScheduledTasks"];
    assert_eq!(tasks.as_array().map(Vec::len), Some(1), "{tasks}");
    assert_eq!(
        (&tasks[0]["name"], &tasks[0]["task_state"]),
        (&json!("found"), &json!("Running"))
    );
}

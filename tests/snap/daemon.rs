//! A server whose plugins and tasks are under test, spoken to as Snap's clients do.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{
    multipart::{self, Part},
    start,
};
use crate::support::{
    gyre::{Config, Gyre},
    http::Response,
    snap::{Plugin, processes_named},
    wait,
};

/// Longest until a task has done what it is to do, on a loaded machine; a call that hangs takes ten seconds of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// The server.
pub(super) struct Daemon {
    /// Itself.
    pub(super) gyre: Gyre,
}

impl Daemon {
    /// One with nothing loaded.
    pub(super) fn start() -> Self {
        Self::start_with(|config| config)
    }

    /// One that is configured otherwise; Python may take its time to start on a busy machine.
    pub(super) fn start_with(more: impl FnOnce(Config) -> Config) -> Self {
        let patient = |config: Config| more(config.set("telemetry", "plugin_load_timeout", "30s"));
        Self { gyre: start(patient) }
    }

    /// Asks, with a body of JSON if there is one.
    #[track_caller]
    pub(super) fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Response {
        let body = body.map(Value::to_string).unwrap_or_default();
        let headers = [("Content-Type", "application/json")];
        let answer = self.gyre.client().request(method, target, &headers, body.as_bytes());
        answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// Uploads files as a plugin and what belongs to it: their names and contents.
    #[track_caller]
    pub(super) fn upload(&self, files: &[(&str, &[u8])]) -> Response {
        let parts: Vec<Part<'_>> = files
            .iter()
            .map(|(name, content)| ("snap-plugins", *name, *content))
            .collect();
        let headers = [("Content-Type", multipart::MEDIA_TYPE)];
        let client = self.gyre.client().with_timeout(PATIENCE);
        let answer = client.request("POST", "/v1/plugins", &headers, &multipart::body(&parts));
        answer.unwrap_or_else(|error| panic!("upload: {error}"))
    }

    /// Uploads a plugin; the text of the error when it is refused.
    #[track_caller]
    pub(super) fn try_load(&self, plugin: &Plugin) -> Result<Value, String> {
        loaded(&self.upload(&[(plugin.file_name(), &plugin.bytes())]))
    }

    /// Uploads plugins, which must all be taken.
    #[track_caller]
    pub(super) fn load(&self, names: &[&str]) {
        for name in names {
            let loaded = self.try_load(&Plugin::new(name));
            assert!(loaded.is_ok(), "{name}: {loaded:?}");
        }
    }

    /// Unloads a plugin.
    #[track_caller]
    pub(super) fn unload(&self, kind: &str, name: &str, version: u32) -> Response {
        self.ask("DELETE", &format!("/v1/plugins/{kind}/{name}/{version}"), None)
    }

    /// The names of the loaded plugins, in order.
    #[track_caller]
    pub(super) fn plugins(&self) -> Vec<String> {
        let listed = body(&self.ask("GET", "/v1/plugins", None), 200);
        let plugins = listed["loaded_plugins"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> = plugins
            .iter()
            .map(|plugin| plugin["name"].to_string().replace('"', ""))
            .collect();
        names.sort();
        names
    }

    /// Creates a task that runs every `interval`, and starts it; its id.
    #[track_caller]
    pub(super) fn create(&self, interval: &str, more: &Value, collect: &Value) -> String {
        let schedule = match interval {
            "streaming" => json!({"type": "streaming"}),
            interval => json!({"type": "simple", "interval": interval}),
        };
        let mut manifest = json!({
            "version": 1, "schedule": schedule, "start": true, "max-failures": -1, "workflow": {"collect": collect}
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            manifest[key] = value.clone();
        }
        let created = body(&self.ask("POST", "/v1/tasks", Some(&manifest)), 201);
        created["id"].as_str().expect("tasks have ids").to_owned()
    }

    /// Starts or stops a task, which must work.
    #[track_caller]
    pub(super) fn act(&self, task: &str, action: &str) {
        body(&self.ask("PUT", &format!("/v1/tasks/{task}/{action}"), None), 200);
    }

    /// A task as it is now.
    #[track_caller]
    pub(super) fn task(&self, task: &str) -> Value {
        body(&self.ask("GET", &format!("/v1/tasks/{task}"), None), 200)
    }

    /// Waits until a task is known, as after a restart.
    #[track_caller]
    pub(super) fn await_task_listed(&self, task: &str) {
        let target = format!("/v1/tasks/{task}");
        let known = || (self.ask("GET", &target, None).status == 200).then_some(());
        wait::until("the task is known", PATIENCE, known);
    }

    /// Waits until a task is as `probe` wants it.
    #[track_caller]
    pub(super) fn await_task(&self, task: &str, what: &str, probe: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = wait::poll(PATIENCE, || {
            last = self.task(task);
            probe(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("{what}: not within {PATIENCE:?}: {last:#}"))
    }

    /// Waits until a task has fired so many times more without a failure.
    #[track_caller]
    pub(super) fn await_fires(&self, task: &str, more: u64) {
        let before = self.task(task);
        let (hits, failures) = (count(&before, "hit_count") + more, count(&before, "failed_count"));
        let after = self.await_task(task, "it fires", |task| count(task, "hit_count") >= hits);
        assert_eq!(count(&after, "failed_count"), failures, "{after:#}");
    }

    /// The processes of a plugin, by a part of its file's name.
    pub(super) fn processes(&self, name: &str) -> Vec<u32> {
        processes_named(&self.gyre.data(), name)
    }

    /// Waits until a plugin has a process that is none of `old`.
    #[track_caller]
    pub(super) fn await_process(&self, name: &str, old: &[u32]) -> u32 {
        let what = format!("{name} has a process");
        wait::until(&what, PATIENCE, || {
            self.processes(name).into_iter().find(|pid| !old.contains(pid))
        })
    }

    /// Waits until a plugin has no process; of all plugins, when the name is empty.
    #[track_caller]
    pub(super) fn await_no_process(&self, name: &str) {
        let what = format!("no process of {name} is left");
        wait::until(&what, PATIENCE, || self.processes(name).is_empty().then_some(()));
    }

    /// A path in the server's directory, for publishers to write to.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.gyre.data().with_file_name(name)
    }
}

/// One of a task's counters, which are left out while they are 0.
pub(super) fn count(task: &Value, counter: &str) -> u64 {
    task[counter].as_u64().unwrap_or_default()
}

/// The body of an answer in version 1's envelope.
#[track_caller]
pub(super) fn body(answer: &Response, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    answer.json()["body"].clone()
}

/// The plugin that an upload loaded, or the text of the error.
pub(super) fn loaded(answer: &Response) -> Result<Value, String> {
    let body = &answer.json()["body"];
    match answer.status {
        201 => Ok(body["loaded_plugins"][0].clone()),
        _ => Err(body["message"].as_str().unwrap_or_default().to_owned()),
    }
}

/// Publishes what is collected with `pyfile` into a file.
pub(super) fn publish_to(file: &std::path::Path) -> Value {
    json!([{"plugin_name": "pyfile", "config": {"file": file}}])
}

/// Waits until a publisher has written a line with this text behind the first `from` bytes; how long the file is then.
#[track_caller]
pub(super) fn await_line(file: &std::path::Path, from: usize, wanted: &str) -> usize {
    let what = format!("{wanted:?} in {}", file.display());
    wait::until(&what, PATIENCE, || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let new = text.get(from..)?;
        new.lines().any(|line| line.contains(wanted)).then_some(text.len())
    })
}

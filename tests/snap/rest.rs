//! All recorded answers of the original's REST interface but those of its cluster, in the order they were recorded, from
//! one server; those about credentials from another one. What differs on purpose is listed in [`differences`].

mod alike;
mod differences;
mod own;
mod uploads;

use std::{env, fs, path::Path, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    dir,
    gyre::{Config, Gyre},
    http::Response,
    ports, wait,
};
use alike::Names;
use differences::DIFFERENCES;

/// The sections that one server answers one after the other.
const SECTIONS: [&str; 6] = [
    "empty_daemon",
    "plugins_and_metrics",
    "task_creation_errors",
    "task_lifecycle",
    "mock_pipeline",
    "api_v2",
];
/// Longest time until a task has done what it had done when it was recorded.
const PATIENCE: Duration = Duration::from_secs(15);

/// Requests before which a task must have fired so often, so that what follows is what followed then.
const AFTER_FIRES: [(&str, &str, u64); 2] = [
    ("stop watched", "uuid-3", 5),
    ("stop slow (blocks while firing?)", "uuid-7", 5),
];

struct Replay {
    gyre: Gyre,
    names: Names,
    section: &'static str,
    alike: usize,
    wrong: Vec<String>,
    used: Vec<&'static str>,
    _dir: TempDir,
}

#[test]
fn answers_as_recorded() {
    let Some(recordings) = recordings() else { return };
    let mut replay = Replay::start(|config| config);
    for section in SECTIONS {
        replay.section(section, &recordings);
    }
    replay.end(&SECTIONS);
}

#[test]
fn asks_for_credentials_as_recorded() {
    let Some(recordings) = recordings() else { return };
    let mut replay = Replay::start(|config| {
        config.set("telemetry", "password", "sekret").set(
            "telemetry",
            "allowed_origins",
            vec!["http://example.com:80", "http://localhost:9000"],
        )
    });
    replay.section("auth_and_cors", &recordings);
    replay.end(&["auth_and_cors"]);
}

fn recordings() -> Option<Value> {
    let file = Path::new(&env::var_os("GYRE_CONFORMANCE")?).join("snap/cases.json");
    let text = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cases: Value = serde_json::from_slice(&text).expect("cases are JSON");
    Some(cases["rest_observed"].clone())
}

impl Replay {
    fn start(more: impl FnOnce(Config) -> Config) -> Self {
        let (dir, nobody) = (dir::temp_dir(), ports::free());
        let home = dir.path().to_str().expect("temporary paths are UTF-8").to_owned();
        let config = Config::new(vec![vec!["embedded:".to_owned()]])
            .set("telemetry", "expand_env", true)
            // Python takes its time on a machine that has other work.
            .set("telemetry", "plugin_load_timeout", "10s")
            .launcher(vec!["env".into(), format!("HOME={home}").into()]);
        let gyre = Gyre::start(more(config));
        Self {
            names: Names::new(gyre.addr(), &home, nobody),
            gyre,
            section: "",
            alike: 0,
            wrong: vec![],
            used: vec![],
            _dir: dir,
        }
    }

    fn section(&mut self, section: &'static str, recordings: &Value) {
        self.section = section;
        for recorded in recordings[section].as_array().expect("a section is a list") {
            self.one(recorded);
        }
    }

    fn one(&mut self, recorded: &Value) {
        let name = recorded["name"].as_str().expect("recordings have names");
        if let Some((_, task, fires)) = AFTER_FIRES.iter().find(|(before, ..)| *before == name) {
            self.wait_for_fires(task, *fires);
        }
        let (answer, differs) = self.answer(recorded);
        let known = DIFFERENCES
            .iter()
            .find(|known| (known.section, known.name) == (self.section, name));
        match (differs, known) {
            (None, None) => self.alike += 1,
            (None, Some(_)) => self
                .wrong
                .push(format!("{}: {name}: listed as different, but alike", self.section)),
            (Some(_), Some(known)) => {
                self.used.push(known.name);
                if let Err(why) = known.check(&answer) {
                    self.wrong.push(format!("{}: {name}: {why}", self.section));
                }
                self.forget(known, &answer);
            }
            (Some(differs), None) => self.wrong.push(format!("{}: {name}: {differs}", self.section)),
        }
    }

    /// The answer, and in what it differs; asked again and again while it may still become alike.
    fn answer(&mut self, recorded: &Value) -> (Response, Option<String>) {
        let may_become = recorded["method"] == "GET" && self.names.has_tasks();
        let patience = if may_become { PATIENCE } else { Duration::ZERO };
        let mut last = None;
        let alike = wait::poll(patience, || {
            let answer = self.send(recorded);
            self.names.learn(recorded, &answer);
            let differs = alike::differs(recorded, &answer, &self.names);
            let is_alike = differs.is_none();
            last = Some((answer, differs));
            is_alike.then_some(())
        });
        let (answer, differs) = last.expect("polled at least once");
        (answer, differs.filter(|_| alike.is_none()))
    }

    fn send(&self, recorded: &Value) -> Response {
        let text = |key: &str| recorded[key].as_str().unwrap_or_default();
        let upload = uploads::of(text("name"));
        let (mut headers, body) = match upload {
            Some(upload) => (upload.headers, upload.body),
            None if text("name").starts_with("load json") => {
                let json = ("Content-Type".to_owned(), "application/json".to_owned());
                (vec![json], self.names.ours(text("request_body")).into_bytes())
            }
            None => (vec![], self.names.ours(text("request_body")).into_bytes()),
        };
        for (name, value) in recorded["request_headers"].as_object().into_iter().flatten() {
            headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let path = self.names.ours(text("path"));
        let answer = self.gyre.client().request(text("method"), &path, &headers, &body);
        answer.unwrap_or_else(|error| panic!("{} {path}: {error}", text("name")))
    }

    /// Removes what a request made that made nothing when it was recorded.
    fn forget(&self, known: &differences::Difference, answer: &Response) {
        if known.status == 201 && answer.status == 201 {
            let id = answer.json()["body"]["id"]
                .as_str()
                .map(ToOwned::to_owned)
                .expect("a task has an id");
            let removed = self
                .gyre
                .client()
                .request("DELETE", &format!("/v1/tasks/{id}"), &[], b"");
            assert_eq!(removed.expect("an answer").status, 200);
        }
    }

    fn wait_for_fires(&self, task: &str, fires: u64) {
        let path = self.names.ours(&format!("/v1/tasks/{task}"));
        wait::until("the task fires", PATIENCE, || {
            let task = self.gyre.client().get(&path).json();
            (task["body"]["hit_count"].as_u64() >= Some(fires)).then_some(())
        });
    }

    fn end(mut self, sections: &[&str]) {
        let unused = DIFFERENCES
            .iter()
            .filter(|known| sections.contains(&known.section) && !self.used.contains(&known.name));
        self.wrong
            .extend(unused.map(|known| format!("{}: {}: was not asked", known.section, known.name)));
        let wrong = self.wrong.join("\n\n");
        eprintln!(
            "{} recordings answered alike, {} differ as listed",
            self.alike,
            self.used.len()
        );
        assert!(self.wrong.is_empty(), "{} wrong:\n{wrong}", self.wrong.len());
    }
}

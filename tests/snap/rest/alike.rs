//! When an answer is like a recorded one: the same status, headers and body, but for what no two servers have in
//! common, and the order of what the original orders by chance.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::http::Response;

/// Every header that answers of the original may have, but for lengths and dates.
const HEADERS: [&str; 11] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-max-age",
    "content-encoding",
    "content-type",
    "deprecated",
    "location",
    "vary",
    "version",
    "x-content-type-options",
];
/// Lists whose order the original leaves to chance.
const SETS: [&str; 8] = [
    "ScheduledTasks",
    "available_plugins",
    "config_policy",
    "loaded_plugins",
    "members",
    "plugins",
    "policy",
    "tasks",
];
/// Counts that go on while a task runs; they are left out when they are 0.
const COUNTS: [&str; 3] = ["hit_count", "hitcount", "miss_count"];
/// Stands for every time in recordings.
const SOME_TIME: i64 = 1_700_000_000;

/// What is called otherwise in recordings.
#[derive(Debug)]
pub(super) struct Names {
    /// In recordings, and here; longer ones first.
    pairs: Vec<(String, String)>,
}

impl Names {
    /// The server at `addr`, files below `home`, and an address where nobody listens.
    pub(super) fn new(addr: SocketAddr, home: &str, nobody: SocketAddr) -> Self {
        let pairs = [
            ("HOST181", addr.to_string()),
            ("HOST999", nobody.to_string()),
            ("/srv", home.to_owned()),
        ];
        Self {
            pairs: pairs.map(|(theirs, ours)| (theirs.to_owned(), ours)).into(),
        }
    }

    /// The text of a recording with our names.
    pub(super) fn ours(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    fn theirs(&self, text: &str) -> String {
        self.pairs
            .iter()
            .fold(text.to_owned(), |text, (theirs, ours)| text.replace(ours, theirs))
    }

    /// Whether a task was created.
    pub(super) fn has_tasks(&self) -> bool {
        self.pairs.len() > 3
    }

    /// Takes the id of a task that was created.
    pub(super) fn learn(&mut self, recorded: &Value, answer: &Response) {
        if recorded["method"] != "POST" || recorded["status"] != 201 || answer.status != 201 {
            return;
        }
        let id = |body: &Value| {
            [&body["body"]["id"], &body["id"]]
                .into_iter()
                .find_map(|id| id.as_str().map(ToOwned::to_owned))
        };
        if let (Some(theirs), Some(ours)) = (id(&recorded["body_json"]), id(&answer.json())) {
            self.pairs.push((theirs, ours));
            self.pairs.sort_by_key(|(theirs, _)| std::cmp::Reverse(theirs.len()));
        }
    }
}

/// In what an answer differs from the recorded one; `None`: in nothing.
pub(super) fn differs(recorded: &Value, answer: &Response, names: &Names) -> Option<String> {
    let expected = recorded["status"].as_u64();
    if expected != Some(u64::from(answer.status)) {
        return Some(format!(
            "status {} is not {expected:?}: {}",
            answer.status,
            answer.text()
        ));
    }
    for header in HEADERS {
        let expected = recorded["headers"].as_object().into_iter().flatten();
        let expected = expected
            .filter(|(name, _)| name.eq_ignore_ascii_case(header))
            .find_map(|(_, value)| value.as_str());
        let found = answer.header(header);
        if found != expected {
            return Some(format!("header {header} is {found:?}, not {expected:?}"));
        }
    }
    let text = names.theirs(&answer.text());
    let (found, expected) = match recorded.get("body_json") {
        Some(expected) => match serde_json::from_str(&text) {
            Ok(found) => (normal(found), normal(expected.clone())),
            Err(error) => return Some(format!("no JSON ({error}): {text}")),
        },
        None => (text, recorded["body_text"].as_str().unwrap_or_default().to_owned()),
    };
    // What is binary was not recorded.
    let is_alike = found == expected || expected.starts_with("<binary");
    (!is_alike).then(|| format!("\n   found: {found}\nexpected: {expected}"))
}

/// JSON as text with what may differ taken out; the order of keys is kept.
fn normal(mut body: Value) -> String {
    normalise("", &mut body);
    body.to_string()
}

fn normalise(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_over = fields
                .get("task_state")
                .is_some_and(|state| state == "Ended" || state == "Disabled");
            for (key, value) in fields {
                // How often, while it may still happen, depends on when one looks.
                if COUNTS.contains(&key.as_str()) && !is_over {
                    *value = 1.into();
                }
                normalise(key, value);
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| normalise("", item));
            if SETS.contains(&key) {
                items.sort_by_key(Value::to_string);
            }
        }
        Value::Number(number) if key.ends_with("_timestamp") && number.as_i64() > Some(0) => *value = SOME_TIME.into(),
        // Instances are numbered from where the server likes.
        Value::Number(_) if key == "id" => *value = 0.into(),
        Value::String(text) => *text = without_places(text),
        _ => {}
    }
}

/// A failure without the places in files where it happened.
fn without_places(text: &str) -> String {
    if let Some(("fork/exec ", path)) = text.split_at_checked("fork/exec ".len()) {
        return path.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if !text.contains("stack trace:") {
        return text.to_owned();
    }
    text.split('\n')
        .filter(|line| !line.starts_with(' '))
        .collect::<Vec<_>>()
        .join("\n")
}

//! What influx-proxy's admin routes answer, in the shapes of both generations, recorded over four backends that hold
//! nothing: `{"sets": [{"name", "config", "rows": [{"request", "response"}]}]}`.
//!
//! The server is started with the recorded configuration. Every recorded header must be there, with the same value.
//! Not replayed:
//!
//! | what | why |
//! |---|---|
//! | `/query`, `/write`, `/api/v2/*`, headers of `/ping` | InfluxDB 1.8 is the reference |
//! | `/transfer/*`, `/migrate/*`, `/rebalance`, `/recovery`, `/resync`, `/clear`, `/cleanup` | not built yet |
//! | `/api/v1/prom/*` | not built yet |
//! | `/health?stats=true` | not built yet |
//! | 404 for a path of the other generation, `/metrics` | both generations are served at once |
//! | the other generation's parameter (`meas`, `mm`; `msg`, `text`) is ignored | both are understood |
//! | version headers of 404, `Content-Length` | 404 is nobody's; lengths follow from bodies |
//! | `/health` after a write-only circle | states are set by the transfer routes |

use serde_json::{Value, json};

use super::{given, own};
use crate::support::{gyre::Gyre, null_backend::NullBackend};

/// Where the given exchanges are.
const GIVEN: &str = "influx-proxy/wire.json";

/// The project's own.
const OWN: &str = "wire.json";

/// Paths that are replayed; every other path must be unknown to the original, too.
const PATHS: [&str; 5] = ["/ping", "/health", "/replica", "/encrypt", "/decrypt"];

/// Paths that are unknown to the original of one generation or of both, and known here or soon.
const KNOWN_HERE: [&str; 9] = [
    "/transfer/",
    "/migrate/",
    "/rebalance",
    "/recovery",
    "/resync",
    "/clear",
    "/cleanup",
    "/api/",
    "/metrics",
];

#[test]
fn admin_routes_answer_as_recorded() {
    for sets in [Some(own(OWN)), given(GIVEN)].into_iter().flatten() {
        for set in sets["sets"].as_array().expect("there are sets") {
            let checked = replay(set);
            println!("{}: {checked} exchanges", set["name"]);
            assert!(checked > 0, "{}: no exchanges", set["name"]);
        }
    }
}

/// Starts the server of a set and replays its rows; how many were compared.
fn replay(set: &Value) -> usize {
    let (config, backends) = with_backends(&set["config"]);
    let gyre = Gyre::start_imported(config);
    let is_new = !set["name"].as_str().unwrap_or_default().contains("2.4.7");
    let mut wrong = Vec::new();
    let mut checked = 0;
    for row in set["rows"].as_array().expect("a set has rows") {
        let (request, response) = (&row["request"], &row["response"]);
        if !is_replayed(request, response, is_new) {
            continue;
        }
        checked += 1;
        if let Some(difference) = compare(&gyre, request, response, &backends) {
            wrong.push(difference);
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {} differ\n{}",
        set["name"],
        wrong.len(),
        wrong.join("\n")
    );
    checked
}

/// The recorded configuration with backends of our own, each with the address that it replaces.
fn with_backends(config: &Value) -> (Value, Vec<(String, NullBackend)>) {
    let mut config = config.clone();
    let mut backends = Vec::new();
    for circle in config["circles"].as_array_mut().expect("a configuration has circles") {
        for configured in circle["backends"].as_array_mut().expect("a circle has backends") {
            let backend = NullBackend::start(&[]);
            let recorded = std::mem::replace(&mut configured["url"], json!(backend.url()));
            backends.push((recorded.as_str().expect("a backend has a URL").to_owned(), backend));
        }
    }
    (config, backends)
}

fn is_replayed(request: &Value, response: &Value, is_new: bool) -> bool {
    let target = request["target"].as_str().unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    if response["status"] == 404 {
        return !KNOWN_HERE.iter().any(|known| path.starts_with(known));
    }
    let ignored = if is_new { "msg=" } else { "mm=" };
    let set_by_transfer = response["body"]
        .as_str()
        .is_some_and(|body| body.contains("\"write_only\":true"));
    PATHS.contains(&path) && !target.contains(ignored) && !target.contains("stats=true") && !set_by_transfer
}

fn compare(gyre: &Gyre, request: &Value, response: &Value, backends: &[(String, NullBackend)]) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (method, target) = (text(&request["method"]), text(&request["target"]));
    let headers = strings(&request["headers"]);
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let got = gyre
        .client()
        .request(&method, &target, &headers, text(&request["body"]).as_bytes());
    let got = got.expect("an answer");
    let mut body = got.text();
    for (recorded, backend) in backends {
        body = body.replace(&backend.url(), recorded);
    }
    let free = target.starts_with("/ping") || response["status"] == 404;
    let wanted = strings(&response["headers"]).into_iter();
    let differing: Vec<_> = wanted
        .filter(|(name, _)| name != "Content-Length" && !(free && name.starts_with("X-Influxdb")))
        .filter(|(name, value)| got.header(&name.to_ascii_lowercase()) != Some(value))
        .collect();
    let is_same = json!(got.status) == response["status"] && body == text(&response["body"]) && differing.is_empty();
    (!is_same).then(|| {
        let head = &got.head.headers;
        format!(
            "{method} {target}\n  expect {response}\n  got    {} {head:?} {body:?}\n  missing {differing:?}",
            got.status
        )
    })
}

fn strings(object: &Value) -> Vec<(String, String)> {
    let pairs = object.as_object().into_iter().flatten();
    pairs
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

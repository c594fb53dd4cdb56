//! Hosts through the Scale v6 interface, black box.
//!
//! [`CASES`] run with [`settings`], where nodes live longer than any case takes, and [`life`] where they do not. [`details`]: one host and its changes; [`lists`]:
//! filters, order and pages; [`refusals`]: what is wrong with a request.

mod details;
mod life;
mod lists;
mod refusals;

use serde_json::Value;

use super::stores::{Case, Store};
use crate::support::{
    gyre::{Config, Gyre},
    http::Response,
};

/// What a case needs of the configuration, whatever the store.
fn settings(config: Config) -> Config {
    config.set("nodes", "self_register", false).set("nodes", "ttl", "10m")
}

/// Each wants a server without hosts.
const CASES: &[Case] = &[
    ("a host shows what it was patched to", details::patches),
    ("a host is deprecated while it is inactive", details::deprecation),
    ("answers have the form of the original", details::form),
    (
        "concurrent patches are one after the other",
        details::concurrent_patches,
    ),
    ("both versions and spellings of paths", details::paths),
    ("filters", lists::filters),
    ("order", lists::order),
    ("small pages", lists::small_pages),
    ("large pages", lists::large_pages),
    ("links name the host that the client asked", lists::links),
    ("bad parameters", refusals::parameters),
    ("bad bodies", refusals::bodies),
    ("bad methods, paths and media types", refusals::requests),
    ("half bodies and huge ones", refusals::unfinished),
];

#[test]
fn all_cases_on_the_embedded_store() {
    Store::Embedded.run(CASES, settings);
}

#[test]
fn all_cases_on_etcd() {
    Store::Etcd.run(CASES, settings);
}

/// Lets a node on that machine register; the id of the host.
#[track_caller]
fn host(gyre: &Gyre, hostname: &str) -> u64 {
    register(gyre, hostname);
    let list = shown(gyre, "/v6/nodes/?page_size=1000&order=-id");
    let hosts = list["results"].as_array().expect("a list");
    let found = hosts.iter().find(|host| host["hostname"] == hostname);
    found.expect("a node's machine is a host")["id"]
        .as_u64()
        .expect("an id is a number")
}

#[track_caller]
fn register(gyre: &Gyre, hostname: &str) {
    let body = serde_json::json!({"hostname": hostname, "bindAddress": "10.0.0.1:8888"}).to_string();
    let answer = gyre.client().post("/nodes/c", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// What a GET shows.
#[track_caller]
fn shown(gyre: &Gyre, target: &str) -> Value {
    let answer = gyre.client().get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.json()
}

#[track_caller]
fn detail(gyre: &Gyre, id: u64) -> Value {
    shown(gyre, &format!("/v6/nodes/{id}/"))
}

#[track_caller]
fn send(gyre: &Gyre, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let answer = gyre.client().request(method, target, headers, body);
    answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

/// Sends a JSON body to a host.
#[track_caller]
fn patch(gyre: &Gyre, id: u64, body: &str) -> Response {
    let json = [("Content-Type", "application/json")];
    send(gyre, "PATCH", &format!("/v6/nodes/{id}/"), &json, body.as_bytes())
}

/// Changes a host, which must succeed.
#[track_caller]
fn change(gyre: &Gyre, id: u64, body: &str) {
    let answer = patch(gyre, id, body);
    assert_eq!((answer.status, answer.text()), (204, String::new()), "{body}");
}

/// The body of most errors.
fn detail_text(text: &str) -> String {
    serde_json::json!({"detail": text}).to_string()
}

/// The hostnames of a list, in order.
#[track_caller]
fn hostnames(list: &Value) -> Vec<&str> {
    let hosts = list["results"].as_array().expect("a list");
    hosts
        .iter()
        .map(|host| host["hostname"].as_str().expect("a name"))
        .collect()
}

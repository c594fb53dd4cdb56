//! Hosts outlive their nodes and the server; only who may, sees them.

use std::time::Duration;

use crate::cluster::stores::Store;
use crate::support::{
    gyre::{Config, Gyre},
    wait,
};

use super::{change, detail, detail_text, host, register, send, settings};

/// Longest time until a loss shows: the lease of a second, on a loaded machine.
const SOON: Duration = Duration::from_secs(20);

/// The configuration under which [`outlives_its_nodes`] runs.
fn short_lived(config: Config) -> Config {
    settings(config).set("nodes", "ttl", "1s")
}

/// Pausing survives the loss of the agent and its return.
fn outlives_its_nodes(gyre: &Gyre) {
    let id = host(gyre, "a");
    change(gyre, id, r#"{"is_paused":true,"pause_reason":"disk"}"#);
    let lost = wait::until("the host is lost", SOON, || {
        let now = detail(gyre, id);
        (now["is_active"] == false).then_some(now)
    });
    assert_eq!(lost["deprecated"], lost["last_modified"]);
    register(gyre, "a");
    let back = detail(gyre, id);
    assert_eq!(back["is_active"], true, "{back}");
    assert!(back["deprecated"].is_null());
    for kept in ["is_paused", "pause_reason", "created"] {
        assert_eq!(back[kept], lost[kept], "{kept}");
    }
}

#[test]
fn pausing_survives_loss_and_return() {
    for store in Store::ALL {
        outlives_its_nodes(&Gyre::start(short_lived(store.config())));
    }
}

#[test]
fn hosts_survive_a_kill() {
    Store::ALL.into_iter().for_each(survive_a_kill);
}

fn survive_a_kill(store: Store) {
    let mut gyre = Gyre::start(settings(store.config()));
    let id = host(&gyre, "a");
    change(&gyre, id, r#"{"is_paused":true,"pause_reason":"é"}"#);
    let before = detail(&gyre, id);
    gyre.restart();
    assert_eq!(detail(&gyre, id), before);
    let next = host(&gyre, "b");
    assert!(next > id, "ids are never used again: {next} after {id}");
}

#[test]
fn only_who_may_sees_hosts() {
    let config = settings(Store::Embedded.config());
    let gyre = Gyre::start(config.set("auth", "username", "admin").set("auth", "password", "pa:ss"));
    let check = |headers: &[(&str, &str)], text: &str| {
        for (method, target) in [
            ("GET", "/v6/nodes/"),
            ("PATCH", "/v6/nodes/1/"),
            ("DELETE", "/v7/nodes/1/"),
        ] {
            let answer = send(&gyre, method, target, headers, b"{");
            assert_eq!(
                (answer.status, answer.text()),
                (401, detail_text(text)),
                "{method} {headers:?}"
            );
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Gyre\""));
        }
    };
    check(&[], "Authentication credentials were not provided.");
    check(
        &[("Authorization", "Basic YWRtaW46d3Jvbmc=")],
        "Invalid username/password.",
    );
    check(&[("Authorization", "Token 12345")], "Invalid username/password.");
    let right = [("Authorization", "Basic YWRtaW46cGE6c3M=")];
    assert_eq!(send(&gyre, "GET", "/v6/nodes/", &right, b"").status, 200);
}

//! Backends that fail for a while: what waits is delivered later, in order.

use std::time::Duration;

use serde_json::json;

use super::{DELIVERY, await_column, impatient, pair};
use crate::support::{
    gyre::Gyre,
    influxd::DEFAULTS,
    null_backend::{NullBackend, Scripted},
    wait,
};

/// Answers that mean: not now.
const NOT_NOW: [u16; 8] = [500, 502, 503, 504, 401, 403, 404, 429];

fn refusal(status: u16) -> Scripted {
    Scripted {
        status,
        body: "{\"error\":\"not now\"}".to_owned(),
        delay: Duration::ZERO,
    }
}

/// Waits until the backend has got these lines, whatever it answered.
#[track_caller]
fn await_lines(backend: &NullBackend, expect: &[String]) {
    let arrived = wait::poll(DELIVERY, || (backend.lines() == expect).then_some(()));
    assert!(arrived.is_some(), "{:?} instead of {expect:?}", backend.lines());
}

#[test]
fn a_backend_that_refuses_for_now_gets_it_later() {
    let backend = NullBackend::start(&["d"]);
    let gyre = Gyre::start(impatient(vec![vec![backend.url()]]).set("proxy", "ack_timeout", "100ms"));
    let client = gyre.client();
    let mut expect = Vec::new();
    for (n, status) in NOT_NOW.into_iter().enumerate() {
        backend.script_writes([refusal(status), refusal(status)]);
        let line = format!("m v={n}i {n}");
        assert_eq!(client.write("d", &line), (204, String::new()), "{status}");
        expect.extend([line.clone(), line.clone(), line]);
        await_lines(&backend, &expect);
    }
    assert_eq!(client.get("/gyre/dead-letters").json()["count"], 0);
    wait::until("nothing waits any more", DELIVERY, || {
        let backends = client.get("/gyre/backends").json();
        (backends["backends"][0]["waiting_bytes"] == 0).then_some(())
    });
}

#[test]
fn what_waits_is_delivered_in_order_before_what_is_new() {
    let backend = NullBackend::start(&["d"]);
    let gyre = Gyre::start(impatient(vec![vec![backend.url()]]).set("proxy", "ack_timeout", "10ms"));
    backend.script_writes((0..5).map(|_| refusal(503)));
    let lines: Vec<String> = (0..50).map(|n| format!("m v={n}i 1")).collect();
    for line in &lines {
        assert_eq!(gyre.client().write("d", line).0, 204);
    }
    wait::until("the last line arrives", DELIVERY, || {
        (backend.lines().last() == lines.last()).then_some(())
    });
    let accepted: Vec<String> = backend.writes()[5..]
        .iter()
        .flat_map(|write| write.body.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(accepted, lines);
}

#[test]
fn the_last_write_wins_after_redelivery() {
    let (mut gyre, mut server) = pair(&DEFAULTS, |config| config.set("proxy", "ack_timeout", "50ms"));
    gyre.client().query("", "CREATE DATABASE d");
    server.stop();
    for value in 1..=20 {
        assert_eq!(gyre.client().write("d", &format!("m v={value}i 1")).0, 204);
    }
    gyre.restart();
    for value in 21..=40 {
        assert_eq!(gyre.client().write("d", &format!("m v={value}i 1")).0, 204);
    }
    server.kill9();
    gyre.restart();
    server.restart();
    await_column(&server.client(), "d", "SELECT v FROM m", &[json!(40)]);
}

#[test]
fn another_backend_is_not_delayed() {
    let (slow, fast) = (NullBackend::start(&["d"]), NullBackend::start(&["d"]));
    let gyre = Gyre::start(impatient(vec![vec![slow.url()], vec![fast.url()]]).set("proxy", "ack_timeout", "10s"));
    slow.script_writes((0..1000).map(|_| refusal(500)));
    let start = wait::Instant::now();
    let lines: Vec<String> = (0..20).map(|n| format!("m v={n}i {n}")).collect();
    for line in &lines {
        assert_eq!(gyre.client().write("d", line).0, 204);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(fast.lines(), lines);
}

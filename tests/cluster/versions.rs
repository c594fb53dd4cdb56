//! Versioned metadata: the tables of writes and reads, polls, concurrent writers, restarts.
//!
//! [`CASES`] run on each store; each has clusters of its own. [`bad_input`]: what must change nothing. [`races`]: many clients at once. [`load`]: very many polls.

mod bad_input;
mod load;
mod races;

use std::time::Duration;

use super::stores::{Case, Store};
use crate::support::{
    gyre::{Config, Gyre},
    http::{Client, Connection, Response, encode},
    wait,
};
use wait::Instant;

/// Until something has happened, on a loaded machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Everything that a server must do whatever its store.
const CASES: &[Case] = &[
    ("writes and reads follow the tables", tables),
    ("a poll is held until there is news", held_until_news),
    ("a poll ends with no news", no_news),
    ("a poll that asks to wait hears of the first version", creation),
    ("a deletion ends polls", deletion),
    ("clients that leave are forgotten", leaving),
    ("the last versions are kept", history),
    ("names are decoded", names),
    ("methods and paths", methods),
    ("bodies come as clients send them", bodies),
    ("nothing bad changes anything", bad_input::table),
    ("bodies up to the limit", bad_input::sizes),
    ("half a body", bad_input::half_bodies),
    ("one of many writers wins", races::one_winner),
    ("no update is lost", races::no_lost_update),
    ("polls set up during writes", races::polls_during_writes),
    ("a thousand polls", load::a_thousand_polls),
];

/// Errors come at once.
fn settings(config: Config) -> Config {
    config.set("meta", "error_delay", "0s")
}

fn start(store: Store) -> Gyre {
    Gyre::start(settings(store.config()))
}

#[test]
fn all_cases_on_the_embedded_store() {
    Store::Embedded.run(CASES, settings);
}

#[test]
fn all_cases_on_etcd() {
    Store::Etcd.run(CASES, settings);
}

/// Path of a version; the cluster's name is escaped.
pub(super) fn path(cluster: &str, version: u64) -> String {
    format!("/clusters/{}/versions/{version}", encode(cluster))
}

/// Status, version and body of an answer.
pub(super) fn told(answer: &Response) -> (u16, Option<u64>, &[u8]) {
    let version = answer.header("version").map(|text| text.parse().expect("a number"));
    (answer.status, version, &answer.body)
}

/// Writes what must be stored as the next version.
#[track_caller]
pub(super) fn store(client: &Client, cluster: &str, seen: u64, body: &[u8]) {
    let answer = client.post(&path(cluster, seen), body);
    assert_eq!(told(&answer), (200, Some(seen + 1), b"".as_slice()));
}

#[track_caller]
fn assert_not_found(answer: &Response) {
    assert_eq!(answer.status, 404, "{}", answer.text());
    let error = answer.json();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&"error".into(), &"key_not_found".into())
    );
    assert!(answer.text().contains("Key not found"));
}

/// Sends a read and does not wait for its answer.
#[track_caller]
pub(super) fn poll(gyre: &Gyre, target: &str) -> Connection {
    let mut connection = gyre.client().connect().expect("it listens");
    let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    connection.send_raw(request.as_bytes()).expect("it is open");
    connection
}

/// Waits until this many reads are under way.
#[track_caller]
pub(super) fn wait_for_polls(gyre: &Gyre, count: usize) {
    let mut last = 0.0;
    let seen = wait::poll(SOON, || {
        last = gyre.metric("gyre_metadata_reads{}");
        (last == count as f64).then_some(())
    });
    assert!(seen.is_some(), "{last} polls, not {count}");
}

#[track_caller]
pub(super) fn answer(mut connection: Connection) -> Response {
    connection.read_response(true).expect("there is an answer")
}

/// Acceptance cases 9 to 12 and 14 of the contract.
fn tables(gyre: &Gyre) {
    let client = gyre.client();
    assert_not_found(&client.get("/clusters/tables/versions/0"));
    assert_not_found(&client.post("/clusters/tables/versions/3", b"x"));
    assert_not_found(&client.get("/clusters/tables/versions/3"));
    store(&client, "tables", 0, &[0x00, 0xff]);
    let read = client.get("/clusters/tables/versions/0");
    assert_eq!(told(&read), (200, Some(1), [0x00, 0xff].as_slice()));
    assert_eq!(read.header("content-type"), Some("application/octet-stream"));
    let conflict = client.post("/clusters/tables/versions/0", b"x");
    assert_eq!(told(&conflict), (409, Some(1), [0x00, 0xff].as_slice()));
    assert_eq!(conflict.header("content-type"), Some("application/octet-stream"));
    let again = client.post("/clusters/tables/versions/0", &[0x00, 0xff]);
    assert_eq!(told(&again), (200, Some(1), b"".as_slice()));
    store(&client, "tables", 1, b"y");
    assert_eq!(
        told(&client.get("/clusters/tables/versions/99")),
        (200, Some(2), b"y".as_slice())
    );
    assert_eq!(
        told(&client.post("/clusters/tables/versions/99", b"z")),
        (409, Some(2), b"y".as_slice())
    );
    assert_eq!(
        told(&client.get("/clusters/tables/versions/001")),
        (200, Some(2), b"y".as_slice())
    );
}

/// Acceptance case 13.
fn held_until_news(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "held", 0, b"one");
    let held = poll(gyre, &path("held", 1));
    wait_for_polls(gyre, 1);
    store(&client, "held", 1, b"two");
    assert_eq!(told(&answer(held)), (200, Some(2), b"two".as_slice()));
    wait_for_polls(gyre, 0);
}

/// Acceptance case 15, and HEAD, which never waits.
fn no_news(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "silent", 0, b"one");
    let start = Instant::now();
    let answer = client.get(&format!("{}?wait=2s", path("silent", 1)));
    assert_eq!(told(&answer), (204, Some(1), b"".as_slice()));
    let held = start.elapsed();
    assert!(
        (Duration::from_secs(2)..Duration::from_secs(5)).contains(&held),
        "{held:?}"
    );
    let head = |version| {
        client
            .request("HEAD", &path("silent", version), &[], b"")
            .expect("an answer")
    };
    assert_eq!(told(&head(1)), (204, Some(1), b"".as_slice()));
    let newer = head(0);
    assert_eq!(told(&newer), (200, Some(1), b"".as_slice()));
    assert_eq!(newer.header("content-length"), Some("3"));
}

fn creation(gyre: &Gyre) {
    let client = gyre.client();
    let waiting = poll(gyre, &format!("{}?wait=10m", path("created", 1)));
    wait_for_polls(gyre, 1);
    store(&client, "created", 0, b"one");
    assert_eq!(told(&answer(waiting)), (200, Some(1), b"one".as_slice()));
    assert_not_found(&client.get(&format!("{}?wait=1s", path("never created", 0))));
}

fn deletion(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "deleted", 0, b"one");
    let polls: Vec<_> = ["", "?wait=10m"]
        .map(|wait| poll(gyre, &format!("{}{wait}", path("deleted", 1))))
        .into();
    wait_for_polls(gyre, polls.len());
    let delete = || {
        client
            .request("DELETE", "/clusters/deleted", &[], b"")
            .expect("an answer")
    };
    assert_eq!(delete().status, 200);
    polls.into_iter().for_each(|poll| assert_not_found(&answer(poll)));
    assert_not_found(&delete());
    assert_not_found(&client.get("/clusters/deleted/history"));
    store(&client, "deleted", 0, b"anew");
}

fn leaving(gyre: &Gyre) {
    store(&gyre.client(), "left", 0, b"one");
    let polls: Vec<_> = (0..20).map(|_| poll(gyre, &path("left", 1))).collect();
    wait_for_polls(gyre, polls.len());
    drop(polls);
    wait_for_polls(gyre, 0);
}

fn history(gyre: &Gyre) {
    let client = gyre.client();
    assert_not_found(&client.get("/clusters/past/history"));
    for seen in 0..12 {
        store(&client, "past", seen, seen.to_string().as_bytes());
    }
    let answer = client.get("/clusters/past/history/");
    assert_eq!((answer.status, answer.header("version")), (200, Some("12")));
    let list = answer.json();
    let versions: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["version"].as_u64())
        .collect();
    assert_eq!(versions, (3..=12).rev().map(Some).collect::<Vec<_>>());
    // SHA-256 of "11".
    let sha256 = "4fc82b26aecb47d2868c4efbe3581732a3e7cbcc6c2efb32062c08170a05eeb8";
    assert_eq!((&list[0]["size"], &list[0]["sha256"]), (&2.into(), &sha256.into()));
    assert!(list[0]["time"].as_str().is_some_and(|time| time.ends_with('Z')));
    let old = client.get("/clusters/past/history/3");
    assert_eq!(told(&old), (200, Some(3), b"2".as_slice()));
    assert_not_found(&client.get("/clusters/past/history/2"));
    assert_not_found(&client.get("/clusters/past/history/13"));
}

/// Acceptance case 19, and every character that means something in a URL.
fn names(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "a b/c", 0, b"blank");
    for form in ["a+b%2Fc", "a%20b%2fc"] {
        let read = client.get(&format!("/clusters/{form}/versions/0/"));
        assert_eq!(told(&read), (200, Some(1), b"blank".as_slice()), "{form}");
    }
    let reserved = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ä漢";
    let names: Vec<String> = reserved.chars().map(|c| format!("{c}{c}")).collect();
    for name in &names {
        store(&client, name, 0, name.as_bytes());
    }
    for name in &names {
        assert_eq!(
            told(&client.get(&path(name, 0))),
            (200, Some(1), name.as_bytes()),
            "{name}"
        );
    }
}

fn methods(gyre: &Gyre) {
    let client = gyre.client();
    let ask = |method, target| client.request(method, target, &[], b"").expect("an answer");
    for (method, target, allow) in [
        ("DELETE", "/clusters/m/versions/0", "GET, HEAD, OPTIONS, POST, PUT"),
        ("PATCH", "/clusters/m/versions/abc/", "GET, HEAD, OPTIONS, POST, PUT"),
        ("GET", "/clusters/m", "DELETE, OPTIONS"),
        ("POST", "/clusters/m/history", "GET, HEAD, OPTIONS"),
        ("PUT", "/clusters/m/history/1", "GET, HEAD, OPTIONS"),
    ] {
        let answer = ask(method, target);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allow)),
            "{method} {target}"
        );
        assert_eq!(answer.json()["code"], "method_not_allowed");
    }
    for target in [
        "/clusters",
        "/clusters/m/versions",
        "/clusters/m/versions/1/2",
        "/clusters/m/x",
    ] {
        assert_not_found(&ask("GET", target));
    }
    assert_eq!(ask("OPTIONS", "/clusters/m/versions/0").status, 200);
    let put = client
        .request("PUT", "/clusters/m/versions/0", &[], b"put")
        .expect("an answer");
    assert_eq!(told(&put), (200, Some(1), b"".as_slice()));
}

/// Empty, chunked, after a word of encouragement.
fn bodies(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "bodies", 0, b"");
    assert_eq!(told(&client.get(&path("bodies", 0))), (200, Some(1), b"".as_slice()));
    let mut connection = client.connect().expect("it listens");
    let chunked = "POST /clusters/bodies/versions/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    connection.send_raw(chunked.as_bytes()).expect("it is open");
    assert_eq!(
        told(&connection.read_response(true).expect("an answer")),
        (200, Some(2), b"".as_slice())
    );
    let expecting = "POST /clusters/bodies/versions/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\
                     Expect: 100-continue\r\n\r\n";
    connection.send_raw(expecting.as_bytes()).expect("it is open");
    assert_eq!(connection.read_head().expect("it goes on").status, 100);
    connection.send_raw(b"xyz").expect("it is open");
    assert_eq!(
        told(&connection.read_response(true).expect("an answer")),
        (200, Some(3), b"".as_slice())
    );
    assert_eq!(told(&client.get(&path("bodies", 0))), (200, Some(3), b"xyz".as_slice()));
}

#[test]
fn a_poll_may_end_with_504() {
    let gyre = Gyre::start(settings(Store::Embedded.config()).set("meta", "longpoll", "1s").set(
        "meta",
        "longpoll_timeout_status",
        504,
    ));
    store(&gyre.client(), "c", 0, b"one");
    let answer = gyre.client().get(&path("c", 1));
    assert_eq!(told(&answer), (504, Some(1), b"no new version".as_slice()));
}

#[test]
fn errors_of_polls_are_held_back() {
    let gyre = Gyre::start(Store::Embedded.config().set("meta", "error_delay", "1s"));
    let start = Instant::now();
    assert_not_found(&gyre.client().get(&path("c", 1)));
    assert!(start.elapsed() >= Duration::from_secs(1));
    let start = Instant::now();
    assert_not_found(&gyre.client().post(&path("c", 1), b""));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_end_answers_polls() {
    Store::ALL.into_iter().for_each(end_answers_polls);
}

fn end_answers_polls(kept: Store) {
    let mut gyre = start(kept);
    store(&gyre.client(), "c", 0, b"one");
    let mut polls: Vec<_> = (0..20).map(|_| poll(&gyre, &path("c", 1))).collect();
    polls.extend((0..20).map(|_| poll(&gyre, &format!("{}?wait=10m", path("none", 0)))));
    wait_for_polls(&gyre, polls.len());
    let start = Instant::now();
    assert!(gyre.terminate().success());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    for (n, poll) in polls.into_iter().enumerate() {
        assert_eq!(told(&answer(poll)), (204, (n < 20).then_some(1), b"".as_slice()));
    }
}

/// Acceptance case 21.
#[test]
fn what_was_acknowledged_survives_a_kill() {
    Store::ALL.into_iter().for_each(survives_a_kill);
}

fn survives_a_kill(kept: Store) {
    let rounds = if crate::support::long() { 20 } else { 4 };
    let mut gyre = start(kept);
    for seen in 0..rounds {
        let body = seen.to_string().repeat(300_000);
        store(&gyre.client(), "c", seen, body.as_bytes());
        gyre.restart();
        let read = gyre.client().get(&path("c", 0));
        assert_eq!(told(&read), (200, Some(seen + 1), body.as_bytes()));
    }
}

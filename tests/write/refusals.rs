//! What a backend refuses for good: its client hears it, or the dead letters have it.

use std::{thread, time::Duration};

use serde_json::Value;

use super::{Cluster, DELIVERY, await_column, column, pair};
use crate::support::{
    cli,
    gyre::Gyre,
    http::Client,
    influxd::{DEFAULTS, Options},
    wait,
};

/// Requests that are under way together.
const REQUESTS: usize = 24;
/// The ones among them that conflict with the type of the field.
const BAD: [usize; 3] = [0, 11, 23];

const CONFLICT: &str = "field type conflict: input field \"v\" on measurement \"m\" is type string, already exists as type integer dropped=1";

/// `gyre dead-letters` against a running server; what it printed.
#[track_caller]
fn dead_letters(gyre: &Gyre, arguments: &[&str]) -> String {
    let url = format!("http://{}", gyre.addr());
    let all = [&["dead-letters", "--url", &url], arguments].concat();
    let finished = cli::gyre(&all);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

/// Waits until there are so many dead letters, and returns them.
#[track_caller]
fn await_letters(client: &Client, count: u64) -> Vec<Value> {
    let answer = wait::until("dead letters arrive", DELIVERY, || {
        let answer = client.get("/gyre/dead-letters").json();
        (answer["count"] == count).then_some(answer)
    });
    answer["letters"].as_array().cloned().unwrap_or_default()
}

#[test]
fn conflicts_reach_the_client_and_leave_no_letter() {
    let cluster = Cluster::start(|config| config.set("proxy", "ack_timeout", "10s"));
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(client.write("d", "m v=1i 1").0, 204);
    let (status, body) = client.write("d", "m v=2i 2\nm v=\"no\" 3\nother v=\"yes\" 3\nm v=4i 4");
    assert_eq!(status, 400);
    assert!(body.contains(&CONFLICT.replace('"', "\\\"")), "{body}");
    for owner in cluster.owners("d", "m") {
        await_column(&owner.client(), "d", "SELECT v FROM m", &[1.into(), 2.into(), 4.into()]);
    }
    assert_eq!(column(&client, "d", "SELECT v FROM other"), ["yes"]);
    assert_eq!(client.get("/gyre/dead-letters").json()["count"], 0);
}

#[test]
fn only_the_bad_one_of_many_clients_is_refused() {
    let (gyre, server) = pair(&DEFAULTS, |config| {
        config
            .set("proxy", "ack_timeout", "20s")
            .set("delivery", "timeout", "20s")
    });
    let client = gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(client.write("d", "m v=0i 1000").0, 204);
    server.stop();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let writing: Vec<_> = (0..REQUESTS)
            .map(|n| {
                let value = if BAD.contains(&n) {
                    "\"no\"".to_owned()
                } else {
                    format!("{n}i")
                };
                let client = &client;
                scope.spawn(move || client.write("d", &format!("m v={value} {n}")).0)
            })
            .collect();
        let points = REQUESTS as f64 + 1.0;
        wait::until("all requests are in the journal", DELIVERY, || {
            (gyre.metric("gyre_write_points_total") >= points).then_some(())
        });
        server.resume();
        writing
            .into_iter()
            .map(|request| request.join().expect("it is answered"))
            .collect()
    });
    for (n, status) in statuses.iter().enumerate() {
        assert_eq!(
            *status,
            if BAD.contains(&n) { 400 } else { 204 },
            "request {n} of {statuses:?}"
        );
    }
    let stored = column(&client, "d", "SELECT v FROM m WHERE time < 1000");
    let good: Vec<Value> = (0..REQUESTS).filter(|n| !BAD.contains(n)).map(Value::from).collect();
    assert_eq!(stored, good);
    assert_eq!(client.get("/gyre/dead-letters").json()["count"], 0);
}

#[test]
fn without_a_client_that_waits_the_bad_line_is_a_dead_letter() {
    let (gyre, server) = pair(&DEFAULTS, |config| config.set("proxy", "ack", "journal"));
    let client = gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(client.write("d", "m v=0i 1").0, 204);
    await_column(&server.client(), "d", "SELECT v FROM m", &[0.into()]);
    assert_eq!(client.write("d", "m v=1i 2\nm v=\"no\" 3\nm v=2i 4").0, 204);
    let letters = await_letters(&client, 1);
    assert_eq!(letters[0]["lines"], "m v=\"no\" 3\n");
    assert_eq!(letters[0]["reason"], format!("partial write: {CONFLICT}"));
    assert_eq!(
        (&letters[0]["backend"], &letters[0]["db"]),
        (&"backend-1-1".into(), &"d".into())
    );
    await_column(
        &server.client(),
        "d",
        "SELECT v FROM m",
        &[0.into(), 1.into(), 2.into()],
    );
    assert_eq!(gyre.metric("gyre_dead_letters{}"), 1.0);
}

#[test]
fn dead_letters_are_listed_replayed_and_dropped() {
    let (mut gyre, server) = pair(&DEFAULTS, |config| config.set("proxy", "ack", "journal"));
    gyre.client().query("", "CREATE DATABASE d");
    for line in ["m v=0i 1", "m v=\"one\" 2", "m v=\"two\" 3"] {
        assert_eq!(gyre.client().write("d", line).0, 204);
    }
    await_letters(&gyre.client(), 2);
    assert!(gyre.terminate().success());
    gyre.restart();
    let list = dead_letters(&gyre, &["list"]);
    assert!(
        list.starts_with("2 waiting\n1  ") && list.contains("\n    m v=\"one\" 2\n2  "),
        "{list}"
    );
    let json: Value = serde_json::from_str(&dead_letters(&gyre, &["list", "--after", "1", "--json"])).expect("JSON");
    assert_eq!(
        (&json["count"], &json["letters"][0]["lines"]),
        (&2.into(), &"m v=\"two\" 3\n".into())
    );

    server.client().query("d", "DROP MEASUREMENT m");
    assert_eq!(dead_letters(&gyre, &["replay", "1"]), "replayed 1\n");
    await_column(&server.client(), "d", "SELECT v FROM m", &["one".into()]);
    assert_eq!(dead_letters(&gyre, &["drop", "2"]), "dropped 1\n");
    assert_eq!(dead_letters(&gyre, &["list"]), "0 waiting\n");
    gyre.restart();
    assert_eq!(dead_letters(&gyre, &["list"]), "0 waiting\n");
}

#[test]
fn what_is_replayed_in_vain_is_a_letter_again() {
    let (gyre, _server) = pair(&DEFAULTS, |config| config.set("proxy", "ack", "journal"));
    let client = gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(client.write("d", "m v=0i 1").0, 204);
    assert_eq!(client.write("d", "m v=\"no\" 2").0, 204);
    await_letters(&client, 1);
    assert_eq!(dead_letters(&gyre, &["replay", "100"]), "replayed 1\n");
    let again = wait::until("the letter is back", DELIVERY, || {
        let answer = client.get("/gyre/dead-letters").json();
        (answer["letters"][0]["id"] == 2).then_some(answer)
    });
    assert_eq!(again["letters"][0]["lines"], "m v=\"no\" 2\n");
    let unreachable = cli::gyre(&["dead-letters", "--url", "http://127.0.0.1:1", "list"]);
    assert!(
        unreachable.code == Some(1) && !unreachable.stderr.contains("panicked"),
        "{unreachable:?}"
    );
}

#[test]
fn bodies_too_large_for_a_backend_are_split() {
    let small = Options {
        max_body_size: 4_000,
        ..DEFAULTS
    };
    let (gyre, server) = pair(&small, |config| {
        config
            .set("delivery", "gzip", "never")
            .set("proxy", "ack_timeout", "10s")
    });
    let client = gyre.client().with_timeout(Duration::from_secs(30));
    client.query("", "CREATE DATABASE d");
    let mut lines: String = (0..1000).map(|n| format!("m v={n}i {n}\n")).collect();
    lines.push_str(&format!("m s=\"{}\" 5000\n", "x".repeat(5_000)));
    lines.push_str("m v=1000i 1000\n");
    assert_eq!(client.write("d", &lines), (204, String::new()));
    await_column(
        &server.client(),
        "d",
        "SELECT count(v), count(s) FROM m",
        &[1001.into()],
    );
    let letters = await_letters(&client, 1);
    assert_eq!(letters[0]["reason"], "line too large for the backend");
}

#[test]
fn conflicts_within_split_bodies_reach_the_client() {
    let small = Options {
        max_body_size: 1_000,
        ..DEFAULTS
    };
    let (gyre, _server) = pair(&small, |config| {
        config
            .set("delivery", "gzip", "never")
            .set("proxy", "ack_timeout", "10s")
    });
    let client = gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(client.write("d", "m v=0i 5000").0, 204);
    let lines: String = (0..100).map(|n| format!("m v={n}i {n}\n")).collect();
    let (status, body) = client.write("d", &format!("{lines}m v=\"no\" 1000\n"));
    assert_eq!(status, 400, "{body}");
    assert!(body.contains(&CONFLICT.replace('"', "\\\"")), "{body}");
    assert_eq!(column(&client, "d", "SELECT count(v) FROM m"), [101]);
    assert_eq!(client.get("/gyre/dead-letters").json()["count"], 0);
}

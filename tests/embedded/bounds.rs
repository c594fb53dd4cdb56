//! What a query may take: points, series, windows, time, company, and memory.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    gyre::Gyre,
    http::{Client, Connection, encode},
    influxd::{self, Influxd, Options},
    wait,
};

const DB: &str = "bounds";
/// Until the server notices that a client has left.
const NOTICED: Duration = Duration::from_secs(10);
/// An answer without a practical end, whatever is stored.
const ENDLESS: &str = "SELECT mean(v) FROM m WHERE time >= 0 AND time < 1000d GROUP BY time(1ns) fill(0)";

fn fill(client: &Client) {
    client.query("", &format!("CREATE DATABASE {DB}"));
    let lines: String = (0..50).map(|n| format!("m,t=t{} v={n} {n}\n", n % 5)).collect();
    assert_eq!(client.write(DB, &lines).0, 204);
}

fn target(statement: &str, more: &str) -> String {
    format!("/query?db={DB}&q={}{more}", encode(statement))
}

/// Asks and reads nothing.
fn ask_only(client: &Client, target: &str) -> Connection {
    let mut connection = client.connect().expect("it listens");
    let request = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    connection.send_raw(request.as_bytes()).expect("it is read");
    connection
}

/// The last document of a chunked answer.
fn last_document(connection: &mut Connection) -> Value {
    assert_eq!(connection.read_head().expect("an answer").status, 200);
    let mut text = String::new();
    while let Some(chunk) = connection.read_chunk().expect("a whole answer") {
        text.push_str(&String::from_utf8_lossy(&chunk));
        let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        text.drain(..last);
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn error(text: &str) -> Value {
    serde_json::json!({"results": [{"statement_id": 0, "error": text}]})
}

#[test]
fn select_limits_have_the_words_of_influxdb() {
    let coordinator = "[coordinator]\nmax-select-series = 3\nmax-select-buckets = 4\n";
    let influxd = Influxd::start_with(&Options {
        more: coordinator,
        ..influxd::DEFAULTS
    });
    let gyre = Gyre::start(
        super::config(1, 1)
            .set("query", "max_series", 3)
            .set("query", "max_buckets", 4),
    );
    for client in [influxd.client(), gyre.client()] {
        fill(&client);
        assert_eq!(client.write(DB, "n,t=t1 v=1 1\nn,t=t2 v=1 2").0, 204);
    }
    for statement in [
        "SELECT v FROM m",
        "SELECT v FROM m WHERE t = 't1'",
        "SELECT mean(v) FROM m WHERE t =~ /t[123]/",
        "SELECT v FROM m, n WHERE t =~ /t[12]/",
        "SELECT mean(v) FROM m WHERE t = 't1' AND time >= 0 AND time < 10 GROUP BY time(2ns)",
        "SELECT mean(v) FROM m WHERE t = 't1' AND time >= 0 AND time < 8 GROUP BY time(2ns)",
    ] {
        for more in ["", "&chunked=true"] {
            let target = target(statement, more);
            let [expect, got] = [influxd.client(), gyre.client()].map(|client| client.post(&target, b""));
            assert_eq!((got.status, got.text()), (expect.status, expect.text()), "{statement}");
        }
    }
}

#[test]
fn points_are_limited() {
    let gyre = Gyre::start(super::config(1, 1).set("query", "max_points", 20));
    fill(&gyre.client());
    let asked = |statement: &str| gyre.client().post(&target(statement, ""), b"").json();
    assert!(asked("SELECT v FROM m WHERE t = 't1'")["results"][0]["series"].is_array());
    let refused = asked("SELECT v FROM m")["results"][0].clone();
    let text = refused["error"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("max-select-point limit exceeed: (") && text.ends_with("/20)"),
        "{refused}"
    );
    assert!(refused["series"].is_null());
}

#[test]
fn time_is_limited_in_the_words_of_influxdb() {
    let influxd = Influxd::start_with(&Options {
        more: "[coordinator]\nquery-timeout = \"500ms\"\n",
        ..influxd::DEFAULTS
    });
    let gyre = Gyre::start(super::config(1, 1).set("query", "timeout", "500ms"));
    for client in [influxd.client(), gyre.client()] {
        fill(&client);
        let mut reading = ask_only(&client, &target(ENDLESS, "&chunked=true"));
        assert_eq!(last_document(&mut reading), error("query-timeout limit exceeded"));
    }
    let whole = gyre.client().post(&target(ENDLESS, ""), b"");
    assert_eq!(
        (whole.status, whole.json()),
        (200, error("query-timeout limit exceeded"))
    );
}

#[test]
fn queries_at_once_are_limited_and_end_with_their_clients() {
    let influxd = Influxd::start_with(&Options {
        more: "[coordinator]\nmax-concurrent-queries = 1\n",
        ..influxd::DEFAULTS
    });
    let gyre = Gyre::start(super::config(1, 1).set("query", "max_concurrent", 1));
    for client in [influxd.client(), gyre.client()] {
        fill(&client);
        let mut running = ask_only(&client, &target(ENDLESS, "&chunked=true"));
        assert_eq!(running.read_head().expect("it begins").status, 200);
        let count = || client.post(&target("SELECT count(v) FROM m", ""), b"").json();
        let refused = error("max-concurrent-queries limit exceeded(1, 1)");
        // influxd answers the head before it counts the query.
        wait::until("the query counts", NOTICED, || (count() == refused).then_some(()));
        drop(running);
        wait::until("the query has ended", NOTICED, || {
            (count()["results"][0]["series"].is_array()).then_some(())
        });
    }
}

#[test]
fn stalled_readers_hold_up_nobody() {
    let gyre = super::start(1, 1);
    let client = gyre.client();
    fill(&client);
    let most = std::thread::available_parallelism().map_or(1, Into::into) * 2 + 2;
    let mut stalled: Vec<_> = (0..most)
        .map(|_| ask_only(&client, &target(ENDLESS, "&chunked=true")))
        .collect();
    for connection in &mut stalled {
        assert_eq!(connection.read_head().expect("it begins").status, 200);
    }
    wait::until("nobody works any more", NOTICED, || {
        let before = gyre.process().cpu_seconds();
        wait::pause(Duration::from_millis(200));
        (gyre.process().cpu_seconds() - before < 0.05).then_some(())
    });
    let quick = client.post(&target("SELECT count(v) FROM m", ""), b"").json();
    assert_eq!(quick["results"][0]["series"][0]["values"][0][1], 50);
}

#[test]
fn a_reader_that_stalled_is_told_so() {
    let gyre = Gyre::start(super::config(1, 1).set("query", "stall_timeout", "2s"));
    fill(&gyre.client());
    let mut stalled = ask_only(&gyre.client(), &target(ENDLESS, "&chunked=true"));
    let text = "query ended: its answer was not read for 2s";
    wait::until("the query is ended", NOTICED, || {
        gyre.process().log().contains(text).then_some(())
    });
    assert_eq!(last_document(&mut stalled), error(text));
}

#[test]
fn a_reader_that_never_comes_back_is_cut_off() {
    let gyre = Gyre::start(super::config(1, 1).set("query", "stall_timeout", "1s"));
    let client = gyre.client();
    fill(&client);
    let mut stalled = ask_only(&client, &target(ENDLESS, "&chunked=true"));
    assert_eq!(stalled.read_head().expect("it begins").status, 200);
    let held = || gyre.metric("gyre_memory_budget_used_bytes{}");
    wait::until("its answer takes memory", NOTICED, || (held() > 0.0).then_some(()));
    wait::until("the memory is free again", NOTICED, || (held() == 0.0).then_some(()));
    drop(stalled);
}

#[test]
fn what_is_held_stays_within_the_budget() {
    let config = super::config(1, 2)
        .set("memory", "budget", "16MiB")
        .set("http", "max_body", "4MiB")
        .set("http", "max_decompressed", "8MiB")
        .set("query", "max_merged", "8MiB")
        .set("delivery", "batch_bytes", "1MiB")
        .set("journal", "tail", "4MiB");
    let gyre = Gyre::start(config);
    fill(&gyre.client());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let lines: String = names.iter().map(|name| format!("{name} v=1 1\n")).collect();
    assert_eq!(gyre.client().write(DB, &lines).0, 204);
    let text = "answer is larger than what is left of memory.budget: ask for less, or in chunks";
    let of_several_owners = ENDLESS.replace("FROM m", &format!("FROM {}", names.join(", ")));
    for (statement, more) in [
        (ENDLESS, ""),
        (&of_several_owners, ""),
        (&of_several_owners, "&chunked=true"),
    ] {
        let whole = gyre.client().post(&target(statement, more), b"");
        assert_eq!((whole.status, whole.json()), (200, error(text)), "{statement}");
    }
    let rows = gyre.client().query(DB, "SELECT v FROM m")["results"][0]["series"][0]["values"].take();
    assert_eq!(rows.as_array().map(Vec::len), Some(50));
    wait::until("everything is given back", NOTICED, || {
        (gyre.metric("gyre_memory_budget_used_bytes{}") == 0.0).then_some(())
    });
}

//! Answers while replicas are slow, lag, die or are gone.

use std::time::Duration;

use serde_json::json;

use super::side_by_side::{DB, error, target};
use crate::support::{
    cluster::Cluster,
    gyre::{Config, Gyre},
    http::Client,
    null_backend::{NullBackend, Scripted},
    tcp_proxy::Link,
    wait,
};

/// Until it is noticed that a backend is gone, or that it is back.
const NOTICED: Duration = Duration::from_secs(10);

/// More than a replica that lags takes to show, less than an acknowledgement may take.
const SLOW: Duration = Duration::from_millis(300);

/// Every server owns some of so many measurements.
const MEASUREMENTS: i64 = 12;

/// A cluster whose replicas all hold the same.
fn start() -> Cluster {
    filled(Cluster::start(2, 2))
}

fn filled(cluster: Cluster) -> Cluster {
    let client = cluster.gyre.client();
    client.query("", &format!("CREATE DATABASE {DB}"));
    let lines: String = (0..MEASUREMENTS).map(|n| format!("m{n:02} v={n}i 1\n")).collect();
    assert_eq!(client.write(DB, &lines).0, 204);
    for n in 0..cluster.servers.len() {
        let server = cluster.servers[n].client();
        wait::until("every replica has everything", NOTICED, || {
            let shown = server.query(DB, "SHOW MEASUREMENTS");
            shown["results"][0]["series"].is_array().then_some(())
        });
    }
    cluster
}

/// A measurement that the server at `position` owns.
fn owned_by(cluster: &Cluster, position: usize) -> String {
    let names = (0..MEASUREMENTS).map(|n| format!("m{n:02}"));
    let mut owned = names.filter(|name| cluster.owners(DB, name).contains(&position));
    owned.next().expect("every server owns some")
}

fn count(client: &Client, measurement: &str) -> serde_json::Value {
    let answer = client.query(DB, &format!("SELECT count(v) FROM {measurement}"));
    answer["results"][0]["series"][0]["values"][0][1].clone()
}

#[test]
fn what_was_acknowledged_is_read_though_a_replica_lags() {
    let cluster = filled(Cluster::start_with_links(2, 2));
    let client = cluster.gyre.client();
    for circle in [0, 1] {
        cluster.links[circle * 2..][..2]
            .iter()
            .for_each(|link| link.set(Link::Delay(SLOW)));
        for n in 0..30 {
            let name = format!("fresh{circle}_{}", n % 3);
            let expect = n / 3 + 1;
            assert_eq!(client.write(DB, &format!("{name} v=1 {n}\n")).0, 204);
            assert_eq!(count(&client, &name), json!(expect), "{name}");
            let all = client.query(DB, &format!("SELECT count(v) FROM /fresh{circle}_/"));
            let series = all["results"][0]["series"].as_array().expect("series").iter();
            let total: i64 = series.filter_map(|series| series["values"][0][1].as_i64()).sum();
            assert_eq!(total, n + 1);
        }
        cluster.links.iter().for_each(|link| link.set(Link::Pass));
    }
}

#[test]
fn new_measurement_is_shown_at_once() {
    let cluster = filled(Cluster::start_with_links(2, 2));
    let client = cluster.gyre.client();
    cluster.links[2..].iter().for_each(|link| link.set(Link::Delay(SLOW)));
    for n in 0..10 {
        let name = format!("new{n}");
        assert_eq!(client.write(DB, &format!("{name},t=x v=1 1\n")).0, 204);
        let shown = client.query(DB, "SHOW MEASUREMENTS").to_string();
        assert!(shown.contains(&format!("\"{name}\"")), "{shown}");
    }
}

#[test]
fn killed_replica_is_not_missed() {
    let mut cluster = start();
    let client = cluster.gyre.client();
    cluster.servers[3].kill9();
    for _ in 0..3 {
        for n in 0..MEASUREMENTS {
            assert_eq!(count(&client, &format!("m{n:02}")), json!(1));
        }
        let all = client.query(DB, "SELECT v FROM /m/");
        assert_eq!(all["results"][0]["series"].as_array().map(Vec::len), Some(12), "{all}");
    }
}

#[test]
fn show_is_whole_while_some_circle_covers_each_part() {
    let mut cluster = start();
    let client = cluster.gyre.client();
    let whole = client.query(DB, "SHOW MEASUREMENTS");
    cluster.servers[0].kill9();
    cluster.servers[3].kill9();
    assert_eq!(client.query(DB, "SHOW MEASUREMENTS"), whole);
    assert_eq!(client.query(DB, "SHOW MEASUREMENTS"), whole);
    let sum = client.post(&target(DB, "SHOW MEASUREMENT EXACT CARDINALITY", ""), b"");
    assert!(
        error(&sum).contains("backend-1-1") && error(&sum).contains("backend-2-2"),
        "{}",
        sum.text()
    );
    assert_eq!(sum.status, 503);
}

#[test]
fn nobody_left_is_an_error_that_names_them() {
    let mut cluster = start();
    let client = cluster.gyre.client();
    let (lost, kept) = (owned_by(&cluster, 0), owned_by(&cluster, 1));
    cluster.servers[0].kill9();
    cluster.servers[2].kill9();
    for query in [
        "SHOW MEASUREMENTS",
        "SELECT v FROM /m/",
        "SHOW SERIES",
        "SHOW TAG VALUES WITH KEY = t",
    ] {
        let answer = client.post(&target(DB, query, ""), b"");
        let text = error(&answer);
        assert_eq!(answer.status, 503, "{query}: {text}");
        assert!(
            text.contains("backend-1-1") && text.contains("backend-2-1"),
            "{query}: {text}"
        );
    }
    for _ in 0..2 {
        let answer = client.post(&target(DB, &format!("SELECT v FROM {lost}"), ""), b"");
        let text = error(&answer);
        assert_eq!(answer.status, 503, "{text}");
        assert!(text.contains("backend-1-1") && text.contains("backend-2-1"), "{text}");
    }
    assert_eq!(count(&client, &kept), json!(1));
    cluster.servers[2].restart();
    wait::until("the replica is asked again", NOTICED, || {
        let answer = client.post(&target(DB, "SHOW MEASUREMENTS", ""), b"");
        (answer.status == 200).then_some(())
    });
}

/// The client's end of the connection is all that the backend's query lives for.
#[test]
fn client_that_leaves_ends_the_query() {
    let backend = NullBackend::start(&[DB]);
    let gyre = Gyre::start(Config::new(vec![vec![backend.url()]]));
    let long = Scripted {
        status: 200,
        body: "{}".to_owned(),
        delay: NOTICED * 2,
    };
    backend.script_queries([long]);
    let asked = backend.queries().len();
    let mut connection = gyre.client().connect().expect("gyre accepts connections");
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        target(DB, "SELECT v FROM m", "")
    );
    connection.send_raw(request.as_bytes()).expect("gyre reads requests");
    wait::until("the backend is asked", NOTICED, || {
        (backend.queries().len() > asked).then_some(())
    });
    drop(connection);
    wait::until("the backend is left alone", NOTICED, || {
        (backend.abandoned() > 0).then_some(())
    });
}

//! A newcomer's life with one process: start, write, query, restart, find everything again.

use std::time::Duration;

use crate::support::{gyre::Gyre, wait::Instant};

const DB: &str = "life";

fn rows(gyre: &Gyre, statement: &str) -> serde_json::Value {
    gyre.client().query(DB, statement)["results"][0]["series"].clone()
}

#[test]
fn everything_is_found_again_after_an_orderly_restart() {
    let mut gyre = super::start(1, 1);
    gyre.client()
        .query("", &format!("CREATE DATABASE {DB} WITH DURATION 30d NAME p"));
    let body = "m,t=a f=1.5,i=2i,s=\"text\",b=true 1767225600000000000\n";
    let target = format!("/write?db={DB}&rp=autogen");
    let refused = gyre
        .client()
        .request("POST", &target, &[], body.as_bytes())
        .expect("an answer");
    assert_eq!(refused.status, 500);
    assert!(
        refused.text().contains("retention policy not found: autogen"),
        "{}",
        refused.text()
    );
    gyre.client().query(
        "",
        &format!("CREATE RETENTION POLICY forever ON {DB} DURATION INF REPLICATION 1 DEFAULT"),
    );
    assert_eq!(gyre.client().write(DB, body).0, 204);
    let (before, policies) = (rows(&gyre, "SELECT * FROM m"), rows(&gyre, "SHOW RETENTION POLICIES"));
    assert_eq!(before[0]["values"][0][1], true);
    assert!(gyre.terminate().success());
    gyre.restart();
    assert_eq!(rows(&gyre, "SELECT * FROM m"), before);
    assert_eq!(rows(&gyre, "SHOW RETENTION POLICIES"), policies);
}

#[test]
fn after_an_orderly_restart_a_query_waits_for_nobody() {
    let patience = Duration::from_secs(20);
    let mut gyre = Gyre::start(super::config(1, 1).set("proxy", "ack_timeout", "20s"));
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    assert_eq!(gyre.client().write(DB, "m v=1 1").0, 204);
    assert!(gyre.terminate().success());
    gyre.restart();
    let asked = Instant::now();
    assert!(rows(&gyre, "SELECT v FROM m").is_array());
    assert!(asked.elapsed() < patience / 2, "{:?}", asked.elapsed());
}

#[test]
fn refusals_have_the_words_of_influxdb() {
    let gyre = super::start(2, 2);
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    assert_eq!(gyre.client().write(DB, "m v=1 1").0, 204);
    let (status, text) = gyre.client().write(DB, "m v=2i 2\nm w=3 3");
    assert_eq!(status, 400);
    let conflict = r#"field type conflict: input field \"v\" on measurement \"m\" is type integer, already exists as type float dropped=1"#;
    assert!(text.contains(conflict), "{text}");
    let (status, text) = gyre.client().write("nowhere", "m v=1 1");
    assert_eq!(
        (status, text.trim()),
        (404, r#"{"error":"database not found: \"nowhere\""}"#)
    );
}

#[test]
fn names_that_cannot_be_directories_are_refused() {
    let gyre = super::start(1, 1);
    for name in [".", "..", "a/b", "a\\\\b"] {
        let answer = gyre.client().query("", &format!("CREATE DATABASE \"{name}\""));
        assert_eq!(answer["results"][0]["error"], "invalid name", "{name}");
    }
}

#[test]
fn chunked_csv_and_epochs_work_as_everywhere() {
    let gyre = super::start(1, 1);
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    assert_eq!(
        gyre.client().write(DB, "m v=1 1000000\nm v=2 2000000\nm v=3 3000000").0,
        204
    );
    let target = format!("/query?db={DB}&q=SELECT+v+FROM+m&epoch=ms&chunked=true&chunk_size=2");
    let chunks = gyre.client().get(&target).text();
    assert_eq!(chunks.lines().count(), 2, "{chunks}");
    assert!(chunks.contains("\"values\":[[1,1],[2,2]],\"partial\":true"), "{chunks}");
    let csv = gyre.client().request(
        "GET",
        &format!("/query?db={DB}&q=SELECT+v+FROM+m"),
        &[("Accept", "application/csv")],
        b"",
    );
    assert_eq!(
        csv.expect("an answer").text(),
        "name,tags,time,v\nm,,1000000,1\nm,,2000000,2\nm,,3000000,3\n"
    );
}

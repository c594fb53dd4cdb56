//! Promise 1 without another server: what was acknowledged is there after every kill, and nothing deleted comes back.

use std::{sync::Arc, time::Duration};

use crate::{
    faults::{ledger::Ledger, replica, writers::Writers},
    support::{self, gyre::Gyre, wait},
};

const DB: &str = "crash";
const WRITERS: usize = 4;
/// Between two kills: long enough for some flushes.
const ALIVE: Duration = Duration::from_millis(400);

#[test]
fn killed_under_load_it_keeps_every_acknowledged_point() {
    let rounds = if support::long() { 50 } else { 5 };
    let mut gyre = Gyre::start(
        super::config(2, 2)
            .set("memory", "budget", "64MiB")
            .set("http", "max_body", "16MiB")
            .set("http", "max_decompressed", "32MiB")
            .set("journal", "tail", "16MiB"),
    );
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    let ledger = Arc::new(Ledger::default());
    let writers = Writers::start(WRITERS, &gyre.client(), DB, &ledger);
    for round in 0..rounds {
        let before = ledger.len();
        wait::until("writes go on", Duration::from_secs(20), || {
            (ledger.len() > before).then_some(())
        });
        wait::pause(ALIVE);
        gyre.restart();
        println!("round {round}: {} acknowledged", ledger.len());
    }
    println!("statuses {:?}", writers.finish());
    let found = replica::read(&[gyre.client()], DB).expect("it answers");
    let report = ledger.check(&found);
    assert!(
        report.is_clean(),
        "{} of {} acknowledged:\n{report}",
        found.len(),
        ledger.len()
    );
}

#[test]
fn what_was_deleted_stays_deleted() {
    let mut gyre = super::start(1, 1);
    let ask = |gyre: &Gyre, statement: &str| gyre.client().query(DB, statement)["results"][0].clone();
    ask(&gyre, &format!("CREATE DATABASE {DB}"));
    let lines: String = (0..1000)
        .map(|n| format!("m,host=h{} v={n} {n}\nn v={n} {n}\n", n % 10))
        .collect();
    assert_eq!(gyre.client().write(DB, &lines).0, 204);
    gyre.restart();
    ask(&gyre, "DELETE FROM m WHERE host = 'h3' AND time < 500");
    ask(&gyre, "DROP SERIES FROM m WHERE host = 'h4'");
    ask(&gyre, "DROP MEASUREMENT n");
    for _ in 0..2 {
        let count = &ask(&gyre, "SELECT count(v) FROM m")["series"][0]["values"][0][1];
        assert_eq!(count.as_i64(), Some(1000 - 50 - 100));
        assert!(ask(&gyre, "SELECT v FROM n")["series"].is_null());
        gyre.restart();
    }
}

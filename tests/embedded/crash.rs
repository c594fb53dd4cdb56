//! Promise 1 without another server: what was acknowledged is there after every kill, and nothing deleted comes back,
//! whatever the engines were doing when they were killed.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use gyre::base::{Clock, SystemClock};

use super::{
    removers::Removers,
    upkeep::{Upkeep, Work},
};
use crate::{
    faults::{
        ledger::{Ledger, Replica},
        replica,
        schedule::{Random, seed},
        writers::Writers,
    },
    support::{self, dir, gyre::Gyre, wait},
};

const DB: &str = "crash";
const WRITERS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a round waits for the work that it wants to cut off.
const AIM: Duration = Duration::from_secs(8);
/// What the rounds aim at in turn.
const AIMS: [Option<Work>; 4] = [Some(Work::Flush), Some(Work::Compaction), Some(Work::Expiry), None];

#[test]
fn killed_at_any_work_it_keeps_what_was_acknowledged_and_brings_nothing_back() {
    let (rounds, seed) = (if support::long() { 50 } else { 5 }, seed());
    println!("GYRE_TEST_SEED={seed}");
    let data = dir::temp_dir();
    let mut gyre = Gyre::start(
        super::busy(1, 3)
            .data_dir(data.path())
            .set("log", "level", "debug")
            .set("embedded", "retention_check", "200ms"),
    );
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    let ledger = Arc::new(Ledger::default());
    let writers = Writers::start(WRITERS, &gyre.client(), DB, &ledger);
    let removers = Removers::start(&gyre.client(), DB, &ledger, seed, SystemClock::new().now().0);
    let (mut upkeep, mut random) = (Upkeep::default(), Random(seed));
    let mut hits: BTreeMap<Work, usize> = BTreeMap::new();
    for (round, aim) in (0..rounds).zip(AIMS.into_iter().cycle()) {
        let before = ledger.len();
        wait::until("writes go on", PATIENCE, || (ledger.len() != before).then_some(()));
        wait::pause(Duration::from_millis(100 + random.next() % 400));
        if let Some(work) = aim {
            upkeep.wait_for(work, gyre.process(), AIM);
        }
        gyre.kill9();
        let cut_off = upkeep.cut_off(gyre.process());
        println!(
            "round {round}: {} acknowledged, aimed at {aim:?}, cut off {cut_off:?}",
            ledger.len()
        );
        cut_off.into_iter().for_each(|work| *hits.entry(work).or_default() += 1);
        gyre.restart();
    }
    let statuses = writers.finish();
    let (deleted, expired) = removers.finish();
    println!("statuses {statuses:?}; deleted {deleted:?}; expired {expired:?}; kills that cut off {hits:?}");
    drop(gyre);
    check(&ledger, data.path());
    assert!(deleted.times > rounds && expired.times > 0);
    let all = [Work::Flush, Work::Compaction, Work::Expiry];
    assert!(
        !support::long() || all.iter().all(|work| hits.contains_key(work)),
        "{hits:?}"
    );
}

/// Compares all that is held with the ledger, twice, the second time after everything was flushed.
fn check(ledger: &Ledger, data: &Path) {
    for _ in 0..2 {
        let mut gyre = Gyre::start(super::config(1, 3).data_dir(data));
        let found = read(&gyre, DB);
        let report = ledger.check(&found);
        println!("{} found of {} acknowledged", found.len(), ledger.len());
        assert!(report.is_clean(), "{report}");
        assert!(gyre.terminate().success());
    }
}

/// All points of the database, under its default policy and under those of the removers.
fn read(gyre: &Gyre, db: &str) -> Replica {
    let servers = [gyre.client()];
    let policies = gyre.client().query(db, "SHOW RETENTION POLICIES");
    let policies = policies["results"][0]["series"][0]["values"]
        .as_array()
        .expect("there are some")
        .clone();
    let names = policies.iter().filter_map(|policy| policy[0].as_str());
    names
        .flat_map(|name| replica::read_from(&servers, db, &format!("{name}./.*/")).expect("it answers"))
        .collect()
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

#[test]
fn what_was_refused_in_part_does_not_hinder_the_next_start() {
    let mut gyre = super::start(1, 1);
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    assert_eq!(gyre.client().write(DB, "m v=1 1").0, 204);
    assert_eq!(gyre.client().write(DB, "m v=2i 2\nm v=3 3").0, 400);
    gyre.restart();
    let answer = gyre.client().query(DB, "SELECT count(v) FROM m");
    assert_eq!(answer["results"][0]["series"][0]["values"][0][1], 2, "{answer}");
}

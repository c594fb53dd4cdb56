//! Cut files and flipped bits: found, reported, and the rest is served.

use std::{collections::BTreeSet, path::PathBuf};

use super::{dump::dump, *};
use crate::{
    base::ErrorKind,
    query::source::{Place, SeriesSource, TagFilter, Times},
};

/// A small store with two databases of two block files each, and a tombstone.
fn store() -> (MemFs, ManualClock) {
    let (engine, fs, clock) = engine();
    engine.create_database(2, "other", None).unwrap();
    for (seq, time) in [(3, NOW), (5, NOW + 400 * HOUR)] {
        for (seq, db) in [(seq, "db"), (seq + 1, "other")] {
            let lines: String = (0..40)
                .map(|n| format!("m,t={} v={n}i,s=\"text {n}\" {}\n", n % 4, time + n))
                .collect();
            assert_eq!(engine.write(seq, db, "", lines.as_bytes()).unwrap().dropped, 0);
        }
        if time == NOW {
            let deleted = format!("m,t=0 v=1i {}", NOW + 40);
            engine.write(4, "db", "", deleted.as_bytes()).unwrap();
        }
        engine.flush().unwrap();
    }
    let deleted = Times {
        min: NOW + 40,
        max: NOW + 40,
    };
    engine.delete(7, "db", &|_| true, &TagFilter::All, deleted).unwrap();
    engine.flush().unwrap();
    assert_eq!(engine.stats().tombstones, 1);
    (fs, clock)
}

fn paths(fs: &MemFs, kind: &str) -> Vec<PathBuf> {
    let names = fs.list(dir()).unwrap();
    names
        .into_iter()
        .filter(|name| name.contains(kind))
        .map(|name| dir().join(name))
        .collect()
}

/// Rows that can be read, or the kind of the error.
fn rows(engine: &Engine, db: &str) -> Result<usize, ErrorKind> {
    let place = Place {
        db,
        policy: "autogen",
        measurement: "m",
    };
    let fields = ["s".into(), "v".into()];
    let all = Times {
        min: i64::MIN,
        max: i64::MAX,
    };
    let mut count = 0;
    for series in engine.series(db, "m", &TagFilter::All) {
        for rows in engine.rows(place, &series, &fields, all, false) {
            count += rows.map_err(|error| error.kind())?.times.len();
        }
    }
    Ok(count)
}

/// Opens a store in which one file was damaged, flushes and compacts it, and opens it again.
fn check(fs: &MemFs, clock: &ManualClock, path: &PathBuf, what: &str) {
    let (engine, recovery) = open(fs, clock);
    let found = [rows(&engine, "db"), rows(&engine, "other")];
    let whole = found.iter().filter(|found| **found == Ok(80)).count();
    assert!(whole >= 1, "{what}: {found:?}");
    let is_reported = recovery.damaged.iter().any(|(damaged, _)| damaged == path);
    let is_met = found.contains(&Err(ErrorKind::Corrupt));
    assert!(is_reported || is_met, "{what}: nobody noticed");
    if is_reported && path.extension().is_some_and(|kind| kind == "block") {
        assert!(found.contains(&Ok(40)), "{what}: {found:?}");
    }
    clock.advance(std::time::Duration::from_hours(5));
    assert_eq!(
        engine
            .write(9, "db", "", format!("new v=1 {NOW}").as_bytes())
            .unwrap()
            .written,
        1
    );
    engine.flush().unwrap();
    while engine.compact_once().unwrap() {}
    assert_eq!([rows(&engine, "db"), rows(&engine, "other")], found, "{what}");
    drop(engine);
    let (engine, recovery) = open(fs, clock);
    assert_eq!(recovery.damaged, [], "{what}");
    assert_eq!([rows(&engine, "db"), rows(&engine, "other")], found, "{what}");
}

fn check_kind(kind: &str, count: usize) {
    let (fs, clock) = store();
    let paths = paths(&fs, kind);
    assert_eq!(paths.len(), count);
    let path = &paths[0];
    let whole = fs.content(path).unwrap();
    for at in 0..whole.len() {
        let copy = fs.after_crash(0);
        let mut damaged = whole.clone();
        damaged[at] ^= 0x20;
        copy.set_content(path, damaged);
        check(&copy, &clock.clone(), path, &format!("bit flipped at {at}"));
        let copy = fs.after_crash(0);
        copy.set_content(path, whole[..at].to_vec());
        check(&copy, &clock.clone(), path, &format!("cut at {at}"));
    }
    let copy = fs.after_crash(0);
    copy.remove(path).unwrap();
    check(&copy, &clock, path, "removed");
}

#[test]
fn damaged_block_files_cost_only_themselves() {
    check_kind(".block", 4);
}

#[test]
fn damaged_series_files_cost_only_themselves() {
    check_kind(".series", 2);
}

#[test]
fn one_damaged_manifest_costs_nothing_and_two_are_refused() {
    let (fs, clock) = store();
    let expect = dump(&open(&fs, &clock).0);
    let paths = paths(&fs, "manifest");
    let whole = fs.content(&paths[0]).unwrap();
    // that every place is noticed is tested next to the checksum
    let step = if std::env::var_os("GYRE_TEST_LONG").is_some() {
        1
    } else {
        13
    };
    let cuts = (0..whole.len()).step_by(step).map(|at| whole[..at].to_vec());
    let flips = (0..whole.len()).step_by(step).map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        flipped
    });
    for (damaged, number) in cuts.chain(flips).zip(0..) {
        for path in &paths {
            let copy = fs.after_crash(0);
            copy.set_content(path, damaged.clone());
            let (engine, recovery) = open(&copy, &clock);
            assert_eq!(recovery.damaged.len(), 1, "damage {number}");
            assert!(dump(&engine) == expect, "damage {number}");
            assert_eq!(open(&copy, &clock).1, Recovery::default(), "damage {number}");
        }
        let copy = fs.after_crash(0);
        paths.iter().for_each(|path| copy.set_content(path, damaged.clone()));
        let error = open_with(&copy, &clock, options()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "damage {number}");
        assert_eq!(self::paths(&copy, ".block").len(), 4, "damage {number}");
    }
}

#[test]
fn data_without_a_manifest_are_not_overwritten() {
    let (fs, clock) = store();
    let paths = paths(&fs, "manifest");
    fs.remove(&paths[0]).unwrap();
    assert_eq!(open(&fs, &clock).1.damaged, []);
    let both = fs.after_crash(0);
    self::paths(&both, "manifest")
        .iter()
        .for_each(|path| both.remove(path).unwrap());
    let error = open_with(&both, &clock, options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(self::paths(&both, ".block").len(), 4);
}

#[test]
fn points_of_nameless_series_are_kept() {
    let (fs, clock) = store();
    let series = &paths(&fs, ".series")[0];
    fs.set_content(series, b"rubbish".to_vec());
    let (engine, recovery) = open(&fs, &clock);
    assert_eq!(recovery.nameless_series, 4);
    clock.advance(std::time::Duration::from_hours(5));
    while engine.compact_once().unwrap() {}
    assert_eq!(engine.stats().block_files, 4);
    let numbers: BTreeSet<_> = paths(&fs, ".damaged").into_iter().collect();
    assert_eq!(numbers.len(), 1);
    drop(engine);
    assert_eq!(open(&fs, &clock).1.nameless_series, 4);
}

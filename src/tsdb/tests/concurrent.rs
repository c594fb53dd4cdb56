//! Writing, flushing, compacting and reading at once: every point is seen whole, and none is lost.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::*;
use crate::query::source::{Place, SeriesSource, TagFilter, Times, Values};

const BATCHES: i64 = 150;
const ALL: Times = Times {
    min: i64::MIN,
    max: i64::MAX,
};

/// Rows of all series, of which both fields must be the same.
fn count_rows(engine: &Engine) -> usize {
    let place = Place {
        db: "db",
        policy: "autogen",
        measurement: "m",
    };
    let fields = ["a".into(), "b".into()];
    let mut count = 0;
    for series in engine.series("db", "m", &TagFilter::All) {
        for rows in engine.rows(place, &series, &fields, ALL, false) {
            let rows = rows.unwrap();
            let [a, b] = &rows.columns[..] else {
                panic!("two columns")
            };
            assert!(matches!(&a.values, Values::Integer(_)) && a == b);
            count += rows.times.len();
        }
    }
    count
}

#[test]
fn points_are_whole_and_stay() {
    let (engine, fs, clock) = engine();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let maintain = || {
            while !done.load(Ordering::Relaxed) {
                engine.flush().unwrap();
                while engine.compact_once().unwrap() {}
            }
        };
        scope.spawn(maintain);
        scope.spawn(|| {
            let mut least = 0;
            while !done.load(Ordering::Relaxed) {
                let count = count_rows(&engine);
                assert!(count >= least, "{count} rows after {least}");
                least = count;
            }
        });
        for batch in 0..BATCHES {
            let lines: String = (0..20)
                .map(|n| format!("m,t={} a={batch}i,b={batch}i {}\n", n % 3, NOW + batch * 10 + n))
                .collect();
            let seq = (2 + batch).unsigned_abs();
            assert_eq!(write(&engine, seq, &lines), None);
        }
        done.store(true, Ordering::Relaxed);
    });
    engine.flush().unwrap();
    let expect = count_rows(&engine);
    drop(engine);
    assert_eq!(count_rows(&open(&fs.after_crash(1), &clock).0), expect);
    assert_eq!(expect, 3000);
}

//! Writing, flushing, compacting and reading at once: every point is seen whole, and none is lost.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::*;
use crate::{
    journal::fs::{HookedFs, Op},
    query::source::{Place, SeriesSource, TagFilter, Times, Values},
};

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

/// Applied again, the record would meet the dropped field with its other type, and be refused.
#[test]
fn no_record_is_applied_before_what_expired_is_durably_gone() {
    let (fs, clock) = (HookedFs::default(), ManualClock::at(TimestampNs(NOW)));
    let (engine, _) = Engine::open(Arc::new(fs.clone()), dir(), options(), Arc::new(clock.clone())).unwrap();
    let engine = Arc::new(engine);
    engine.create_database(1, "db", None).unwrap();
    engine.write(2, "db", "", format!("m v=1 {NOW}").as_bytes()).unwrap();
    let hour = PolicyChange {
        duration_ns: Some(HOUR),
        shard_duration_ns: Some(HOUR),
        ..PolicyChange::default()
    };
    engine.alter_policy(3, "db", "autogen", &hour).unwrap();
    clock.advance(Duration::from_hours(500));
    let line = format!("m v=1i {}", NOW + 500 * HOUR);
    let (applied, writes) = mpsc::channel();
    let (writes, writer) = (Arc::new(Mutex::new(writes)), Arc::clone(&engine));
    let (waiting, is_written) = (Arc::clone(&writes), AtomicBool::new(false));
    fs.set_hook(move |op| {
        let is_dropped = op == Op::Rename && writer.stats().series == 0;
        if is_dropped && !is_written.swap(true, Ordering::Relaxed) {
            let (writer, line, applied) = (Arc::clone(&writer), line.clone(), applied.clone());
            thread::spawn(move || applied.send(writer.write(4, "db", "", line.as_bytes()).unwrap().written));
            let in_between = waiting.lock().unwrap().recv_timeout(Duration::from_millis(50));
            assert!(in_between.is_err(), "a record was applied in between");
        }
    });
    assert_eq!(engine.enforce_retention(clock.now()).unwrap(), 1);
    assert_eq!(writes.lock().unwrap().recv_timeout(Duration::from_secs(10)), Ok(1));
}

//! Snapshots hold what was applied when they were taken, whatever happens to the engine afterwards, and leave nothing.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{
    dump::{Dump, dump},
    *,
};
use crate::query::source::{TagFilter, Times};

const ROUNDS: i64 = 40;

/// A snapshot copied to a disk of its own, and opened.
fn opened(snapshot: &Snapshot, clock: &ManualClock) -> Engine {
    let fs = MemFs::new();
    for (name, content) in snapshot.manifest() {
        fs.create(&dir().join(name)).unwrap().append(&content).unwrap();
    }
    for file in snapshot.files() {
        let mut content = vec![0; usize::try_from(file.bytes).unwrap()];
        assert_eq!(
            snapshot.open(&file).unwrap().read_at(&mut content, 0).unwrap(),
            content.len()
        );
        fs.create(&dir().join(&file.name)).unwrap().append(&content).unwrap();
    }
    let (engine, recovery) = open(&fs, clock);
    assert_eq!(recovery, Recovery::default());
    engine
}

/// The block and series files in the engine's directory, and those that its manifest names.
fn files(engine: &Engine, fs: &MemFs) -> (usize, usize) {
    let names = fs.list(dir()).unwrap();
    let stored = names.iter().filter(|name| store::number_of(name).is_some());
    (stored.count(), engine.lock_durable().files().len())
}

fn change(engine: &Engine, round: i64) {
    let mut seq = (2 + round * 3).unsigned_abs();
    let lines: String = (0..30)
        .map(|n| {
            format!(
                "m{},t={} a={round}i {}\n",
                n % 2,
                n % 5,
                NOW + (round * 7 + n) * HOUR / 10
            )
        })
        .collect();
    assert_eq!(write(engine, seq, &lines), None);
    seq += 1;
    let times = Times {
        min: NOW + round * HOUR / 2,
        max: NOW + (round + 1) * HOUR / 2,
    };
    engine.delete(seq, "db", &|_| true, &TagFilter::All, times).unwrap();
    if round % 10 == 9 {
        engine.drop_measurement(seq + 1, "db", "m1").unwrap();
    }
}

/// An engine whose points expire after an hour.
fn short_lived() -> (Engine, MemFs, ManualClock) {
    let (engine, fs, clock) = engine();
    let policy = PolicySpec {
        name: "hour".to_owned(),
        duration_ns: Some(HOUR),
        make_default: true,
        ..PolicySpec::default()
    };
    engine.create_policy(1, "db", &policy).unwrap();
    (engine, fs, clock)
}

/// Ends the maintenance also when the test fails.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn it_stays_what_it_was_while_the_engine_goes_on() {
    let ((engine, fs, clock), (twin, ..)) = (short_lived(), short_lived());
    let done = AtomicBool::new(false);
    let mut taken: Vec<(Snapshot, Dump)> = Vec::new();
    thread::scope(|scope| {
        let _until_then = Until(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                engine.flush().unwrap();
                while engine.compact_once().unwrap() {}
            }
        });
        for round in 0..ROUNDS {
            change(&engine, round);
            change(&twin, round);
            taken.push((engine.snapshot().unwrap(), dump(&twin)));
        }
    });
    clock.advance(std::time::Duration::from_secs(3600 * 1000));
    engine.enforce_retention(clock.now()).unwrap();
    assert_eq!(engine.stats().block_files, 0);
    let (stored, named) = files(&engine, &fs);
    assert!(stored > named, "{stored} files are there, {named} are needed");
    for (snapshot, expect) in &taken {
        let copy = opened(snapshot, &clock);
        assert_eq!(copy.checkpoint(), snapshot.checkpoint());
        assert_eq!(dump(&copy), *expect);
    }
    taken.clear();
    let (stored, named) = files(&engine, &fs);
    assert_eq!(stored, named);
}

#[test]
fn what_a_snapshot_held_goes_at_the_next_start() {
    let (engine, fs, clock) = engine();
    change(&engine, 0);
    let held = engine.snapshot().unwrap();
    engine.drop_database(9, "db");
    engine.flush().unwrap();
    assert!(files(&engine, &fs).0 > 0);
    let crashed = fs.after_crash(1);
    drop(held);
    let (engine, recovery) = open(&crashed, &clock);
    assert_eq!((recovery.damaged, files(&engine, &crashed)), (Vec::new(), (0, 0)));
    assert!(recovery.leftovers > 0);
}

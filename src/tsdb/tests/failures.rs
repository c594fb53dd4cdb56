//! Disks that fail or are full: an error, nothing lost, a later try succeeds.

use super::{dump::dump, *};
use crate::base::ErrorKind;

/// Some series and shard groups.
fn fill(engine: &Engine, seq: u64, value: i64) {
    let lines: String = (0..40)
        .map(|n| format!("m,t={} v={value}i,s=\"x\" {}\n", n % 5, n * 100 * HOUR))
        .collect();
    assert_eq!(write(engine, seq, &lines), None);
}

#[test]
fn a_full_disk_keeps_points_in_memory() {
    for space in (0..6000).step_by(197) {
        let (engine, fs, clock) = engine();
        fill(&engine, 2, 1);
        engine.flush().unwrap();
        fill(&engine, 3, 2);
        fs.set_space_left(Some(space));
        if engine.flush().is_ok() {
            continue;
        }
        let before = dump(&engine);
        fill(&engine, 4, 3);
        assert!(engine.flush().is_err());
        assert_eq!(engine.checkpoint(), 2);
        assert!(engine.maintenance_due().flush);
        let after_crash = open(&fs.after_crash(space), &clock).0;
        assert_eq!(after_crash.checkpoint(), 2);
        fs.set_space_left(None);
        assert_eq!(engine.flush().unwrap(), 4);
        let expect = dump(&engine);
        assert!(expect != before && !engine.maintenance_due().flush);
        drop(engine);
        let reopened = open(&fs.after_crash(space), &clock);
        assert_eq!((reopened.0.checkpoint(), reopened.1.damaged), (4, Vec::new()));
        assert_eq!(dump(&reopened.0), expect);
    }
}

#[test]
fn syncs_that_fail_lose_nothing() {
    let mut failed = 0;
    for syncs in 1..20 {
        let (engine, fs, clock) = engine();
        fill(&engine, 2, 1);
        fs.fail_syncs(syncs);
        while let Err(error) = engine.flush() {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            failed += 1;
        }
        let expect = dump(&engine);
        let (reopened, recovery) = open(&fs.after_crash(u64::from(syncs)), &clock);
        assert_eq!((reopened.checkpoint(), recovery.damaged), (2, Vec::new()));
        assert_eq!(dump(&reopened), expect);
    }
    assert!(failed > 50);
}

#[test]
fn a_compaction_that_fails_changes_nothing() {
    for space in (0..4000).step_by(131) {
        let (engine, fs, clock) = engine();
        for (seq, value) in (2..8).zip(1..) {
            fill(&engine, seq, value);
            engine.flush().unwrap();
        }
        let expect = dump(&engine);
        fs.set_space_left(Some(space));
        while engine.compact_once().is_ok_and(|done| done) {}
        assert_eq!(dump(&engine), expect);
        assert_eq!(dump(&open(&fs.after_crash(space), &clock).0), expect);
        fs.set_space_left(None);
        while engine.compact_once().unwrap() {}
        assert_eq!(dump(&engine), expect);
        assert_eq!(dump(&open(&fs.after_crash(space), &clock).0), expect);
        assert_eq!(engine.maintenance_due(), Due::default());
    }
}

#[test]
fn files_do_not_pile_up() {
    let (engine, fs, clock) = engine();
    for seq in 2..30 {
        fill(&engine, seq, 1);
        engine.flush().unwrap();
        while engine.compact_once().unwrap() {}
    }
    engine.drop_database(30, "db");
    engine.flush().unwrap();
    assert_eq!(fs.list(dir()).unwrap(), ["manifest.a", "manifest.b"]);
    let stats = open(&fs, &clock).0.stats();
    assert_eq!((stats.databases, stats.block_files, stats.memtable_bytes), (0, 0, 0));
}

//! Disks that are full or fail, threads that end, limits.

use std::thread;

use super::*;

/// Appends some, lets `fail` make ten writes fail, lets `heal` end that, appends some more; what was acknowledged, and
/// only that, is there, before and after opening again.
fn check_failing(fail: impl Fn(&MemFs), heal: impl Fn(&MemFs)) {
    for before in 0..6 {
        let fs = MemFs::new();
        let journal = open(&fs);
        let mut expected = Records::new();
        let mut keep = |id, seq| drop(expected.insert(seq, payload(id, 60).to_vec()));
        (0..before).for_each(|id| keep(id, append(&journal, id, 60).unwrap()));
        for id in 100..110 {
            fail(&fs);
            let error = append(&journal, id, 60).unwrap_err();
            assert_eq!(error.kind(), crate::base::ErrorKind::Unavailable);
        }
        heal(&fs);
        (200..206).for_each(|id| keep(id, append(&journal, id, 60).unwrap()));
        assert_eq!(read_all(&journal), expected);
        assert!(segment_paths(&fs).len() <= 5, "{:?}", segment_paths(&fs));
        let bytes = journal.stats().bytes;
        journal.close().unwrap();
        let journal = open(&fs);
        assert_eq!(read_all(&journal), expected);
        assert_eq!(journal.stats().bytes, bytes);
        journal.close().unwrap();
    }
}

#[test]
fn space_runs_out_and_returns() {
    for left in [0, 10, 32, 40, 75] {
        check_failing(|fs| fs.set_space_left(Some(left)), |fs| fs.set_space_left(None));
    }
}

#[test]
fn syncs_fail() {
    check_failing(|fs| fs.fail_syncs(1), |fs| fs.fail_syncs(0));
}

#[test]
fn a_failed_write_that_cannot_be_cut_off_is_disowned() {
    for before in 0..6 {
        let fs = MemFs::new();
        let journal = open(&fs);
        let mut expected = Records::new();
        let mut keep = |id, seq| drop(expected.insert(seq, payload(id, 60).to_vec()));
        (0..before).for_each(|id| keep(id, append(&journal, id, 60).unwrap()));
        fs.fail_syncs(1);
        fs.fail_cuts(1);
        assert!(append(&journal, 100, 60).is_err());
        (200..203).for_each(|id| keep(id, append(&journal, id, 60).unwrap()));
        let crashed = [fs.after_crash(1), fs.after_crash(2)];
        journal.close().unwrap();
        for fs in crashed.into_iter().chain([fs]) {
            let journal = open(&fs);
            assert_eq!(read_all(&journal), expected);
            journal.close().unwrap();
        }
    }
}

#[test]
fn limits_are_kept() {
    let fs = MemFs::new();
    let (journal, _) = try_open(
        &fs,
        Options {
            max_bytes: 300,
            ..options()
        },
    )
    .unwrap();
    assert!(matches!(
        append(&journal, 0, 5000),
        Err(Error::TooLarge { len: 5000, limit: 4096 })
    ));
    journal.register(1, Start::End);
    append_many(&journal, 0..3, 84);
    assert!(matches!(
        append(&journal, 9, 0),
        Err(Error::Full { used: 300, limit: 300 })
    ));
    journal.advance(1, 3);
    journal.save_cursors().unwrap();
    assert_eq!(journal.stats().bytes, 300, "the last segment stays");
    journal.close().unwrap();
    let (journal, _) = try_open(
        &fs,
        Options {
            max_bytes: 300,
            ..options()
        },
    )
    .unwrap();
    journal.save_cursors().unwrap();
    assert_eq!(
        journal.stats(),
        Stats {
            records: 0,
            commits: 0,
            bytes: 0
        }
    );
    assert_eq!(append(&journal, 4, 0).unwrap(), 4);
    journal.close().unwrap();
}

#[test]
fn nothing_appended_is_committed_at_once() {
    let journal = open(&MemFs::new());
    assert_eq!(journal.append_all(vec![]).unwrap().wait().unwrap(), 1);
    assert_eq!((append(&journal, 1, 1).unwrap(), journal.bytes_after(0)), (1, 17));
    journal.close().unwrap();
}

#[test]
fn closing_commits_what_is_queued() {
    let journal = open(&MemFs::new());
    let commits: Vec<_> = (0..100)
        .map(|id| journal.append(payload(id, 30), None).unwrap())
        .collect();
    journal.close().unwrap();
    assert!(commits.into_iter().all(|commit| commit.wait().is_ok()));
    assert!(matches!(append(&journal, 0, 1), Err(Error::Closed)));
    assert_eq!(read_all(&journal).len(), 100);
}

/// A note that takes the committer down when it leaves memory.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(thread::current().name() != Some("journal"), "the note leaves memory");
    }
}

#[test]
fn nobody_waits_for_a_committer_that_panicked() {
    let fs = MemFs::new();
    let (journal, _) = Journal::open(
        Arc::new(fs.clone()),
        dir(),
        Options {
            tail_bytes: 1,
            ..options()
        },
    )
    .unwrap();
    journal
        .append(payload(0, 10), Some(Arc::new(Bomb)))
        .unwrap()
        .wait()
        .unwrap();
    let commits = (1..50).map_while(|id| journal.append(payload(id, 10), None).ok());
    let outcomes: Vec<_> = commits.map(Commit::wait).collect();
    assert!(matches!(outcomes.last(), Some(Err(Error::Closed))));
    assert!(matches!(journal.append(payload(99, 10), None), Err(Error::Closed)));
    journal.close().unwrap();
    assert_eq!(read_all(&open(&fs)).len(), 2);
}

#[tokio::test]
async fn commits_can_be_awaited() {
    let journal = open(&MemFs::new());
    let mut committed = journal.subscribe();
    let seq = journal.append(payload(1, 1), None).unwrap().await.unwrap();
    assert_eq!(*committed.wait_for(|committed| *committed >= seq).await.unwrap(), 1);
    journal.close().unwrap();
}

#[test]
fn on_a_real_disk() {
    let tempdir = tempfile::tempdir().unwrap();
    let open = || Journal::<u64>::open(Arc::new(fs::RealFs), &tempdir.path().join("journal"), options()).unwrap();
    let mut expected = Records::new();
    for round in 0..3 {
        let (journal, report) = open();
        assert_eq!(report.records, 10 * round);
        assert_eq!(read_all(&journal), expected);
        journal.register(1, Start::Oldest);
        for id in 0..10 {
            expected.insert(append(&journal, id, 70).unwrap(), payload(id, 70).to_vec());
        }
        assert_eq!(read_all(&journal), expected);
        journal.close().unwrap();
    }
    let (journal, _) = open();
    journal.advance(1, 25);
    journal.save_cursors().unwrap();
    assert_eq!(read_after(&journal, 25, 100), expected.split_off(&26));
    assert!(journal.stats().bytes < 10 * 86);
    journal.close().unwrap();
}

#[test]
fn a_removal_that_a_crash_undid_is_no_damage_later() {
    let fs = MemFs::new();
    let journal = open(&fs);
    journal.register(1, Start::Oldest);
    append_many(&journal, 1..9, 100);
    let oldest = segment_paths(&fs).remove(0);
    let content = fs.content(&oldest).unwrap();
    journal.advance(1, 6);
    journal.close().unwrap();
    assert!(!segment_paths(&fs).contains(&oldest));
    fs.set_content(&oldest, content);

    let journal = open(&fs);
    journal.forget(1);
    journal.close().unwrap();
    assert_eq!(read_all(&open(&fs)).into_keys().next_back(), Some(8));
}

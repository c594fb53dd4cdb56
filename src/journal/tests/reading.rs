//! Readers: behind, in front, picky; and what is deleted under them.

use std::thread;

use proptest::prelude::*;

use super::*;

#[test]
fn segments_go_when_all_have_passed_them() {
    let fs = MemFs::new();
    let journal = open(&fs);
    append_many(&journal, 0..30, 60);
    let segments = segment_paths(&fs).len();
    let check = |journal: &Journal<u64>, oldest: Seq| {
        journal.save_cursors().unwrap();
        assert_eq!(read_all(journal).keys().next(), Some(&oldest));
    };
    check(&journal, 1);
    journal.register(1, Start::End);
    journal.register(2, Start::Oldest);
    check(&journal, 1);
    journal.advance(2, 2);
    check(&journal, 1);
    journal.advance(2, 13);
    check(&journal, 13);
    assert_eq!(journal.register(3, Start::Oldest), 12);
    journal.forget(2);
    check(&journal, 13);
    journal.forget(3);
    check(&journal, 27);
    assert!(segment_paths(&fs).len() < segments / 3);
    journal.forget(1);
    journal.close().unwrap();
    assert_eq!(*read_all(&open(&fs)).keys().next().unwrap(), 28);
}

#[test]
fn cursors_neither_go_back_nor_ahead() {
    let journal = open(&MemFs::new());
    append_many(&journal, 0..3, 1);
    assert_eq!(journal.register(1, Start::Oldest), 0);
    for (done, cursor) in [(2, 2), (1, 2), (u64::MAX, 3)] {
        journal.advance(1, done);
        assert_eq!(journal.cursor(1), Some(cursor));
    }
    assert_eq!(journal.register(1, Start::Oldest), 3, "known already");
    assert_eq!(journal.register(2, Start::End), 3);
    journal.close().unwrap();
}

#[test]
fn numbers_behind_which_somebody_came_are_not_used_again() {
    let fs = MemFs::new();
    let (journal, _) = try_open(
        &fs,
        Options {
            sync: SyncMode::Never,
            ..options()
        },
    )
    .unwrap();
    append_many(&journal, 0..3, 10);
    journal.register(1, Start::End);
    journal.save_cursors().unwrap();
    // A seed with which nothing unsynced survives.
    let crashed = (0..)
        .map(|seed| fs.after_crash(seed))
        .find(|fs| fs.content(&segment_paths(fs)[0]).unwrap().len() == 32);
    journal.close().unwrap();
    let fs = crashed.unwrap();
    for expected in 4..7 {
        let journal = open(&fs);
        assert_eq!((journal.committed(), journal.cursor(1)), (expected - 1, Some(3)));
        assert_eq!(append(&journal, expected, 10).unwrap(), expected);
        assert_eq!(read_all(&journal).len() as u64, expected - 3);
        journal.close().unwrap();
    }
}

#[test]
fn notes_stay_as_long_as_the_tail() {
    let fs = MemFs::new();
    let journal = open(&fs);
    append_many(&journal, 0..20, 64);
    let notes = |journal: &Journal<u64>| {
        let mut entries = Vec::new();
        let mut after = 0;
        while after < journal.committed() {
            let batch = journal.read(after, 100, &mut |_| true).unwrap();
            after = batch.scanned_to;
            entries.extend(batch.entries.into_iter().map(|entry| entry.note.map(|note| *note)));
        }
        entries
    };
    // Four records of 64 bytes and as much beside them are 512.
    let expected: Vec<_> = (0..20).map(|id| (id >= 16).then_some(id)).collect();
    assert_eq!(notes(&journal), expected);
    assert!(journal.in_memory(16) && !journal.in_memory(15));
    journal.close().unwrap();
    let journal = open(&fs);
    assert_eq!(notes(&journal), vec![None; 20]);
    journal.close().unwrap();
}

#[test]
fn a_reader_that_lags_sees_everything() {
    let journal = open(&MemFs::new());
    journal.register(1, Start::Oldest);
    let appender = {
        let journal = journal.clone();
        thread::spawn(move || append_many(&journal, 0..600, 50))
    };
    let mut after = 0;
    while after < 600 {
        let batch = journal.read(after, 120, &mut |_| true).unwrap();
        for entry in &batch.entries {
            after += 1;
            assert_eq!((entry.seq, &entry.payload), (after, &payload(after - 1, 50)));
        }
        assert_eq!(batch.scanned_to, after);
        journal.advance(1, after);
        journal.save_cursors().unwrap();
    }
    appender.join().unwrap();
    journal.close().unwrap();
}

#[test]
fn a_reader_that_holds_nothing_may_be_overtaken() {
    let journal = open(&MemFs::new());
    journal.register(1, Start::Oldest);
    let appender = {
        let journal = journal.clone();
        thread::spawn(move || {
            for id in 0..400 {
                journal.advance(1, append(&journal, id, 50).unwrap());
                journal.save_cursors().unwrap();
            }
        })
    };
    let mut after = 0;
    while after < 400 {
        let batch = journal.read(after, 60, &mut |_| true).unwrap();
        for entry in batch.entries {
            assert!(entry.seq > after);
            assert_eq!(entry.payload, payload(entry.seq - 1, 50));
            after = entry.seq;
        }
        after = after.max(batch.scanned_to);
    }
    appender.join().unwrap();
    journal.close().unwrap();
}

#[test]
fn a_file_that_changed_since_is_noticed() {
    let fs = MemFs::new();
    let journal = open(&fs);
    append_many(&journal, 0..12, 60);
    let path = segment_paths(&fs)[0].clone();
    let mut content = fs.content(&path).unwrap();
    content[32 + 76 + 20] ^= 1;
    fs.set_content(&path, content);
    assert_eq!(journal.read(0, 60, &mut |_| true).unwrap().scanned_to, 1);
    let error = journal.read(1, 60, &mut |_| true).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Damaged {
                first: 2,
                offset: 108,
                ..
            }
        ),
        "{error}"
    );
    journal.close().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn picky_readers_get_all_they_want(
        lens in proptest::collection::vec(0..200_usize, 1..60),
        (every, max_bytes, after, reopened) in (1..12_u64, 0..1000_usize, 0..70_u64, any::<bool>()),
    ) {
        let fs = MemFs::new();
        let mut journal = open(&fs);
        // The first byte of a payload is its length here.
        let bytes = |len: usize| Bytes::from(vec![u8::try_from(len).unwrap(); len]);
        for len in &lens {
            journal.append(bytes(*len), None).unwrap().wait().unwrap();
        }
        if reopened {
            journal.close().unwrap();
            journal = open(&fs);
        }
        let wants = |payload: &[u8]| (payload.len() as u64).is_multiple_of(every);
        let wanted = (1..).zip(&lens).filter(|(seq, len)| *seq > after && wants(&bytes(**len)));
        let expected: Vec<(Seq, Bytes)> = wanted.map(|(seq, len)| (seq, bytes(*len))).collect();
        let mut got = Vec::new();
        let mut at = after;
        while at < journal.committed() {
            let batch = journal.read(at, max_bytes, &mut |payload| wants(payload)).unwrap();
            prop_assert!(batch.scanned_to > at);
            let before_last: usize = batch.entries.iter().rev().skip(1).map(|entry| entry.payload.len()).sum();
            prop_assert!(before_last < max_bytes.max(1));
            at = batch.scanned_to;
            got.extend(batch.entries.into_iter().map(|entry| (entry.seq, entry.payload)));
        }
        prop_assert_eq!(got, expected);
        journal.close().unwrap();
    }
}

#[test]
fn a_segment_that_nobody_needs_goes_though_nothing_is_written() {
    let fs = MemFs::new();
    let options = Options {
        segment_bytes: 64 << 20,
        max_bytes: 64 << 20,
        max_record_bytes: 4 << 20,
        ..options()
    };
    let (journal, _) = try_open(&fs, options).unwrap();
    journal.register(1, Start::Oldest);
    let seq = append(&journal, 1, 2 << 20).unwrap();
    journal.save_cursors().unwrap();
    assert!(journal.stats().bytes > 2 << 20);
    journal.advance(1, seq);
    while journal.stats().bytes > 0 {
        journal.save_cursors().unwrap();
        thread::yield_now();
    }
    assert_eq!(append(&journal, 2, 10).unwrap(), seq + 1);
    journal.close().unwrap();
}

//! Power failures while several threads append.

use std::{
    collections::BTreeSet,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use super::*;

const APPENDERS: u64 = 4;
const RECORDS_EACH: u64 = 12;

/// Appends, tells of every acknowledged record, and answers all that it appended.
fn appender(journal: &Journal<u64>, id: u64, acknowledged: mpsc::Sender<Seq>) -> JoinHandle<Records> {
    let journal = journal.clone();
    thread::spawn(move || {
        let mut appended = Records::new();
        for n in 0..RECORDS_EACH {
            let bytes = payload(id * 1000 + n, usize::try_from((id * 7 + n * 13) % 150).unwrap());
            let commit = journal.append(bytes.clone(), None).unwrap();
            appended.insert(commit.seq(), bytes.to_vec());
            let seq = commit.wait().unwrap();
            if seq.is_multiple_of(5) {
                journal.save_cursors().unwrap();
            }
            // The listener leaves when the power fails.
            let _heard = acknowledged.send(seq);
        }
        appended
    })
}

/// One life: runs until some records are acknowledged, and answers the disk after the crash, what must be on it and
/// what may be.
fn live(fs: &MemFs, options: &Options, seed: u64) -> (MemFs, BTreeSet<Seq>, Records) {
    let (journal, _) = try_open(fs, options.clone()).unwrap();
    let mut known = read_all(&journal);
    let mut required: BTreeSet<Seq> = known.keys().copied().collect();
    let cursor = journal.register(1, Start::Oldest);
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..APPENDERS)
        .map(|id| appender(&journal, seed * 10 + id, sender.clone()))
        .collect();
    drop(sender);
    let lifetime = usize::try_from(seed % (APPENDERS * RECORDS_EACH)).unwrap();
    for seq in receiver.iter().take(lifetime) {
        required.insert(seq);
        let batch = journal
            .read(journal.cursor(1).unwrap_or(cursor), 150, &mut |_| true)
            .unwrap();
        journal.advance(1, batch.scanned_to);
    }
    let crashed = fs.after_crash(seed);
    for thread in threads {
        known.append(&mut thread.join().unwrap());
    }
    journal.close().unwrap();
    (crashed, required, known)
}

fn check_lives(options: &Options, seeds: std::ops::Range<u64>, synced: bool) {
    let mut fs = MemFs::new();
    for seed in seeds {
        if seed.is_multiple_of(4) {
            fs = MemFs::new();
        }
        let (crashed, required, known) = live(&fs, options, seed);
        fs = crashed;
        let (journal, report) = try_open(&fs, options.clone()).unwrap();
        let (found, done) = (read_all(&journal), journal.cursor(1).unwrap_or(0));
        journal.close().unwrap();
        for (seq, payload) in &found {
            assert_eq!(Some(payload), known.get(seq), "seed {seed}, record {seq}");
        }
        if synced {
            let lost: Vec<_> = required
                .iter()
                .filter(|seq| **seq > done && !found.contains_key(seq))
                .collect();
            assert!(lost.is_empty(), "seed {seed}: {lost:?} lost, {report:?}");
        }
    }
}

#[test]
fn what_was_acknowledged_survives() {
    check_lives(&options(), 0..200, true);
}

#[test]
fn what_was_not_synced_may_be_lost_but_is_not_changed() {
    check_lives(
        &Options {
            sync: SyncMode::Never,
            ..skipping()
        },
        0..50,
        false,
    );
}

#[test]
fn a_steady_load_does_not_put_the_interval_off() {
    let fs = MemFs::new();
    let sync = SyncMode::Interval(Duration::from_millis(1));
    let (journal, _) = try_open(
        &fs,
        Options {
            sync,
            segment_bytes: 1 << 20,
            ..skipping()
        },
    )
    .unwrap();
    let synced = || {
        (0..8).all(|seed| {
            let (after, _) = try_open(&fs.after_crash(seed), skipping()).unwrap();
            after.close().unwrap();
            after.committed() >= 1
        })
    };
    let rounds = (1..2000)
        .take_while(|id| append(&journal, *id, 0).is_ok() && (id % 20 != 0 || !synced()))
        .count();
    assert!(rounds < 1999);
    journal.close().unwrap();
}

use proptest::prelude::*;

use super::*;
use crate::{
    base::TimestampNs,
    cluster::head::{Entry, Keep},
};

const KEEP: Keep = Keep {
    versions: 10,
    bytes: 1 << 20,
};

fn entry(version: u64, body: &[u8]) -> Entry {
    Entry {
        version,
        written_at: TimestampNs(0),
        digest: Digest::of(body),
        blob: format!("blob-{version}"),
    }
}

fn head(version: u64, body: &[u8]) -> Head {
    Head::after(None, entry(version, body), KEEP).0
}

#[test]
fn writes_follow_the_table() {
    let check = |stored: Option<(u64, &[u8])>, seen: u64, body: &[u8], expect: OnWrite| {
        let head = stored.map(|(version, body)| head(version, body));
        assert_eq!(
            on_write(head.as_ref(), seen, &Digest::of(body)),
            expect,
            "{stored:?} {seen} {body:?}"
        );
    };
    check(None, 0, b"a", OnWrite::Store(1));
    check(None, 0, b"", OnWrite::Store(1));
    check(None, 1, b"a", OnWrite::NotFound);
    check(None, u64::MAX, b"a", OnWrite::NotFound);
    let stored = Some((5, b"five".as_slice()));
    check(stored, 5, b"six", OnWrite::Store(6));
    check(stored, 5, b"five", OnWrite::Store(6));
    check(stored, 4, b"five", OnWrite::Replayed(5));
    check(stored, 4, b"other", OnWrite::Conflict);
    check(stored, 3, b"five", OnWrite::Conflict);
    check(stored, 0, b"five", OnWrite::Conflict);
    check(stored, 6, b"six", OnWrite::Conflict);
    check(stored, u64::MAX, b"five", OnWrite::Conflict);
    let first = Some((1, b"".as_slice()));
    check(first, 0, b"", OnWrite::Replayed(1));
    check(first, 0, b"x", OnWrite::Conflict);
}

/// A cluster at a version, in its first life or a later one.
fn at(version: u64, life: u64) -> Option<Seen> {
    Some(Seen {
        version,
        life: Life(life),
    })
}

#[track_caller]
fn polled(version: u64, for_creation: bool, looks: &[(Option<Seen>, Look)]) {
    let mut poll = Poll::new(version, for_creation);
    for (seen, expect) in looks {
        assert_eq!(poll.look(*seen), *expect, "{seen:?} of {looks:?}");
    }
}

#[test]
fn reads_follow_the_table() {
    polled(0, false, &[(None, Look::NotFound)]);
    polled(7, false, &[(None, Look::NotFound)]);
    polled(4, false, &[(at(5, 1), Look::Answer)]);
    polled(0, false, &[(at(5, 1), Look::Answer)]);
    polled(99, false, &[(at(5, 1), Look::Answer)]);
    polled(
        5,
        false,
        &[(at(5, 1), Look::Hold), (at(5, 1), Look::Hold), (at(7, 1), Look::Answer)],
    );
}

#[test]
fn waiting_for_creation_ends_with_any_version() {
    let nothing = (None, Look::Hold);
    polled(0, true, &[nothing, nothing, (at(1, 1), Look::Answer)]);
    polled(1, true, &[nothing, (at(1, 1), Look::Answer)]);
    // Who has a version waits for the next one, also when it was willing to wait for the first.
    polled(1, true, &[(at(1, 1), Look::Hold), (at(2, 1), Look::Answer)]);
}

#[test]
fn deletion_ends_a_poll_and_what_follows_it_is_news() {
    polled(5, false, &[(at(5, 1), Look::Hold), (None, Look::NotFound)]);
    polled(5, true, &[(at(5, 1), Look::Hold), (None, Look::NotFound)]);
    polled(1, false, &[(at(1, 1), Look::Hold), (at(1, 2), Look::Answer)]);
}

/// What one of several concurrent writers does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It reads the head.
    Read,
    /// It decides by what it read, and swaps the head if that is still the one; its answer is lost or not.
    Write { answer_lost: bool },
}

#[derive(Debug, Clone, Default)]
struct Writer {
    /// The version that it has seen.
    seen: u64,
    /// What it last read: the head and its revision.
    read: Option<(Option<Head>, u64)>,
    /// The bytes that it is about to write, or to write again.
    body: Vec<u8>,
    written: u64,
}

fn steps(writers: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    let step = prop_oneof![
        Just(Step::Read),
        any::<bool>().prop_map(|answer_lost| Step::Write { answer_lost })
    ];
    prop::collection::vec((0..writers, step), 1..200)
}

proptest! {
    /// However reads and swaps of several writers interleave: every version is written once, in order, and an author
    /// whose answer was lost learns of its version or of a later one.
    #[test]
    fn no_update_is_lost(steps in steps(4)) {
        let (mut head, mut revision): (Option<Head>, u64) = (None, 0);
        let mut stored: Vec<Vec<u8>> = Vec::new();
        let mut writers = vec![Writer::default(); 4];
        for (who, step) in steps {
            let writer = &mut writers[who];
            match (step, writer.read.take()) {
                (Step::Read, _) => writer.read = Some((head.clone(), revision)),
                (Step::Write { .. }, None) => {}
                (Step::Write { answer_lost }, Some((read, at))) => {
                    if writer.body.is_empty() {
                        writer.body = format!("{who}-{}", writer.written).into_bytes();
                        writer.written += 1;
                    }
                    match on_write(read.as_ref(), writer.seen, &Digest::of(&writer.body)) {
                        OnWrite::Store(version) if at == revision => {
                            prop_assert_eq!(version, stored.len() as u64 + 1);
                            stored.push(writer.body.clone());
                            head = Some(Head::after(head.take(), entry(version, &writer.body), KEEP).0);
                            revision += 1;
                            if !answer_lost {
                                writer.seen = version;
                                writer.body.clear();
                            }
                        }
                        OnWrite::Store(_) => {} // somebody was faster: it reads again
                        OnWrite::Replayed(version) => {
                            prop_assert_eq!(&stored[version as usize - 1], &writer.body);
                            writer.seen = version;
                            writer.body.clear();
                        }
                        OnWrite::Conflict => {
                            writer.seen = read.expect("a conflict is with something").current.version;
                            writer.body.clear();
                        }
                        OnWrite::NotFound => prop_assert!(false, "nothing is ever deleted here"),
                    }
                }
            }
        }
        let version = head.map_or(0, |head| head.current.version);
        prop_assert_eq!(version, stored.len() as u64);
        let mut distinct = stored.clone();
        distinct.sort();
        distinct.dedup();
        // Equal bodies are one author's whose answer was lost and who met a conflict; it writes new ones then.
        prop_assert_eq!(distinct.len(), stored.len());
    }
}

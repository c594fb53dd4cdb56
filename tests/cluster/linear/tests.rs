//! The checker against histories known to be right or wrong, and against one that tries every order.

use std::ops::RangeInclusive;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

fn document(version: u64, value: &str) -> Option<Document> {
    Some(Document {
        version,
        value: value.to_owned(),
    })
}

fn operation(times: RangeInclusive<u64>, event: Event) -> Operation {
    Operation {
        called: *times.start(),
        answered: *times.end(),
        event,
    }
}

fn read(times: RangeInclusive<u64>, version: u64, value: &str) -> Operation {
    operation(times, Event::Read(document(version, value)))
}

fn stored(times: RangeInclusive<u64>, expected: u64, value: &str) -> Operation {
    let event = Event::Stored {
        expected,
        value: value.to_owned(),
        version: expected + 1,
    };
    operation(times, event)
}

fn refused(times: RangeInclusive<u64>, expected: u64, version: u64, value: &str) -> Operation {
    let found = document(version, value);
    operation(times, Event::Refused { expected, found })
}

fn unanswered(times: RangeInclusive<u64>, expected: u64, value: &str) -> Operation {
    let value = value.to_owned();
    operation(times, Event::Unanswered { expected, value })
}

#[track_caller]
fn accepted(name: &str, history: &[Operation]) {
    assert_eq!(check(history.to_vec()), Ok(()), "{name}");
}

#[track_caller]
fn refused_as_a_whole(name: &str, history: &[Operation]) {
    assert!(check(history.to_vec()).is_err(), "{name}");
}

#[test]
fn what_one_server_could_have_answered_is_accepted() {
    let nothing = operation(1..=1, Event::Read(None));
    let not_there = operation(
        1..=2,
        Event::Refused {
            expected: 3,
            found: None,
        },
    );
    accepted("empty", &[]);
    accepted("nothing written", &[nothing.clone(), not_there]);
    let (a, b) = (stored(1..=2, 0, "a"), stored(3..=4, 1, "b"));
    accepted("one after another", &[a.clone(), b.clone(), read(5..=6, 2, "b")]);
    accepted("refused by a later winner", &[a.clone(), b, refused(1..=9, 0, 2, "b")]);
    accepted("repeated", &[a, stored(3..=4, 0, "a")]);
    let long = stored(1..=9, 0, "a");
    accepted(
        "a read beside a write, before it",
        &[long.clone(), operation(2..=3, Event::Read(None))],
    );
    accepted("a read beside a write, after it", &[long.clone(), read(2..=3, 1, "a")]);
    accepted("one of two wins", &[long, refused(1..=9, 0, 1, "a")]);
    let out_of_order = [stored(1..=9, 1, "b"), stored(2..=3, 0, "a"), read(4..=5, 2, "b")];
    accepted("answers out of order", &out_of_order);
}

#[test]
fn an_unanswered_write_happened_or_not() {
    let (a, b) = (stored(1..=2, 0, "a"), unanswered(3..=4, 1, "b"));
    accepted("it did", &[a.clone(), b.clone(), read(5..=6, 2, "b")]);
    accepted("it did not", &[a.clone(), b.clone(), read(5..=6, 1, "a")]);
    accepted(
        "it was overtaken",
        &[a.clone(), b.clone(), stored(5..=6, 1, "c"), read(7..=8, 2, "c")],
    );
    let late = [read(5..=6, 1, "a"), read(7..=8, 2, "b"), stored(9..=10, 2, "c")];
    accepted("it did, late", &[&[a.clone(), b.clone()], &late[..]].concat());
    let repeated = [unanswered(1..=2, 0, "a"), stored(3..=4, 0, "a"), read(5..=6, 1, "a")];
    accepted("it did, and was repeated", &repeated);
    let chain = [
        unanswered(1..=2, 1, "b"),
        unanswered(1..=2, 0, "a"),
        read(3..=4, 2, "b"),
    ];
    accepted("one on top of another", &chain);

    let twice = [unanswered(1..=2, 0, "a"), stored(3..=4, 1, "b"), read(5..=6, 1, "a")];
    refused_as_a_whole("it did twice", &twice);
    refused_as_a_whole(
        "it did and did not",
        &[a.clone(), b, read(5..=6, 2, "b"), read(7..=8, 1, "a")],
    );
    let early = [a, read(3..=4, 2, "b"), unanswered(5..=6, 1, "b")];
    refused_as_a_whole("it was seen before its call", &early);
    let rivals = [unanswered(1..=2, 0, "a"), unanswered(1..=2, 0, "b")];
    let both = [read(3..=4, 1, "a"), read(5..=6, 1, "b")];
    refused_as_a_whole("two did, as one version", &[rivals, both].concat());
}

#[test]
fn what_no_server_could_have_answered_is_refused() {
    let (a, b) = (stored(1..=2, 0, "a"), stored(3..=4, 1, "b"));
    refused_as_a_whole(
        "lost update",
        &[a.clone(), stored(3..=9, 1, "b"), stored(3..=9, 1, "c")],
    );
    refused_as_a_whole("stale read", &[a.clone(), b.clone(), read(5..=6, 1, "a")]);
    refused_as_a_whole("stale refusal", &[a.clone(), b, refused(5..=6, 0, 1, "a")]);
    let nothing = operation(4..=5, Event::Read(None));
    let back = [stored(1..=9, 0, "a"), read(2..=3, 1, "a"), nothing.clone()];
    refused_as_a_whole("reads that go back", &back);
    refused_as_a_whole("written and gone", &[a.clone(), nothing]);
    refused_as_a_whole(
        "one version, two values",
        &[a.clone(), read(3..=9, 1, "a"), read(3..=9, 1, "b")],
    );
    refused_as_a_whole("a version skipped", &[a.clone(), stored(3..=4, 2, "b")]);
    refused_as_a_whole(
        "a value from nowhere",
        &[a.clone(), unanswered(1..=2, 1, "b"), read(3..=4, 2, "x")],
    );
    refused_as_a_whole(
        "read before it was written",
        &[read(1..=2, 1, "a"), stored(3..=4, 0, "a")],
    );
    refused_as_a_whole("refused without reason", &[a, refused(3..=4, 1, 1, "a")]);
    let event = Event::Stored {
        expected: 0,
        value: "a".to_owned(),
        version: 2,
    };
    refused_as_a_whole("stored as another version", &[operation(1..=2, event)]);
}

#[test]
fn a_refusal_says_where_it_stopped() {
    let stale = vec![stored(1..=2, 0, "a"), stored(3..=4, 1, "b"), read(5..=6, 1, "a")];
    let text = check(stale).unwrap_err().to_string();
    assert!(
        text.starts_with("after Some(Document { version: 2, value: \"b\" })"),
        "{text}"
    );
    assert!(
        text.ends_with("event: Read(Some(Document { version: 1, value: \"a\" })) }"),
        "{text}"
    );
}

/// What a client of the model does.
#[derive(Debug, Clone)]
enum Action {
    Read,
    /// A write that expects a version so far below the current one; its answer may be lost, and then it as well.
    Write {
        behind: u64,
        answer_lost: bool,
        request_lost: bool,
    },
}

/// How far calls and answers may be from the moment at which an operation is done, in operations.
const REACH: u64 = 8;

fn action() -> impl Strategy<Value = (Action, u64, u64)> {
    let write = (0..3_u64, prop::bool::weighted(0.2), any::<bool>()).prop_map(|(behind, answer_lost, request_lost)| {
        Action::Write {
            behind: behind / 2,
            answer_lost,
            request_lost,
        }
    });
    let action = prop_oneof![Just(Action::Read), write];
    (action, 0..REACH, 0..REACH)
}

/// The history of clients that overlap, and each of whose actions is done alone.
fn history(actions: &[(Action, u64, u64)]) -> Vec<Operation> {
    let mut state = None;
    let mut history = Vec::new();
    for (moment, (action, before, after)) in (REACH..).zip(actions) {
        let event = act(&mut state, action, &format!("value {moment}"));
        history.push(operation(moment - before..=moment + after, event));
    }
    history
}

fn act(state: &mut State, action: &Action, value: &str) -> Event {
    let Action::Write {
        behind,
        answer_lost,
        request_lost,
    } = *action
    else {
        return Event::Read(state.clone());
    };
    let current = version(state);
    let expected = current.saturating_sub(behind);
    let is_accepted = expected == current && !(answer_lost && request_lost);
    let found = state.clone();
    if is_accepted {
        *state = document(current + 1, value);
    }
    let value = value.to_owned();
    match (answer_lost, is_accepted) {
        (true, _) => Event::Unanswered { expected, value },
        (false, true) => Event::Stored {
            expected,
            value,
            version: current + 1,
        },
        (false, false) => Event::Refused { expected, found },
    }
}

/// Tries every order.
fn naive(state: &State, rest: &[Operation]) -> bool {
    let is_over = rest
        .iter()
        .all(|operation| matches!(operation.event, Event::Unanswered { .. }));
    let earliest = rest.iter().map(end).min().unwrap_or(u64::MAX);
    is_over
        || (0..rest.len()).any(|position| {
            let mut rest = rest.to_vec();
            let next = rest.remove(position);
            next.called <= earliest && apply(state, &next.event).is_some_and(|state| naive(&state, &rest))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_server_answered_is_accepted(actions in vec(action(), 0..200)) {
        prop_assert_eq!(check(history(&actions)), Ok(()));
    }

    #[test]
    fn it_agrees_with_trying_every_order(
        actions in vec(action(), 1..7),
        swaps in vec((any::<Index>(), any::<Index>()), 0..3),
    ) {
        let mut history = history(&actions);
        for (one, other) in swaps {
            let (one, other) = (one.index(history.len()), other.index(history.len()));
            let event = history[one].event.clone();
            history[one].event = std::mem::replace(&mut history[other].event, event);
        }
        prop_assert_eq!(check(history.clone()).is_ok(), naive(&None, &history));
    }
}

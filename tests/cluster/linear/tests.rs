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
    let rows = [
        ("empty", vec![]),
        ("nothing written", vec![nothing, not_there]),
        (
            "one after another",
            vec![stored(1..=2, 0, "a"), stored(3..=4, 1, "b"), read(5..=6, 2, "b")],
        ),
        (
            "a read beside a write: before",
            vec![stored(1..=9, 0, "a"), operation(2..=3, Event::Read(None))],
        ),
        (
            "a read beside a write: after",
            vec![stored(1..=9, 0, "a"), read(2..=3, 1, "a")],
        ),
        (
            "answers out of order",
            vec![stored(1..=9, 1, "b"), stored(2..=3, 0, "a"), read(4..=5, 2, "b")],
        ),
        (
            "one of two wins",
            vec![stored(1..=9, 0, "a"), refused(1..=9, 0, 1, "a")],
        ),
        (
            "refused with a later winner",
            vec![stored(1..=2, 0, "a"), stored(3..=4, 1, "b"), refused(1..=9, 0, 2, "b")],
        ),
        (
            "unanswered, happened",
            vec![stored(1..=2, 0, "a"), unanswered(3..=4, 1, "b"), read(5..=6, 2, "b")],
        ),
        (
            "unanswered, did not",
            vec![stored(1..=2, 0, "a"), unanswered(3..=4, 1, "b"), read(5..=6, 1, "a")],
        ),
        (
            "unanswered, happened late",
            vec![
                stored(1..=2, 0, "a"),
                unanswered(3..=4, 1, "b"),
                read(5..=6, 1, "a"),
                read(7..=8, 2, "b"),
                stored(9..=10, 2, "c"),
            ],
        ),
        (
            "unanswered, overtaken",
            vec![
                stored(1..=2, 0, "a"),
                unanswered(3..=4, 1, "b"),
                stored(5..=6, 1, "c"),
                read(7..=8, 2, "c"),
            ],
        ),
        (
            "unanswered on top of unanswered",
            vec![
                unanswered(1..=2, 1, "b"),
                unanswered(1..=2, 0, "a"),
                read(3..=4, 2, "b"),
            ],
        ),
        (
            "repeated after a lost answer",
            vec![unanswered(1..=2, 0, "a"), stored(3..=4, 0, "a"), read(5..=6, 1, "a")],
        ),
        (
            "accepted and repeated",
            vec![stored(1..=2, 0, "a"), stored(3..=4, 0, "a")],
        ),
    ];
    for (name, history) in rows {
        assert_eq!(check(history), Ok(()), "{name}");
    }
}

#[test]
fn what_no_server_could_have_answered_is_refused() {
    let rows = [
        (
            "lost update",
            vec![stored(1..=2, 0, "a"), stored(3..=9, 1, "b"), stored(3..=9, 1, "c")],
        ),
        (
            "stale read",
            vec![stored(1..=2, 0, "a"), stored(3..=4, 1, "b"), read(5..=6, 1, "a")],
        ),
        (
            "stale refusal",
            vec![stored(1..=2, 0, "a"), stored(3..=4, 1, "b"), refused(5..=6, 0, 1, "a")],
        ),
        (
            "reads go back",
            vec![
                stored(1..=9, 0, "a"),
                read(2..=3, 1, "a"),
                operation(4..=5, Event::Read(None)),
            ],
        ),
        (
            "one version, two values",
            vec![stored(1..=2, 0, "a"), read(3..=9, 1, "a"), read(3..=9, 1, "b")],
        ),
        ("a version skipped", vec![stored(1..=2, 0, "a"), stored(3..=4, 2, "b")]),
        (
            "a value from nowhere",
            vec![stored(1..=2, 0, "a"), unanswered(1..=2, 1, "b"), read(3..=4, 2, "x")],
        ),
        (
            "read before it was written",
            vec![read(1..=2, 1, "a"), stored(3..=4, 0, "a")],
        ),
        (
            "written and gone",
            vec![stored(1..=2, 0, "a"), operation(3..=4, Event::Read(None))],
        ),
        (
            "refused without reason",
            vec![stored(1..=2, 0, "a"), refused(3..=4, 1, 1, "a")],
        ),
        (
            "accepted as something else",
            vec![operation(
                1..=2,
                Event::Stored {
                    expected: 0,
                    value: "a".into(),
                    version: 2,
                },
            )],
        ),
        (
            "unanswered, happened twice",
            vec![unanswered(1..=2, 0, "a"), stored(3..=4, 1, "b"), read(5..=6, 1, "a")],
        ),
        (
            "unanswered, happened and did not",
            vec![
                stored(1..=2, 0, "a"),
                unanswered(3..=4, 1, "b"),
                read(5..=6, 2, "b"),
                read(7..=8, 1, "a"),
            ],
        ),
        (
            "unanswered, but seen before its call",
            vec![stored(1..=2, 0, "a"), read(3..=4, 2, "b"), unanswered(5..=6, 1, "b")],
        ),
        (
            "two unanswered writes on one version",
            vec![
                unanswered(1..=2, 0, "a"),
                unanswered(1..=2, 0, "b"),
                read(3..=4, 1, "a"),
                read(5..=6, 1, "b"),
            ],
        ),
    ];
    for (name, history) in rows {
        assert!(check(history).is_err(), "{name}");
    }
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

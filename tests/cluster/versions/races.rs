//! Many clients of one cluster at once.

use std::{sync::mpsc, thread};

use super::{path, store, told};
use crate::support::{self, gyre::Gyre, http::Connection};

const WRITERS: u64 = 50;

/// Acceptance case 16: of all who have seen the same version one is taken, and the others learn of it.
pub(super) fn one_winner(gyre: &Gyre) {
    let client = gyre.client();
    store(&client, "winner", 0, b"one");
    let (sender, answers) = mpsc::channel();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (client, sender) = (&client, sender.clone());
            scope.spawn(move || {
                let body = format!("writer {writer}").into_bytes();
                let answer = client.post(&path("winner", 1), &body);
                sender.send((body, answer)).expect("the test waits");
            });
        }
    });
    drop(sender);
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 49));
    assert_eq!(told(&won[0].1), (200, Some(2), b"".as_slice()));
    for (_, answer) in &lost {
        assert_eq!(told(answer), (409, Some(2), won[0].0.as_slice()));
    }
}

/// Acceptance case 17: each writer counts in a field of its own, and by conflicts learns of the others' counts.
pub(super) fn no_lost_update(gyre: &Gyre) {
    let rounds = if support::long() { 20 } else { 5 };
    store(&gyre.client(), "counted", 0, &[0; WRITERS as usize]);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let connection = gyre.client().connect().expect("it listens");
            scope.spawn(move || count(connection, usize::try_from(writer).expect("it is small"), rounds));
        }
    });
    let read = gyre.client().get(&path("counted", 0));
    let expect = vec![rounds; WRITERS as usize];
    assert_eq!(
        told(&read),
        (200, Some(1 + WRITERS * u64::from(rounds)), expect.as_slice())
    );
}

/// Adds one to a writer's count, `rounds` times.
fn count(mut connection: Connection, writer: usize, rounds: u8) {
    let mut ask = |method, version, body: &[u8]| {
        let answer = connection.send(method, &path("counted", version), &[], body);
        answer.expect("an answer")
    };
    let first = ask("GET", 0, b"");
    let (mut version, mut counts) = (told(&first).1.expect("a version"), first.body);
    for _ in 0..rounds {
        loop {
            counts[writer] += 1;
            let answer = ask("POST", version, &counts);
            version = told(&answer).1.expect("a version");
            match answer.status {
                200 => break,
                409 => counts = answer.body,
                other => panic!("{other}: {}", answer.text()),
            }
        }
    }
}

/// Acceptance case 18: a poll that is set up while two writes happen tells of one of them, and the next of the last.
pub(super) fn polls_during_writes(gyre: &Gyre) {
    let rounds = if support::long() { 10_000 } else { 500 };
    let connect = || gyre.client().connect().expect("it listens");
    let (mut writer, mut poller) = (connect(), connect());
    let (ask, asked) = mpsc::channel::<u64>();
    let (tell, told_of) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            for version in asked {
                let answer = poller
                    .send("GET", &path("raced", version), &[], b"")
                    .expect("an answer");
                assert_eq!(answer.status, 200);
                tell.send((told(&answer).1.expect("a version"), answer.body))
                    .expect("the test waits");
            }
        });
        store(&gyre.client(), "raced", 0, b"1");
        for seen in (1..2 * rounds).step_by(2) {
            ask.send(seen).expect("it polls");
            for version in [seen, seen + 1] {
                let body = (version + 1).to_string();
                let answer = writer.send("POST", &path("raced", version), &[], body.as_bytes());
                assert_eq!(
                    told(&answer.expect("an answer")),
                    (200, Some(version + 1), b"".as_slice())
                );
            }
            let (version, body) = told_of.recv().expect("it polls");
            assert!(version == seen + 1 || version == seen + 2, "{version} after {seen}");
            assert_eq!(body, version.to_string().into_bytes());
            // Whoever asks now has missed nothing.
            ask.send(seen).expect("it polls");
            assert_eq!(told_of.recv().expect("it polls").0, seen + 2);
        }
        drop(ask);
    });
}

//! The end, and the next start on the same data.

use std::{fs, sync::Mutex, thread, time::Duration};

use super::{File, await_start, failure};
use crate::support::{
    gyre::{Config, Gyre},
    http::Client,
    null_backend::{NullBackend, Scripted},
    ports, wait,
};

/// Writers under way when the signal comes.
const WRITERS: usize = 4;

/// An orderly end takes a delivery and a sync, not a timeout.
const PROMPT: Duration = Duration::from_secs(5);

#[test]
fn sigterm_under_load_finishes_requests_and_loses_nothing() {
    let backend = NullBackend::start(&["d"]);
    let mut gyre = Gyre::start(Config::new(vec![vec![backend.url()]]));
    let acknowledged = Mutex::new(Vec::new());
    let client = gyre.client();
    let write = |writer: usize| {
        for number in 0.. {
            let line = format!("m v={writer}i {number}");
            let target = "/write?db=d";
            match client.request("POST", target, &[], line.as_bytes()) {
                Ok(answer) if answer.status == 204 => acknowledged.lock().expect("nobody panics").push(line),
                Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
                // The door is closed.
                Err(_) => return,
            }
        }
    };
    let start = thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || write(writer));
        }
        wait::until("writes are under way", PROMPT * 4, || {
            (acknowledged.lock().expect("nobody panics").len() > 100).then_some(())
        });
        let start = wait::Instant::now();
        assert!(gyre.terminate().success());
        start
    });
    assert!(start.elapsed() < PROMPT, "it took {:?}", start.elapsed());
    gyre.restart();
    let promised = acknowledged.into_inner().expect("nobody panics");
    wait::until("everything promised is there", PROMPT * 2, || {
        let there = backend.lines();
        promised.iter().all(|line| there.contains(line)).then_some(())
    });
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    let backend = NullBackend::start(&["d"]);
    let mut gyre = Gyre::start(Config::new(vec![vec![backend.url()]]));
    let mut kept = gyre.client().connect().expect("it listens");
    assert_eq!(kept.send("GET", "/ping", &[], b"").expect("an answer").status, 204);
    let _silent = gyre.client().connect().expect("it listens");
    let start = wait::Instant::now();
    assert!(gyre.terminate().success());
    assert!(start.elapsed() < PROMPT, "it took {:?}", start.elapsed());
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let backend = NullBackend::start(&["d"]);
    let mut gyre = Gyre::start(Config::new(vec![vec![backend.url()]]).set("proxy", "ack_timeout", "10s"));
    backend.script_writes([Scripted {
        status: 204,
        body: String::new(),
        delay: Duration::from_secs(1),
    }]);
    let client = gyre.client();
    let answer = thread::scope(|scope| {
        let writing = scope.spawn(|| client.write("d", "m v=1i 1"));
        wait::until("it is at the backend", PROMPT, || {
            (!backend.writes().is_empty()).then_some(())
        });
        assert!(gyre.terminate().success());
        writing.join().expect("it is answered")
    });
    assert_eq!(answer, (204, String::new()));
}

#[test]
fn a_backend_that_hangs_does_not_delay_the_end_for_long() {
    let backend = NullBackend::start(&["d"]);
    let config = Config::new(vec![vec![backend.url()]])
        .set("proxy", "ack_timeout", "100ms")
        .set("delivery", "timeout", "2s");
    let mut gyre = Gyre::start(config);
    backend.script_writes([Scripted {
        status: 204,
        body: String::new(),
        delay: Duration::from_secs(20),
    }]);
    assert_eq!(gyre.client().write("d", "m v=1i 1").0, 204);
    let start = wait::Instant::now();
    assert!(gyre.terminate().success());
    assert!(start.elapsed() < PROMPT, "it took {:?}", start.elapsed());
    gyre.restart();
    wait::until("it is sent again", PROMPT, || {
        (backend.writes().len() == 2).then_some(())
    });
}

#[test]
fn an_orderly_end_repeats_nothing() {
    let backend = NullBackend::start(&["d"]);
    let mut gyre = Gyre::start(Config::new(vec![vec![backend.url()]]));
    let mut expect = Vec::new();
    for round in 0..3 {
        let line = format!("m v={round}i 1");
        assert_eq!(gyre.client().write("d", &line).0, 204);
        expect.push(line);
        assert!(gyre.terminate().success());
        gyre.restart();
    }
    assert_eq!(backend.lines(), expect);
}

/// A file of one backend, and its address.
fn one_backend(url: &str) -> (File, Client) {
    let address = ports::free();
    let text = format!(
        "[http]\nlisten = [\"{address}\"]\n[proxy]\nack_timeout = \"10ms\"\n[delivery]\nbackoff_max = \"100ms\"\n\
         [[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{url}\"\n"
    );
    (File::write("gyre.toml", &text), Client::new(address))
}

#[test]
fn a_damaged_journal_is_refused_until_told_otherwise() {
    let backend = NullBackend::start(&["d"]);
    let refusal = Scripted {
        status: 503,
        body: String::new(),
        delay: Duration::ZERO,
    };
    backend.script_writes((0..100_000).map(|_| refusal.clone()));
    let (file, client) = one_backend(&backend.url());
    let mut process = file.serve(&[]);
    await_start(&mut process, || client.pings());
    for number in 0..10 {
        assert_eq!(client.write("d", &format!("m v={number}i {number}")).0, 204);
    }
    process.kill9();
    drop(process);

    let journal = fs::read_dir(file.dir().join("data/journal")).expect("the journal is there");
    let mut segments: Vec<_> = journal
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with("cursors"))
        .collect();
    segments.sort();
    let mut bytes = fs::read(&segments[0]).expect("the segment is readable");
    let at = bytes
        .windows(4)
        .position(|window| window == b"v=3i")
        .expect("the record is there");
    bytes[at] ^= 1;
    fs::write(&segments[0], bytes).expect("the segment is writable");

    let (code, said) = failure(file.serve(&[]));
    assert_eq!(code, Some(1), "{said}");
    let segment = segments[0]
        .file_name()
        .and_then(|name| name.to_str())
        .expect("it has a name");
    for word in [
        "cannot start: journal: ",
        segment,
        "damaged at byte",
        "set journal.on_damage = \"skip\"",
    ] {
        assert!(said.contains(word), "{word} is missing: {said}");
    }
    let healthy = NullBackend::start(&["d"]);
    let mut process = file.serve(&[
        ("GYRE__JOURNAL__ON_DAMAGE", "skip"),
        ("GYRE__CIRCLES__0__BACKENDS__0__URL", &healthy.url()),
    ]);
    await_start(&mut process, || client.pings());
    let rest: Vec<String> = (0..10).filter(|n| *n != 3).map(|n| format!("m v={n}i {n}")).collect();
    wait::until("the rest is delivered", PROMPT, || {
        (healthy.lines() == rest).then_some(())
    });
}

#[test]
fn a_torn_end_of_the_journal_is_cut() {
    let backend = NullBackend::start(&["d"]);
    let (file, client) = one_backend(&backend.url());
    let mut process = file.serve(&[]);
    await_start(&mut process, || client.pings());
    assert_eq!(client.write("d", "m v=1i 1").0, 204);
    process.kill9();
    let journal = file.dir().join("data/journal");
    let segment = fs::read_dir(&journal)
        .expect("the journal is there")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| !path.ends_with("cursors"))
        .expect("there is a segment");
    let mut bytes = fs::read(&segment).expect("the segment is readable");
    bytes.extend_from_slice(&[0x5a; 100]);
    fs::write(&segment, bytes).expect("the segment is writable");
    drop(process);
    let mut process = file.serve(&[]);
    await_start(&mut process, || client.pings());
    assert_eq!(client.write("d", "m v=2i 2").0, 204);
    wait::until("writes go on", PROMPT, || {
        (backend.lines().last().map(String::as_str) == Some("m v=2i 2")).then_some(())
    });
}

#[test]
fn segments_that_a_full_disk_left_empty_are_no_damage() {
    let backend = NullBackend::start(&["d"]);
    let (file, client) = one_backend(&backend.url());
    for (round, leftovers) in [[5_u64, 6], [20, 21]].into_iter().enumerate() {
        let mut process = file.serve(&[]);
        await_start(&mut process, || client.pings());
        assert_eq!(client.write("d", &format!("m v={round}i 1")).0, 204);
        process.kill9();
        for number in leftovers {
            let path = file.dir().join(format!("data/journal/{number:020}.seg"));
            fs::write(path, "GYRE").expect("the journal is ours");
        }
    }
    let mut process = file.serve(&[]);
    await_start(&mut process, || client.pings());
    assert_eq!(client.write("d", "m v=2i 1").0, 204);
    wait::until("all is delivered", PROMPT, || {
        let lines = backend.lines();
        let all = ["m v=0i 1", "m v=1i 1", "m v=2i 1"].map(str::to_owned);
        (lines.ends_with(&all[2..]) && all.iter().all(|line| lines.contains(line))).then_some(())
    });
}

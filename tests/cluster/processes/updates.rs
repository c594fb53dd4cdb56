//! Clients that change one document, each from what it read last, through whichever process answers, whatever is killed.
//!
//! The document counts the changes of each client, so a lost update and one made twice both show; every try has a value
//! of its own. A client that had no answer does not know whether its change happened: it reads, and finds its count
//! moved or not. Everything it was told goes into the history that [`linear`] checks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    cluster::linear::{Document, Event, Recorder},
    support::{
        http::{self, Connection, Response},
        wait,
    },
};

/// Time between two tries while no process answers.
const RETRY: Duration = Duration::from_millis(50);

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Client, its change, and which try: no two writes have the same.
    by: (usize, u64, u64),
    /// How many changes each client has made.
    pub(crate) changes: Vec<u64>,
}

/// How often what was answered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) stored: usize,
    pub(crate) refused: usize,
    /// Writes without an answer that says what became of them.
    pub(crate) unanswered: usize,
    /// Those of them that had happened.
    pub(crate) happened: usize,
    /// Reads without an answer.
    pub(crate) unread: usize,
}

/// Running clients.
#[derive(Debug)]
pub(crate) struct Updates {
    progress: Arc<AtomicUsize>,
    recorder: Arc<Recorder>,
    threads: Vec<JoinHandle<Tally>>,
}

impl Updates {
    /// Starts `clients` clients that make `changes` changes each to the document `cluster` through `processes`.
    pub(crate) fn start(processes: &[http::Client], cluster: &str, clients: usize, changes: u64) -> Self {
        let (progress, recorder) = (Arc::default(), Arc::default());
        let threads = (0..clients).map(|number| {
            let client = Client {
                number,
                clients,
                processes: processes.to_vec(),
                turn: number,
                connection: None,
                path: format!("/clusters/{cluster}/versions"),
                tries: 0,
                known: None,
                recorder: Arc::clone(&recorder),
                tally: Tally::default(),
            };
            let progress = Arc::clone(&progress);
            thread::spawn(move || client.run(changes, &progress))
        });
        let threads = threads.collect();
        Self {
            progress,
            recorder,
            threads,
        }
    }

    /// Waits until so many changes have been made.
    #[track_caller]
    pub(crate) fn wait_for(&self, changes: usize, within: Duration) {
        wait::until("the clients get on", within, || {
            (self.progress.load(Ordering::SeqCst) >= changes).then_some(())
        });
    }

    /// Waits for all clients.
    ///
    /// # Panics
    /// When a client did.
    pub(crate) fn finish(self) -> (Tally, Recorder) {
        let mut total = Tally::default();
        for thread in self.threads {
            total.add(thread.join().expect("every answer is one that the contract allows"));
        }
        let recorder = Arc::into_inner(self.recorder).expect("all clients have ended");
        (total, recorder)
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.happened += other.happened;
        self.unread += other.unread;
    }
}

struct Client {
    number: usize,
    clients: usize,
    processes: Vec<http::Client>,
    turn: usize,
    connection: Option<Connection>,
    path: String,
    tries: u64,
    known: Option<Document>,
    recorder: Arc<Recorder>,
    tally: Tally,
}

impl Client {
    fn run(mut self, changes: u64, progress: &AtomicUsize) -> Tally {
        for change in 1..=changes {
            while self.changes() < change {
                assert_eq!(self.changes() + 1, change, "a change that was made is gone");
                self.try_write();
            }
            assert_eq!(self.changes(), change, "a change was made twice");
            progress.fetch_add(1, Ordering::SeqCst);
        }
        self.tally
    }

    /// How many of its changes it knows to have been made.
    fn changes(&self) -> u64 {
        self.known
            .as_ref()
            .map_or(0, |document| counts(&document.value).changes[self.number])
    }

    /// One more change on top of what it knows; then it knows more.
    fn try_write(&mut self) {
        let (expected, value) = self.next_value();
        let target = format!("{}/{expected}", self.path);
        let recorder = Arc::clone(&self.recorder);
        let event = recorder.record(|| {
            let answer = self.ask("POST", &target, value.as_bytes());
            Some(written(answer, expected, &value))
        });
        match event {
            Some(Event::Stored { value, version, .. }) => {
                self.tally.stored += 1;
                self.known = Some(Document { version, value });
            }
            Some(Event::Refused { found, .. }) => {
                self.tally.refused += 1;
                self.known = found;
            }
            _ => {
                self.tally.unanswered += 1;
                let before = self.changes();
                self.read();
                self.tally.happened += usize::from(self.changes() > before);
            }
        }
    }

    fn next_value(&mut self) -> (u64, String) {
        self.tries += 1;
        let (expected, mut changes) = match &self.known {
            None => (0, vec![0; self.clients]),
            Some(document) => (document.version, counts(&document.value).changes),
        };
        changes[self.number] += 1;
        let by = (self.number, changes[self.number], self.tries);
        let value = serde_json::to_string(&Counts { by, changes }).expect("numbers are JSON");
        (expected, value)
    }

    fn read(&mut self) {
        let target = format!("{}/0", self.path);
        let recorder = Arc::clone(&self.recorder);
        loop {
            let event = recorder.record(|| self.ask("GET", &target, b"").and_then(read));
            if let Some(Event::Read(found)) = event {
                self.known = found;
                return;
            }
            self.tally.unread += 1;
            wait::pause(RETRY);
        }
    }

    /// Asks the process that answered last, and the next one the time after when it does not.
    fn ask(&mut self, method: &str, target: &str, body: &[u8]) -> Option<Response> {
        let process = &self.processes[self.turn % self.processes.len()];
        let connection = self.connection.take().map_or_else(|| process.connect(), Ok);
        let answered = connection.and_then(|mut connection| {
            let answer = connection.send(method, target, &[], body)?;
            Ok((connection, answer))
        });
        match answered {
            Ok((connection, answer)) if answer.status != 503 => {
                self.connection = Some(connection);
                Some(answer)
            }
            _ => {
                self.turn += 1;
                None
            }
        }
    }
}

/// # Panics
/// When it is none.
pub(crate) fn counts(value: &str) -> Counts {
    serde_json::from_str(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn written(answer: Option<Response>, expected: u64, value: &str) -> Event {
    let value = value.to_owned();
    let Some(answer) = answer else {
        return Event::Unanswered { expected, value };
    };
    match answer.status {
        200 => Event::Stored {
            expected,
            value,
            version: version(&answer),
        },
        409 => Event::Refused {
            expected,
            found: Some(document(&answer)),
        },
        404 => Event::Refused { expected, found: None },
        status => panic!("{status} for a write: {}", answer.text()),
    }
}

fn read(answer: Response) -> Option<Event> {
    match answer.status {
        200 => Some(Event::Read(Some(document(&answer)))),
        404 => Some(Event::Read(None)),
        status => panic!("{status} for a read: {}", answer.text()),
    }
}

/// The document in an answer.
pub(crate) fn document(answer: &Response) -> Document {
    Document {
        version: version(answer),
        value: answer.text(),
    }
}

fn version(answer: &Response) -> u64 {
    let header = answer.header("version").and_then(|version| version.parse().ok());
    header.expect("every answer that knows a version says it")
}

//! Clients that write whatever happens, and account for every point.
//!
//! Each writer sends batches one after another over a kept connection and repeats a batch until it is acknowledged.
//! A batch has new points in every measurement and, in one of them, the writer's *head*: one key written again and
//! again with growing values, which shows whether the order of writes survives.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::ledger::{Key, Ledger, Point};
use crate::support::{
    http::{Client, Connection, write_target},
    wait,
};

/// Enough that each of four backends owns some.
const MEASUREMENTS: usize = 8;

/// New points per measurement and batch.
const POINTS: i64 = 2;

/// Keeps a run to some ten thousand points, so that all of them can be compared.
const PACE: Duration = Duration::from_millis(10);

/// Time between two tries of a batch.
const RETRY: Duration = Duration::from_millis(50);

/// 2026-01-01, in nanoseconds.
const START: i64 = 1_767_225_600_000_000_000;

/// The statuses that acknowledge.
const ACKNOWLEDGED: RangeInclusive<u16> = 200..=299;

/// Running writers.
#[derive(Debug)]
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Tally>>,
}

/// How often a batch got which status; 0 stands for no answer.
pub(crate) type Tally = BTreeMap<u16, usize>;

impl Writers {
    /// Starts `count` writers into `db`.
    pub(crate) fn start(count: usize, client: &Client, db: &str, ledger: &Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..count).map(|number| {
            let writer = Writer {
                name: format!("w{number}"),
                client: client.clone(),
                connection: None,
                target: write_target(db),
                ledger: Arc::clone(ledger),
                stop: Arc::clone(&stop),
                tally: Tally::new(),
            };
            thread::spawn(move || writer.run())
        });
        let threads = threads.collect();
        Self { stop, threads }
    }

    /// Lets every writer finish its try.
    ///
    /// # Panics
    /// When a writer did, because a valid batch was refused as invalid.
    pub(crate) fn finish(self) -> Tally {
        self.stop.store(true, Ordering::SeqCst);
        let mut total = Tally::new();
        for thread in self.threads {
            for (status, times) in thread.join().expect("no valid batch is refused as invalid") {
                *total.entry(status).or_default() += times;
            }
        }
        total
    }
}

struct Writer {
    name: String,
    client: Client,
    connection: Option<Connection>,
    target: String,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    tally: Tally,
}

impl Writer {
    fn run(mut self) -> Tally {
        for sequence in 1.. {
            let batch = batch(&self.name, sequence);
            self.ledger.sending(&batch);
            if !self.write_until_acknowledged(&batch) {
                break;
            }
            self.ledger.acknowledged(&batch);
            wait::pause(PACE);
        }
        self.tally
    }

    /// False when it was told to stop instead.
    fn write_until_acknowledged(&mut self, batch: &[Point]) -> bool {
        let body: String = batch.iter().map(|point| point.line() + "\n").collect();
        while !self.stop.load(Ordering::SeqCst) {
            let status = self.try_write(&body);
            *self.tally.entry(status).or_default() += 1;
            if ACKNOWLEDGED.contains(&status) {
                return true;
            }
            wait::pause(RETRY);
        }
        false
    }

    /// The status of one try; 0 when there was no answer.
    fn try_write(&mut self, body: &str) -> u16 {
        let connection = self.connection.take().map_or_else(|| self.client.connect(), Ok);
        let answered = connection.and_then(|mut connection| {
            let answer = connection.send("POST", &self.target, &[], body.as_bytes())?;
            Ok((connection, answer))
        });
        let Ok((connection, answer)) = answered else { return 0 };
        assert!(
            !(400..500).contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.text()
        );
        self.connection = Some(connection);
        answer.status
    }
}

fn batch(writer: &str, sequence: i64) -> Vec<Point> {
    let point = |measurement: usize, time, value| {
        let key = Key {
            measurement: format!("m{measurement}"),
            writer: writer.to_owned(),
            time,
        };
        Point { key, value }
    };
    let fresh = (0..MEASUREMENTS)
        .flat_map(|measurement| (0..POINTS).map(move |n| point(measurement, START + sequence * POINTS + n, sequence)));
    let turn = usize::try_from(sequence).expect("it counts from 1") % MEASUREMENTS;
    fresh.chain([point(turn, START, sequence)]).collect()
}

//! Clients that write and take away again what they wrote, and account for it: statements that delete, and retention
//! policies that are shortened. They go on over every kill until they are told to stop.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use crate::{
    faults::{
        ledger::{Key, Ledger, Point},
        schedule::Random,
    },
    support::{
        http::{Client, Response, query_target, write_target},
        wait,
    },
};

/// Points that are written, and later deleted, together.
const BATCH: i64 = 20;
/// Batches that wait to be deleted, so that they lie in memory, in a file, or in several.
const MAX_LAG: usize = 40;
/// Makes flushes frequent; below InfluxDB's limit for a string.
const PADDING: usize = 500;
/// Time between two tries.
const RETRY: Duration = Duration::from_millis(20);
/// 2026-01-01, in nanoseconds.
const START: i64 = 1_767_225_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;

/// Running clients.
#[derive(Debug)]
pub(super) struct Removers {
    stop: Arc<AtomicBool>,
    deleter: JoinHandle<Removed>,
    expirer: JoinHandle<Removed>,
}

/// What was taken away, as far as it was acknowledged or seen.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Removed {
    /// Statements, or policies whose expired points were seen to be gone.
    pub(super) times: usize,
    /// Points.
    pub(super) points: usize,
}

impl Removers {
    /// Starts one of each kind on `db`; `now` is the time, in nanoseconds since the Unix epoch.
    pub(super) fn start(client: &Client, db: &str, ledger: &Arc<Ledger>, seed: u64, now: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let remover = || Remover {
            client: client.clone(),
            db: db.to_owned(),
            ledger: Arc::clone(ledger),
            stop: Arc::clone(&stop),
            removed: Removed::default(),
        };
        let (deleter, expirer) = (remover(), remover());
        Self {
            deleter: thread::spawn(move || deleter.delete_all_the_time(Random(seed))),
            expirer: thread::spawn(move || expirer.expire_all_the_time(now)),
            stop,
        }
    }

    /// Lets both finish their try; what was deleted, and what expired.
    pub(super) fn finish(self) -> (Removed, Removed) {
        self.stop.store(true, Ordering::SeqCst);
        let end = |remover: JoinHandle<Removed>| remover.join().expect("nothing valid is refused");
        (end(self.deleter), end(self.expirer))
    }
}

struct Remover {
    client: Client,
    db: String,
    ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    removed: Removed,
}

/// Told to stop before it was done.
struct Stopped;

impl Remover {
    fn delete_all_the_time(mut self, mut random: Random) -> Removed {
        let mut waiting = VecDeque::new();
        for number in 1.. {
            waiting.push_back(number);
            let target = write_target(&self.db);
            let mut cycle = || {
                self.write(&target, &batch(number))?;
                let lag = random.below(MAX_LAG);
                while waiting.len() > lag {
                    let due = waiting.pop_front().expect("it is longer than that");
                    self.delete(&target, due)?;
                }
                Ok(())
            };
            if let Err(Stopped) = cycle() {
                break;
            }
        }
        self.removed
    }

    /// Deletes a batch, or half of it, and writes one of its points again.
    fn delete(&mut self, target: &str, number: i64) -> Result<(), Stopped> {
        let points = batch(number);
        let Key {
            measurement, writer, ..
        } = &points[0].key;
        let middle = START + number * BATCH + BATCH / 2;
        let (statement, before) = match number % 4 {
            0 => (format!("DROP MEASUREMENT {measurement}"), i64::MAX),
            1 => (
                format!("DROP SERIES FROM {measurement} WHERE writer = '{writer}'"),
                i64::MAX,
            ),
            2 => (
                format!("DELETE FROM {measurement} WHERE writer = '{writer}' AND time < {middle}"),
                middle,
            ),
            _ => (format!("DELETE FROM {measurement} WHERE writer = '{writer}'"), i64::MAX),
        };
        let selects = |key: &Key| key.measurement == *measurement && key.writer == *writer && key.time < before;
        self.ledger.deleting(selects);
        self.statement(&statement)?;
        self.removed.times += 1;
        self.removed.points += self.ledger.deleted(selects);
        let again = Point {
            value: points[0].value + 1,
            ..points[0].clone()
        };
        self.write(target, &[again])
    }

    fn expire_all_the_time(mut self, now: i64) -> Removed {
        for number in 1.. {
            if let Err(Stopped) = self.expire(number, now) {
                break;
            }
        }
        self.removed
    }

    /// Writes old and recent points under a policy of its own, shortens it, and waits until the old ones are gone.
    fn expire(&mut self, number: u32, now: i64) -> Result<(), Stopped> {
        let (measurement, policy) = (format!("e{number}"), format!("p{number}"));
        let on = format!("RETENTION POLICY {policy} ON {}", self.db);
        let target = format!("{}&rp={policy}", write_target(&self.db));
        let point = |time| Point {
            key: Key {
                measurement: measurement.clone(),
                writer: "expirer".to_owned(),
                time,
            },
            value: 1,
        };
        self.statement(&format!("CREATE {on} DURATION 96h REPLICATION 1 SHARD DURATION 1h"))?;
        let old: Vec<Point> = (0..BATCH).map(|n| point(now - 50 * HOUR + n * 20 * MINUTE)).collect();
        let recent: Vec<Point> = (0..BATCH).map(|n| point(now - HOUR + n * MINUTE)).collect();
        self.write(&target, &[&old[..], &recent[..]].concat())?;
        let is_old = |key: &Key| key.measurement == measurement && key.time < now - 10 * HOUR;
        self.ledger.deleting(is_old);
        self.statement(&format!("ALTER {on} DURATION 3h"))?;
        self.write_beyond(&target, &point(now - 60 * HOUR), &point(now - 30 * MINUTE + 1))?;
        self.repeat(|this| {
            let result = this.ask(&format!("SELECT count(v) FROM {policy}.{measurement}"))?;
            let count = &result["series"][0]["values"][0][1];
            assert!(count.as_i64() > Some(BATCH), "{result}");
            (*count == BATCH + 1).then_some(())
        })?;
        self.removed.times += 1;
        self.removed.points += self.ledger.deleted(is_old);
        // prolonged again, the policy before this one brings nothing back
        match number {
            1 => Ok(()),
            _ => self.statement(&format!(
                "ALTER RETENTION POLICY p{} ON {} DURATION 96h",
                number - 1,
                self.db
            )),
        }
    }

    /// Writes one point that is older than the policy allows, and one that is not.
    fn write_beyond(&mut self, target: &str, beyond: &Point, recent: &Point) -> Result<(), Stopped> {
        self.ledger.sending(std::slice::from_ref(recent));
        let body = format!("{}\n{}\n", beyond.line(), recent.line());
        self.repeat(|this| {
            let answer = this.post(target, &body)?;
            assert!(matches!(answer.status, 400 | 500..), "{}", answer.text());
            let is_told = answer
                .text()
                .contains("partial write: points beyond retention policy dropped=1");
            assert!(answer.status != 400 || is_told, "{}", answer.text());
            is_told.then_some(())
        })?;
        self.ledger.acknowledged(std::slice::from_ref(recent));
        Ok(())
    }

    fn write(&mut self, target: &str, points: &[Point]) -> Result<(), Stopped> {
        self.ledger.sending(points);
        let padding = format!(",pad=\"{}\"", "x".repeat(PADDING));
        let body: String = points.iter().map(|point| point.padded(&padding) + "\n").collect();
        self.repeat(|this| {
            let answer = this.post(target, &body)?;
            assert!(!(400..500).contains(&answer.status), "{}", answer.text());
            (answer.status == 204).then_some(())
        })?;
        self.ledger.acknowledged(points);
        Ok(())
    }

    fn statement(&mut self, text: &str) -> Result<(), Stopped> {
        self.repeat(|this| this.ask(text).map(drop))
    }

    /// The first result, when it is no error.
    fn ask(&self, statement: &str) -> Option<Value> {
        let answer = self.post(&query_target(&self.db, statement), "")?;
        let result = answer.json()["results"][0].take();
        (answer.status == 200 && result.is_object() && result["error"].is_null()).then_some(result)
    }

    fn post(&self, target: &str, body: &str) -> Option<Response> {
        self.client.request("POST", target, &[], body.as_bytes()).ok()
    }

    fn repeat<T>(&mut self, mut attempt: impl FnMut(&Self) -> Option<T>) -> Result<T, Stopped> {
        while !self.stop.load(Ordering::SeqCst) {
            if let Some(done) = attempt(self) {
                return Ok(done);
            }
            wait::pause(RETRY);
        }
        Err(Stopped)
    }
}

/// One series; every fourth has a measurement of its own.
fn batch(number: i64) -> Vec<Point> {
    let measurement = match number % 4 {
        0 => format!("d{number}"),
        kind => format!("d{kind}"),
    };
    let point = |n| Point {
        key: Key {
            measurement: measurement.clone(),
            writer: format!("b{number}"),
            time: START + number * BATCH + n,
        },
        value: number,
    };
    (0..BATCH).map(point).collect()
}

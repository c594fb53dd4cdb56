//! Promise 3: a backend that is stopped, slow or dead costs nobody else anything, and catches up when it returns.

use std::time::Duration;

use super::{
    fleet::{BACKENDS, DB, Fleet},
    ledger::{Key, Ledger, Point},
    schedule::{Breakage, Step},
};
use crate::support::{
    self,
    http::{Client, Connection, query_target, write_target},
    wait::{self, Instant},
};

/// The backend that is broken: one in the second circle, so that the first still holds everything.
const VICTIM: usize = BACKENDS - 1;

/// Enough measurements that each backend owns some, whatever the placement.
const MEASUREMENTS: usize = 16;

/// The median of so many runs is compared, as single runs suffer from the machine.
const RUNS: usize = 5;

/// What a broken backend may add to the 99th percentile when twice the healthy one is less.
const ALLOWANCE: Duration = Duration::from_millis(20);

/// Until it is known that a backend does not answer, reads of what it owns may wait for it.
const DETECTION: Duration = Duration::from_secs(10);

/// What the server needs beside its memory budget: code, threads, allocator.
const MEMORY_ALLOWANCE: u64 = 128 << 20;

/// The memory budget that the fleet is started with.
const MEMORY_BUDGET: u64 = 64 << 20;

#[test]
fn stopped_backend_hurts_nobody_else() {
    check(Breakage::Stopped);
}

#[test]
fn slow_backend_hurts_nobody_else() {
    check(Breakage::Slow(Duration::from_secs(1)));
}

#[test]
fn dead_backend_hurts_nobody_else() {
    check(Breakage::Killed);
}

#[test]
fn partitioned_backend_hurts_nobody_else() {
    check(Breakage::Partitioned);
}

fn check(breakage: Breakage) {
    let mut fleet = Fleet::start();
    let ledger = Ledger::default();
    let mut probe = Probe::start(&fleet, &ledger);
    let healthy = probe.latencies();

    fleet.apply(Step::Break(VICTIM, breakage));
    let broken = probe.latencies();
    println!("{breakage:?}: healthy {healthy:?}, broken {broken:?}");
    for (healthy, broken) in [(healthy.write, broken.write), (healthy.query, broken.query)] {
        assert!(
            broken <= (2 * healthy).max(healthy + ALLOWANCE),
            "{breakage:?}: p99 {healthy:?} became {broken:?}"
        );
    }
    probe.read_everything_of_the_victim();
    probe.write_much_to_the_victim();
    let peak = fleet.gyre.process().peak_bytes();
    assert!(
        peak <= MEMORY_BUDGET + MEMORY_ALLOWANCE,
        "{breakage:?}: {} MiB",
        peak >> 20
    );

    fleet.apply(Step::Mend(VICTIM));
    fleet.assert_complete(&ledger);
}

/// 99th percentiles.
#[derive(Debug, Clone, Copy)]
struct Latencies {
    write: Duration,
    query: Duration,
}

/// One client that knows which measurements the victim owns.
struct Probe<'a> {
    client: Client,
    connection: Connection,
    ledger: &'a Ledger,
    victims: Vec<String>,
    others: Vec<String>,
    next: i64,
}

impl<'a> Probe<'a> {
    /// Writes a point to each measurement, and sees where it went.
    fn start(fleet: &Fleet, ledger: &'a Ledger) -> Self {
        let client = fleet.gyre.client();
        let connection = client.connect().expect("gyre accepts connections");
        let all: Vec<String> = (0..MEASUREMENTS).map(|n| format!("m{n}")).collect();
        let mut probe = Self {
            client,
            connection,
            ledger,
            victims: Vec::new(),
            others: Vec::new(),
            next: 1,
        };
        all.iter().for_each(|measurement| probe.write(measurement));
        fleet.assert_complete(ledger);
        let shown = fleet.backend(VICTIM).query(DB, "SHOW MEASUREMENTS");
        let rows = shown["results"][0]["series"][0]["values"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let owned = |name: &String| rows.iter().any(|row| row[0] == name.as_str());
        (probe.victims, probe.others) = all.into_iter().partition(owned);
        assert!(
            !probe.victims.is_empty() && !probe.others.is_empty(),
            "placement puts all on one backend"
        );
        probe
    }

    fn latencies(&mut self) -> Latencies {
        Latencies {
            write: self.median_p99(Self::write),
            query: self.median_p99(Self::query),
        }
    }

    /// Over measurements that the victim does not own.
    fn median_p99(&mut self, operation: impl Fn(&mut Self, &str)) -> Duration {
        let samples = if support::long() { 1000 } else { 100 };
        let others = self.others.clone();
        let mut runs: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let measurements = others.iter().cycle().take(samples);
                let mut times: Vec<Duration> = measurements
                    .map(|measurement| {
                        let start = Instant::now();
                        operation(self, measurement);
                        start.elapsed()
                    })
                    .collect();
                times.sort();
                times[samples * 99 / 100 - 1]
            })
            .collect();
        runs.sort();
        runs[RUNS / 2]
    }

    /// Its replica in the other circle has everything.
    fn read_everything_of_the_victim(&mut self) {
        let target = query_target(DB, &format!("SELECT count(v) FROM {}", self.victims[0]));
        wait::until("what a broken backend owns can be read", DETECTION, || {
            let answer = self.client.request("POST", &target, &[], b"").ok()?;
            (answer.status == 200 && answer.json()["results"][0]["series"].is_array()).then_some(())
        });
    }

    /// More than may be kept in memory, when there is time for it.
    fn write_much_to_the_victim(&mut self) {
        let megabytes = if support::long() { 400 } else { 32 };
        let padding = format!(",pad=\"{}\"", "x".repeat(60_000));
        for n in 0..megabytes * 16 {
            let measurement = self.victims[n % self.victims.len()].clone();
            self.write_padded(&measurement, &padding);
        }
    }

    fn write(&mut self, measurement: &str) {
        self.write_padded(measurement, "");
    }

    fn write_padded(&mut self, measurement: &str, more_fields: &str) {
        let key = Key {
            measurement: measurement.to_owned(),
            writer: "probe".to_owned(),
            time: self.next,
        };
        let point = [Point { key, value: self.next }];
        self.next += 1;
        self.ledger.sending(&point);
        let line = point[0].padded(more_fields);
        let answer = self
            .connection
            .send("POST", &write_target(DB), &[], line.as_bytes())
            .expect("writes are answered");
        assert_eq!(answer.status, 204, "{}", answer.text());
        self.ledger.acknowledged(&point);
    }

    fn query(&mut self, measurement: &str) {
        let target = query_target(DB, &format!("SELECT last(v) FROM {measurement}"));
        let answer = self
            .connection
            .send("POST", &target, &[], b"")
            .expect("queries are answered");
        assert!(
            answer.status == 200 && answer.json()["results"][0]["series"].is_array(),
            "{}",
            answer.text()
        );
    }
}

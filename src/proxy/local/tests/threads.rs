//! Threads of an embedded backend that die: nothing acknowledged is lost, and somebody hears of it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use super::{
    super::{Applier, ApplierParts, Local},
    pool,
};
use crate::{
    base::{BackendId, CircleId, Clock, SystemClock, TimestampNs},
    config,
    journal::{
        Journal,
        fs::{HookedFs, MemFs, Op},
    },
    obs::BackendMetrics,
    proxy::{
        ack::Note,
        dead_letters::DeadLetters,
        fleet::{Backend, Condition},
        record::{Builder, Kind},
        testing::options,
    },
    query::influxql::Limits,
    tsdb::{self, Engine},
};

const ID: BackendId = BackendId(1);
/// More than anything here takes, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// One life of a backend over disks that outlive it.
struct Life {
    parts: ApplierParts,
    applier: Applier,
}

/// What survives a life: the journal, and the engine's disk.
struct Disks {
    journal: Journal<Note>,
    letters: DeadLetters,
    engine: HookedFs,
}

impl Disks {
    fn new() -> Self {
        let fs = Arc::new(MemFs::new());
        let (journal, _) = Journal::open(Arc::clone(&fs) as _, Path::new("/journal"), options()).unwrap();
        Self {
            journal,
            letters: DeadLetters::open(fs, Path::new("/dead-letters"), options()).unwrap(),
            engine: HookedFs::default(),
        }
    }

    /// Opens the engine, which flushes whenever it has points, and starts its threads.
    fn live(&self) -> Life {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let options = tsdb::Options {
            memtable_bytes: 1,
            ..tsdb::Options::default()
        };
        let fs = Arc::new(self.engine.clone());
        let (engine, recovery) = Engine::open(fs, Path::new("/engine"), options, Arc::clone(&clock)).unwrap();
        assert_eq!(recovery.damaged, []);
        let config = config::parse(Path::new("gyre.toml"), "", []).unwrap();
        let local = Arc::new(Local::new(engine, Arc::clone(&clock), pool(), Limits::default()));
        let condition = Condition::default();
        // every record may be its own
        condition.note_owned(u64::MAX);
        let parts = ApplierParts {
            backend: Arc::new(Backend {
                id: ID,
                circle: CircleId(0),
                config: config.circles[0].backends[0].clone(),
                local: Some(Arc::clone(&local)),
                address: ArcSwapOption::empty(),
                condition,
            }),
            local,
            journal: self.journal.clone(),
            dead_letters: self.letters.clone(),
            clock,
            metrics: BackendMetrics::default(),
            retention_check: config.embedded.retention_check,
            restarts: Counter::default(),
        };
        let applier = Applier::start(&parts).unwrap();
        Life { parts, applier }
    }

    fn append(&self, kind: Kind, text: &str) {
        let mut record = Builder::new(kind, TimestampNs(0), &[ID], "db", "", 0).unwrap();
        match kind {
            Kind::Lines => text.lines().for_each(|line| record.push_complete_line(line.as_bytes())),
            Kind::Statement => record.push_statement(text),
        }
        let commit = self.journal.append(Bytes::from(record.finish()), None).unwrap();
        commit.wait().unwrap();
    }

    /// The next `times` times that this is done to the engine's files, the thread dies.
    fn panic_at(&self, op: Op, times: u32) {
        let left = AtomicU32::new(times);
        self.engine.set_hook(move |doing| {
            let one_less = |left: u32| left.checked_sub(u32::from(doing == op));
            let is_over = left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                .is_err();
            assert!(doing != op || is_over, "the test lets this thread die");
        });
    }

    /// A database, and points at the times 0 to 9.
    fn fill(&self) {
        self.append(Kind::Statement, "CREATE DATABASE db");
        self.append(
            Kind::Lines,
            &(0..10).map(|n| format!("m v={n} {n}\n")).collect::<String>(),
        );
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        drop(self.letters.close());
        drop(self.journal.close());
    }
}

impl Life {
    fn is_durable(&self) -> bool {
        self.parts.journal.cursor(ID.0) == Some(self.parts.journal.committed())
    }

    fn is_out(&self) -> bool {
        !self.parts.backend.condition.is_alive()
    }

    fn count(&self) -> String {
        String::from_utf8(self.parts.local.answer("db", "SELECT count(v) FROM m")).unwrap()
    }

    fn end(self) {
        self.applier.stop(&self.parts);
    }
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = SystemClock::new();
    let (_open, silent) = mpsc::channel::<()>();
    while !is_so() {
        assert!(clock.elapsed() < PATIENCE, "{what}");
        let _nobody_sends = silent.recv_timeout(Duration::from_millis(2));
    }
}

#[test]
fn a_keeper_that_panics_is_restarted_and_counted() {
    let disks = Disks::new();
    let life = disks.live();
    disks.panic_at(Op::Create, 3);
    disks.fill();
    until("flushed after all", || life.is_durable());
    assert_eq!(life.parts.restarts.get(), 3);
    assert!(!life.is_out());
    life.end();
}

#[test]
fn a_keeper_that_dies_while_it_commits_takes_the_backend_out() {
    let disks = Disks::new();
    let life = disks.live();
    disks.panic_at(Op::Rename, 1);
    disks.fill();
    until("the backend is out", || life.is_out());
    assert_eq!(life.parts.restarts.get(), 0);
    assert!(matches!(life.parts.local.engine.flush(), Err(tsdb::Error::Broken)));
    assert!(!life.is_durable());
    life.end();
    let life = disks.live();
    assert!(life.count().contains(",10]"), "{}", life.count());
    life.end();
}

#[test]
fn an_applier_that_dies_makes_nothing_durable_and_loses_nothing() {
    let disks = Disks::new();
    let life = disks.live();
    disks.fill();
    until("flushed", || life.is_durable());
    let durable = life.parts.local.engine.checkpoint();
    disks.append(Kind::Statement, "DELETE FROM m WHERE time < 3");
    until("applied", || {
        life.parts.backend.condition.has_reached(disks.journal.committed())
    });
    // with both ends deleted the file is read to see whether a row is left, in the middle of the change
    disks.panic_at(Op::Read, 1);
    disks.append(Kind::Statement, "DELETE FROM m WHERE time > 6");
    disks.append(Kind::Lines, "m v=1 100");
    until("the backend is out", || life.is_out());
    assert!(matches!(life.parts.local.engine.flush(), Err(tsdb::Error::Broken)));
    let local = Arc::clone(&life.parts.local);
    life.end();
    assert_eq!(local.engine.checkpoint(), durable);
    let life = disks.live();
    assert!(life.count().contains(",5]"), "{}", life.count());
    until("flushed", || life.is_durable());
    life.end();
}

#[test]
fn expired_data_are_gone_before_the_first_query() {
    let disks = Disks::new();
    disks.append(Kind::Statement, "CREATE DATABASE db WITH DURATION 1h");
    disks.append(Kind::Lines, "m v=1 0");
    let life = disks.live();
    assert!(!life.count().contains("series"), "{}", life.count());
    life.end();
}

//! Applies the journal to the embedded engine.
//!
//! Two threads: one applies records as they are committed, one keeps the engine in shape, see [`super::keeper`]. Both
//! end with the applier; what was not flushed then is applied again from the journal at the next start.
//!
//! When the applying thread dies, the backend is out until a restart: a record may be half applied, so nothing of the
//! engine is made durable any more, and the journal keeps what was acknowledged.
//!
//! Snapshots are taken by the thread that applies, so that they hold exactly the records up to one of them, see
//! [`super::cut`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use crate::{
    base::Clock,
    influx::result::Response,
    journal::{self, Entry, Journal, Seq, Start},
    obs::BackendMetrics,
};

use super::{
    super::{
        ack::{Note, Refusal},
        dead_letters::{DeadLetters, Letter},
        fleet::Backend,
        record::{Kind, Record},
    },
    Local, encode, keeper,
};

/// Read at once.
const STEP_BYTES: usize = 4 << 20;
/// How often it is looked whether to stop when no record comes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Wait after a failure of the journal or the disk.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What an applier works with.
#[derive(Debug, Clone)]
pub struct ApplierParts {
    /// Whose records are applied.
    pub backend: Arc<Backend>,
    /// The engine.
    pub local: Arc<Local>,
    /// The process's journal.
    pub journal: Journal<Note>,
    /// Takes what is refused when nobody can be told.
    pub dead_letters: DeadLetters,
    /// Stamps dead letters, and tells what has expired.
    pub clock: Arc<dyn Clock>,
    /// Counts what is applied.
    pub metrics: BackendMetrics,
    /// Time between two looks for expired data.
    pub retention_check: Duration,
    /// Counts the restarts of the thread that keeps the engine in shape.
    pub restarts: Counter,
}

/// The running threads.
#[derive(Debug)]
pub struct Applier {
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    wake: mpsc::Sender<()>,
}

impl Applier {
    /// Registers the engine's place with the journal, applies all that is committed, drops what has expired, and starts
    /// the threads. Reads files: not for an async thread.
    ///
    /// # Errors
    /// When the journal cannot be read, or the threads cannot be started.
    pub fn start(parts: &ApplierParts) -> Result<Self, journal::Error> {
        let applied = parts.catch_up()?;
        // what was dropped just before a crash was seen to be gone, and must not be seen again
        keeper::enforce_retention(parts);
        parts.backend.condition.set_alive(true);
        let stopping = Arc::new(AtomicBool::new(false));
        let (wake, woken) = mpsc::channel();
        let applying = (parts.clone(), Arc::clone(&stopping), wake.clone());
        let keeping = (parts.clone(), Arc::clone(&stopping));
        let cannot_start = || journal::Error::io("cannot start a thread of", "the embedded engine");
        let threads = vec![
            thread("applier", move || {
                applying.0.apply_all(applied, &applying.1, &applying.2)
            })
            .map_err(cannot_start())?,
            thread("keeper", move || keeper::run(&keeping.0, &woken, &keeping.1)).map_err(cannot_start())?,
        ];
        Ok(Self {
            stopping,
            threads,
            wake,
        })
    }

    /// Ends the threads after what they are doing and flushes, unless the applier had died. Blocks.
    pub fn stop(self, parts: &ApplierParts) {
        self.stopping.store(true, Ordering::Release);
        // A thread that has ended already needs no waking.
        let _heard = self.wake.send(());
        let ended: Vec<_> = self.threads.into_iter().map(JoinHandle::join).collect();
        if ended.iter().all(Result::is_ok) {
            keeper::flush(parts);
        } else {
            tracing::error!(backend = %parts.backend.config.name, "applier had died: nothing is flushed, the next start applies the journal again");
        }
    }
}

/// Takes the backend out when the thread that applies its records dies: it would answer from ever older data. However
/// the thread ends, nobody waits for a snapshot in vain.
struct Standing<'a>(&'a ApplierParts, &'a AtomicBool);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.local.cut.close();
        if std::thread::panicking() {
            self.0.take_out(self.1);
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

impl ApplierParts {
    /// Ends both threads and has nobody ask the backend; the journal goes on keeping what was acknowledged.
    pub(super) fn take_out(&self, stopping: &AtomicBool) {
        stopping.store(true, Ordering::Release);
        self.backend.condition.set_alive(false);
        tracing::error!(backend = %self.backend.config.name, "embedded engine died: the backend is out until a restart");
    }

    fn apply_all(&self, mut applied: Seq, stopping: &AtomicBool, keeper: &mpsc::Sender<()>) {
        let _out_when_it_dies = Standing(self, stopping);
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
            tracing::error!("no runtime for the applier: the embedded engine stands still");
            return self.backend.condition.set_alive(false);
        };
        let mut committed = self.journal.subscribe();
        self.local.cut.open();
        while !stopping.load(Ordering::Acquire) {
            let more = async {
                tokio::select! {
                    _ = committed.wait_for(|seq| *seq > applied) => {}
                    () = self.local.cut.wanted() => {}
                }
            };
            // In time or not, there may be something to do.
            let _more = runtime.block_on(async { tokio::time::timeout(LOOK_EVERY, more).await.is_ok() });
            self.snapshot_if_due(applied);
            while applied < self.journal.committed() && !stopping.load(Ordering::Acquire) {
                match self.step(applied) {
                    Ok(through) => applied = through,
                    Err(error) => {
                        tracing::error!(backend = %self.backend.config.name, %error, "records not applied: trying again");
                        runtime.block_on(tokio::time::sleep(RETRY_AFTER));
                    }
                }
                if self.local.engine.maintenance_due().flush {
                    // The keeper ends with the applier only.
                    let _heard = keeper.send(());
                }
            }
        }
    }

    /// Registers the engine's place with the journal and applies all that is committed; answers how far it came.
    pub(super) fn catch_up(&self) -> Result<Seq, journal::Error> {
        self.journal.register(self.backend.id.0, Start::Oldest);
        let mut applied = self.local.engine.checkpoint();
        self.journal.number_after(applied);
        // After an orderly stop there is no step to say so, and queries would wait for one.
        self.backend.condition.note_applied(applied);
        while applied < self.journal.committed() {
            applied = self.step(applied)?;
        }
        Ok(applied)
    }

    /// Applies some records after `applied`, none beyond a cut; answers how far it came.
    pub(super) fn step(&self, applied: Seq) -> Result<Seq, journal::Error> {
        let id = self.backend.id;
        let mut is_ours = |bytes: &[u8]| Record::read(bytes).map_or(true, |record| record.is_owned_by(id));
        let read = || self.journal.read(applied, STEP_BYTES, &mut is_ours);
        let batch = self.local.cut.while_reading(read)?;
        for entry in &batch.entries {
            self.apply(entry)?;
        }
        self.local.engine.pass(batch.scanned_to);
        self.backend.condition.note_applied(batch.scanned_to);
        self.journal.note_read(id.0, batch.scanned_to);
        self.snapshot_if_due(batch.scanned_to);
        Ok(batch.scanned_to)
    }

    /// Takes the snapshot of a cut that was reached; writes to this backend wait as long as the flush takes.
    fn snapshot_if_due(&self, applied: Seq) {
        let Some(answer) = self.local.cut.take_due(applied) else {
            return;
        };
        let snapshot = self.local.engine.snapshot();
        if let Ok(snapshot) = &snapshot {
            self.journal.advance(self.backend.id.0, snapshot.checkpoint());
        }
        // Who asked may have left; then it is dropped.
        let _heard = answer.send(snapshot);
    }

    fn apply(&self, entry: &Entry<Note>) -> Result<(), journal::Error> {
        let Ok(record) = Record::read(&entry.payload) else {
            return self.bury(("", ""), "not a record of this version", &entry.payload, 1);
        };
        match record.kind {
            Kind::Lines => self.apply_lines(entry, &record),
            Kind::Statement => {
                let result = self
                    .local
                    .change(entry.seq, record.db, &String::from_utf8_lossy(record.body));
                if let Some(note) = &entry.note {
                    let answer = Response {
                        results: vec![result],
                        error: None,
                    };
                    note.applied(self.backend.id, Some(Bytes::from(encode(&answer))));
                }
                Ok(())
            }
        }
    }

    fn apply_lines(&self, entry: &Entry<Note>, record: &Record<'_>) -> Result<(), journal::Error> {
        let refusal =
            match self
                .local
                .engine
                .write_at(entry.seq, record.accepted, record.db, record.policy, record.body)
            {
                Ok(outcome) => {
                    self.metrics.delivered_points.inc_by(outcome.written);
                    outcome
                        .partial_write()
                        .map(|text| (Refusal { status: 400, text }, outcome.dropped))
                }
                Err(error) => {
                    let status = if matches!(error, crate::tsdb::Error::WriteToUnknownDatabase(_)) {
                        404
                    } else {
                        500
                    };
                    let text = error.to_string();
                    Some((Refusal { status, text }, u64::from(record.points)))
                }
            };
        match (refusal, &entry.note) {
            (None, Some(note)) => note.applied(self.backend.id, None),
            (Some((refusal, _)), Some(note)) if note.refused(&refusal) => {}
            (Some((refusal, dropped)), _) => {
                // Which of the lines were refused is not said: the whole record is kept, and can be replayed as it is.
                self.bury((record.db, record.policy), &refusal.text, record.body, dropped)?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn bury(&self, target: (&str, &str), reason: &str, lines: &[u8], points: u64) -> Result<(), journal::Error> {
        let letter = Letter::new(self.clock.now(), &self.backend.config.name, target, reason, lines);
        self.dead_letters.keep_now(&letter)?;
        self.metrics.dead_letters.inc_by(points);
        tracing::warn!(backend = %self.backend.config.name, db = target.0, points, reason, "points refused for good: kept as dead letters");
        Ok(())
    }
}

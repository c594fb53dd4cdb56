//! One life of a process: a journal, and embedded backends whose threads take their steps when they are told.

use std::{collections::BTreeSet, error::Error, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;

use crate::{
    base::{BackendId, CircleId, Clock, ManualClock},
    config::{self, Config},
    journal::{
        self, Journal, OnDamage, Seq, SyncMode,
        fs::{Fs, Machine},
    },
    obs::BackendMetrics,
    proxy::{
        ack::Note,
        dead_letters::{DeadLetters, Numbered},
        fleet::{Backend, Condition},
    },
    query::influxql::Limits,
    tsdb::{
        Engine,
        tests::{
            dump::{Dump, dump},
            options,
        },
    },
};

use super::{
    super::{ApplierParts, Local, keeper},
    pool,
    sent::Content,
};

/// What goes wrong when the power fails, or else must not.
pub(super) type Failure = Box<dyn Error>;

/// A running process. Dropped, its power fails.
pub(super) struct Life {
    machine: Machine,
    clock: ManualClock,
    journal: Journal<Note>,
    dead_letters: DeadLetters,
    members: Vec<Member>,
}

/// An embedded backend, and how far it has applied the journal.
struct Member {
    parts: ApplierParts,
    applied: Seq,
}

impl Life {
    /// Opens the logs and the engines; nothing is applied yet.
    pub(super) fn open(
        machine: &Machine,
        clock: &ManualClock,
        config: &Config,
        sync: SyncMode,
    ) -> Result<Self, Failure> {
        let fs: Arc<dyn Fs> = Arc::new(machine.clone());
        let (journal, recovery) = Journal::open(Arc::clone(&fs), Path::new("/data/journal"), journal_options(sync))?;
        assert!(recovery.lost.is_empty() && !recovery.cursors_lost, "{recovery:?}");
        let dead_letters = DeadLetters::open(
            Arc::clone(&fs),
            Path::new("/data/dead-letters"),
            journal_options(SyncMode::Always),
        )
        .inspect_err(|_| drop(journal.close()))?;
        let mut life = Self {
            machine: machine.clone(),
            clock: clock.clone(),
            journal,
            dead_letters,
            members: Vec::new(),
        };
        let mut ids = 1..;
        for (circle, known) in (0..).map(CircleId).zip(&config.circles) {
            for (config, id) in known.backends.iter().zip(&mut ids) {
                let member = life.join(&fs, BackendId(id), circle, config)?;
                life.members.push(member);
            }
        }
        Ok(life)
    }

    fn join(
        &self,
        fs: &Arc<dyn Fs>,
        id: BackendId,
        circle: CircleId,
        config: &config::Backend,
    ) -> Result<Member, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let dir = Path::new("/data/tsdb").join(id.to_string());
        let (engine, recovery) = Engine::open(Arc::clone(fs), &dir, options(), Arc::clone(&clock))?;
        assert!(
            recovery.damaged.is_empty() && recovery.nameless_series == 0,
            "{recovery:?}"
        );
        let local = Arc::new(Local::new(engine, Arc::clone(&clock), pool(), Limits::default()));
        let backend = Backend {
            id,
            circle,
            config: config.clone(),
            local: Some(Arc::clone(&local)),
            address: ArcSwapOption::empty(),
            condition: Condition::default(),
        };
        let parts = ApplierParts {
            backend: Arc::new(backend),
            local,
            journal: self.journal.clone(),
            dead_letters: self.dead_letters.clone(),
            clock,
            metrics: BackendMetrics::default(),
            retention_check: Duration::MAX,
            restarts: Counter::default(),
        };
        Ok(Member { parts, applied: 0 })
    }

    /// Has every backend apply all that is committed, as at a start.
    pub(super) fn catch_up(&mut self) -> Result<(), Failure> {
        for member in &mut self.members {
            member.applied = member.parts.catch_up()?;
        }
        Ok(())
    }

    /// Appends records with one write and one sync; answers when they are acknowledged.
    pub(super) fn append(&self, records: Vec<(Bytes, Option<Arc<Note>>)>) -> Result<(), Failure> {
        self.journal.append_all(records)?.wait()?;
        Ok(())
    }

    /// Has one backend apply what is committed.
    pub(super) fn apply(&mut self, member: usize) -> Result<(), Failure> {
        let member = &mut self.members[member];
        while member.applied < self.journal.committed() {
            member.applied = member.parts.step(member.applied)?;
        }
        Ok(())
    }

    /// Has every backend apply what is committed.
    pub(super) fn apply_all(&mut self) -> Result<(), Failure> {
        (0..self.members.len()).try_for_each(|member| self.apply(member))
    }

    /// Flushes one backend, so that the journal may forget what it has applied.
    pub(super) fn flush(&self, member: usize) -> Result<(), Failure> {
        let Member { parts, applied } = &self.members[member];
        keeper::flush(parts);
        let cursor = self.journal.cursor(parts.backend.id.0);
        self.expect(cursor == Some(*applied), "a flush covers all that was applied")
    }

    /// Flushes the backends for which that is due, though there is no lull.
    pub(super) fn keep(&self) -> Result<(), Failure> {
        let is_due = |member: &usize| keeper::is_flush_due(&self.members[*member].parts);
        let mut due = (0..self.members.len()).filter(is_due);
        due.try_for_each(|member| self.flush(member))
    }

    /// Compacts what can be compacted.
    pub(super) fn compact(&self, member: usize) -> Result<(), Failure> {
        let parts = &self.members[member].parts;
        keeper::compact(parts, &false.into());
        let is_done = !parts.local.engine.maintenance_due().compaction;
        self.expect(is_done, "all is compacted")
    }

    /// Makes the cursors durable and deletes what everybody has passed.
    pub(super) fn save_cursors(&self) -> Result<(), Failure> {
        Ok(self.journal.save_cursors()?)
    }

    /// Enforces retention on every backend.
    pub(super) fn enforce_retention(&self) -> Result<(), Failure> {
        for Member { parts, .. } in &self.members {
            parts.local.engine.enforce_retention(self.clock.now())?;
        }
        Ok(())
    }

    /// Stops in order.
    pub(super) fn stop(self) -> Result<(), Failure> {
        (0..self.members.len()).try_for_each(|member| self.flush(member))?;
        self.journal.close()?;
        Ok(self.dead_letters.close()?)
    }

    /// What each circle holds, all its backends together.
    pub(super) fn circles(&self) -> Result<Vec<Dump>, Failure> {
        self.expect(true, "files can be read")?;
        let ids: BTreeSet<CircleId> = self.members.iter().map(|member| member.parts.backend.circle).collect();
        Ok(ids.into_iter().map(|circle| self.circle(circle)).collect())
    }

    fn circle(&self, circle: CircleId) -> Dump {
        let members = self
            .members
            .iter()
            .filter(|member| member.parts.backend.circle == circle);
        let dumps = members.map(|member| dump(&member.parts.local.engine));
        let joined = dumps.reduce(|mut all, one| {
            assert_eq!(all.databases, one.databases, "every backend has every database");
            all.series.extend(one.series);
            all.fields.extend(one.fields);
            all.points.extend(one.points);
            all
        });
        joined.expect("no circle is empty")
    }

    /// What could not be delivered and nobody was told of.
    pub(super) fn letters(&self) -> Result<BTreeSet<Content>, Failure> {
        let letters = self.dead_letters.list(0, usize::MAX)?;
        let content = |Numbered { letter, .. }| (letter.db, letter.policy, letter.lines);
        Ok(letters.into_iter().map(content).collect())
    }

    /// An error when the power has failed meanwhile, which is the one excuse.
    fn expect(&self, is_so: bool, what: &str) -> Result<(), Failure> {
        if self.machine.has_failed() {
            return Err("the power is off".into());
        }
        assert!(is_so, "{what}");
        Ok(())
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.machine.fail();
        // Only the threads are ended: the disk is off.
        drop(self.journal.close());
        drop(self.dead_letters.close());
    }
}

/// Two backends in one circle, one in another.
pub(super) fn two_circles() -> Config {
    let circle = |name: &str| format!("[[circles]]\nname = \"{name}\"\n");
    let backend = |name: &str| format!("[[circles.backends]]\nname = \"{name}\"\nurl = \"embedded:\"\n");
    let text = [circle("x"), backend("x1"), backend("x2"), circle("y"), backend("y1")].concat();
    config::parse(Path::new("gyre.toml"), &text, []).expect("a valid configuration")
}

/// Small enough that segments are full all the time, and records are read from files.
fn journal_options(sync: SyncMode) -> journal::Options {
    journal::Options {
        segment_bytes: 1 << 10,
        max_bytes: 1 << 20,
        max_record_bytes: 1 << 16,
        tail_bytes: 1 << 10,
        sync,
        on_damage: OnDamage::Refuse,
    }
}

//! Any sequence of records, flushes, compactions and crashes leads to what the naive model says.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;

use super::{
    dump::dump,
    model::{Model, Record},
    reads::{Read, any_read},
    records::{any_record, line},
    *,
};
use crate::query::source::{TagFilter, Times};

#[derive(Debug, Clone)]
enum Action {
    Record(Record),
    Flush,
    Compact,
    /// With this much space left, or so many failing syncs.
    FailingFlush(u64, u32),
    FailingCompact(u64),
    /// Hours.
    Advance(i64),
    Crash(u64),
    Reopen,
    Read(Read),
}

/// An engine, the journal that it was fed from, and what it should hold.
struct Rig {
    fs: MemFs,
    clock: ManualClock,
    engine: Engine,
    /// Records, and when they were applied first.
    journal: Vec<(TimestampNs, Record)>,
    model: Model,
}

impl Rig {
    fn new() -> Self {
        let (fs, clock) = (MemFs::new(), ManualClock::at(TimestampNs(NOW)));
        let engine = open(&fs, &clock).0;
        Self {
            fs,
            clock,
            engine,
            journal: Vec::new(),
            model: Model::default(),
        }
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Record(record) => {
                let now = self.clock.now();
                self.journal.push((now, record.clone()));
                let refused = self.model.apply(record);
                assert_eq!(apply(&self.engine, self.journal.len() as u64, now, record), refused);
                if matches!(record, Record::AlterPolicy { .. }) {
                    self.act(&Action::Advance(0));
                }
            }
            Action::Flush => assert_eq!(self.engine.flush().unwrap(), self.engine.checkpoint()),
            Action::Compact => while self.engine.compact_once().unwrap() {},
            Action::FailingFlush(space, syncs) => {
                self.fs.set_space_left(Some(*space).filter(|_| *syncs == 0));
                self.fs.fail_syncs(*syncs);
                let before = self.engine.checkpoint();
                assert!(self.engine.flush().is_ok() || self.engine.checkpoint() >= before);
                self.fs.set_space_left(None);
                self.fs.fail_syncs(0);
            }
            Action::FailingCompact(space) => {
                self.fs.set_space_left(Some(*space));
                while self.engine.compact_once().is_ok_and(|done| done) {}
                self.fs.set_space_left(None);
            }
            Action::Advance(hours) => {
                self.clock.advance(Duration::from_nanos((hours * HOUR).unsigned_abs()));
                self.model.advance(*hours);
                self.engine.enforce_retention(self.clock.now()).unwrap();
            }
            Action::Crash(seed) => self.reopen(self.fs.after_crash(*seed)),
            Action::Reopen => self.reopen(self.fs.clone()),
            Action::Read(read) => read.check(&self.engine, &self.model.dump()),
        }
    }

    fn reopen(&mut self, fs: MemFs) {
        let (engine, recovery) = open(&fs, &self.clock);
        assert_eq!((recovery.damaged, recovery.nameless_series), (Vec::new(), 0));
        (self.fs, self.engine) = (fs, engine);
        let done = usize::try_from(self.engine.checkpoint()).unwrap();
        for (seq, (at, record)) in (1_u64..).zip(&self.journal).skip(done) {
            apply(&self.engine, seq, *at, record);
        }
    }

    fn check(&self) {
        assert_eq!(dump(&self.engine), self.model.dump());
    }
}

/// How many points were refused.
fn apply(engine: &Engine, seq: u64, now: TimestampNs, record: &Record) -> usize {
    match record {
        Record::Write { db, policy, points } => {
            let lines: String = points.iter().map(line).collect();
            let outcome = engine.write_at(seq, now, db, policy, lines.as_bytes());
            return outcome.map_or(0, |outcome| usize::try_from(outcome.dropped).unwrap());
        }
        Record::Delete {
            db,
            measurement,
            tag,
            times,
        } => {
            let is_meant = |name: &str| measurement.as_ref().is_none_or(|wanted| wanted == name);
            let filter = tag.as_ref().map_or(TagFilter::All, |tag| {
                TagFilter::Equal("t".into(), Arc::from(tag.as_str()))
            });
            match times {
                Some((min, max)) => engine
                    .delete(seq, db, &is_meant, &filter, Times { min: *min, max: *max })
                    .ok(),
                None => engine.drop_series(seq, db, &is_meant, &filter).ok(),
            };
        }
        Record::DropMeasurement { db, measurement } => drop(engine.drop_measurement(seq, db, measurement)),
        Record::CreateDatabase(name) => engine.create_database(seq, name, None).unwrap(),
        Record::DropDatabase(name) => engine.drop_database(seq, name),
        Record::CreatePolicy { db, name, hours } => {
            let spec = PolicySpec {
                name: name.clone(),
                duration_ns: Some(hours * HOUR),
                ..PolicySpec::default()
            };
            engine.create_policy(seq, db, &spec).ok();
        }
        Record::AlterPolicy { db, name, hours } => {
            let change = PolicyChange {
                duration_ns: Some(hours * HOUR),
                ..PolicyChange::default()
            };
            engine.alter_policy(seq, db, name, &change).ok();
        }
        Record::DropPolicy { db, name } => engine.drop_policy(seq, db, name),
    }
    0
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => any_record().prop_map(Action::Record),
        8 => Just(Action::Flush),
        4 => Just(Action::Compact),
        4 => (0_u64..6000, 0_u32..4).prop_map(|(space, syncs)| Action::FailingFlush(space, syncs)),
        1 => (0_u64..3000).prop_map(Action::FailingCompact),
        1 => (1_i64..5).prop_map(Action::Advance),
        3 => any::<u64>().prop_map(Action::Crash),
        1 => Just(Action::Reopen),
        20 => any_read().prop_map(Action::Read),
    ]
}

fn cases(few: u32) -> ProptestConfig {
    let is_long = std::env::var("GYRE_TEST_LONG").is_ok();
    ProptestConfig::with_cases(if is_long { few * 20 } else { few })
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn holds_what_the_model_holds(actions in prop::collection::vec(any_action(), 1..80)) {
        let mut rig = Rig::new();
        for name in ["a", "b"] {
            rig.act(&Action::Record(Record::CreateDatabase(name.to_owned())));
            rig.act(&Action::Record(Record::CreatePolicy { db: name.to_owned(), name: "short".to_owned(), hours: 3 }));
        }
        for action in actions {
            rig.act(&action);
            if !matches!(action, Action::Read(_)) {
                rig.check();
            }
        }
    }
}

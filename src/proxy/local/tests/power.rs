//! Any power loss under embedded backends: what was acknowledged is there, what was deleted is not.
//!
//! A round is several lives of three embedded backends in two circles, all fed from one journal, over one disk whose
//! power fails at any operation, also while starting. Records are appended, applied, flushed, compacted and forgotten
//! in any order, by each backend in its own time. After each start both circles must hold what the naive model holds;
//! of the records that were being appended some of the first may be there. Nothing is left to chance but the seed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    base::{Clock, ManualClock, TimestampNs},
    config::Config,
    journal::{
        SyncMode,
        fs::{Disk, Machine},
    },
    tsdb::tests::{
        HOUR, NOW,
        model::{Model, Record},
        records::any_record,
    },
};

use super::{
    life::{Failure, Life, two_circles},
    sent::Sent,
};

/// What happens in one life, if the power lasts so long.
const ACTIONS: usize = 32;
/// A life in which nothing fails takes some hundreds of operations on the disk.
const MOST_OPERATIONS: u64 = 500;
const BACKENDS: usize = 3;
/// The seed of a run that names none.
const DEFAULT_SEED: u64 = 1;

#[derive(Debug, Clone)]
enum Action {
    /// Appends the records of some requests together; whether their clients wait.
    Append(Vec<Record>, bool),
    Apply(usize),
    Flush(usize),
    Compact(usize),
    SaveCursors,
    /// Hours.
    Advance(i64),
    Check,
}

/// What a round keeps over the lives.
struct Round {
    random: TestRunner,
    disk: Disk,
    clock: ManualClock,
    config: Config,
    model: Model,
    /// Acknowledged, or found after a power loss.
    sent: Vec<Sent>,
    /// Being appended when the power failed.
    in_flight: Vec<Sent>,
    /// Were in flight once: those that change nothing may or may not have been found.
    doubtful: Vec<Sent>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    acknowledged_points: usize,
    records: usize,
    power_losses: usize,
    power_losses_at_rest: usize,
    power_losses_at_start: usize,
    checks: usize,
}

#[test]
fn after_any_power_loss_every_circle_holds_what_the_model_holds() {
    let is_long = std::env::var("GYRE_TEST_LONG").is_ok();
    let rounds = if is_long { 4000 } else { 200 };
    let first = std::env::var("GYRE_TEST_SEED").map_or(DEFAULT_SEED, |text| text.parse().expect("a number"));
    let mut tally = Tally::default();
    for seed in first..first + rounds {
        let round = catch_unwind(AssertUnwindSafe(|| Round::new(seed).run()));
        tally.add(&round.unwrap_or_else(|_| panic!("the failure above was met with GYRE_TEST_SEED={seed}")));
    }
    println!("{rounds} rounds: {tally:?}");
}

impl Round {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self {
            random: TestRunner::new_with_rng(ProptestConfig::default(), rng),
            disk: Disk::default(),
            clock: ManualClock::at(TimestampNs(NOW)),
            config: two_circles(),
            model: Model::default(),
            sent: Vec::new(),
            in_flight: Vec::new(),
            doubtful: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn any<T: std::fmt::Debug>(&mut self, strategy: impl Strategy<Value = T>) -> T {
        strategy
            .new_tree(&mut self.random)
            .expect("nothing is filtered")
            .current()
    }

    fn run(mut self) -> Tally {
        for _life in 0..self.any(1..5) {
            let (operations, seed) = self.any((1..MOST_OPERATIONS, any::<u64>()));
            let machine = self.disk.boot(Some(operations), seed);
            match self.live(&machine, ACTIONS) {
                Ok(()) => self.tally.power_losses_at_rest += 1,
                Err(failure) => assert!(machine.has_failed(), "{failure}"),
            }
            self.tally.power_losses += 1;
        }
        let machine = self.disk.boot(None, 0);
        self.live(&machine, 0).expect("the power stays");
        self.check_outcomes().expect("the power stays");
        self.tally
    }

    /// One life, to its orderly end or the next power loss.
    fn live(&mut self, machine: &Machine, actions: usize) -> Result<(), Failure> {
        self.tally.power_losses_at_start += 1;
        let mut life = Life::open(machine, &self.clock, &self.config, SyncMode::Always)?;
        self.start(&mut life)?;
        self.tally.power_losses_at_start -= 1;
        if self.model.dump().databases.is_empty() {
            self.append(&life, first_records(), true)?;
        }
        for _ in 0..actions {
            let action = self.any(any_action());
            self.act(&mut life, action)?;
        }
        self.check(&mut life)?;
        if self.any(any::<bool>()) { life.stop() } else { Ok(()) }
    }

    /// Applies what the journal holds and finds out which of the records in flight are in it.
    fn start(&mut self, life: &mut Life) -> Result<(), Failure> {
        life.catch_up()?;
        life.enforce_retention()?;
        let found = life.circles()?;
        let possible = (0..=self.in_flight.len()).map(|count| {
            let (mut model, mut arrived) = (self.model.clone(), self.in_flight.clone());
            arrived.truncate(count);
            arrived.iter_mut().for_each(|sent| sent.accept(&mut model));
            model.advance(0);
            (model, arrived)
        });
        let possible: Vec<_> = possible.collect();
        let is_found = |(model, _): &(Model, Vec<Sent>)| found.iter().all(|circle| *circle == model.dump());
        let Some(at) = possible.iter().position(is_found) else {
            let nearest = &possible[0].0;
            self.compare(life, nearest)?;
            panic!("none of {} possible states is found", possible.len());
        };
        let (model, arrived) = possible[at].clone();
        self.doubtful
            .extend(possible.into_iter().flat_map(|(_, arrived)| arrived));
        self.model = model;
        self.sent.extend(arrived);
        self.in_flight.clear();
        self.tally.checks += 1;
        Ok(())
    }

    fn act(&mut self, life: &mut Life, action: Action) -> Result<(), Failure> {
        match action {
            Action::Append(records, waits) => self.append(life, records, waits),
            Action::Apply(member) => life.apply(member),
            Action::Flush(member) => life.flush(member),
            Action::Compact(member) => life.compact(member),
            Action::SaveCursors => life.save_cursors(),
            Action::Advance(hours) => {
                life.apply_all()?;
                self.clock.advance(Duration::from_nanos((hours * HOUR).unsigned_abs()));
                self.model.advance(hours);
                life.enforce_retention()
            }
            Action::Check => self.check(life),
        }
    }

    fn append(&mut self, life: &Life, records: Vec<Record>, waits: bool) -> Result<(), Failure> {
        let sent: Vec<Sent> = records.into_iter().flat_map(|record| Sent::of(record, waits)).collect();
        let now = self.clock.now();
        let encoded = sent.iter().map(|sent| sent.encode(now)).collect();
        self.in_flight.clone_from(&sent);
        self.in_flight.iter_mut().for_each(Sent::abandon);
        life.append(encoded)?;
        self.in_flight.clear();
        for mut sent in sent {
            sent.accept(&mut self.model);
            self.tally.acknowledged_points += sent.points;
            self.tally.records += 1;
            self.sent.push(sent);
        }
        Ok(())
    }

    fn check(&mut self, life: &mut Life) -> Result<(), Failure> {
        life.apply_all()?;
        self.compare(life, &self.model)?;
        self.tally.checks += 1;
        Ok(())
    }

    fn compare(&self, life: &Life, model: &Model) -> Result<(), Failure> {
        for (circle, found) in self.config.circles.iter().zip(life.circles()?) {
            assert_eq!(found, model.dump(), "circle {}", circle.name);
        }
        Ok(())
    }

    /// Every client was told what it had to be, or a dead letter tells it, and no letter tells anything else.
    fn check_outcomes(&self) -> Result<(), Failure> {
        let letters = Life::open(&self.disk.boot(None, 0), &self.clock, &self.config, SyncMode::Always)?.letters()?;
        self.sent.iter().for_each(|sent| sent.check(&letters));
        let known = self.sent.iter().chain(&self.doubtful);
        let refused = known.filter_map(Sent::refused).collect();
        let wrong: Vec<_> = letters.difference(&refused).collect();
        assert!(wrong.is_empty(), "wrongly refused: {wrong:?}");
        Ok(())
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.acknowledged_points += other.acknowledged_points;
        self.records += other.records;
        self.power_losses += other.power_losses;
        self.power_losses_at_rest += other.power_losses_at_rest;
        self.power_losses_at_start += other.power_losses_at_start;
        self.checks += other.checks;
    }
}

/// What most of the others need.
fn first_records() -> Vec<Record> {
    let records = ["a", "b"].map(|db| {
        let short = Record::CreatePolicy {
            db: db.to_owned(),
            name: "short".to_owned(),
            hours: 3,
        };
        [Record::CreateDatabase(db.to_owned()), short]
    });
    records.into_iter().flatten().collect()
}

fn any_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        20 => (prop::collection::vec(any_record(), 1..4), any::<bool>())
            .prop_map(|(records, waits)| Action::Append(records, waits)),
        6 => (0..BACKENDS).prop_map(Action::Apply),
        6 => (0..BACKENDS).prop_map(Action::Flush),
        3 => (0..BACKENDS).prop_map(Action::Compact),
        3 => Just(Action::SaveCursors),
        1 => (1_i64..5).prop_map(Action::Advance),
        2 => Just(Action::Check),
    ]
}

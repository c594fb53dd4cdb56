//! Which faults happen, in which order: pure, and the same for the same seed.

use std::{fmt, time::Duration};

/// The seed of a run that names none: even its short schedules kill Gyre while points wait for a dead backend.
const DEFAULT_SEED: u64 = 2;

/// One thing that happens to a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The writers are left alone for so long.
    Wait(Duration),
    /// `kill -9` for Gyre, and it is started again.
    KillGyre,
    /// Something happens to the backend with this number.
    Break(usize, Breakage),
    /// The backend with this number is well again.
    Mend(usize),
    /// Gyre's disk is full.
    FillDisk,
    /// Gyre's disk has space again.
    FreeDisk,
}

/// What can happen to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakage {
    /// `kill -9`.
    Killed,
    /// SIGSTOP.
    Stopped,
    /// Every answer comes so much later.
    Slow(Duration),
    /// The network loses everything between it and Gyre.
    Partitioned,
}

/// Steps, and the seed that they came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schedule {
    seed: u64,
    steps: Vec<Step>,
}

impl Schedule {
    /// Gyre is killed once per round; in every other round a backend is dead while that happens. Two such backends in
    /// turn are half the fleet apart, so that a short schedule meets two circles, too.
    pub(crate) fn kills(seed: u64, rounds: usize, backends: usize) -> Self {
        let mut random = Random(seed);
        let mut steps = Vec::new();
        let mut victim = random.below(backends);
        for round in 0..rounds {
            let dead = (round % 2 == 0).then_some(victim);
            steps.extend(dead.map(|backend| Step::Break(backend, Breakage::Killed)));
            steps.extend([
                Step::Wait(random.between(200, 1200)),
                Step::KillGyre,
                Step::Wait(random.between(50, 500)),
            ]);
            steps.extend(dead.map(Step::Mend));
            victim = match round % 4 {
                1 => (victim + backends / 2) % backends,
                3 => random.below(backends),
                _ => victim,
            };
        }
        Self { seed, steps }
    }

    /// Everything that can happen, in any order; backends stay broken over several steps, also several at a time.
    pub(crate) fn storm(seed: u64, faults: usize, backends: usize) -> Self {
        let mut random = Random(seed);
        let mut broken = vec![false; backends];
        let mut steps = Vec::new();
        for _ in 0..faults {
            match random.below(5) {
                0 => steps.push(Step::KillGyre),
                1 => steps.extend([Step::FillDisk, Step::Wait(random.between(200, 800)), Step::FreeDisk]),
                _ => {
                    let backend = random.below(backends);
                    let is_broken = &mut broken[backend];
                    steps.push(if *is_broken {
                        Step::Mend(backend)
                    } else {
                        Step::Break(backend, random.breakage())
                    });
                    *is_broken = !*is_broken;
                }
            }
            steps.push(Step::Wait(random.between(200, 1000)));
        }
        steps.extend((0..backends).filter(|&backend| broken[backend]).map(Step::Mend));
        Self { seed, steps }
    }

    /// The steps in order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GYRE_TEST_SEED={}", self.seed)?;
        self.steps.iter().try_for_each(|step| write!(f, "\n  {step:?}"))
    }
}

/// The seed that `GYRE_TEST_SEED` asks for, or always the same one.
pub(crate) fn seed() -> u64 {
    match std::env::var("GYRE_TEST_SEED") {
        Ok(text) => text.parse().expect("GYRE_TEST_SEED is a number"),
        Err(_) => DEFAULT_SEED,
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("usize has at most 64 bits");
        usize::try_from(self.next() % limit).expect("it is below a usize")
    }

    fn between(&mut self, low_ms: u64, high_ms: u64) -> Duration {
        Duration::from_millis(low_ms + self.next() % (high_ms - low_ms))
    }

    fn breakage(&mut self) -> Breakage {
        match self.below(4) {
            0 => Breakage::Killed,
            1 => Breakage::Stopped,
            2 => Breakage::Slow(self.between(100, 1000)),
            _ => Breakage::Partitioned,
        }
    }
}

#[test]
fn a_seed_gives_one_schedule() {
    assert_eq!(Schedule::storm(7, 30, 4), Schedule::storm(7, 30, 4));
    assert_ne!(Schedule::storm(7, 30, 4), Schedule::storm(8, 30, 4));
}

#[test]
fn every_storm_breaks_only_what_is_whole_and_mends_all() {
    for seed in 0..100 {
        let storm = Schedule::storm(seed, 40, 4);
        let (mut broken, mut full) = ([false; 4], false);
        for step in storm.steps() {
            match *step {
                Step::Break(backend, _) => assert!(!std::mem::replace(&mut broken[backend], true), "{storm}"),
                Step::Mend(backend) => assert!(std::mem::replace(&mut broken[backend], false), "{storm}"),
                Step::FillDisk => assert!(!std::mem::replace(&mut full, true), "{storm}"),
                Step::FreeDisk => assert!(std::mem::replace(&mut full, false), "{storm}"),
                Step::KillGyre => assert!(!full, "a full disk need not be enough to start: {storm}"),
                Step::Wait(_) => (),
            }
        }
        assert_eq!((broken, full), ([false; 4], false), "{storm}");
    }
}

#[test]
fn kills_have_a_dead_backend_in_half_of_the_rounds() {
    let schedule = Schedule::kills(3, 20, 4);
    let count = |wanted: fn(&Step) -> bool| schedule.steps().iter().filter(|step| wanted(step)).count();
    assert_eq!(count(|step| *step == Step::KillGyre), 20);
    assert_eq!(count(|step| matches!(step, Step::Break(_, Breakage::Killed))), 10);
    assert_eq!(count(|step| matches!(step, Step::Mend(_))), 10);
}

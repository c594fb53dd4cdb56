//! PURE. The mass-expiry brake: when most nodes vanish at once, it is rather our network than all of them.
//!
//! While it is on, the lists tell the truth, but nothing is done about the dead: no host is lost, no record is purged.

use std::{collections::VecDeque, time::Duration};

/// Fewer deaths than this are no mass, whatever their share.
const MASS: usize = 3;

/// Watches how many nodes expire within one time to live. Times are monotonic.
#[derive(Debug)]
pub(super) struct Brake {
    window: Duration,
    hold: Duration,
    deaths: VecDeque<Duration>,
    held_until: Option<Duration>,
}

impl Brake {
    /// A brake that looks at the deaths of the last `window`, and holds for `hold` when there are too many.
    pub(super) fn new(window: Duration, hold: Duration) -> Self {
        Self {
            window,
            hold,
            deaths: VecDeque::new(),
            held_until: None,
        }
    }

    /// Notes that `deaths` nodes expired by `now`, which leaves `alive` ones; whether this turned the brake on.
    pub(super) fn note(&mut self, deaths: usize, alive: usize, now: Duration) -> bool {
        self.deaths.extend(std::iter::repeat_n(now, deaths));
        while self.deaths.front().is_some_and(|at| *at + self.window < now) {
            self.deaths.pop_front();
        }
        let dead = self.deaths.len();
        if deaths == 0 || dead < MASS || dead <= alive {
            return false;
        }
        let was_on = self.is_on(now);
        self.held_until = Some(now + self.hold);
        !was_on && self.is_on(now)
    }

    /// Whether consequences are held.
    pub(super) fn is_on(&self, now: Duration) -> bool {
        self.left(now).is_some()
    }

    /// How long they are still held.
    pub(super) fn left(&self, now: Duration) -> Option<Duration> {
        let left = self.held_until?.checked_sub(now)?;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn brake() -> Brake {
        Brake::new(s(15), s(300))
    }

    #[test]
    fn more_than_half_within_one_ttl_turn_it_on() {
        let mut brake = brake();
        assert!(!brake.note(2, 3, s(0)));
        assert!(!brake.note(1, 3, s(10)), "three of six are not more than half");
        assert!(brake.note(1, 2, s(15)), "four of six are");
        assert!(brake.is_on(s(314)));
        assert!(!brake.is_on(s(315)));
    }

    #[test]
    fn few_or_slow_deaths_do_not() {
        let mut brake = brake();
        assert!(!brake.note(2, 0, s(0)), "two are no mass");
        for n in 1..9 {
            assert!(!brake.note(2, 0, s(n * 16)), "spread over more than a ttl");
        }
        let mut never = Brake::new(s(15), s(0));
        assert!(!never.note(9, 0, s(0)), "it holds for no time at all");
    }

    #[test]
    fn more_deaths_prolong_it_and_time_alone_does_not() {
        let mut brake = brake();
        assert!(brake.note(3, 0, s(0)));
        assert!(!brake.note(1, 0, s(10)), "on already");
        assert!(!brake.note(0, 0, s(12)));
        assert_eq!(brake.left(s(12)), Some(s(298)));
    }
}

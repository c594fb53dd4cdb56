//! Whether a backend is in reach, and when to try the next delivery. Pure: the actor acts on what comes out.

use std::time::Duration;

/// What is believed of one backend.
#[derive(Debug)]
pub struct Health {
    alive: Option<bool>,
    failures: u32,
    min_backoff: Duration,
    max_backoff: Duration,
    jitter: u64,
}

/// A change that others must hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The backend answers again, or for the first time.
    Up,
    /// The backend does not answer.
    Down,
}

impl Health {
    /// Nothing is known yet. `seed` makes the jitter of different backends differ.
    #[must_use]
    pub fn new(min_backoff: Duration, max_backoff: Duration, seed: u64) -> Self {
        Self {
            alive: None,
            failures: 0,
            min_backoff,
            max_backoff,
            jitter: seed | 1,
        }
    }

    /// A ping was answered, or not.
    pub fn pinged(&mut self, answered: bool) -> Option<Change> {
        if self.alive == Some(answered) {
            return None;
        }
        self.alive = Some(answered);
        Some(if answered { Change::Up } else { Change::Down })
    }

    /// A delivery found nobody there: believed before the next ping says so.
    pub fn lost(&mut self) -> Option<Change> {
        self.pinged(false)
    }

    /// A delivery succeeded.
    pub fn delivered(&mut self) {
        self.failures = 0;
    }

    /// A delivery failed; answers how long to wait: the least back-off doubled with every failure in a row, up to the
    /// most, less a random quarter so that backends do not return in step.
    pub fn failed(&mut self) -> Duration {
        let doubled = self
            .min_backoff
            .saturating_mul(1 << self.failures.min(20))
            .min(self.max_backoff);
        self.failures = self.failures.saturating_add(1);
        // xorshift64: any spread will do.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        let quarter = doubled / 4;
        doubled - quarter.mul_f64((self.jitter % 1000) as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_only_changes() {
        let mut health = Health::new(Duration::from_millis(100), Duration::from_secs(10), 7);
        assert_eq!(health.pinged(true), Some(Change::Up));
        assert_eq!(health.pinged(true), None);
        assert_eq!(health.lost(), Some(Change::Down));
        assert_eq!(health.pinged(false), None);
        assert_eq!(health.pinged(true), Some(Change::Up));
    }

    #[test]
    fn waits_longer_each_time_within_bounds() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(10));
        let mut health = Health::new(min, max, 7);
        for round in 0..40 {
            let full = min.saturating_mul(1 << round.min(20)).min(max);
            let wait = health.failed();
            assert!(
                wait <= full && wait >= full * 3 / 4,
                "round {round}: {wait:?} of {full:?}"
            );
        }
        health.delivered();
        assert!(health.failed() <= min);
    }
}

//! PURE. Whether and when a plugin that died is started again.

use std::time::Duration;

/// The wait before the first restart; doubled each time up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// A plugin that ran this long has recovered: it gets its restarts back.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// Counts the restarts of one instance.
#[derive(Debug)]
pub(super) struct Recovery {
    max: Option<u32>,
    used: u32,
}

impl Recovery {
    /// So many restarts in a row; `None` is endless.
    pub(super) fn new(max: Option<u32>) -> Self {
        Self { max, used: 0 }
    }

    /// The plugin died after that time, or did not start within it: how long to wait before it is started again;
    /// `None` when it is not.
    pub(super) fn died(&mut self, lived: Duration) -> Option<Duration> {
        if lived >= HEALTHY_AFTER {
            self.used = 0;
        }
        if self.max.is_some_and(|max| self.used >= max) {
            return None;
        }
        let factor = 2_u32.saturating_pow(self.used);
        self.used = self.used.saturating_add(1);
        Some(MIN_BACKOFF.saturating_mul(factor).min(MAX_BACKOFF))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1);

    fn waits_ms(recovery: &mut Recovery, times: usize) -> Vec<Option<u128>> {
        let died = (0..times).map(|_| recovery.died(SOON));
        died.map(|wait| wait.map(|wait| wait.as_millis())).collect()
    }

    #[test]
    fn restarts_are_counted() {
        let mut recovery = Recovery::new(Some(3));
        assert_eq!(waits_ms(&mut recovery, 4), [Some(100), Some(200), Some(400), None]);
        assert_eq!(waits_ms(&mut Recovery::new(Some(0)), 1), [None]);
    }

    #[test]
    fn who_lived_long_gets_them_back() {
        let mut recovery = Recovery::new(Some(2));
        waits_ms(&mut recovery, 2);
        assert_eq!(recovery.died(HEALTHY_AFTER), Some(MIN_BACKOFF));
        assert_eq!(waits_ms(&mut recovery, 2), [Some(200), None]);
    }

    #[test]
    fn endless_ones_wait_at_most_so_long() {
        let waits = waits_ms(&mut Recovery::new(None), 100);
        assert_eq!(waits.last(), Some(&Some(10_000)));
    }
}

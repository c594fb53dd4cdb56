//! Retention: shard groups whose last point is older than their policy allows go as a whole.
//!
//! It depends on the clock alone and is in no journal, so what it drops is made durable at once: records that are
//! applied again after a restart find the state that they found before.

use roaring::RoaringBitmap;

use crate::base::TimestampNs;

use super::{
    Error,
    engine::Engine,
    state::{Database, Policy, State},
};

impl Engine {
    /// Drops expired shard groups, and makes that durable if there were any; how many.
    ///
    /// # Errors
    /// Those of [`Engine::flush`]; the groups are gone for queries all the same.
    pub fn enforce_retention(&self, now: TimestampNs) -> Result<usize, Error> {
        self.check_whole()?;
        let dropped = self.write_state().drop_expired(now);
        if dropped > 0 {
            tracing::debug!(dir = %self.dir.display(), groups = dropped, "expiry begins");
            let flushed = self.flush();
            tracing::debug!(dir = %self.dir.display(), done = flushed.is_ok(), "expiry ends");
            flushed?;
        }
        Ok(dropped)
    }
}

impl State {
    /// Drops expired shard groups; how many.
    pub(super) fn drop_expired(&mut self, now: TimestampNs) -> usize {
        let dropped = self
            .databases
            .iter_mut()
            .map(|database| database.drop_expired(now, self.stamp))
            .sum();
        if dropped > 0 {
            self.is_dirty = true;
            self.count_bytes();
        }
        dropped
    }
}

impl Database {
    fn drop_expired(&mut self, now: TimestampNs, stamp: u64) -> usize {
        let mut series = RoaringBitmap::new();
        let mut dropped = 0;
        for policy in &mut self.policies {
            for first in policy.expired(now) {
                if let Some(group) = policy.groups.remove(&first) {
                    series |= group.series();
                    dropped += 1;
                }
            }
        }
        if dropped > 0 {
            self.prune(&series, stamp);
        }
        dropped
    }
}

impl Policy {
    fn expired(&self, now: TimestampNs) -> Vec<i64> {
        if self.duration_ns == 0 {
            return Vec::new();
        }
        let oldest = now.0.saturating_sub(self.duration_ns);
        self.groups
            .values()
            .filter(|group| group.last < oldest)
            .map(|group| group.first)
            .collect()
    }
}

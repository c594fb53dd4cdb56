//! Retention: shard groups whose last point is older than their policy allows go as a whole.
//!
//! It depends on the clock alone and is in no journal, so what it drops is made durable before the next record is applied:
//! records that are applied again after a restart find the state that they found before.

use roaring::RoaringBitmap;

use crate::base::TimestampNs;

use super::{
    Error,
    engine::Engine,
    state::{Database, Group, Policy, State},
};

impl Engine {
    /// Drops expired shard groups, and makes that durable if there were any; how many.
    ///
    /// # Errors
    /// Those of [`Engine::flush`]; the groups may be gone for queries all the same.
    pub fn enforce_retention(&self, now: TimestampNs) -> Result<usize, Error> {
        self.check_whole()?;
        if !self
            .read_state()
            .groups()
            .any(|(_, policy, group)| policy.is_expired(group, now))
        {
            return Ok(0);
        }
        tracing::debug!(dir = %self.dir.display(), "expiry begins");
        let done = self.drop_and_flush(now);
        tracing::debug!(dir = %self.dir.display(), ?done, "expiry ends");
        done
    }

    fn drop_and_flush(&self, now: TimestampNs) -> Result<usize, Error> {
        // most is durable then, so that records wait for little
        self.flush()?;
        let _no_record = self.lock_applying();
        let dropped = self.write_state().drop_expired(now);
        self.flush()?;
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
        let groups = self.groups.values().filter(|group| self.is_expired(group, now));
        groups.map(|group| group.first).collect()
    }

    fn is_expired(&self, group: &Group, now: TimestampNs) -> bool {
        self.duration_ns > 0 && group.last < now.0.saturating_sub(self.duration_ns)
    }
}

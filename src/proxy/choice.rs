//! Which replica to ask first.
//!
//! A replica that has everything comes before one that lags; among equals the one with the least expected wait,
//! (reads in flight + 1) x smoothed latency, so that a slow backend is asked only when the fast ones are busier.

use super::fleet::{Backend, Condition};
use std::sync::Arc;

/// A replica that may answer, with what speaks for it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The replica.
    pub backend: Arc<Backend>,
    /// It has applied everything that was acknowledged for what is read.
    pub current: bool,
}

/// The usable ones among `replicas`, best first. `mark` is the watermark of what is read.
#[must_use]
pub fn rank<'a>(replicas: impl IntoIterator<Item = &'a Arc<Backend>>, mark: u64) -> Vec<Candidate> {
    let usable = replicas.into_iter().filter(|backend| backend.condition.is_usable());
    let mut candidates: Vec<_> = usable
        .map(|backend| Candidate {
            backend: Arc::clone(backend),
            current: backend.condition.has_reached(mark),
        })
        .collect();
    candidates.sort_by_key(|candidate| {
        let last_resort = candidate.backend.config.write_only;
        (
            last_resort,
            !candidate.current,
            expected_wait(&candidate.backend.condition),
        )
    });
    candidates
}

fn expected_wait(condition: &Condition) -> u64 {
    let in_flight = u64::try_from(condition.reads_in_flight()).unwrap_or(u64::MAX);
    (in_flight + 1).saturating_mul(condition.latency_us().max(1))
}

//! What a running query is given: the source, the time, limits, and the wish to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::error::QueryError;
use crate::base::TimestampNs;
use crate::query::source::SeriesSource;

/// Bounds on what one statement may read; 0 is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Points read from the source (`max-select-point`).
    pub points: u64,
    /// Series read of one measurement (`max-select-series`).
    pub series: u64,
    /// Windows of `GROUP BY time` (`max-select-buckets`).
    pub buckets: u64,
}

/// The circumstances of a statement.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The database of measurements without one; empty: none.
    pub db: &'a str,
    /// The retention policy of measurements of that database without one; empty: its default policy.
    pub policy: &'a str,
    /// The value of `now()`.
    pub now: TimestampNs,
    /// Bounds.
    pub limits: Limits,
    /// Set when nobody wants the answer any more; looked at between pieces of work of some thousand rows.
    pub cancel: &'a AtomicBool,
}

/// The source with what is counted while reading from it.
#[derive(Debug)]
pub(super) struct Env<'a> {
    pub(super) source: &'a dyn SeriesSource,
    limits: Limits,
    cancel: &'a AtomicBool,
    points: AtomicU64,
}

impl<'a> Env<'a> {
    pub(super) fn new(source: &'a dyn SeriesSource, context: &Context<'a>) -> Self {
        Self {
            source,
            limits: context.limits,
            cancel: context.cancel,
            points: AtomicU64::new(0),
        }
    }

    /// Counts points that were read.
    ///
    /// # Errors
    /// When they are too many, or the query is to stop.
    pub(super) fn count_points(&self, points: u64) -> Result<(), QueryError> {
        let found = self.points.fetch_add(points, Ordering::Relaxed) + points;
        match self.limits.points {
            limit @ 1.. if found > limit => Err(QueryError::TooManyPoints { found, limit }),
            _ => self.check(),
        }
    }

    /// Checks how many series of a measurement will be read. InfluxDB stops counting at the first that is too many.
    ///
    /// # Errors
    /// When they are too many, or the query is to stop.
    pub(super) fn check_series(&self, series: usize) -> Result<(), QueryError> {
        match self.limits.series {
            limit @ 1.. if u64::try_from(series).is_ok_and(|found| found > limit) => {
                Err(QueryError::TooManySeries { limit })
            }
            _ => self.check(),
        }
    }

    /// # Errors
    /// When the query is to stop.
    pub(super) fn check(&self) -> Result<(), QueryError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(QueryError::Interrupted);
        }
        Ok(())
    }
}

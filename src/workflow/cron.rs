//! PURE. Cron expressions.

use jiff::tz::TimeZone;

use crate::base::TimestampNs;

/// A text that is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Err(Invalid(format!("Unrecognized descriptor: {text}")))
    }

    /// The first tick after `now`.
    #[must_use]
    pub fn next_after(&self, _last: TimestampNs, _now: TimestampNs, _zone: &TimeZone) -> Option<TimestampNs> {
        None
    }

    /// How many ticks there are after `last` up to `now`.
    #[must_use]
    pub fn ticks(&self, _last: TimestampNs, _now: TimestampNs, _zone: &TimeZone) -> u64 {
        0
    }
}

//! PURE. Cron expressions as robfig's `cron` for Go has them in its first version, which differs from a Unix crontab:
//!
//! ```text
//! second minute hour day-of-month month [day-of-week]      five fields have seconds, too; the sixth is then a star
//!
//! field       item{,item}
//! item        (* | ? | number | name | from-to)[/step]      N/step is N-max/step
//! day rule    both restricted: either may match; one of them begins with * or ?: both must
//! descriptor  @yearly @annually @monthly @weekly @daily @midnight @hourly @every DURATION
//! ```
//!
//! A tick is a second whose local time has fields that match. So a time that a clock change skips has no tick, and one
//! that it repeats has two. `@every` ticks on whole seconds from the last tick on.

use jiff::tz::TimeZone;

use crate::base::TimestampNs;

mod calendar;
mod parse;

pub use parse::Invalid;

/// A cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// At the seconds whose local time matches.
    At(Fields),
    /// Every so many seconds, at least one.
    Every(i64),
}

/// Which values of each part of a local time match, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    second: u64,
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// Whether a day must match by its number and by its day of the week, rather than by either.
    both_days: bool,
}

const NS_PER_SECOND: i64 = 1_000_000_000;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse::expression(text)
    }

    /// The first tick after `now`; `@every` counts from `last`, the last tick or the start. `None` when there is none
    /// within five years: a 30th of February.
    #[must_use]
    pub fn next_after(&self, last: TimestampNs, now: TimestampNs, zone: &TimeZone) -> Option<TimestampNs> {
        let second = match self {
            Self::At(fields) => calendar::next(fields, seconds(now), zone)?,
            Self::Every(every) => seconds(last) + (passed(last, now, *every) + 1) * every,
        };
        second.checked_mul(NS_PER_SECOND).map(TimestampNs)
    }

    /// How many ticks there are after `last` up to `now`.
    #[must_use]
    pub fn ticks(&self, last: TimestampNs, now: TimestampNs, zone: &TimeZone) -> u64 {
        match self {
            Self::At(fields) => calendar::count(fields, seconds(last), seconds(now), zone),
            Self::Every(every) => passed(last, now, *every).unsigned_abs(),
        }
    }
}

fn seconds(time: TimestampNs) -> i64 {
    time.0.div_euclid(NS_PER_SECOND)
}

/// How many times so many seconds passed.
fn passed(last: TimestampNs, now: TimestampNs, every: i64) -> i64 {
    (seconds(now) - seconds(last)).max(0) / every
}

#[cfg(test)]
mod tests;

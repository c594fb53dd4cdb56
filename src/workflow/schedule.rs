//! PURE. When a task fires: checks of a schedule, and the arithmetic of its timer.
//!
//! ```text
//! windowed   first at max(start, now), then last + k * interval: whatever passed while the task was busy is missed
//!            ends at stop; else, with a count, count intervals after the first; a fire due at the end is none
//! cron       at the next tick; the ticks that passed since the last fire are missed
//! streaming  when its collector sends
//! ```
//!
//! There is one timer per start: a [`Timing`] is made at each, so that a count begins anew.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::{ErrorKind, TimestampNs};

use super::{
    cron::{self, Expression},
    gotime::Moment,
    manifest::{Schedule, Window},
};

/// A schedule that cannot be followed; the text is Snap's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The window is over.
    #[error("Stop time is in the past")]
    StopInThePast,
    /// The window has no inside.
    #[error("Stop time cannot occur before start time")]
    StopBeforeStart,
    /// No time would pass between fires.
    #[error("Interval must be greater than 0")]
    NoInterval,
    /// The cron expression is none.
    #[error(transparent)]
    Cron(#[from] cron::Invalid),
}

/// What a task does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It fires.
    Fire {
        /// When; not before now.
        at: TimestampNs,
        /// How many fires should have been since the last one, and were not.
        missed: u64,
    },
    /// Its schedule is over.
    End {
        /// When; not before now.
        at: TimestampNs,
    },
    /// It fires when its collector sends.
    Stream,
}

/// The timer of one start of a task.
#[derive(Debug, Clone)]
pub struct Timing {
    began: TimestampNs,
    rhythm: Rhythm,
}

#[derive(Debug, Clone)]
enum Rhythm {
    Interval {
        interval: i64,
        first: TimestampNs,
        end: Option<TimestampNs>,
    },
    Ticks(Expression, TimeZone),
    Stream,
}

impl Invalid {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

impl Schedule {
    /// Checks whether a task could follow it from now on.
    ///
    /// # Errors
    /// When its window is over or has no inside, when it has no interval, or no valid cron expression.
    pub fn validate(&self, now: TimestampNs) -> Result<(), Invalid> {
        match self {
            Self::Windowed(window) => window.validate(now),
            Self::Cron(text) => Ok(Expression::parse(text).map(drop)?),
            Self::Streaming => Ok(()),
        }
    }
}

impl Window {
    fn validate(&self, now: TimestampNs) -> Result<(), Invalid> {
        let stop = self.stop.map(Moment::as_nanos);
        if stop.is_some_and(|stop| stop < i128::from(now.0)) {
            return Err(Invalid::StopInThePast);
        }
        if let (Some(start), Some(stop)) = (self.start, stop)
            && stop < start.as_nanos()
        {
            return Err(Invalid::StopBeforeStart);
        }
        if self.interval.is_zero() {
            return Err(Invalid::NoInterval);
        }
        Ok(())
    }
}

impl Timing {
    /// The timer of a task that is started now; cron expressions tell the time of `zone`.
    ///
    /// # Errors
    /// When the schedule is not valid now.
    pub fn begin(schedule: &Schedule, now: TimestampNs, zone: &TimeZone) -> Result<Self, Invalid> {
        schedule.validate(now)?;
        let rhythm = match schedule {
            Schedule::Windowed(window) => Rhythm::of(window, now),
            Schedule::Cron(text) => Rhythm::Ticks(Expression::parse(text)?, zone.clone()),
            Schedule::Streaming => Rhythm::Stream,
        };
        Ok(Self { began: now, rhythm })
    }

    /// What comes next after the fire that was due at `last`; none was before the first.
    #[must_use]
    pub fn next(&self, now: TimestampNs, last: Option<TimestampNs>) -> Next {
        match &self.rhythm {
            Rhythm::Interval { interval, first, end } => {
                let (at, missed) = last.map_or(((*first).max(now), 0), |last| after(last, *interval, now));
                match *end {
                    Some(end) if at >= end => Next::End { at: end.max(now) },
                    _ => Next::Fire { at, missed },
                }
            }
            Rhythm::Ticks(expression, zone) => {
                let missed = last.map_or(0, |last| expression.ticks(last, now, zone));
                match expression.next_after(last.unwrap_or(self.began), now, zone) {
                    Some(at) => Next::Fire { at, missed },
                    None => Next::End { at: now },
                }
            }
            Rhythm::Stream => Next::Stream,
        }
    }
}

impl Rhythm {
    fn of(window: &Window, now: TimestampNs) -> Self {
        let interval = nanos(window.interval);
        let first = window.start.map_or(now, |start| start.timestamp().max(now));
        let count = i64::try_from(window.count).unwrap_or(i64::MAX);
        let counted = (count > 0).then(|| TimestampNs(first.0.saturating_add(interval.saturating_mul(count))));
        Self::Interval {
            interval,
            first,
            end: window.stop.map(Moment::timestamp).or(counted),
        }
    }
}

/// The next multiple of the interval after `last` that is not past, and how many are.
fn after(last: TimestampNs, interval: i64, now: TimestampNs) -> (TimestampNs, u64) {
    let missed = now.0.saturating_sub(last.0).max(0) / interval;
    let at = last.0.saturating_add(interval.saturating_mul(missed.saturating_add(1)));
    (TimestampNs(at), missed.unsigned_abs())
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;

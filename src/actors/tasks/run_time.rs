//! PURE. The time that a run of a task goes by.
//!
//! Intervals are counted in steady time: the machine's clock may be set while a task runs, which must neither stall it
//! nor count as missed. Cron expressions mean the clock on the wall, whatever it says.

use crate::{
    base::{Clock, TimestampNs},
    workflow::manifest::Schedule,
};

/// The time of one run, from a start to its end.
#[derive(Debug, Clone, Copy)]
pub(super) enum RunTime {
    /// What the machine's clock says.
    Wall,
    /// What it said when the run began, and the time that has passed since: steady time at zero of the clock's
    /// monotonic time.
    Steady(TimestampNs),
}

impl RunTime {
    /// The time by which that schedule goes, from now on.
    pub(super) fn begin(schedule: &Schedule, clock: &dyn Clock) -> Self {
        match schedule {
            Schedule::Cron(_) => Self::Wall,
            Schedule::Windowed(_) | Schedule::Streaming => {
                Self::Steady(TimestampNs(clock.now().0.saturating_sub(elapsed(clock))))
            }
        }
    }

    /// The present.
    pub(super) fn now(self, clock: &dyn Clock) -> TimestampNs {
        match self {
            Self::Wall => clock.now(),
            Self::Steady(zero) => TimestampNs(zero.0.saturating_add(elapsed(clock))),
        }
    }
}

fn elapsed(clock: &dyn Clock) -> i64 {
    i64::try_from(clock.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

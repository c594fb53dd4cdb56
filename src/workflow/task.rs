//! PURE. The life of a task: its states, what may be done in each, what it counts.
//!
//! ```text
//!            started                     finished (too many failures in a row)
//! Stopped ------------> Running ---------------------------------> Disabled
//!    ^  ^                |    |  ended                                |
//!    |  |   stop (idle)  |    +--------> Ended --started--> Running   |
//!    |  +----------------+                                            |
//!    |                   |  stop (firing)                             |
//!    +---- finished --- Stopping                                      |
//!    +--------------------------------- enable -----------------------+
//! ```
//!
//! The caller acts: it subscribes between [`Task::may_start`] and [`Task::started`], waits for what [`Task::next`] says,
//! runs the workflow between [`Task::fire`] and [`Task::finished`], and unsubscribes when the task left `Running`.
//! Counters are never reset; failures in a row are counted anew at each start.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::base::TimestampNs;

use super::{
    manifest::Manifest,
    schedule::{Next, Timing},
};

mod record;
mod refusal;
mod view;

pub use record::{Damaged, Resume};
pub use refusal::{Refusal, numbered};
pub use view::{TaskState, TaskView};

/// The longest text of a failure that is kept, and stored with the task; stack traces are shorter.
const MAX_FAILURE: usize = 16 << 10;

/// What a start takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Subscribe its plugins, then say [`Task::started`].
    Subscribe,
    /// Nothing: it is being stopped, and stays so. Snap answers as if it had started.
    Nothing,
}

/// What a stop takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is stopped; unsubscribe its plugins.
    Done,
    /// It stops when what it runs has finished.
    AfterFire,
}

/// How a task left `Running`; its plugins are to be unsubscribed, its watchers told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// A stop was waiting for the fire.
    Stopped,
    /// It failed too often in a row.
    Disabled,
}

/// A task. Every method that changes it takes the present or needs none.
#[derive(Debug, Clone)]
pub struct Task {
    id: String,
    manifest: Arc<Manifest>,
    created: TimestampNs,
    state: TaskState,
    last_run: Option<TimestampNs>,
    hits: u64,
    misses: u64,
    failures: u64,
    last_failure: String,
    run: Option<Run>,
}

/// What a task knows from one start to when it leaves `Running`.
#[derive(Debug, Clone)]
struct Run {
    timing: Timing,
    last_due: Option<TimestampNs>,
    failures_in_a_row: u32,
    is_firing: bool,
}

impl Task {
    /// A stopped task.
    #[must_use]
    pub fn new(id: String, manifest: Arc<Manifest>, now: TimestampNs) -> Self {
        Self {
            id,
            manifest,
            created: now,
            state: TaskState::Stopped,
            last_run: None,
            hits: 0,
            misses: 0,
            failures: 0,
            last_failure: String::new(),
            run: None,
        }
    }

    /// Names it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> TimestampNs {
        self.created
    }

    /// What it does and when.
    #[must_use]
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.state
    }

    /// The text of the last failure; empty when there was none.
    #[must_use]
    pub fn last_failure(&self) -> &str {
        &self.last_failure
    }

    /// As listings show it.
    #[must_use]
    pub fn view(&self) -> TaskView {
        let name = self.manifest.name.clone();
        TaskView {
            id: self.id.clone(),
            name: name.unwrap_or_else(|| format!("Task-{}", self.id)),
            deadline: self.manifest.deadline,
            manifest: Arc::clone(&self.manifest),
            created: seconds(self.created),
            last_run: self.last_run.map(seconds),
            hits: self.hits,
            misses: self.misses,
            failures: self.failures,
            last_failure: self.last_failure.clone(),
            state: self.state,
        }
    }

    /// Whether it may be started now.
    ///
    /// # Errors
    /// When it runs or is disabled, or its schedule cannot be followed any more.
    pub fn may_start(&self, now: TimestampNs) -> Result<Start, Refusal> {
        match self.state {
            TaskState::Running => Err(Refusal::AlreadyRunning),
            TaskState::Disabled => Err(Refusal::StartDisabled),
            TaskState::Stopping => Ok(Start::Nothing),
            TaskState::Stopped | TaskState::Ended => {
                self.manifest.schedule.validate(now)?;
                Ok(Start::Subscribe)
            }
        }
    }

    /// Its plugins are subscribed: it runs. Cron expressions tell the time of `zone`.
    ///
    /// # Errors
    /// As [`Task::may_start`]; it has not changed then.
    pub fn started(&mut self, now: TimestampNs, zone: &TimeZone) -> Result<(), Refusal> {
        if self.may_start(now)? == Start::Nothing {
            return Ok(());
        }
        self.run = Some(Run {
            timing: Timing::begin(&self.manifest.schedule, now, zone)?,
            last_due: None,
            failures_in_a_row: 0,
            is_firing: false,
        });
        self.state = TaskState::Running;
        Ok(())
    }

    /// What comes next; `None` unless it runs and waits.
    #[must_use]
    pub fn next(&self, now: TimestampNs) -> Option<Next> {
        let run = self.run.as_ref().filter(|run| !run.is_firing)?;
        Some(run.timing.next(now, run.last_due))
    }

    /// It fires now, as was due at `due`, having missed so many fires since the last one.
    pub fn fire(&mut self, now: TimestampNs, due: TimestampNs, missed: u64) {
        let Some(run) = &mut self.run else { return };
        run.last_due = Some(due);
        run.is_firing = true;
        self.last_run = Some(now);
        self.hits += 1;
        self.misses += missed;
    }

    /// Its streaming collector sent a batch, which is now processed and published. Snap does not call that a run.
    pub fn receive(&mut self) {
        let Some(run) = &mut self.run else { return };
        run.is_firing = true;
        self.hits += 1;
    }

    /// What it fired, or the batch it received, is done, with the texts of the jobs that failed; also a broken stream,
    /// which is a fire that failed but no hit.
    pub fn finished(&mut self, failures: &[String]) -> Option<Left> {
        let run = self.run.as_mut()?;
        run.is_firing = false;
        run.failures_in_a_row = match failures.last() {
            Some(last) => {
                self.failures += failures.len() as u64;
                kept(last).clone_into(&mut self.last_failure);
                run.failures_in_a_row.saturating_add(1)
            }
            None => 0,
        };
        let is_too_much = |most: u32| run.failures_in_a_row >= most;
        if self.state == TaskState::Stopping {
            self.stop_now();
            Some(Left::Stopped)
        } else if self.manifest.max_failures.is_some_and(is_too_much) {
            self.leave(TaskState::Disabled);
            Some(Left::Disabled)
        } else {
            None
        }
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn stop(&mut self) -> Result<Stop, Refusal> {
        match self.state {
            TaskState::Stopped => Err(Refusal::AlreadyStopped),
            TaskState::Ended => Err(Refusal::StopEnded),
            TaskState::Disabled => Err(Refusal::StopDisabled),
            TaskState::Running | TaskState::Stopping if self.is_firing() => {
                self.state = TaskState::Stopping;
                Ok(Stop::AfterFire)
            }
            TaskState::Running | TaskState::Stopping => {
                self.stop_now();
                Ok(Stop::Done)
            }
        }
    }

    /// Its schedule is over; that of a stored task may be so before it is started again.
    pub fn ended(&mut self) {
        if matches!(self.state, TaskState::Running | TaskState::Stopped) {
            self.leave(TaskState::Ended);
        }
    }

    /// It cannot run any more, whatever it does now: it has failed with that text.
    pub fn disable(&mut self, why: &str) {
        self.failures += 1;
        kept(why).clone_into(&mut self.last_failure);
        self.leave(TaskState::Disabled);
    }

    /// Makes a disabled one a stopped one; nothing else is reset.
    ///
    /// # Errors
    /// When it is not disabled.
    pub fn enable(&mut self) -> Result<(), Refusal> {
        if self.state != TaskState::Disabled {
            return Err(Refusal::NotDisabled);
        }
        self.state = TaskState::Stopped;
        Ok(())
    }

    /// Whether it may be removed.
    ///
    /// # Errors
    /// When it runs or is being stopped.
    pub fn may_remove(&self) -> Result<(), Refusal> {
        match self.state {
            TaskState::Running | TaskState::Stopping => Err(Refusal::NotStopped),
            TaskState::Stopped | TaskState::Ended | TaskState::Disabled => Ok(()),
        }
    }

    fn is_firing(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_firing)
    }

    fn stop_now(&mut self) {
        self.last_run = None;
        self.leave(TaskState::Stopped);
    }

    fn leave(&mut self, state: TaskState) {
        self.state = state;
        self.run = None;
    }
}

/// What is kept of a failure's text.
fn kept(failure: &str) -> &str {
    let end = failure.floor_char_boundary(MAX_FAILURE);
    failure.get(..end).unwrap_or(failure)
}

fn seconds(time: TimestampNs) -> i64 {
    time.0.div_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests;

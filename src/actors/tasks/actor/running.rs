//! A task while it runs: its timer, the run under way, and how it leaves that state.

use std::time::Duration;

use actix::{fut::wrap_future, prelude::*};
use bytes::Bytes;

use crate::{
    base::TimestampNs,
    workflow::{
        event,
        manifest::Schedule,
        schedule::Next,
        task::{Left, Task},
    },
};

use super::{
    super::{
        error::TaskError,
        host::Allowed,
        run::{Done, Job},
        run_time::RunTime,
        source::Held,
        streaming::stream,
    },
    TaskActor, tell,
};

/// The longest sleep: the machine's clock may have been set meanwhile, or the machine have slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What there is while a task runs.
pub(super) struct Run {
    job: Job,
    time: RunTime,
    /// None while its plugins cannot be had.
    held: Option<Held>,
    timer: Option<SpawnHandle>,
    /// The fire under way, or the stream.
    work: Option<SpawnHandle>,
}

impl Run {
    /// Whether a fire is under way; a stream always is, and is none.
    fn is_firing(&self) -> bool {
        self.work.is_some() && self.job.manifest.schedule != Schedule::Streaming
    }
}

impl TaskActor {
    /// The task runs from now on. When it cannot, what was held for it is let go.
    pub(super) fn begin(&mut self, job: Job, held: Option<Held>, ctx: &mut Context<Self>) -> Result<(), TaskError> {
        let time = RunTime::begin(&job.manifest.schedule, &*self.world.clock);
        let now = time.now(&*self.world.clock);
        if self.is_ending {
            return Err(TaskError::not_found(&self.entry.id));
        }
        if self.world.allowed() == Allowed::Nothing {
            return Err(TaskError::HostPaused(self.world.hostname.clone()));
        }
        self.entry.try_change(|task| task.started(now, &self.world.zone))?;
        self.entry.channel.send(event::started);
        self.run = Some(Run {
            job,
            time,
            held,
            timer: None,
            work: None,
        });
        self.next(ctx);
        Ok(())
    }

    /// Waits for what comes next.
    fn next(&mut self, ctx: &mut Context<Self>) {
        let Some(now) = self.now() else { return };
        match self.entry.look(|task| task.next(now)) {
            Some(Next::Fire { at, missed }) => {
                self.at(at, ctx, move |actor, now, ctx| actor.fire(now, (at, missed), ctx))
            }
            Some(Next::End { at }) => self.at(at, ctx, |actor, _, ctx| actor.leave_ended(ctx)),
            Some(Next::Stream) => self.stream(ctx),
            None => {}
        }
    }

    /// Does it at that time; at once when that has come.
    fn at<F>(&mut self, at: TimestampNs, ctx: &mut Context<Self>, act: F)
    where
        F: FnOnce(&mut Self, TimestampNs, &mut Context<Self>) + 'static,
    {
        let Some(now) = self.now() else { return };
        let wait = u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0);
        if wait == 0 {
            return act(self, now, ctx);
        }
        let wait = Duration::from_nanos(wait).min(LONGEST_SLEEP);
        let timer = ctx.run_later(wait, move |actor, ctx| actor.at(at, ctx, act));
        self.run.iter_mut().for_each(|run| run.timer = Some(timer));
    }

    fn fire(&mut self, now: TimestampNs, (due, missed): (TimestampNs, u64), ctx: &mut Context<Self>) {
        let Some(run) = &mut self.run else { return };
        self.entry.change(|task| task.fire(now, due, missed));
        run.timer = None;
        let fired = wrap_future::<_, Self>(run.job.clone().fire(run.held.clone()));
        run.work = Some(ctx.spawn(fired.map(|done, actor, ctx| {
            actor.run.iter_mut().for_each(|run| run.work = None);
            actor.done(done, ctx);
        })));
    }

    fn stream(&mut self, ctx: &mut Context<Self>) {
        if let Some(run) = &mut self.run {
            run.work = Some(ctx.add_stream(stream(run.job.clone(), run.held.clone())));
        }
    }

    /// A run is over: the rules say whether the task goes on.
    pub(super) fn done(&mut self, done: Done, ctx: &mut Context<Self>) {
        let Some(run) = &mut self.run else { return };
        run.held = done.held;
        let is_idle = run.work.is_none();
        match self.entry.change(|task| task.finished(&done.failures)) {
            Some(Left::Stopped) => self.leave_stopped(ctx),
            Some(Left::Disabled) => self.leave_disabled(ctx),
            None if self.is_ending => self.finish(ctx),
            None if is_idle => self.next(ctx),
            None => {}
        }
    }

    /// When the run under way is not over by then, it has failed.
    pub(super) fn cut_off_after(&mut self, patience: Duration, ctx: &mut Context<Self>) {
        let Some(run) = self.run.as_mut().filter(|run| run.timer.is_none()) else {
            return;
        };
        run.timer = Some(ctx.run_later(patience, |actor, ctx| {
            let Some(run) = &mut actor.run else { return };
            run.work.take().map(|work| ctx.cancel_future(work));
            let done = Done {
                held: run.held.clone(),
                failures: vec!["task was stopped before its run had ended".to_owned()],
            };
            actor.done(done, ctx);
        }));
    }

    pub(super) fn leave_stopped(&mut self, ctx: &mut Context<Self>) {
        self.leave(event::stopped, ctx);
    }

    fn leave_ended(&mut self, ctx: &mut Context<Self>) {
        self.entry.change(Task::ended);
        self.leave(event::ended, ctx);
    }

    fn leave_disabled(&mut self, ctx: &mut Context<Self>) {
        let why = self.entry.look(|task| task.last_failure().to_owned());
        tracing::warn!(task = %self.entry.id, error = %why, "task is disabled");
        self.leave(|| event::disabled(&why), ctx);
    }

    /// Ends the task as failed, because this machine is not to work.
    pub(super) fn disable(&mut self, ctx: &mut Context<Self>) {
        let why = TaskError::HostPaused(self.world.hostname.clone()).to_string();
        self.entry.change(|task| task.disable(&why));
        self.leave_disabled(ctx);
    }

    /// The task does not run any more: the watchers hear of it, its plugins are let go, its state is stored; then those
    /// who wait hear of it.
    fn leave(&mut self, last: impl FnOnce() -> Bytes, ctx: &mut Context<Self>) {
        let held = self.cancel(ctx);
        self.entry.channel.send_last(last);
        let (saved, mut waiting) = (self.saved(), std::mem::take(&mut self.waiting));
        let left = async move {
            if let Some(held) = held {
                held.calls.end().await;
            }
            let saved = saved.await;
            tell(&mut waiting, &saved);
        };
        ctx.spawn(left.into_actor(self));
    }

    /// Ends the run quietly, unless a fire is under way: then when that is over.
    pub(super) fn finish(&mut self, ctx: &mut Context<Self>) {
        let is_firing = self.run.as_ref().is_some_and(Run::is_firing);
        if !is_firing {
            self.cancel(ctx);
            tell(&mut self.waiting, &Ok(()));
        }
    }

    /// Ends the timer and the run under way; what was held.
    fn cancel(&mut self, ctx: &mut Context<Self>) -> Option<Held> {
        let run = self.run.take()?;
        for pending in [run.timer, run.work].into_iter().flatten() {
            ctx.cancel_future(pending);
        }
        run.held
    }

    fn now(&self) -> Option<TimestampNs> {
        let run = self.run.as_ref()?;
        Some(run.time.now(&*self.world.clock))
    }
}

//! One actor per task: has its timer, runs what the pure rules say, and tells them what came of it.
//!
//! A task has at most one timer and one run under way: both are held here, and cancelled when it leaves `Running`. A
//! panic within a run is a run that failed; when the actor itself panics, a new one takes the task over as it is stored.

mod running;

use std::{mem, sync::Arc, time::Duration};

use actix::{fut, prelude::*};
use tokio::sync::oneshot;

use crate::workflow::task::{self, Refusal, Resume, Task};

use super::{
    super::guard::{Lifeline, Refused},
    directory::Entry,
    error::TaskError,
    host::Allowed,
    record,
    run::Job,
    streaming::Streamed,
    world::World,
};

use running::Run;

/// How long a stop waits for the run under way before it cuts it off: as long as a call of a plugin may take.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

type Answer = ResponseActFuture<TaskActor, Result<(), TaskError>>;
/// Hears that the run under way is over, or that this could not be stored.
pub(super) type Waiting = oneshot::Sender<Result<(), TaskError>>;

pub(super) struct TaskActor {
    world: Arc<World>,
    entry: Arc<Entry>,
    /// Plugins are being subscribed.
    is_starting: bool,
    run: Option<Run>,
    /// Those who wait for the run under way, and for what follows it.
    waiting: Vec<Waiting>,
    /// Nothing is started any more: the task was removed, or the process stops.
    is_ending: bool,
    /// Another actor had the task before.
    takes_over: bool,
    _life: Lifeline,
}

/// Starts the task; answered when its plugins are subscribed and its state is stored. When only storing fails it runs.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Start;

/// Goes on with a task that was running when it was stored, unless it was stopped since.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct GoOn;

/// Stops the task; answered when the run under way is over, its plugins are let go and its state is stored.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Stop;

/// Makes a disabled task a stopped one; answered when that is stored.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Enable;

/// An operator wants nothing to run on this machine: a task that runs ends as failed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct EndWork;

/// Asks whether the task may be removed; if so, it is never started again.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Remove;

/// Says `done` when the run under way is over; nothing is run after it. The task's state stays as it is.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct ShutDown {
    pub(super) done: Waiting,
}

/// Ends the actor.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct End;

/// Makes the actor panic, for tests of its supervision.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Crash;

impl Actor for TaskActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.takes_over {
            self.take_over(ctx);
        }
    }
}

impl Handler<Start> for TaskActor {
    type Result = Answer;

    fn handle(&mut self, _: Start, _: &mut Self::Context) -> Answer {
        match self.may_start() {
            Err(error) => return Box::pin(fut::err(error)),
            Ok(task::Start::Nothing) => return Box::pin(fut::ok(())),
            Ok(task::Start::Subscribe) => {}
        }
        self.is_starting = true;
        let job = self.job();
        let held = async move { (job.hold(None).await, job) };
        Box::pin(held.into_actor(self).then(|(held, job), actor, ctx| {
            actor.is_starting = false;
            let held = held.map_err(TaskError::Invalid);
            let begun = held.and_then(|held| actor.begin(job, Some(held), ctx));
            let saved = actor.saved();
            let answer = async move {
                begun?;
                saved.await
            };
            answer.into_actor(actor)
        }))
    }
}

impl Handler<GoOn> for TaskActor {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: GoOn, _: &mut Self::Context) -> Self::Result {
        match self.entry.take_to_go_on() {
            true => self.go_on(),
            false => Box::pin(fut::ready(())),
        }
    }
}

impl Handler<Stop> for TaskActor {
    type Result = Answer;

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) -> Answer {
        let was_to_go_on = self.entry.take_to_go_on();
        let stop = match self.entry.try_change(Task::stop) {
            // In the store it still runs.
            Err(Refusal::AlreadyStopped) if was_to_go_on => return Box::pin(self.saved().into_actor(self)),
            Err(refusal) => return Box::pin(fut::err(refusal.into())),
            Ok(stop) => stop,
        };
        let (done, stopped) = oneshot::channel();
        self.waiting.push(done);
        match stop {
            task::Stop::Done => self.leave_stopped(ctx),
            task::Stop::AfterFire => self.cut_off_after(STOP_PATIENCE, ctx),
        }
        let answer = async move { stopped.await.map_err(|_| Refused::Gone)? };
        Box::pin(answer.into_actor(self))
    }
}

impl Handler<Enable> for TaskActor {
    type Result = Answer;

    fn handle(&mut self, _: Enable, _: &mut Self::Context) -> Answer {
        if let Err(refusal) = self.entry.try_change(Task::enable) {
            return Box::pin(fut::err(refusal.into()));
        }
        Box::pin(self.saved().into_actor(self))
    }
}

impl Handler<EndWork> for TaskActor {
    type Result = ();

    fn handle(&mut self, _: EndWork, ctx: &mut Self::Context) {
        if self.run.is_some() {
            self.disable(ctx);
        }
    }
}

impl Handler<Remove> for TaskActor {
    type Result = Result<(), TaskError>;

    fn handle(&mut self, _: Remove, _: &mut Self::Context) -> Self::Result {
        if self.is_starting {
            return Err(Refusal::NotStopped.into());
        }
        self.entry.look(Task::may_remove)?;
        self.is_ending = true;
        Ok(())
    }
}

impl Handler<ShutDown> for TaskActor {
    type Result = ();

    fn handle(&mut self, message: ShutDown, ctx: &mut Self::Context) {
        self.is_ending = true;
        self.waiting.push(message.done);
        self.finish(ctx);
    }
}

impl Handler<End> for TaskActor {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for TaskActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl StreamHandler<Streamed> for TaskActor {
    fn handle(&mut self, streamed: Streamed, ctx: &mut Self::Context) {
        match streamed {
            Streamed::Received => self.entry.change(Task::receive),
            Streamed::Done(done) => self.done(done, ctx),
        }
    }

    /// A stream of a task never ends by itself, and its actor outlives it.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl TaskActor {
    /// The actor of a task; `takes_over` when another one had it before.
    pub(super) fn new(world: Arc<World>, entry: Arc<Entry>, takes_over: bool, life: Lifeline) -> Self {
        Self {
            world,
            entry,
            is_starting: false,
            run: None,
            waiting: Vec::new(),
            is_ending: false,
            takes_over,
            _life: life,
        }
    }

    /// Whether it may be started now, and what that takes.
    fn may_start(&self) -> Result<task::Start, TaskError> {
        if self.is_ending {
            return Err(TaskError::not_found(&self.entry.id));
        }
        if self.is_starting {
            return Err(Refusal::AlreadyRunning.into());
        }
        let now = self.world.clock.now();
        let start = self.entry.look(|task| task.may_start(now))?;
        if start == task::Start::Subscribe && self.world.allowed() != Allowed::Everything {
            return Err(TaskError::HostPaused(self.world.hostname.clone()));
        }
        Ok(start)
    }

    /// Begins to run again, also when its plugins cannot be had: then every run fails until they can, or too many did.
    fn go_on(&mut self) -> ResponseActFuture<Self, ()> {
        match self.may_start() {
            Ok(task::Start::Subscribe) => {}
            Ok(task::Start::Nothing) => return Box::pin(fut::ready(())),
            Err(error) => return self.stay_away(&error),
        }
        self.is_starting = true;
        let job = self.job();
        let held = async move { (job.hold(None).await, job) };
        Box::pin(held.into_actor(self).map(|(held, job), actor, ctx| {
            actor.is_starting = false;
            if let Err(errors) = &held {
                tracing::warn!(task = %actor.entry.id, error = %errors.join(" -- "), "task goes on without its plugins");
            }
            if let Err(error) = actor.begin(job, held.ok(), ctx) {
                tracing::warn!(task = %actor.entry.id, %error, "task does not go on");
            }
        }))
    }

    /// The task was running, and cannot any more.
    fn stay_away(&mut self, error: &TaskError) -> ResponseActFuture<Self, ()> {
        tracing::warn!(task = %self.entry.id, %error, "task does not go on");
        match error {
            TaskError::HostPaused(_) => self.entry.change(|task| task.disable(&error.to_string())),
            TaskError::Refusal(Refusal::Schedule(_)) => self.entry.change(Task::ended),
            _ => return Box::pin(fut::ready(())),
        }
        // What fails is logged, and tried again.
        Box::pin(self.saved().into_actor(self).map(|_saved, _, _| ()))
    }

    /// Reads the task again, which another actor had, and goes on with it if it was running.
    fn take_over(&mut self, ctx: &mut Context<Self>) {
        let (world, entry) = (Arc::clone(&self.world), Arc::clone(&self.entry));
        let stored = async move { record::read(&*world.store, &entry.id).await };
        ctx.wait(stored.into_actor(self).map(|stored, actor, ctx| match stored {
            Ok(Some((task, resume))) => {
                actor.entry.change(|before| *before = task);
                if resume == Resume::Start && actor.world.may_resume() {
                    let going_on = actor.go_on();
                    ctx.spawn(going_on);
                }
            }
            Ok(None) => tracing::error!(task = %actor.entry.id, "task is not stored any more"),
            Err(error) => {
                tracing::error!(task = %actor.entry.id, %error, "task cannot be read: trying again");
                ctx.stop();
            }
        }));
    }

    fn job(&self) -> Job {
        let manifest = self.entry.look(|task| Arc::clone(task.manifest()));
        Job {
            tags: Arc::new(self.world.tag_rules(&manifest)),
            world: Arc::clone(&self.world),
            entry: Arc::clone(&self.entry),
            manifest,
        }
    }

    /// Stores the task as it will be when this is polled. What fails is logged, and tried again every minute.
    fn saved(&self) -> impl Future<Output = Result<(), TaskError>> + use<> {
        let (world, entry) = (Arc::clone(&self.world), Arc::clone(&self.entry));
        async move {
            let saved = world.recorder.save(&entry.id).await;
            if saved.is_err() {
                entry.set_unsaved(true);
            }
            saved
        }
    }
}

/// Tells those who wait that it is done, or what could not be stored of it.
fn tell(waiting: &mut Vec<Waiting>, saved: &Result<(), TaskError>) {
    for waiting in mem::take(waiting) {
        // Whoever asked may have given up waiting.
        let _heard = waiting.send(saved.clone());
    }
}

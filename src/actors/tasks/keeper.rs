//! Adds and removes tasks, to the end even when whoever asked has gone; ends their work on an operator's order.

use std::sync::Arc;

use actix::{fut, prelude::*};
use futures_util::{future::join_all, stream};
use prometheus_client::metrics::counter::Counter;

use crate::workflow::task::{Resume, Task};

use super::{
    super::guard::{Lifeline, guard},
    actor::{End, EndWork, Remove, TaskActor},
    directory::{Entry, Listed},
    error::TaskError,
    host::Allowed,
    world::World,
};

/// Messages to one task under way at once.
const CAPACITY: usize = 64;

type Answer = ResponseActFuture<Keeper, Result<(), TaskError>>;

pub(super) struct Keeper {
    world: Arc<World>,
    /// What was allowed on this machine when it was looked at last.
    allowed: Allowed,
    restarts: Counter,
    _life: Lifeline,
}

/// Adds a new task; answered when it is stored.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Add(pub(super) Task);

/// Adds a task that is stored.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Restore(pub(super) Task, pub(super) Resume);

/// Removes a task, if its state allows it; answered when it is not stored any more.
#[derive(Message)]
#[rtype(result = "Result<(), TaskError>")]
pub(super) struct Delete(pub(super) Listed);

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Crash;

/// The registry knows something new.
struct HostChanged;

impl Keeper {
    pub(super) fn new(world: Arc<World>, restarts: Counter, life: Lifeline) -> Self {
        Self {
            world,
            allowed: Allowed::Everything,
            restarts,
            _life: life,
        }
    }

    fn insert(&self, task: Task) -> Arc<Entry> {
        let entry = Arc::new(Entry::new(task, self.world.watch_backlog));
        let (world, shared) = (Arc::clone(&self.world), Arc::clone(&entry));
        let mut is_first = true;
        let make = move |life| {
            let takes_over = !std::mem::take(&mut is_first);
            TaskActor::new(Arc::clone(&world), Arc::clone(&shared), takes_over, life)
        };
        let actor = guard(format!("task {}", entry.id), CAPACITY, self.restarts.clone(), make);
        let listed = Listed {
            entry: Arc::clone(&entry),
            actor,
        };
        self.world.directory.insert(listed);
        entry
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(host) = &self.world.host {
            ctx.add_stream(stream::unfold(host.nodes.subscribe(), |mut snapshots| async {
                snapshots.changed().await.ok()?;
                Some((HostChanged, snapshots))
            }));
        }
    }
}

impl StreamHandler<HostChanged> for Keeper {
    fn handle(&mut self, _: HostChanged, ctx: &mut Self::Context) {
        let before = std::mem::replace(&mut self.allowed, self.world.allowed());
        if self.allowed == Allowed::Nothing && before != Allowed::Nothing {
            tracing::warn!(host = %self.world.hostname, "host is deactivated: its tasks end");
            let tasks = self.world.directory.all();
            let ended = async move { join_all(tasks.iter().map(|task| task.actor.ask(EndWork))).await };
            ctx.spawn(ended.into_actor(self).map(|_ended, _, _| ()));
        }
    }

    /// The registry ends before the tasks do, when the process stops.
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl Handler<Add> for Keeper {
    type Result = Answer;

    fn handle(&mut self, Add(task): Add, _: &mut Self::Context) -> Answer {
        let World {
            directory, max_tasks, ..
        } = &*self.world;
        if directory.get(task.id()).is_some() {
            return Box::pin(fut::err(TaskError::Exists(task.id().to_owned())));
        }
        if directory.len() >= *max_tasks {
            return Box::pin(fut::err(TaskError::TooMany(*max_tasks)));
        }
        let entry = self.insert(task);
        let world = Arc::clone(&self.world);
        let added = async move {
            let saved = world.recorder.save(&entry.id).await;
            if saved.is_err()
                && let Some(task) = world.directory.remove(&entry.id)
            {
                end(&task).await;
            }
            saved
        };
        Box::pin(added.into_actor(self))
    }
}

impl Handler<Restore> for Keeper {
    type Result = ();

    fn handle(&mut self, Restore(task, resume): Restore, _: &mut Self::Context) {
        if self.world.directory.get(task.id()).is_none() {
            let entry = self.insert(task);
            if resume == Resume::Start {
                entry.set_to_go_on();
            }
        }
    }
}

impl Handler<Delete> for Keeper {
    type Result = Answer;

    fn handle(&mut self, Delete(task): Delete, _: &mut Self::Context) -> Answer {
        let world = Arc::clone(&self.world);
        let deleted = async move {
            task.actor.ask(Remove).await??;
            world.directory.remove(&task.entry.id);
            let deleted = world.recorder.save(&task.entry.id).await;
            end(&task).await;
            deleted
        };
        Box::pin(deleted.into_actor(self))
    }
}

impl Handler<Stop> for Keeper {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for Keeper {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

/// Ends the actor of a task.
pub(super) async fn end(task: &Listed) {
    task.actor.expect_end();
    // An error says that it is gone already.
    let _ended = task.actor.ask(End).await;
}

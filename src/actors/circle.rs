//! One actor per circle: answers for its backends and passes an operator's orders on to them.

use std::sync::Arc;

use actix::prelude::*;
use prometheus_client::metrics::counter::Counter;

use crate::{base::CircleId, proxy::fleet::Fleet};

use super::{
    backend::BackendHandle,
    guard::{Guarded, Lifeline, Refused, guard},
};

/// Control messages under way per circle.
const CAPACITY: usize = 64;

/// What a circle's actor is made of; survives its restarts.
#[derive(Debug, Clone)]
pub struct CircleParts {
    /// Which circle.
    pub id: CircleId,
    /// All circles.
    pub fleet: Arc<Fleet>,
    /// The actors of its backends, in the order of the configuration; an embedded backend has none.
    pub backends: Vec<Option<BackendHandle>>,
}

/// The way to one circle's actor.
#[derive(Debug, Clone)]
pub struct CircleHandle {
    actor: Guarded<CircleActor>,
}

/// No backend of that name in this circle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no backend named {0:?}")]
pub struct NoSuchBackend(pub String);

struct CircleActor {
    parts: CircleParts,
    _life: Lifeline,
}

impl CircleHandle {
    /// Starts the actor on the current arbiter.
    #[must_use]
    pub fn start(parts: CircleParts, restarts: Counter) -> Self {
        let name = format!("circle {}", parts.id);
        let make = move |life| CircleActor {
            parts: parts.clone(),
            _life: life,
        };
        Self {
            actor: guard(name, CAPACITY, restarts, make),
        }
    }

    /// Uses a detached backend again.
    ///
    /// # Errors
    /// When an actor on the way cannot take it, or, inside, when there is no such backend.
    pub async fn attach(&self, backend: &str) -> Result<Result<(), NoSuchBackend>, Refused> {
        match self.backend(backend).await? {
            Some(backend) => backend.attach().await.map(Ok),
            None => Ok(Err(NoSuchBackend(backend.to_owned()))),
        }
    }

    /// Ends the actors of the backends, then this one.
    ///
    /// # Errors
    /// When the actor is gone.
    pub async fn stop(&self) -> Result<(), Refused> {
        let backends = self.actor.ask(Backends).await?;
        for backend in &backends {
            // One that is being restarted has nothing under way.
            let _stopped = backend.stop().await;
        }
        self.actor.expect_end();
        self.actor.ask(Stop).await
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        let _gone = self.actor.ask(Crash).await;
    }

    async fn backend(&self, name: &str) -> Result<Option<BackendHandle>, Refused> {
        self.actor.ask(Find(name.to_owned())).await
    }
}

#[derive(Message)]
#[rtype(result = "Option<BackendHandle>")]
struct Find(String);

#[derive(Message)]
#[rtype(result = "Vec<BackendHandle>")]
struct Backends;

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for CircleActor {
    type Context = Context<Self>;
}

impl Handler<Find> for CircleActor {
    type Result = Option<BackendHandle>;

    fn handle(&mut self, message: Find, _: &mut Self::Context) -> Self::Result {
        let circle = &self.parts.fleet.circles[usize::from(self.parts.id.0)];
        let position = circle
            .members
            .iter()
            .position(|member| member.config.name == message.0)?;
        self.parts.backends.get(position).cloned().flatten()
    }
}

impl Handler<Backends> for CircleActor {
    type Result = MessageResult<Backends>;

    fn handle(&mut self, _: Backends, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.parts.backends.iter().flatten().cloned().collect())
    }
}

impl Handler<Stop> for CircleActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for CircleActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

//! One actor per backend: is it in reach, and what is to be delivered next.
//!
//! The actor runs one thing at a time, a turn of its [`Courier`], a spill, or a change of attachment, and decides on
//! the outcome. It knows nothing that the journal's cursor and the meta store do not: a restart continues where the
//! cursor stands, and takes a change of attachment up again.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use prometheus_client::metrics::counter::Counter;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    config::Delivery,
    journal::Seq,
    meta::Revision,
    proxy::{
        client::SendError,
        courier::{Courier, Failure, Turn},
        fleet::{Condition, Fleet},
        health::{Change, Health},
        queue::Queue,
        shared::Shared,
    },
};

mod attach;

use super::guard::{Guarded, Lifeline, Refused, guard};
use attach::{Attach, Follow};

/// Control messages under way per backend: an operator's, a test's.
const CAPACITY: usize = 16;

/// What a backend's actor is made of; survives its restarts.
#[derive(Debug, Clone)]
pub struct BackendParts {
    /// Delivers.
    pub courier: Arc<Courier>,
    /// Times and limits.
    pub config: Delivery,
    /// Wait after new data so that small writes travel together; zero when clients wait for the delivery.
    pub linger: Duration,
    /// Tells whether the backend can be spared.
    pub fleet: Arc<Fleet>,
    /// Remembers, for all processes, that the backend is detached.
    pub shared: Arc<Shared>,
}

/// The way to one backend's actor.
#[derive(Debug, Clone)]
pub struct BackendHandle {
    actor: Guarded<BackendActor>,
}

struct BackendActor {
    parts: BackendParts,
    health: Health,
    busy: bool,
    /// A wake-up is due already: no second one is scheduled.
    scheduled: bool,
    retry: Option<SpawnHandle>,
    /// A spill failed a short while ago.
    spill_again_at: Option<Instant>,
    attaching: Vec<oneshot::Sender<()>>,
    /// What the shared store says and is not done here yet.
    told: Option<bool>,
    /// The store's revision of what was done last.
    revision: Revision,
    stopping: Option<oneshot::Sender<()>>,
    _life: Lifeline,
}

impl BackendHandle {
    /// Starts the actor on the current arbiter.
    #[must_use]
    pub fn start(parts: BackendParts, restarts: Counter) -> Self {
        let name = format!("backend {}", parts.courier.backend.config.name);
        let make = move |life| BackendActor::new(parts.clone(), life);
        Self {
            actor: guard(name, CAPACITY, restarts, make),
        }
    }

    /// Uses a detached backend again, from now on; its operator has rebuilt what it missed. Answers when that is
    /// stored.
    ///
    /// # Errors
    /// When the actor cannot take it.
    pub async fn attach(&self) -> Result<(), Refused> {
        let (sender, attached) = oneshot::channel();
        self.actor.ask(Attach(sender)).await?;
        attached.await.map_err(|_| Refused::Gone)
    }

    /// Takes up what the shared store says since `revision`: another process has detached the backend, or attached it.
    ///
    /// # Errors
    /// When the actor cannot take it.
    pub async fn follow(&self, detached: bool, revision: Revision) -> Result<(), Refused> {
        self.actor.ask(Follow { detached, revision }).await
    }

    /// Ends the actor after the delivery under way.
    ///
    /// # Errors
    /// When it is gone already.
    pub async fn stop(&self) -> Result<(), Refused> {
        self.actor.expect_end();
        let (sender, ended) = oneshot::channel();
        self.actor.ask(Stop(sender)).await?;
        ended.await.map_err(|_| Refused::Gone)
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        let _gone = self.actor.ask(Crash).await;
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop(oneshot::Sender<()>);

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for BackendActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.ping(ctx);
        if self.is_detached() {
            // Before it died, or the process did, it may not have come to the end of it.
            return self.change_attachment(ctx);
        }
        self.next(ctx);
    }
}

impl Handler<Stop> for BackendActor {
    type Result = ();

    fn handle(&mut self, message: Stop, ctx: &mut Self::Context) {
        self.stopping = Some(message.0);
        if !self.busy {
            self.end(ctx);
        }
    }
}

impl Handler<Crash> for BackendActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl BackendActor {
    fn new(parts: BackendParts, life: Lifeline) -> Self {
        let backend = &parts.courier.backend;
        let health = Health::new(
            parts.config.backoff_min,
            parts.config.backoff_max,
            u64::from(backend.id.0) << 20 | 0x9e37,
        );
        Self {
            parts,
            health,
            busy: false,
            scheduled: false,
            retry: None,
            spill_again_at: None,
            attaching: Vec::new(),
            told: None,
            revision: Revision(0),
            stopping: None,
            _life: life,
        }
    }

    fn name(&self) -> &str {
        &self.parts.courier.backend.config.name
    }

    fn condition(&self) -> &Condition {
        &self.parts.courier.backend.condition
    }

    fn is_detached(&self) -> bool {
        self.condition().is_detached()
    }

    /// Pings, and again after every answer.
    fn ping(&mut self, ctx: &mut Context<Self>) {
        let courier = Arc::clone(&self.parts.courier);
        let patience = self.parts.config.check_interval.max(Duration::from_secs(1)) * 2;
        let pinged = async move {
            let asked_at = Instant::now();
            let answer = courier.client.ping(&courier.backend, patience).await;
            (answer.map(|_status| asked_at.elapsed()), asked_at.elapsed())
        };
        let after = pinged
            .into_actor(self)
            .map(|(answer, _), actor, ctx| actor.pinged(answer, ctx));
        ctx.spawn(after);
    }

    fn pinged(&mut self, answer: Result<Duration, SendError>, ctx: &mut Context<Self>) {
        if let Ok(latency) = &answer {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            self.parts.courier.backend.condition.note_latency_us(micros);
        }
        let change = self.health.pinged(answer.is_ok());
        self.publish(change, answer.err().map(|error| error.to_string()));
        if change == Some(Change::Up) {
            self.next(ctx);
        }
        if !self.busy {
            self.relieve_journal(Duration::ZERO, ctx);
        }
        let interval = self.parts.config.check_interval;
        ctx.run_later(interval, |actor, ctx| actor.ping(ctx));
    }

    fn publish(&self, change: Option<Change>, error: Option<String>) {
        let Some(change) = change else { return };
        let backend = &self.parts.courier.backend;
        backend.condition.set_alive(change == Change::Up);
        match change {
            Change::Up => tracing::info!(backend = %self.name(), "backend is in reach"),
            Change::Down => tracing::warn!(backend = %self.name(), error, "backend is out of reach"),
        }
    }

    /// Starts the next turn, if nothing else runs.
    fn next(&mut self, ctx: &mut Context<Self>) {
        if self.busy || self.is_detached() || self.stopping.is_some() {
            return;
        }
        if let Some(retry) = self.retry.take() {
            ctx.cancel_future(retry);
        }
        self.busy = true;
        let courier = Arc::clone(&self.parts.courier);
        let turn = async move { courier.turn().await };
        ctx.spawn(
            turn.into_actor(self)
                .map(|turn, actor, ctx| actor.turn_ended(turn, ctx)),
        );
    }

    fn turn_ended(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        let Courier { backend, queue, .. } = self.parts.courier.as_ref();
        backend.condition.set_waiting_bytes(queue.waiting_bytes());
        if !self.is_free(ctx) {
            return;
        }
        match turn {
            Turn::Idle => self.await_data(ctx),
            Turn::Delivered => {
                self.health.delivered();
                // One that is slow is never idle: it is relieved here or nowhere.
                if !self.relieve_journal(Duration::ZERO, ctx) {
                    self.after_linger(ctx);
                }
            }
            Turn::Failed(failure) => self.turn_failed(&failure, ctx),
        }
    }

    fn turn_failed(&mut self, failure: &Failure, ctx: &mut Context<Self>) {
        self.parts.courier.metrics.retries.inc();
        let wait = self.health.failed();
        tracing::warn!(backend = %self.name(), error = %failure, ?wait, "delivery failed: trying again");
        if matches!(failure, Failure::NoAnswer(SendError::Connect(_))) {
            let change = self.health.lost();
            self.publish(change, Some(failure.to_string()));
        }
        if self.relieve_journal(wait, ctx) {
            return;
        }
        self.retry = Some(ctx.run_later(wait, |actor, ctx| {
            actor.retry = None;
            actor.next(ctx);
        }));
    }

    /// Waits until the journal has more than what was delivered.
    fn await_data(&mut self, ctx: &mut Context<Self>) {
        if self.scheduled {
            return;
        }
        self.scheduled = true;
        let mut committed = self.parts.courier.queue.subscribe();
        let seen: Seq = self.parts.courier.queue.position();
        let more = async move { committed.wait_for(|seq| *seq > seen).await.is_ok() };
        ctx.spawn(more.into_actor(self).map(|open, actor, ctx| {
            actor.scheduled = false;
            if open {
                actor.after_linger(ctx);
            }
        }));
    }

    fn after_linger(&mut self, ctx: &mut Context<Self>) {
        let full = self.parts.courier.queue.journal_bytes() >= self.parts.config.batch_bytes.0;
        if full || self.parts.linger.is_zero() {
            return self.next(ctx);
        }
        ctx.run_later(self.parts.linger, |actor, ctx| actor.next(ctx));
    }

    /// Moves what waits out of the journal when it is too much there; detaches the backend when it is too much at all
    /// and others have the data. Answers whether it took over; then the next turn comes after `wait`.
    fn relieve_journal(&mut self, wait: Duration, ctx: &mut Context<Self>) -> bool {
        if self.is_detached() {
            return false;
        }
        let Courier { backend, queue, .. } = self.parts.courier.as_ref();
        let waiting = queue.waiting_bytes();
        backend.condition.set_waiting_bytes(waiting);
        if waiting > self.parts.config.max_pending.0 && self.parts.fleet.can_spare(backend) {
            self.detach(waiting, ctx);
            return true;
        }
        let too_early = self.spill_again_at.is_some_and(|at| Instant::now() < at);
        if too_early || queue.journal_bytes() <= self.parts.config.spill_after.0 {
            return false;
        }
        self.spill(wait, ctx);
        true
    }

    fn spill(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        self.busy = true;
        let courier = Arc::clone(&self.parts.courier);
        let spilled = async move { courier.with_queue(Queue::spill).await };
        ctx.spawn(spilled.into_actor(self).map(move |spilled, actor, ctx| {
            match spilled {
                Ok(()) => tracing::info!(backend = %actor.name(), "spilled what waits, to relieve the journal"),
                Err(error) => {
                    tracing::error!(backend = %actor.name(), %error, "spilling failed: the journal keeps it");
                    actor.spill_again_at = Some(Instant::now() + actor.parts.config.backoff_max);
                }
            }
            if actor.is_free(ctx) && actor.retry.is_none() {
                ctx.run_later(wait, |actor, ctx| actor.next(ctx));
            }
        }));
    }

    /// Something has ended; answers whether something else may begin.
    fn is_free(&mut self, ctx: &mut Context<Self>) -> bool {
        self.busy = false;
        if self.stopping.is_some() {
            self.end(ctx);
            return false;
        }
        if self.attaching.is_empty() && self.told.is_none() {
            return true;
        }
        self.change_attachment(ctx);
        !self.busy
    }

    fn end(&mut self, ctx: &mut Context<Self>) {
        tell(self.stopping.take());
        ctx.stop();
    }
}

fn tell(waiting: impl IntoIterator<Item = oneshot::Sender<()>>) {
    for waiting in waiting {
        // Whoever asked may have given up waiting.
        let _heard = waiting.send(());
    }
}

#[cfg(test)]
mod tests;

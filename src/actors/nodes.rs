//! The node registry: follows the store, publishes what it knows, and writes what follows from it.
//!
//! ```text
//! refresh, deregister, patch ------------------> store      http's threads, by the published snapshot
//! register -> batch -> one transaction --------> store      the actor, which gives ids out in order
//! store -> follow -> cluster::Registry -> Snapshot -> everybody who reads
//!                          `-> consequences ---> store
//! ```
//!
//! The store decides who lives: a node is alive exactly while the key that its lease holds exists. Every process with
//! the same store runs this actor, and finds the same consequences; their transactions are made so that the first one
//! wins and the others change nothing.
//!
//! What a process has acknowledged is in its own snapshot: a change is answered when the snapshot has caught up with
//! it. When the store is lost, the snapshot stays and is marked as stale.

mod change;
mod consequences;
mod handle;
mod own;
mod register;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix::prelude::*;
use futures_util::StreamExt;

use crate::{
    cluster::{Change, Registry, node::FOLLOWED},
    meta::{Batch, Event, KeyValue, Page, Update, follow},
};

use super::guard::Lifeline;

pub use handle::{NodesError, NodesHandle, NodesParts, Registered};
pub use own::OwnNode;

use consequences::Outcome;
use handle::Shared;
use register::Request;

/// Updates that are taken in before the next snapshot is made.
const UPDATES_AT_ONCE: usize = 256;
/// Consequences under way at once, of each kind.
const CONSEQUENCES_AT_ONCE: usize = 64;
/// After consequences were written: the store's news of them come in before more are looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// After consequences could not be written.
const TRY_AGAIN: Duration = Duration::from_secs(1);

struct NodeRegistryActor {
    shared: Arc<Shared>,
    registry: Registry,
    revision: u64,
    stale: bool,
    waiting: VecDeque<Request>,
    registering: bool,
    following_up: bool,
    /// The next look at what is due.
    look: Option<SpawnHandle>,
    _life: Lifeline,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Register(Request);

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for NodeRegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let updates = follow(Arc::clone(&self.shared.store), FOLLOWED);
        ctx.add_stream(updates.ready_chunks(UPDATES_AT_ONCE));
    }
}

impl StreamHandler<Vec<Update>> for NodeRegistryActor {
    fn handle(&mut self, updates: Vec<Update>, ctx: &mut Self::Context) {
        for update in updates {
            match update {
                Update::Reset(page) => self.reset(&page),
                Update::Changed(batch) => self.change(&batch),
                Update::Lost(error) => {
                    tracing::warn!(%error, "store is lost: the nodes as last known stand");
                    self.stale = true;
                }
            }
        }
        if self.registry.settle(self.shared.clock.elapsed()) {
            let hold = self.shared.rules.brake_hold;
            tracing::error!(?hold, "most nodes expired at once: nothing follows from it for now");
        }
        self.publish();
        self.follow_up(ctx);
    }

    fn finished(&mut self, _: &mut Self::Context) {
        self.stale = true;
        self.publish();
    }
}

impl Handler<Register> for NodeRegistryActor {
    type Result = ();

    fn handle(&mut self, message: Register, ctx: &mut Self::Context) {
        self.waiting.push_back(message.0);
        self.register_next(ctx);
    }
}

impl Handler<Stop> for NodeRegistryActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for NodeRegistryActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl NodeRegistryActor {
    fn new(shared: Arc<Shared>, life: Lifeline) -> Self {
        Self {
            registry: Registry::new(shared.rules),
            shared,
            revision: 0,
            stale: true,
            waiting: VecDeque::new(),
            registering: false,
            following_up: false,
            look: None,
            _life: life,
        }
    }

    /// Takes all documents in anew. Those changed since the listing began come again, in order, from the watch.
    fn reset(&mut self, page: &Page) {
        self.registry.clear();
        let as_listed = page.entries.iter().filter(|entry| entry.modified <= page.revision);
        as_listed.for_each(|entry| self.apply(put(entry)));
        self.revision = page.revision.0;
        self.stale = false;
    }

    fn change(&mut self, batch: &Batch) {
        for event in &batch.events {
            self.apply(match event {
                Event::Put(entry) => put(entry),
                Event::Delete(key) => Change {
                    key,
                    revision: batch.revision.0,
                    put: None,
                },
            });
        }
        self.revision = self.revision.max(batch.revision.0);
    }

    fn apply(&mut self, change: Change<'_>) {
        if let Err(error) = self.registry.apply(change, self.shared.clock.now()) {
            tracing::error!(%error, "left out of the node registry");
        }
    }

    fn publish(&self) {
        let mut snapshot = self.registry.snapshot(self.revision);
        snapshot.stale = self.stale;
        let is_braked = self.registry.is_braked(self.shared.clock.elapsed());
        self.shared.publish(snapshot, is_braked);
    }

    /// Registers those who wait, as many as one transaction can; the others when it is done.
    fn register_next(&mut self, ctx: &mut Context<Self>) {
        if self.registering || self.waiting.is_empty() {
            return;
        }
        self.registering = true;
        let batch: Vec<_> = self
            .waiting
            .drain(..self.waiting.len().min(register::AT_ONCE))
            .collect();
        let shared = Arc::clone(&self.shared);
        let registered = async move { register::register_all(&shared, batch).await };
        ctx.spawn(registered.into_actor(self).map(|(), actor, ctx| {
            actor.registering = false;
            actor.register_next(ctx);
        }));
    }

    /// Writes what is due, then looks again; without anything due, when time alone may make something due.
    fn follow_up(&mut self, ctx: &mut Context<Self>) {
        if self.following_up || self.stale {
            return;
        }
        let (now, elapsed) = (self.shared.clock.now(), self.shared.clock.elapsed());
        let due = self.registry.due(now, elapsed, CONSEQUENCES_AT_ONCE);
        if due.is_empty() {
            self.shared.set_braked(self.registry.is_braked(elapsed));
            if let Some(wait) = self.registry.next_due(now, elapsed) {
                self.look_again(wait, ctx);
            }
            return;
        }
        self.following_up = true;
        let shared = Arc::clone(&self.shared);
        let written = async move { consequences::write_all(&shared, due).await };
        ctx.spawn(written.into_actor(self).map(|outcome, actor, ctx| {
            actor.following_up = false;
            let wait = match outcome {
                Outcome::Written => LOOK_AGAIN,
                Outcome::Failed => TRY_AGAIN,
            };
            actor.look_again(wait, ctx);
        }));
    }

    fn look_again(&mut self, wait: Duration, ctx: &mut Context<Self>) {
        if let Some(look) = self.look.take() {
            ctx.cancel_future(look);
        }
        let wait = wait.max(LOOK_AGAIN);
        self.look = Some(ctx.run_later(wait, |actor, ctx| actor.follow_up(ctx)));
    }
}

fn put(entry: &KeyValue) -> Change<'_> {
    Change {
        key: &entry.key,
        revision: entry.modified.0,
        put: Some((&entry.value, entry.lease.map(|lease| lease.0))),
    }
}

#[cfg(test)]
mod tests;

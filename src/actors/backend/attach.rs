//! Leaving a backend out, and using it again: decided here, by an operator who asks for it, or by another process.
//!
//! What waited is given up only after the shared store remembers why.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::{BackendActor, tell};
use crate::{
    meta::Revision,
    proxy::{attachment, queue::Queue},
};

/// An operator has rebuilt what the backend missed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Attach(pub(super) oneshot::Sender<()>);

/// The shared store says so since that revision.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Follow {
    pub(super) detached: bool,
    pub(super) revision: Revision,
}

/// A change of attachment under way.
struct Change {
    /// Used again, not left out.
    attach: bool,
    /// What is to be stored first; `None` when the store says so already.
    store: Option<bool>,
    /// Who waits for it.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Handler<Attach> for BackendActor {
    type Result = ();

    fn handle(&mut self, message: Attach, ctx: &mut Self::Context) {
        self.attaching.push(message.0);
        if !self.busy {
            self.change_attachment(ctx);
        }
    }
}

impl Handler<Follow> for BackendActor {
    type Result = ();

    fn handle(&mut self, message: Follow, ctx: &mut Self::Context) {
        let Follow { detached, revision } = message;
        let condition = self.condition();
        let is_done = condition.is_known_detached() == detached && condition.is_detached() == detached;
        if is_done || revision <= self.revision {
            return;
        }
        if detached {
            // At once: it is not to be read while the turn under way ends.
            condition.set_detached(true);
            condition.set_known_detached(true);
            tracing::warn!(backend = %self.name(), "backend was detached by another process");
        }
        self.revision = revision;
        self.told = Some(detached);
        if !self.busy {
            self.change_attachment(ctx);
        }
    }
}

impl BackendActor {
    pub(super) fn detach(&mut self, waiting: u64, ctx: &mut Context<Self>) {
        tracing::error!(backend = %self.name(), waiting, limit = %self.parts.config.max_pending, "backend detached: it must be rebuilt");
        self.condition().set_detached(true);
        self.change_attachment(ctx);
    }

    /// Does what was decided, if anything was.
    pub(super) fn change_attachment(&mut self, ctx: &mut Context<Self>) {
        let waiting = std::mem::take(&mut self.attaching);
        let told = self.told.take();
        if !self.is_detached() {
            return tell(waiting);
        }
        let is_known = self.condition().is_known_detached();
        // What the store does not know yet was decided here just now: it is told, and does not tell.
        let told_to_attach = told == Some(false) && is_known;
        let change = if told_to_attach || !waiting.is_empty() {
            Change {
                attach: true,
                store: (!told_to_attach).then_some(false),
                waiting,
            }
        } else {
            Change {
                attach: false,
                store: (!is_known).then_some(true),
                waiting,
            }
        };
        self.carry_out(change, ctx);
    }

    fn carry_out(&mut self, change: Change, ctx: &mut Context<Self>) {
        self.busy = true;
        let (shared, courier) = (Arc::clone(&self.parts.shared), Arc::clone(&self.parts.courier));
        let (attach, store) = (change.attach, change.store);
        let carried_out = async move {
            let mut stored = None;
            if let Some(detached) = store {
                let name = &courier.backend.config.name;
                let revision = attachment::set_detached(&shared, name, detached).await;
                stored = Some(revision.map_err(|error| error.to_string())?);
            }
            let give_up = move |queue: &Queue| {
                queue.abandon()?;
                if attach { queue.attach() } else { Ok(()) }
            };
            let given_up = courier.with_queue(give_up).await;
            given_up.map(|()| stored).map_err(|error| error.to_string())
        };
        ctx.spawn(
            carried_out
                .into_actor(self)
                .map(move |carried_out, actor, ctx| match carried_out {
                    Ok(stored) => actor.attachment_changed(change, stored, ctx),
                    Err(error) => actor.attachment_failed(change, &error, ctx),
                }),
        );
    }

    fn attachment_changed(&mut self, change: Change, stored: Option<Revision>, ctx: &mut Context<Self>) {
        self.revision = self.revision.max(stored.unwrap_or(self.revision));
        let waiting_bytes = self.parts.courier.queue.waiting_bytes();
        let condition = self.condition();
        condition.set_waiting_bytes(waiting_bytes);
        // Another process may have detached it while it was being attached.
        if self.told != Some(true) {
            condition.set_known_detached(!change.attach);
            condition.set_detached(!change.attach);
        }
        if change.attach {
            tracing::info!(backend = %self.name(), "backend attached");
        }
        tell(change.waiting);
        if self.is_free(ctx) {
            self.next(ctx);
        }
    }

    fn attachment_failed(&mut self, change: Change, error: &str, ctx: &mut Context<Self>) {
        tracing::error!(backend = %self.name(), %error, attach = change.attach, "attachment not changed: trying again");
        if change.attach && change.store.is_none() {
            self.told.get_or_insert(false);
        }
        self.attaching.extend(change.waiting);
        ctx.run_later(self.parts.config.backoff_max, |actor, ctx| {
            if actor.stopping.is_some() {
                return actor.end(ctx);
            }
            actor.change_attachment(ctx);
        });
    }
}

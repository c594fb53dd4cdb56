//! The actor that follows the heads and wakes whoever waits.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use prometheus_client::metrics::counter::Counter;

use crate::{
    actors::guard::{Guarded, Lifeline, guard},
    meta::{self, Batch, Event, KeyValue, Page, Revision, Update},
};

use super::{
    VersionsError,
    directory::{Channel, Directory, State},
    heads::{self, Heads, Stored},
};

/// Control messages under way.
const CAPACITY: usize = 4;
/// First wait after bytes could not be read.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Hears of every change of a head, reads the bytes of those that somebody waits for, and publishes both.
pub(super) struct MetaVersionActor {
    heads: Heads,
    directory: Arc<Directory>,
    _life: Lifeline,
}

/// Starts the actor on the current arbiter.
pub(super) fn start(heads: Heads, directory: Arc<Directory>, restarts: Counter) -> Guarded<MetaVersionActor> {
    let make = move |life| MetaVersionActor {
        heads: heads.clone(),
        directory: Arc::clone(&directory),
        _life: life,
    };
    guard("versions".to_owned(), CAPACITY, restarts, make)
}

/// Ends the actor.
pub(super) async fn stop(actor: &Guarded<MetaVersionActor>) {
    actor.expect_end();
    // One that is being restarted has nothing under way.
    let _stopped = actor.ask(Stop).await;
}

/// Makes the actor panic.
pub(super) async fn crash(actor: &Guarded<MetaVersionActor>) {
    let _gone = actor.ask(Crash).await;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for MetaVersionActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.add_stream(meta::follow(Arc::clone(&self.heads.store), heads::PREFIX));
    }
}

impl StreamHandler<Update> for MetaVersionActor {
    fn handle(&mut self, update: Update, ctx: &mut Self::Context) {
        match update {
            Update::Reset(page) => self.reset(page, ctx),
            Update::Changed(batch) => self.changed(batch, ctx),
            Update::Lost(error) => tracing::warn!(%error, "metadata store lost: polls hear no news until it is back"),
        }
    }
}

impl Handler<Stop> for MetaVersionActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for MetaVersionActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl MetaVersionActor {
    fn reset(&self, page: Page, ctx: &mut Context<Self>) {
        for key in self.directory.listened() {
            match page.entries.binary_search_by(|entry| entry.key.cmp(&key)) {
                Ok(at) => self.put(&page.entries[at], ctx),
                Err(_) => self.deleted(&key, page.revision),
            }
        }
    }

    fn changed(&self, batch: Batch, ctx: &mut Context<Self>) {
        for event in batch.events {
            match event {
                Event::Put(found) => self.put(&found, ctx),
                Event::Delete(key) => self.deleted(&key, batch.revision),
            }
        }
    }

    fn deleted(&self, key: &str, revision: Revision) {
        if let Some(channel) = self.directory.channel(key) {
            channel.want(revision);
            channel.publish(State {
                revision,
                current: None,
            });
        }
    }

    fn put(&self, found: &KeyValue, ctx: &mut Context<Self>) {
        let Some(channel) = self.directory.channel(&found.key) else {
            return;
        };
        match Stored::read(found) {
            Ok(stored) => {
                channel.want(stored.revision);
                ctx.spawn(deliver(self.heads.clone(), channel, stored).into_actor(self));
            }
            Err(error) => tracing::error!(key = %found.key, %error, "polls are not woken"),
        }
    }
}

/// Reads the bytes and wakes the waiting, again and again until it is done or nobody needs it any more.
async fn deliver(heads: Heads, channel: Arc<Channel>, stored: Stored) {
    let mut wait = FIRST_WAIT;
    while let Err(error) = read_and_publish(&heads, &channel, &stored).await {
        tracing::warn!(key = %stored.key, %error, "metadata not read: trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
        if channel.listeners() == 0 {
            return;
        }
    }
}

async fn read_and_publish(heads: &Heads, channel: &Channel, stored: &Stored) -> Result<(), VersionsError> {
    let _reading = channel.reading.lock().await;
    if !channel.wants(stored.revision) {
        return Ok(());
    }
    if let Some(body) = heads.body(stored, &stored.head.current).await? {
        channel.publish(State {
            revision: stored.revision,
            current: Some((stored.seen(), body)),
        });
    }
    Ok(())
}

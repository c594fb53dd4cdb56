//! A running plugin: started, watched, and started anew when it dies.
//!
//! ```text
//! Running -- its process ends, or 3 pings in a row fail --> killed -- wait --> Running again
//!    |                                                        `-- no restarts left --> Dead
//!    `-- stop: Kill, 2 s, SIGKILL --> Stopped
//! ```
//!
//! Calls pass the actor by: they take the way to the plugin as it is now. What is under way when a plugin dies fails
//! with it. One that stands alone has no process: it is dead when it does not answer any more. When the actor itself
//! panics, its plugin dies with it, and the next actor starts another.

mod handle;
mod recovery;

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::{sync::oneshot, time::Instant};

use crate::plugin::{CallError, LoadError, Running};

use super::guard::Lifeline;

pub use handle::{InstanceHandle, InstanceState, InstanceView};

use handle::Shared;
use recovery::Recovery;

/// As in Snap.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// As in Snap; pings end by themselves within 10 s.
const MAX_FAILED_PINGS: u32 = 3;
/// How long a plugin may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(2);

struct PluginActor {
    shared: Arc<Shared>,
    running: Option<Arc<Running>>,
    since: Instant,
    failed_pings: u32,
    is_pinging: bool,
    recovery: Recovery,
    /// What belongs to the plugin that runs now: cancelled when it dies.
    watches: Vec<SpawnHandle>,
    _life: Lifeline,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop {
    reason: String,
    done: oneshot::Sender<()>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for PluginActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.shared.take_first() {
            Some(running) => self.watch(running, ctx),
            None => {
                self.shared.restarting("its actor failed");
                self.restart(ctx);
            }
        }
    }
}

impl Handler<Stop> for PluginActor {
    type Result = ();

    fn handle(&mut self, message: Stop, ctx: &mut Self::Context) {
        self.forget(ctx);
        self.shared.stopped();
        let running = self.running.take();
        let end = async move {
            if let Some(running) = running {
                running.end(&message.reason, GRACE).await;
            }
        };
        ctx.wait(end.into_actor(self).map(|(), _, ctx| {
            // Whoever asked may have given up waiting.
            let _heard = message.done.send(());
            ctx.stop();
        }));
    }
}

impl Handler<Crash> for PluginActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl PluginActor {
    fn new(shared: Arc<Shared>, life: Lifeline) -> Self {
        Self {
            recovery: Recovery::new(shared.max_restarts()),
            shared,
            running: None,
            since: Instant::now(),
            failed_pings: 0,
            is_pinging: false,
            watches: Vec::new(),
            _life: life,
        }
    }

    fn watch(&mut self, running: Running, ctx: &mut Context<Self>) {
        let running = Arc::new(running);
        self.shared.runs(&running);
        self.since = Instant::now();
        self.failed_pings = 0;
        self.is_pinging = false;
        let watched = Arc::clone(&running);
        let ended = async move { watched.ended().await };
        let died = ended
            .into_actor(self)
            .map(|how, actor, ctx| actor.died(&format!("its process ended: {how}"), ctx));
        self.running = Some(running);
        self.watches = vec![
            ctx.spawn(died),
            ctx.run_interval(PING_INTERVAL, |actor, ctx| actor.ping(ctx)),
        ];
    }

    fn ping(&mut self, ctx: &mut Context<Self>) {
        let Some(running) = self.running.as_ref().filter(|_| !self.is_pinging) else {
            return;
        };
        self.is_pinging = true;
        let running = Arc::clone(running);
        let pinged = async move { running.client().ping().await };
        let pinged = pinged
            .into_actor(self)
            .map(|answer, actor, ctx| actor.pinged(answer, ctx));
        self.watches.truncate(2);
        self.watches.push(ctx.spawn(pinged));
    }

    fn pinged(&mut self, answer: Result<(), CallError>, ctx: &mut Context<Self>) {
        self.is_pinging = false;
        let Err(error) = answer else {
            self.failed_pings = 0;
            return;
        };
        self.failed_pings += 1;
        tracing::warn!(plugin = %self.shared, %error, failed = self.failed_pings, "plugin does not answer");
        if self.failed_pings >= MAX_FAILED_PINGS {
            self.died("it does not answer", ctx);
        }
    }

    /// Kills what is left of the plugin, and starts it anew after a while.
    fn died(&mut self, why: &str, ctx: &mut Context<Self>) {
        self.forget(ctx);
        self.running = None;
        let Some(wait) = self.recovery.died(self.since.elapsed()) else {
            tracing::error!(plugin = %self.shared, why, "plugin died: not started again");
            return self.shared.dead(why);
        };
        tracing::warn!(plugin = %self.shared, why, ?wait, "plugin died: starting it again");
        self.shared.restarting(why);
        self.watches = vec![ctx.run_later(wait, |actor, ctx| actor.restart(ctx))];
    }

    fn restart(&mut self, ctx: &mut Context<Self>) {
        self.since = Instant::now();
        let shared = Arc::clone(&self.shared);
        let started = async move { shared.start().await };
        let started = started.into_actor(self).map(|started, actor, ctx| match started {
            Ok(running) => actor.watch(running, ctx),
            Err(error) => actor.not_started(&error, ctx),
        });
        self.watches = vec![ctx.spawn(started)];
    }

    fn not_started(&mut self, error: &LoadError, ctx: &mut Context<Self>) {
        self.died(&error.to_string(), ctx);
    }

    fn forget(&mut self, ctx: &mut Context<Self>) {
        for watch in self.watches.drain(..) {
            ctx.cancel_future(watch);
        }
    }
}

#[cfg(test)]
mod tests;

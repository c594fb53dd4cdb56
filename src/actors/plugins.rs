//! The plugins that are loaded, their configuration, and their running instances.
//!
//! ```text
//! load   -> find, trust, start, ask, end --Add--.
//! unload, set_config ---------------------------+--> actor: store, then publish -> Published (ArcSwap) -> all readers
//! restore, discover -> load again --------------'
//! subscribe -> pools (short locks) --StartInstance--> actor's arbiter: processes live as long as the process
//! collect, process, publish -> the pools that the task holds -> an instance, or the cache
//! ```
//!
//! The actor puts changes in an order and makes each durable before anybody sees it. Everything that takes long goes on
//! beside it: loads, starts of instances, and all calls, which never meet the actor. What is published is a value of its
//! own; an actor that is started anew goes on from it.

mod error;
mod executables;
mod handle;
mod load;
mod pool;
mod published;
mod record;
mod resolve;
mod shared;
mod subscription;
mod view;

use std::sync::Arc;

use actix::prelude::*;

use crate::{
    actors::plugin::{InstanceHandle, InstanceState},
    plugin::{Launch, LoadError},
    workflow::{Config, PluginKey, config::Address},
};

use super::guard::Lifeline;

pub use error::PluginsError;
pub use handle::{LoadRequest, PluginsHandle, PluginsOptions, PluginsParts};
pub use subscription::Subscription;
pub use view::{Loaded, Origin, PluginsView, Running};

use pool::Runner;
use shared::{Arrival, Change, Shared};

struct PluginsActor {
    shared: Arc<Shared>,
    _life: Lifeline,
}

#[derive(Message)]
#[rtype(result = "Result<Arc<Loaded>, PluginsError>")]
struct Add(Arrival);

#[derive(Message)]
#[rtype(result = "Result<Arc<Loaded>, PluginsError>")]
struct Remove {
    key: PluginKey,
    /// Even if tasks need it: it is gone already.
    forced: bool,
}

#[derive(Message)]
#[rtype(result = "Result<Config, PluginsError>")]
struct Configure {
    address: Address,
    change: Change,
}

#[derive(Message)]
#[rtype(result = "Result<(), PluginsError>")]
struct RestoreConfig;

#[derive(Message)]
#[rtype(result = "Result<InstanceHandle, LoadError>")]
struct StartInstance {
    key: PluginKey,
    id: u64,
    launch: Launch,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Actor for PluginsActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let published = self.shared.published.load_full();
        for pool in published.pools.values() {
            if let Some(runner) = pool.pinned() {
                watch(pool.loaded.key(), &runner, ctx);
            }
        }
    }
}

/// The answers of these are awaited before the next message is looked at.
impl Handler<Add> for PluginsActor {
    type Result = AtomicResponse<Self, Result<Arc<Loaded>, PluginsError>>;

    fn handle(&mut self, message: Add, _: &mut Self::Context) -> Self::Result {
        let shared = Arc::clone(&self.shared);
        let runner = message.0.runner.clone();
        let added = async move { shared.add(message.0).await };
        AtomicResponse::new(Box::pin(added.into_actor(self).map(move |added, _, ctx| {
            if let (Ok(loaded), Some(runner)) = (&added, runner) {
                watch(loaded.key(), &runner, ctx);
            }
            added
        })))
    }
}

impl Handler<Remove> for PluginsActor {
    type Result = AtomicResponse<Self, Result<Arc<Loaded>, PluginsError>>;

    fn handle(&mut self, message: Remove, _: &mut Self::Context) -> Self::Result {
        let shared = Arc::clone(&self.shared);
        let removed = async move { shared.remove(&message.key, message.forced).await };
        AtomicResponse::new(Box::pin(removed.into_actor(self)))
    }
}

impl Handler<Configure> for PluginsActor {
    type Result = AtomicResponse<Self, Result<Config, PluginsError>>;

    fn handle(&mut self, message: Configure, _: &mut Self::Context) -> Self::Result {
        let shared = Arc::clone(&self.shared);
        let configured = async move { shared.configure(&message.address, message.change).await };
        AtomicResponse::new(Box::pin(configured.into_actor(self)))
    }
}

impl Handler<RestoreConfig> for PluginsActor {
    type Result = AtomicResponse<Self, Result<(), PluginsError>>;

    fn handle(&mut self, _: RestoreConfig, _: &mut Self::Context) -> Self::Result {
        let shared = Arc::clone(&self.shared);
        let restored = async move { shared.restore_config().await };
        AtomicResponse::new(Box::pin(restored.into_actor(self)))
    }
}

impl Handler<StartInstance> for PluginsActor {
    type Result = ResponseFuture<Result<InstanceHandle, LoadError>>;

    fn handle(&mut self, message: StartInstance, _: &mut Self::Context) -> Self::Result {
        let StartInstance { key, id, launch } = message;
        Box::pin(InstanceHandle::start(key, id, launch, self.shared.crashes.clone()))
    }
}

impl Handler<Stop> for PluginsActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for PluginsActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl PluginsActor {
    fn new(shared: Arc<Shared>, life: Lifeline) -> Self {
        Self { shared, _life: life }
    }
}

/// Unloads a plugin that stands alone when it answers no more.
fn watch(key: &PluginKey, runner: &Runner, ctx: &mut Context<PluginsActor>) {
    let Runner::External(handle) = runner else {
        return;
    };
    let key = key.clone();
    let mut states = handle.subscribe();
    let died = async move {
        states
            .wait_for(|view| matches!(view.state, InstanceState::Dead(_)))
            .await
            .is_ok()
    };
    ctx.spawn(
        fut::wrap_future(died).map(move |died, _, ctx: &mut Context<PluginsActor>| {
            if died {
                tracing::warn!(plugin = %key, "plugin answers no more and is unloaded");
                ctx.notify(Remove { key, forced: true });
            }
        }),
    );
}

#[cfg(test)]
mod tests;

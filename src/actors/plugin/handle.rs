//! The way to a running plugin.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{oneshot, watch};

use crate::{
    actors::guard::{Guarded, guard},
    plugin::{Answer, Batches, CallError, Client, Instance, Launch, LoadError, Program, Running, StreamRequest},
    workflow::{Config, Metric, PluginKey},
};

use super::{Crash, PluginActor, Stop};

/// Only stops are asked of the actor.
const CAPACITY: usize = 16;
/// What a plugin is told that ends because nobody holds it.
const ABANDONED: &str = "nobody uses it";

/// The way to a running plugin, until it is stopped. Clones share it; with the last one the plugin ends.
#[derive(Debug, Clone)]
pub struct InstanceHandle {
    actor: Arc<Leash>,
    shared: Arc<Shared>,
}

/// Ends the plugin when nobody can call it any more: whoever started it may have gone before it ran.
#[derive(Debug)]
struct Leash(Guarded<PluginActor>);

/// What is known of a running plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceView {
    /// Whether it can be called.
    pub state: InstanceState,
    /// Its process; none while it is not running, and for plugins that stand alone.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
}

/// Whether a plugin can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceState {
    /// Yes.
    Running,
    /// Not now: it died, and is being started again. Calls fail meanwhile.
    Restarting,
    /// Never again: why.
    Dead(Arc<str>),
    /// Never again: it was stopped.
    Stopped,
}

/// What the actor and its handles share.
#[derive(Debug)]
pub(super) struct Shared {
    key: PluginKey,
    id: u64,
    launch: Launch,
    way: ArcSwap<Way>,
    view: watch::Sender<InstanceView>,
    /// The plugin that was started before the actor.
    first: Mutex<Option<Running>>,
}

/// The way to the plugin, or why there is none.
#[derive(Debug)]
enum Way {
    Open(Client),
    Closed(String),
}

impl InstanceHandle {
    /// Starts a plugin, and the actor that watches it on the current arbiter; `crashes` counts the actor's restarts.
    /// It runs until it is stopped or all handles are gone.
    ///
    /// # Errors
    /// When it does not start, does not answer, or is another plugin than `key`.
    pub async fn start(key: PluginKey, id: u64, launch: Launch, crashes: Counter) -> Result<Self, LoadError> {
        let running = start(&key, &launch).await?;
        let (view, _) = watch::channel(InstanceView {
            state: InstanceState::Running,
            pid: running.pid(),
            restarts: 0,
        });
        let shared = Arc::new(Shared {
            way: ArcSwap::from_pointee(Way::Open(running.client().clone())),
            first: Mutex::new(Some(running)),
            key,
            id,
            launch,
            view,
        });
        let for_actor = Arc::clone(&shared);
        let make = move |life| PluginActor::new(Arc::clone(&for_actor), life);
        Ok(Self {
            actor: Arc::new(Leash(guard(format!("plugin {shared}"), CAPACITY, crashes, make))),
            shared,
        })
    }

    /// Which plugin it is one of.
    #[must_use]
    pub fn key(&self) -> &PluginKey {
        &self.shared.key
    }

    /// Its number among the instances of the plugin.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.shared.id
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> InstanceView {
        self.shared.view.borrow().clone()
    }

    /// What is known of it, and every later state; the last ones are `Dead` and `Stopped`.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<InstanceView> {
        self.shared.view.subscribe()
    }

    /// Ends the plugin: tells it why, waits a moment, kills it. Returns when it is gone; later calls find it so.
    pub async fn stop(&self, reason: &str) {
        self.actor.0.expect_end();
        let (done, ended) = oneshot::channel();
        let reason = reason.to_owned();
        // An actor that is gone has taken its plugin along.
        if self.actor.0.ask(Stop { reason, done }).await.is_ok() {
            let _ended = ended.await;
        }
        self.shared.stopped();
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        // That the actor is gone is what was asked for.
        let _gone = self.actor.0.ask(Crash).await;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.expect_end();
        let (done, _nobody) = oneshot::channel();
        let reason = ABANDONED.to_owned();
        // Its mailbox has room: with a handle it is told nothing but stops, of which one is enough.
        self.0.tell(Stop { reason, done });
    }
}

impl Instance for InstanceHandle {
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        Box::pin(async move { self.shared.client()?.collect(&wanted).await })
    }

    fn process(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        Box::pin(async move { self.shared.client()?.process(&metrics, &config).await })
    }

    fn publish(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, ()> {
        Box::pin(async move { self.shared.client()?.publish(&metrics, &config).await })
    }

    fn stream(&self, request: StreamRequest) -> Answer<'_, Batches> {
        Box::pin(async move { self.shared.client()?.stream(request) })
    }
}

impl Shared {
    /// Starts the plugin anew.
    pub(super) async fn start(&self) -> Result<Running, LoadError> {
        start(&self.key, &self.launch).await
    }

    /// Nobody else than who started it can start a plugin that stands alone.
    pub(super) fn max_restarts(&self) -> Option<u32> {
        match self.launch.program {
            Program::File { .. } => self.launch.max_restarts,
            Program::StandAlone { .. } => Some(0),
        }
    }

    pub(super) fn take_first(&self) -> Option<Running> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn runs(&self, running: &Running) {
        self.way.store(Arc::new(Way::Open(running.client().clone())));
        self.view.send_modify(|view| {
            view.restarts += u32::from(view.state != InstanceState::Running);
            view.state = InstanceState::Running;
            view.pid = running.pid();
        });
    }

    pub(super) fn restarting(&self, why: &str) {
        let text = format!("plugin {} died and is being started again: {why}", self.key);
        self.close(InstanceState::Restarting, text);
    }

    pub(super) fn dead(&self, why: &str) {
        let text = format!("plugin {} is dead: {why}", self.key);
        self.close(InstanceState::Dead(why.into()), text);
    }

    pub(super) fn stopped(&self) {
        self.close(InstanceState::Stopped, format!("plugin {} was stopped", self.key));
    }

    fn close(&self, state: InstanceState, text: String) {
        self.way.store(Arc::new(Way::Closed(text)));
        self.view.send_modify(|view| {
            view.state = state;
            view.pid = None;
        });
    }

    fn client(&self) -> Result<Client, CallError> {
        match &**self.way.load() {
            Way::Open(client) => Ok(client.clone()),
            Way::Closed(why) => Err(CallError::Transport(why.clone())),
        }
    }
}

impl fmt::Display for Shared {
    /// As Snap names an instance: `TYPE:NAME:vVERSION:idID`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PluginKey { kind, name, version } = &self.key;
        write!(f, "{kind}:{name}:v{version}:id{}", self.id)
    }
}

async fn start(key: &PluginKey, launch: &Launch) -> Result<Running, LoadError> {
    let running = Running::start(launch).await?;
    let found = &running.meta().key;
    if found != key {
        let (found, wanted) = (found.clone(), key.clone());
        return Err(LoadError::Another { found, wanted });
    }
    running.client().ping().await?;
    Ok(running)
}

//! The way to a running plugin.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::watch;

use crate::{
    plugin::{Answer, Batches, CallError, Instance, Launch, LoadError, StreamRequest},
    workflow::{Config, Metric, PluginKey},
};

/// The way to a running plugin. Clones share it.
#[derive(Debug, Clone)]
pub struct InstanceHandle {
    key: PluginKey,
    id: u64,
    state: watch::Receiver<InstanceView>,
}

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

impl InstanceHandle {
    /// Starts a plugin, and the actor that watches it on the current arbiter; `crashes` counts the actor's restarts.
    ///
    /// # Errors
    /// When it does not start, or is another plugin than `key`.
    pub async fn start(_key: PluginKey, _id: u64, _launch: Launch, _crashes: Counter) -> Result<Self, LoadError> {
        Err(LoadError::Unsupported)
    }

    /// Which plugin it is one of.
    #[must_use]
    pub fn key(&self) -> &PluginKey {
        &self.key
    }

    /// Its number among the instances of the plugin.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> InstanceView {
        self.state.borrow().clone()
    }

    /// What is known of it, and every later state; the last ones are `Dead` and `Stopped`.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<InstanceView> {
        self.state.clone()
    }

    /// Ends the plugin: tells it why, waits a moment, kills it. Returns when it is gone. A second call only waits.
    pub async fn stop(&self, _reason: &str) {}
}

fn gone<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(async { Err(CallError::Unsupported("not supported yet".to_owned())) })
}

impl Instance for InstanceHandle {
    fn collect(&self, _wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        gone()
    }

    fn process(&self, _metrics: Arc<[Metric]>, _config: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        gone()
    }

    fn publish(&self, _metrics: Arc<[Metric]>, _config: Arc<Config>) -> Answer<'_, ()> {
        gone()
    }

    fn stream(&self, _request: StreamRequest) -> Answer<'_, Batches> {
        gone()
    }
}

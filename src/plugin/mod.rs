//! Plugins that run: processes that speak Snap's gRPC, and those built in.
//!
//! An [`Instance`] is one running plugin, whatever it is made of. Who starts, watches and shares instances is the
//! concern of the actors above.

pub mod builtin;
mod client;
pub mod discover;
pub mod files;
mod handshake;
mod launch;
mod load;
mod load_error;
mod os_error;
mod process;
pub mod reap;
mod running;
mod standalone;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;
mod wire;

use std::{fmt, future::ready, sync::Arc, time::Duration};

use futures_util::{future::BoxFuture, stream::BoxStream};

use crate::workflow::{Config, Metric, PluginMeta, policy::Policy, pool::NoInstance};

pub use client::Client;
pub use handshake::HandshakeError;
pub use launch::{Checksum, Launch, LogLevel, OWNER_VARIABLE, PluginTls, Program};
pub use load::{GlobalConfigOf, load};
pub use load_error::LoadError;
pub use running::Running;

/// An answer to come.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, CallError>>;
/// What a streaming collector sends, batch after batch; after an error it ends.
pub type Batches = BoxStream<'static, Result<Vec<Metric>, CallError>>;

/// A plugin did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin itself says why; its text.
    #[error("{0}")]
    Plugin(String),
    /// No answer, a broken one, or none in time; gRPC's words.
    #[error("{0}")]
    Transport(String),
    /// The plugin does not do such work.
    #[error("{0}")]
    Unsupported(String),
    /// The call could not begin before its deadline.
    #[error("Worker refused to run overdue job.")]
    Overdue,
    /// Too many calls wait for the plugin.
    #[error("limit exceeded")]
    LimitExceeded,
    /// No instance is free for the task or its configuration.
    #[error(transparent)]
    NoInstance(#[from] NoInstance),
}

/// What one is told of a plugin when it is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// What it says of itself.
    pub meta: PluginMeta,
    /// Which configuration it wants.
    pub policy: Policy,
    /// What it can collect; empty for processors and publishers.
    pub metrics: Vec<Metric>,
}

/// What a streaming collector is asked.
#[derive(Debug, Clone)]
pub struct StreamRequest {
    /// The task it is for.
    pub task: String,
    /// The wanted metrics with their configuration.
    pub metrics: Arc<[Metric]>,
    /// How long it may gather before it sends.
    pub max_collect_duration: Duration,
    /// How many metrics it may gather before it sends; 0 is no gathering.
    pub max_metrics_buffer: i64,
}

/// A running plugin. Every call ends within its timeout, whatever the plugin does.
///
/// What a plugin's type has no call for is answered with [`CallError::Unsupported`].
pub trait Instance: fmt::Debug + Send + Sync {
    /// Collects what the metrics ask for, each with its own configuration.
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        drop(wanted);
        unsupported("the plugin is no collector")
    }

    /// Changes metrics.
    fn process(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        drop((metrics, config));
        unsupported("the plugin is no processor")
    }

    /// Takes metrics away.
    fn publish(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, ()> {
        drop((metrics, config));
        unsupported("the plugin is no publisher")
    }

    /// Begins to send metrics; dropping the batches ends it.
    fn stream(&self, request: StreamRequest) -> Answer<'_, Batches> {
        drop(request);
        unsupported("the plugin is no streaming collector")
    }
}

fn unsupported<'a, T: Send + 'a>(text: &str) -> Answer<'a, T> {
    Box::pin(ready(Err(CallError::Unsupported(text.to_owned()))))
}

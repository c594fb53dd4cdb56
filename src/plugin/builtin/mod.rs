//! Plugins that are part of Gyre: nothing to install, no process, no limit on instances.
//!
//! A built-in is described and called like any other plugin; it is loaded when a load request, a task's plugin name or
//! a requested namespace names it ([`by_request`], [`find`], [`names_metric`]). What built-ins share, such as the
//! samples of this machine, is in [`Deps`]: an instance itself holds next to nothing.

mod file;
mod host;
mod http;
mod influxdb;
mod mock;
mod options;
mod passthru;
mod prometheus;
mod registry;
mod scrape;
mod sink;
#[cfg(test)]
mod testing;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use crate::{
    base::Clock,
    workflow::{
        Config, Metric, PluginKey, PluginMeta, PluginType, Routing,
        policy::{Policy, Rules},
    },
};

use super::{CallError, Description, Instance};

use host::Sampler;
use http::Http;

pub use prometheus::LastValues;
pub use registry::{all, by_request, find, names_metric, twin_of};
pub use sink::Sink;

/// More subscriptions than there will ever be: one instance serves all.
const UNLIMITED: usize = 1 << 30;

/// What built-in plugins work with; shared by all of their instances.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Takes points into Gyre's own databases.
    pub sink: Arc<dyn Sink>,
    /// Stamps what is collected.
    pub clock: Arc<dyn Clock>,
    /// What the `prometheus` publisher keeps.
    pub last_values: Arc<LastValues>,
    /// Values that publishers could not express in their format, such as NaN in line protocol.
    pub dropped_values: Arc<AtomicU64>,
    host: Arc<Sampler>,
    http: Arc<Http>,
}

impl Deps {
    /// What is shared by the built-ins of one process.
    #[must_use]
    pub fn new(sink: Arc<dyn Sink>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sink,
            host: Arc::new(Sampler::new(Arc::clone(&clock))),
            clock,
            last_values: Arc::default(),
            dropped_values: Arc::default(),
            http: Arc::default(),
        }
    }
}

/// A plugin that is part of Gyre.
#[derive(Clone, Copy)]
pub struct Builtin {
    /// What it does.
    pub kind: PluginType,
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: i64,
    /// Elements with which all of its metrics begin; empty when it collects nothing.
    prefix: &'static [&'static str],
    /// The file names of the Snap plugins that it stands for.
    files: &'static [&'static str],
    describe: fn(&Config) -> Result<Description, CallError>,
    start: fn(&Deps) -> Arc<dyn Instance>,
}

impl Builtin {
    /// What it does, its name and version.
    #[must_use]
    pub fn key(&self) -> PluginKey {
        PluginKey {
            kind: self.kind,
            name: self.name.to_owned(),
            version: self.version,
        }
    }

    /// What one is told when it is loaded with this global configuration.
    ///
    /// # Errors
    /// When the configuration makes loading fail.
    pub fn describe(&self, config: &Config) -> Result<Description, CallError> {
        (self.describe)(config)
    }

    /// A running instance.
    #[must_use]
    pub fn start(&self, deps: &Deps) -> Arc<dyn Instance> {
        (self.start)(deps)
    }
}

impl fmt::Debug for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builtin({})", self.key())
    }
}

/// What a built-in says of itself; collectors' rules hold for all of their metrics.
fn description(builtin: &Builtin, rules: Rules, metrics: Vec<Metric>) -> Description {
    let path = builtin.prefix.iter().map(|element| (*element).to_owned()).collect();
    let nodes = if rules.is_empty() {
        BTreeMap::new()
    } else {
        BTreeMap::from([(path, rules)])
    };
    Description {
        meta: PluginMeta {
            key: builtin.key(),
            concurrency: UNLIMITED,
            exclusive: false,
            cache_ttl: Duration::ZERO,
            routing: Routing::default(),
        },
        policy: Policy { nodes },
        metrics,
    }
}

//! PURE. What a workflow means with the plugins that are loaded now.
//!
//! [`resolve`] turns names into calls: requested namespaces into metrics of the catalogue, grouped by who collects them,
//! names of processors and publishers into loaded plugins, and what task, operator and policies say into one table of
//! settings a call. It is done when a task is made, and again when plugins come or go; nothing is left to decide when
//! the task fires.

mod resolve;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::base::error::ErrorKind;

use super::{
    Config, Metric, PluginKey, PluginType,
    catalogue::{Catalogue, LookupError},
    config::GlobalConfig,
    policy::{Policy, PolicyError},
};
pub use resolve::resolve;

/// What the names of a workflow are looked up in.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// What can be collected.
    pub catalogue: &'a Catalogue,
    /// The loaded plugins with their policies.
    pub plugins: &'a [(&'a PluginKey, &'a Policy)],
    /// What the operator gives to plugins.
    pub config: &'a GlobalConfig,
}

/// A workflow cannot run with the plugins that are loaded. Snap's words.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A requested namespace means no metric.
    #[error(transparent)]
    Metric(#[from] LookupError),
    /// A plugin's policy does not accept its configuration.
    #[error(transparent)]
    Config(#[from] PolicyError),
    /// No such processor or publisher is loaded.
    #[error("Plugin not found: type({kind}) name({name}) version({version})")]
    NoPlugin {
        /// Its type.
        kind: PluginType,
        /// Its name, in lower case.
        name: String,
        /// The wanted version; -1 for any.
        version: i64,
    },
    /// A streaming collector in a task with intervals, or another collector in a streaming task.
    #[error("Plugin is incompatible with the tasks schedule type.")]
    Incompatible,
    /// A streaming task follows one collector.
    #[error("Multiple streaming plugins within the same task is not supported.")]
    SeveralStreams,
}

impl PlanError {
    /// What class of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Metric(error) => error.kind(),
            Self::Config(_) | Self::Incompatible => ErrorKind::InvalidArgument,
            Self::NoPlugin { .. } => ErrorKind::NotFound,
            Self::SeveralStreams => ErrorKind::Unsupported,
        }
    }
}

/// A workflow whose names are resolved: which plugins are called with what.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One call a collector.
    pub collect: Vec<Collect>,
    /// Processors of what was collected.
    pub process: Vec<Step>,
    /// Publishers of what was collected.
    pub publish: Vec<Step>,
}

/// One call of a collector.
#[derive(Debug, Clone, PartialEq)]
pub struct Collect {
    /// Whom to call.
    pub plugin: PluginKey,
    /// What to ask for, each metric with its merged configuration.
    pub metrics: Arc<[Metric]>,
}

/// One call of a processor or publisher, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Whom to call.
    pub plugin: PluginKey,
    /// With what, merged.
    pub config: Arc<Config>,
    /// Processors of its output.
    pub process: Vec<Step>,
    /// Publishers of its output.
    pub publish: Vec<Step>,
}

impl Plan {
    /// Every plugin that the plan calls, once.
    #[must_use]
    pub fn plugins(&self) -> Vec<PluginKey> {
        fn add(steps: &[Step], keys: &mut Vec<PluginKey>) {
            for step in steps {
                keys.push(step.plugin.clone());
                add(&step.process, keys);
                add(&step.publish, keys);
            }
        }
        let mut keys: Vec<_> = self.collect.iter().map(|collect| collect.plugin.clone()).collect();
        add(&self.process, &mut keys);
        add(&self.publish, &mut keys);
        keys.sort();
        keys.dedup();
        keys
    }
}

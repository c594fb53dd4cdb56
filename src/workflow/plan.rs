//! PURE. What a workflow means with the plugins that are loaded now.

use std::sync::Arc;

use super::{Config, Metric, PluginKey};

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

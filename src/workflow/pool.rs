//! PURE. How many instances of a plugin run, and which of them does a call.

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use super::{Config, ConfigValue, PluginMeta, Routing};

/// Whether another instance is to be started for the tasks that have subscribed.
#[must_use]
pub fn wants_instance(meta: &PluginMeta, subscriptions: usize, instances: usize, max_instances: usize) -> bool {
    let each = match meta.routing {
        Routing::Sticky => 1,
        Routing::LeastRecentlyUsed | Routing::ConfigBased => meta.concurrency,
    };
    let max = if meta.exclusive { 1 } else { max_instances };
    instances < max && subscriptions > each.saturating_mul(instances)
}

/// How many instances are to end because too few tasks are left.
#[must_use]
pub fn surplus(subscriptions: usize, instances: usize) -> usize {
    instances.saturating_sub(subscriptions)
}

/// An instance that may do a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its number.
    pub id: u64,
    /// Calls of the pool until its last one, that one included; 0 when it had none.
    pub last_used: u64,
}

/// A call, as far as routing is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The task that makes it.
    pub task: &'a Arc<str>,
    /// [`fingerprint`] of its configuration; only config-based routing looks at it.
    pub config: u64,
}

/// All instances belong to other tasks or configurations, or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not select a plugin")]
pub struct NoInstance;

/// Chooses instances by a plugin's routing, and remembers who keeps which.
#[derive(Debug)]
pub struct Selector {
    routing: Routing,
    kept: HashMap<Keeper, Kept>,
}

/// Who keeps an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Keeper {
    Task(Arc<str>),
    Config(u64),
}

#[derive(Debug)]
struct Kept {
    instance: u64,
    /// Whose calls made it so; it is free when all of them have ended.
    tasks: BTreeSet<Arc<str>>,
}

impl Selector {
    /// A selector that has chosen nothing yet.
    #[must_use]
    pub fn new(routing: Routing) -> Self {
        Self {
            routing,
            kept: HashMap::new(),
        }
    }

    /// The instance for a call: the one idle longest, or the one that the call's task or configuration keeps, for the
    /// first time any that is kept by nobody.
    ///
    /// # Errors
    /// When all are kept by others.
    pub fn select(&mut self, candidates: &[Candidate], call: Call<'_>) -> Result<u64, NoInstance> {
        let keeper = match self.routing {
            Routing::LeastRecentlyUsed => return longest_idle(candidates.iter()).ok_or(NoInstance),
            Routing::Sticky => Keeper::Task(Arc::clone(call.task)),
            Routing::ConfigBased => Keeper::Config(call.config),
        };
        if let Some(kept) = self.kept.get_mut(&keeper)
            && candidates.iter().any(|candidate| candidate.id == kept.instance)
        {
            if !kept.tasks.contains(call.task) {
                kept.tasks.insert(Arc::clone(call.task));
            }
            return Ok(kept.instance);
        }
        let is_free = |candidate: &&Candidate| self.kept.values().all(|kept| kept.instance != candidate.id);
        let instance = longest_idle(candidates.iter().filter(is_free)).ok_or(NoInstance)?;
        let tasks = BTreeSet::from([Arc::clone(call.task)]);
        self.kept.insert(keeper, Kept { instance, tasks });
        Ok(instance)
    }

    /// Whether an instance is kept by somebody.
    #[must_use]
    pub fn keeps(&self, instance: u64) -> bool {
        self.kept.values().any(|kept| kept.instance == instance)
    }

    /// Forgets a task that has ended: what nobody else keeps is free again.
    pub fn release(&mut self, task: &str) {
        self.kept.retain(|_, kept| {
            kept.tasks.remove(task);
            !kept.tasks.is_empty()
        });
    }

    /// Forgets an instance that has ended.
    pub fn forget(&mut self, instance: u64) {
        self.kept.retain(|_, kept| kept.instance != instance);
    }
}

/// A number for some configurations; equal for equal ones.
#[must_use]
pub fn fingerprint<'a>(configs: impl IntoIterator<Item = &'a Config>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, value) in configs.into_iter().flatten() {
        name.hash(&mut hasher);
        match value {
            ConfigValue::String(text) => (0, text).hash(&mut hasher),
            ConfigValue::Integer(integer) => (1, integer).hash(&mut hasher),
            ConfigValue::Float(float) => (2, float.to_bits()).hash(&mut hasher),
            ConfigValue::Bool(is) => (3, is).hash(&mut hasher),
        }
    }
    hasher.finish()
}

fn longest_idle<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> Option<u64> {
    let longest = candidates.min_by_key(|candidate| candidate.last_used)?;
    Some(longest.id)
}

#[cfg(test)]
mod tests;

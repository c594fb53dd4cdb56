//! PURE. What was collected a moment ago, for others who ask for the same.
//!
//! Kept by what was asked: namespace with its wildcards, version and configuration, for plugins with sticky routing also
//! the task. (Snap leaves the configuration out, so that a task may get what another one configured.) Hits are given out
//! as they were collected, with their old timestamps.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{Config, Metric, Namespace, PluginMeta, Routing};

/// Answers of one collector.
#[derive(Debug)]
pub struct CollectCache {
    time_to_live: Duration,
    by_task: bool,
    entries: HashMap<Key, Vec<Entry>>,
    swept: Duration,
}

/// What of a request is answered already.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The answers that are known.
    pub cached: Vec<Metric>,
    /// What must be asked.
    pub missing: Arc<[Metric]>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: Namespace,
    version: i64,
    task: Option<Arc<str>>,
}

#[derive(Debug)]
struct Entry {
    config: Arc<Config>,
    collected: Duration,
    answer: Vec<Metric>,
}

impl CollectCache {
    /// An empty cache, whose entries live as long as the plugin says, and at least `minimum`.
    #[must_use]
    pub fn new(meta: &PluginMeta, minimum: Duration) -> Self {
        Self {
            time_to_live: meta.cache_ttl.max(minimum),
            by_task: meta.routing == Routing::Sticky,
            entries: HashMap::new(),
            swept: Duration::ZERO,
        }
    }

    /// Looks up what a task wants at `now`, a monotonic time.
    #[must_use]
    pub fn look(&self, task: &Arc<str>, wanted: &Arc<[Metric]>, now: Duration) -> Look {
        let mut cached = vec![];
        let mut missing = vec![];
        for metric in wanted.iter() {
            match self.find(task, metric, now) {
                Some(answer) => cached.extend_from_slice(answer),
                None => missing.push(metric),
            }
        }
        let missing = if missing.len() == wanted.len() {
            Arc::clone(wanted)
        } else {
            missing.into_iter().cloned().collect()
        };
        Look { cached, missing }
    }

    /// Keeps what a collector answered at `now`. What was asked and not answered, or cannot be told apart from the answer
    /// to something else that was asked, is not kept.
    pub fn keep(&mut self, task: &Arc<str>, asked: &[Metric], answered: &[Metric], now: Duration) {
        if self.time_to_live.is_zero() {
            return;
        }
        self.sweep(now);
        for (metric, answer) in asked.iter().zip(answers(asked, answered)) {
            if answer.is_empty() {
                continue;
            }
            let entries = self.entries.entry(self.key(task, metric)).or_default();
            entries.retain(|entry| !same(&entry.config, &metric.config));
            entries.push(Entry {
                config: Arc::clone(&metric.config),
                collected: now,
                answer,
            });
        }
    }

    fn find(&self, task: &Arc<str>, metric: &Metric, now: Duration) -> Option<&[Metric]> {
        let entries = self.entries.get(&self.key(task, metric))?;
        let entry = entries.iter().find(|entry| same(&entry.config, &metric.config))?;
        self.is_fresh(entry, now).then_some(&entry.answer)
    }

    fn key(&self, task: &Arc<str>, metric: &Metric) -> Key {
        Key {
            namespace: metric.namespace.clone(),
            version: metric.version,
            task: self.by_task.then(|| Arc::clone(task)),
        }
    }

    fn is_fresh(&self, entry: &Entry, now: Duration) -> bool {
        now.saturating_sub(entry.collected) < self.time_to_live
    }

    /// Drops what is too old, once in a time to live.
    fn sweep(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) < self.time_to_live {
            return;
        }
        self.swept = now;
        let mut entries = std::mem::take(&mut self.entries);
        entries.retain(|_, of_key| {
            of_key.retain(|entry| self.is_fresh(entry, now));
            !of_key.is_empty()
        });
        self.entries = entries;
    }
}

/// The answers to each request; none where they could belong to several requests.
fn answers(asked: &[Metric], answered: &[Metric]) -> Vec<Vec<Metric>> {
    let mut of_each = vec![vec![]; asked.len()];
    let mut doubtful = vec![false; asked.len()];
    let plain: HashMap<_, _> = asked
        .iter()
        .enumerate()
        .map(|(at, metric)| (path(metric), at))
        .collect();
    let wild: Vec<_> = (0..asked.len()).filter(|at| has_wildcard(&asked[*at])).collect();
    for metric in answered {
        let exact = plain.get(&path(metric)).copied();
        let others = wild
            .iter()
            .copied()
            .filter(|at| Some(*at) != exact && fits(&asked[*at], metric));
        let places: Vec<_> = exact.into_iter().chain(others).collect();
        match places[..] {
            [place] => of_each[place].push(metric.clone()),
            _ => places.iter().for_each(|place| doubtful[*place] = true),
        }
    }
    for (answer, _) in of_each.iter_mut().zip(doubtful).filter(|(_, is_doubtful)| *is_doubtful) {
        answer.clear();
    }
    of_each
}

/// What a metric is found by: elements' values and version.
fn path(metric: &Metric) -> (Vec<&str>, i64) {
    let values = metric.namespace.0.iter().map(|element| element.value.as_str());
    (values.collect(), metric.version)
}

fn has_wildcard(metric: &Metric) -> bool {
    metric.namespace.0.iter().any(|element| element.value == "*")
}

/// Whether an answer is one of those that a request with wildcards asks for.
fn fits(asked: &Metric, answered: &Metric) -> bool {
    let (pattern, namespace) = (&asked.namespace.0, &answered.namespace.0);
    asked.version == answered.version
        && pattern.len() == namespace.len()
        && pattern
            .iter()
            .zip(namespace.iter())
            .all(|(wanted, given)| wanted.value == "*" || wanted.value == given.value)
}

fn same(one: &Arc<Config>, other: &Arc<Config>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

#[cfg(test)]
mod tests;

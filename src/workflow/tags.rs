//! PURE. Tags that are added to what was collected.
//!
//! Three layers, each over the one before it and over what the collector said: where it was collected, the daemon's
//! tags, the workflow's. Tags of a namespace hold for all metrics below it; within a layer the deeper ones win. Metrics
//! of streaming collectors get none.

use std::{collections::BTreeMap, sync::Arc};

use super::{Metric, Namespace, Tags};

/// The key of the host on which a metric was collected.
pub const RUNNING_ON: &str = "plugin_running_on";

/// All tags of a task, merged once: a metric's are those of the longest path that leads to it.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRules {
    /// The longest paths first, the empty one last.
    paths: Vec<(Vec<String>, Arc<Tags>)>,
}

impl TagRules {
    /// The tags of a task on a host. Namespaces are as written in manifests; `/` is all.
    #[must_use]
    pub fn new(host: &str, daemon: &BTreeMap<String, Tags>, workflow: &BTreeMap<String, Tags>) -> Self {
        let layers = [by_path(daemon), by_path(workflow)];
        let standard = Tags::from([(RUNNING_ON.to_owned(), host.to_owned())]);
        let merged = |path: &Vec<String>| {
            let leading = |layer: &'_ BTreeMap<Vec<String>, Tags>| {
                (0..=path.len())
                    .filter_map(|depth| layer.get(&path[..depth]).cloned())
                    .collect::<Vec<_>>()
            };
            let mut tags = standard.clone();
            layers.iter().flat_map(leading).for_each(|more| tags.extend(more));
            (path.clone(), Arc::new(tags))
        };
        let root = Vec::new();
        let all = layers.iter().flat_map(BTreeMap::keys).chain([&root]);
        let mut paths: Vec<_> = all.map(merged).collect();
        paths.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        paths.dedup();
        Self { paths }
    }

    /// Adds the tags to a metric.
    pub fn apply(&self, metric: &mut Metric) {
        let leads = |path: &[String]| {
            let values = metric.namespace.values();
            path.len() <= values.len() && path.iter().map(String::as_str).eq(values.take(path.len()))
        };
        let Some((_, tags)) = self.paths.iter().find(|(path, _)| leads(path)) else {
            return;
        };
        if metric.tags.is_empty() {
            metric.tags = tags.clone();
        } else {
            let more = tags.iter().map(|(key, value)| (key.clone(), value.clone()));
            Arc::make_mut(&mut metric.tags).extend(more);
        }
    }
}

fn by_path(tags: &BTreeMap<String, Tags>) -> BTreeMap<Vec<String>, Tags> {
    let mut by_path = BTreeMap::<_, Tags>::new();
    for (namespace, tags) in tags {
        by_path
            .entry(Namespace::parse_prefix(namespace))
            .or_default()
            .extend(tags.clone());
    }
    by_path
}

#[cfg(test)]
mod tests {}

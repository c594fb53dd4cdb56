//! PURE. Tags that are added to what was collected.
//!
//! Three layers, each over the one before it and over what the collector said: where it was collected, the daemon's
//! tags, the workflow's. Tags of a namespace hold for all metrics below it; within a layer the deeper ones win. Metrics
//! of streaming collectors get none.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Element, Metric, Namespace, Tags, config::merged_along};

/// The key of the host on which a metric was collected.
pub const RUNNING_ON: &str = "plugin_running_on";

/// All tags of a task, merged once: a metric's are those of the longest prefix of its namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRules {
    /// Every prefix before the prefixes of itself; the empty one is the last.
    prefixes: Vec<(Namespace, Arc<Tags>)>,
}

impl TagRules {
    /// The tags of a task on a host. Namespaces are as written in manifests; `/` is all.
    #[must_use]
    pub fn new(host: &str, daemon: &BTreeMap<String, Tags>, workflow: &BTreeMap<String, Tags>) -> Self {
        let layers = [by_path(daemon), by_path(workflow)];
        let merged = |path: Vec<String>| {
            let prefix = path.into_iter().map(Element::new).collect();
            let mut tags = Tags::from([(RUNNING_ON.to_owned(), host.to_owned())]);
            for layer in &layers {
                tags.extend(merged_along(layer, &prefix));
            }
            (prefix, Arc::new(tags))
        };
        let mut paths: BTreeSet<_> = layers.iter().flat_map(BTreeMap::keys).cloned().collect();
        paths.insert(Vec::new());
        Self {
            prefixes: paths.into_iter().rev().map(merged).collect(),
        }
    }

    /// Adds the tags to a metric.
    pub fn apply(&self, metric: &mut Metric) {
        let holds = |prefix: &Namespace| metric.namespace.starts_with(prefix);
        let Some((_, tags)) = self.prefixes.iter().find(|(prefix, _)| holds(prefix)) else {
            return;
        };
        if metric.tags.is_empty() {
            metric.tags = Arc::clone(tags);
        } else {
            let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone()));
            Arc::make_mut(&mut metric.tags).extend(tags);
        }
    }
}

/// The tags by the values of the elements of their namespaces.
fn by_path(tags: &BTreeMap<String, Tags>) -> BTreeMap<Vec<String>, Tags> {
    let mut by_path = BTreeMap::<_, Tags>::new();
    for (namespace, tags) in tags {
        let path = Namespace::parse_prefix(namespace);
        by_path.entry(path).or_default().extend(tags.clone());
    }
    by_path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn rules(entries: &[(&str, &[(&str, &str)])]) -> BTreeMap<String, Tags> {
        let entry = |(namespace, pairs): &(&str, &[_])| ((*namespace).to_owned(), tags(pairs));
        entries.iter().map(entry).collect()
    }

    fn tagged(rules: &TagRules, namespace: &str, own: &[(&str, &str)]) -> Tags {
        let mut metric = Metric::new(Namespace::parse(namespace), 1);
        metric.tags = Arc::new(tags(own));
        rules.apply(&mut metric);
        Arc::unwrap_or_clone(metric.tags)
    }

    #[test]
    fn deeper_tags_win_and_the_workflows_win_over_the_daemons() {
        let daemon = rules(&[("/", &[("dc", "x"), ("who", "daemon")]), ("/a/b/c", &[("who", "deep")])]);
        let workflow = rules(&[("/a", &[("who", "task"), ("n", "1")]), ("|a|b|", &[("n", "2")])]);
        let all = TagRules::new("vm", &daemon, &workflow);
        let host = (RUNNING_ON, "vm");
        let check = |namespace: &str, expect: &[(&str, &str)]| {
            let mut expect = tags(expect);
            expect.extend(tags(&[host, ("dc", "x")]));
            assert_eq!(tagged(&all, namespace, &[]), expect, "{namespace}");
        };
        check("/z", &[("who", "daemon")]);
        check("/a", &[("who", "task"), ("n", "1")]);
        check("/ab/b", &[("who", "daemon")]);
        check("/a/b", &[("who", "task"), ("n", "2")]);
        check("/a/b/c/d", &[("who", "task"), ("n", "2")]);
    }

    #[test]
    fn tags_of_the_collector_stay_unless_they_are_set() {
        let all = TagRules::new("vm", &BTreeMap::new(), &rules(&[("/a", &[("x", "task")])]));
        let tagged = tagged(&all, "/a/b", &[("x", "own"), ("y", "own"), (RUNNING_ON, "elsewhere")]);
        assert_eq!(tagged, tags(&[("x", "task"), ("y", "own"), (RUNNING_ON, "vm")]));
    }

    #[test]
    fn metrics_without_tags_share_theirs() {
        let all = TagRules::new("vm", &BTreeMap::new(), &BTreeMap::new());
        let [mut one, mut other] = ["/a", "/b"].map(|name| Metric::new(Namespace::parse(name), 1));
        all.apply(&mut one);
        all.apply(&mut other);
        assert!(Arc::ptr_eq(&one.tags, &other.tags));
    }
}

//! PURE. Tables that hold for a part of the namespace and everything below it.

use std::collections::BTreeMap;

use super::{Config, ConfigValue};
use crate::workflow::Namespace;

/// Configuration by path: every path holds for all metrics below it, the deeper ones winning. The empty path holds for
/// all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigTree {
    nodes: BTreeMap<Vec<String>, Config>,
}

impl ConfigTree {
    /// Lets `config` hold at `path` and below, over what holds there already.
    pub fn insert(&mut self, path: Vec<String>, config: impl IntoIterator<Item = (String, ConfigValue)>) {
        self.nodes.entry(path).or_default().extend(config);
    }

    /// What holds for a metric: the tables of all paths that lead to it, merged.
    #[must_use]
    pub fn get(&self, namespace: &Namespace) -> Config {
        merged_along(&self.nodes, namespace)
    }
}

/// The tables of all paths that lead to `namespace`, compared by the elements' values, the deeper ones winning.
#[must_use]
pub fn merged_along<V: Clone>(
    nodes: &BTreeMap<Vec<String>, BTreeMap<String, V>>,
    namespace: &Namespace,
) -> BTreeMap<String, V> {
    let mut merged = BTreeMap::new();
    let mut path = Vec::with_capacity(namespace.0.len());
    let mut add = |path: &Vec<String>| {
        if let Some(node) = nodes.get(path) {
            merged.extend(node.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    };
    add(&path);
    for element in namespace.0.iter() {
        path.push(element.value.clone());
        add(&path);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::Element;

    fn path(text: &str) -> Vec<String> {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn table(entries: &[(&str, i64)]) -> Config {
        let entry = |(name, value): &(&str, i64)| ((*name).to_owned(), ConfigValue::Integer(*value));
        entries.iter().map(entry).collect()
    }

    #[test]
    fn deeper_tables_win_and_roots_do_not_mix() {
        let mut tree = ConfigTree::default();
        tree.insert(path("/a"), table(&[("x", 1), ("y", 1)]));
        tree.insert(path("/a/*/c"), table(&[("y", 3)]));
        tree.insert(path("/b"), table(&[("x", 2)]));
        let check = |tree: &ConfigTree, namespace: &str, expect: &[(&str, i64)]| {
            let namespace = path(namespace).into_iter().map(Element::new).collect();
            assert_eq!(tree.get(&namespace), table(expect), "{namespace:?}");
        };
        check(&tree, "/a", &[("x", 1), ("y", 1)]);
        check(&tree, "/a/*/c/d", &[("x", 1), ("y", 3)]);
        check(&tree, "/a/b/c", &[("x", 1), ("y", 1)]);
        check(&tree, "/b/c", &[("x", 2)]);
        check(&tree, "/c", &[]);
        tree.insert(vec![], table(&[("z", 0)]));
        check(&tree, "/c", &[("z", 0)]);
    }
}

//! PURE. The metrics as a tree of the values of their elements.

use std::{collections::BTreeMap, sync::Arc};

use super::Entry;
use crate::workflow::namespace::WILDCARD;

/// What begins with the same elements: its leaves are places in the list of entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    children: BTreeMap<String, Tree>,
    versions: BTreeMap<i64, usize>,
}

/// Which versions of a metric are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    All,
    Latest,
    Exactly(i64),
}

impl Wanted {
    /// As requests say it: below 1 is the latest.
    pub(super) fn version(version: i64) -> Self {
        if version < 1 {
            Self::Latest
        } else {
            Self::Exactly(version)
        }
    }

    fn of(self, versions: &BTreeMap<i64, usize>) -> Vec<usize> {
        match self {
            Self::All => versions.values().copied().collect(),
            Self::Latest => versions.values().next_back().copied().into_iter().collect(),
            Self::Exactly(version) => versions.get(&version).copied().into_iter().collect(),
        }
    }
}

impl Tree {
    pub(super) fn new(entries: &[Arc<Entry>]) -> Self {
        let mut root = Self::default();
        for (place, entry) in entries.iter().enumerate() {
            let leaf = entry.metric.namespace.values().fold(&mut root, Self::child_mut);
            leaf.versions.insert(entry.metric.version, place);
        }
        root
    }

    fn child_mut(&mut self, value: &str) -> &mut Self {
        self.children.entry(value.to_owned()).or_default()
    }

    /// Everything at or below a path of literal values.
    pub(super) fn below<'a>(&self, mut path: impl Iterator<Item = &'a str>) -> Vec<usize> {
        let node = path.try_fold(self, |node, value| node.children.get(value));
        node.map(|node| node.everything(Wanted::All)).unwrap_or_default()
    }

    /// What a request means. A value means the static element, and the dynamic one in its place only when nothing that
    /// was asked for is below the static one.
    pub(super) fn search(&self, request: &[&str], wanted: Wanted) -> Vec<usize> {
        match request {
            [] => wanted.of(&self.versions),
            [WILDCARD] => self.in_all(|child| child.everything(wanted)),
            [WILDCARD, rest @ ..] => self.in_all(|child| child.search(rest, wanted)),
            [value, rest @ ..] => {
                let search = |name| self.children.get(name).map(|child: &Self| child.search(rest, wanted));
                let found = search(*value).filter(|found| !found.is_empty());
                found.or_else(|| search(WILDCARD)).unwrap_or_default()
            }
        }
    }

    fn everything(&self, wanted: Wanted) -> Vec<usize> {
        let mut all = wanted.of(&self.versions);
        all.extend(self.in_all(|child| child.everything(wanted)));
        all
    }

    fn in_all(&self, find: impl Fn(&Self) -> Vec<usize>) -> Vec<usize> {
        self.children.values().flat_map(find).collect()
    }
}

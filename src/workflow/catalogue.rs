//! PURE. Which metrics the loaded collectors offer, and how they are found.
//!
//! Metrics are found in three ways. A *prefix* ([`Catalogue::below`]) takes every element literally: `*` finds dynamic
//! elements and nothing else. A *request* ([`Catalogue::matching`], [`Catalogue::get`], [`Catalogue::versions`]) knows
//! wildcards, and a value in the place of a dynamic element means one instance, which is found with that value in its
//! namespace. A request of a task ([`Catalogue::requested`]) may have tuples besides. What clients ask through REST is
//! one of the first two: [`query`].

pub mod offer;
pub mod query;
mod tree;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use crate::base::error::ErrorKind;

use super::{
    Metric, Namespace, PluginKey,
    namespace::{
        WILDCARD,
        request::{TooMany, combinations},
    },
    policy::{Policy, Rules},
};
use tree::{Tree, Wanted};

/// The metrics of all loaded collectors, as they were loaded.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: Vec<Arc<Entry>>,
    tree: Tree,
}

/// A metric that a collector offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its namespace, version, unit and description, and when it was advertised last.
    pub metric: Metric,
    /// Who offers it.
    pub plugin: PluginKey,
    /// Which configuration it wants, merged along its namespace.
    pub rules: Arc<Rules>,
}

/// A namespace means no metric, or not the one metric that was asked for. Snap's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Nothing has that name in that version.
    #[error("Metric not found: {namespace} (version: {version})")]
    NotFound {
        /// What was asked for.
        namespace: Namespace,
        /// In which version; below 1 in the latest.
        version: i64,
    },
    /// Nothing has that name in any version.
    #[error("Metric not found: {0}")]
    NoVersion(Namespace),
    /// Nothing is at the prefix or below it.
    #[error("No metric found below the given namespace: {0}")]
    NothingBelow(Namespace),
    /// Several metrics fit where one was asked for.
    #[error("Incoming namespace `{namespace}` is too ambiguous (version: {version})")]
    Ambiguous {
        /// What was asked for.
        namespace: Namespace,
        /// In which version; below 1 in the latest.
        version: i64,
    },
    /// A request names nothing.
    #[error("Incorrect format of requested metric, empty list of namespace elements")]
    Empty,
    /// A request means too much.
    #[error(transparent)]
    TooMany(#[from] TooMany),
}

impl LookupError {
    /// What class of error it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } | Self::NoVersion(_) | Self::NothingBelow(_) | Self::Ambiguous { .. } => {
                ErrorKind::NotFound
            }
            Self::Empty => ErrorKind::InvalidArgument,
            Self::TooMany(_) => ErrorKind::TooLarge,
        }
    }
}

impl Entry {
    /// Text by which entries are ordered: `namespace:version`.
    fn order(&self) -> String {
        format!("{}:{}", self.metric.namespace, self.metric.version)
    }
}

impl Catalogue {
    /// Everything that the plugins offer, with their policies. Of two that offer the same metric in the same version, the
    /// later one is asked.
    pub fn new<'a>(plugins: impl IntoIterator<Item = (PluginKey, &'a [Metric], &'a Policy)>) -> Self {
        let mut entries = BTreeMap::new();
        for (plugin, metrics, policy) in plugins {
            for metric in metrics {
                let entry = Entry {
                    metric: metric.clone(),
                    plugin: plugin.clone(),
                    rules: Arc::new(policy.for_namespace(&metric.namespace)),
                };
                entries.insert(entry.order(), Arc::new(entry));
            }
        }
        let entries: Vec<_> = entries.into_values().collect();
        let tree = Tree::new(&entries);
        Self { entries, tree }
    }

    /// All metrics in all versions, ordered by `namespace:version`, as all lists are.
    #[must_use]
    pub fn all(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// All versions of everything at or below a prefix, whose elements are taken literally. Everything is below the empty
    /// one, even when there is nothing.
    ///
    /// # Errors
    /// Nothing is there.
    pub fn below(&self, prefix: &Namespace) -> Result<Vec<Arc<Entry>>, LookupError> {
        let found = self.tree.below(prefix.values());
        if found.is_empty() && !prefix.0.is_empty() {
            return Err(LookupError::NothingBelow(prefix.clone()));
        }
        Ok(self.take(found, prefix))
    }

    /// Every metric that a request without tuples means, in one version: the latest of each when it is below 1.
    ///
    /// # Errors
    /// There is none, or nothing is requested.
    pub fn matching(&self, request: &Namespace, version: i64) -> Result<Vec<Arc<Entry>>, LookupError> {
        let not_found = |namespace| LookupError::NotFound { namespace, version };
        self.search(request, Wanted::version(version), not_found)
    }

    /// The one metric that a request without tuples means.
    ///
    /// # Errors
    /// There is none or more than one, or nothing is requested.
    pub fn get(&self, request: &Namespace, version: i64) -> Result<Arc<Entry>, LookupError> {
        let mut found = self.matching(request, version)?.into_iter();
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(LookupError::Ambiguous {
                namespace: request.clone(),
                version,
            }),
        }
    }

    /// All versions of every metric that a request without tuples means.
    ///
    /// # Errors
    /// There is none, or nothing is requested.
    pub fn versions(&self, request: &Namespace) -> Result<Vec<Arc<Entry>>, LookupError> {
        self.search(request, Wanted::All, LookupError::NoVersion)
    }

    /// Every metric that a task's request means: that of every combination of its tuples, each of which must exist.
    ///
    /// # Errors
    /// The first combination that means nothing, or there are too many, or nothing is requested.
    pub fn requested(&self, request: &Namespace, version: i64) -> Result<Vec<Arc<Entry>>, LookupError> {
        let mut all = Vec::new();
        for namespace in combinations(request)? {
            all.extend(self.matching(&namespace, version)?);
        }
        Ok(all)
    }

    fn search(
        &self,
        request: &Namespace,
        wanted: Wanted,
        not_found: impl FnOnce(Namespace) -> LookupError,
    ) -> Result<Vec<Arc<Entry>>, LookupError> {
        if request.0.is_empty() {
            return Err(LookupError::Empty);
        }
        let values: Vec<_> = request.values().collect();
        let found = self.tree.search(&values, wanted);
        if found.is_empty() {
            return Err(not_found(request.clone()));
        }
        Ok(self.take(found, request))
    }

    /// The entries at these places, in order, as the instances that were asked for.
    fn take(&self, mut places: Vec<usize>, asked: &Namespace) -> Vec<Arc<Entry>> {
        places.sort_unstable();
        let entry = |place: usize| instance(&self.entries[place], asked);
        places.into_iter().map(entry).collect()
    }
}

/// An entry with the values that were asked for in the places of its dynamic elements.
fn instance(entry: &Arc<Entry>, asked: &Namespace) -> Arc<Entry> {
    let mut elements = entry.metric.namespace.0.to_vec();
    for (element, value) in elements.iter_mut().zip(asked.values()) {
        if element.value != value && value != WILDCARD {
            value.clone_into(&mut element.value);
        }
    }
    if *elements == *entry.metric.namespace.0 {
        return Arc::clone(entry);
    }
    let mut entry = Entry::clone(entry);
    entry.metric.namespace = Namespace::from_iter(elements);
    Arc::new(entry)
}

//! PURE. What clients ask of the catalogue through REST.
//!
//! Version 1 asks in two forms, the namespace as a path or as the parameter `ns`; version 2 knows the parameter alone
//! and always answers with a list. The parameter `ver` means something only beside a namespace.

use std::{collections::BTreeSet, sync::Arc};

use super::{Catalogue, Entry, LookupError};
use crate::workflow::{Namespace, namespace::WILDCARD};

/// A question about metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which metrics; all when absent.
    pub namespace: Option<Namespace>,
    /// In which version: below 0 in the latest, 0 in all for lists and in the latest for one metric.
    pub version: Option<i64>,
    /// Whether a namespace without wildcard at its end and with a version asks for one metric, which is answered as
    /// such. So in version 1; version 2 always answers with a list.
    pub single: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// Any number, in order.
    Many(Vec<Arc<Entry>>),
    /// One metric was asked for, and this is it.
    One(Arc<Entry>),
}

impl Query {
    /// The question of a path `/metrics/*namespace`, in which separators at the end mean nothing; version 1 only.
    #[must_use]
    pub fn of_path(namespace: &str, version: Option<i64>) -> Self {
        let first = namespace.chars().next().unwrap_or('/');
        let trimmed = namespace.trim_end_matches(first);
        let namespace = (!trimmed.is_empty()).then(|| Namespace::parse(trimmed));
        Self {
            namespace,
            version,
            single: true,
        }
    }

    /// The question of the parameters `ns`, empty when absent, and `ver`. `single` in version 1.
    #[must_use]
    pub fn of_parameters(namespace: &str, version: Option<i64>, single: bool) -> Self {
        let namespace = (!namespace.is_empty()).then(|| Namespace::parse(namespace));
        Self {
            namespace,
            version,
            single,
        }
    }

    /// Answers.
    ///
    /// # Errors
    /// Nothing fits, or too much.
    pub fn answer(&self, catalogue: &Catalogue) -> Result<Found, LookupError> {
        let Some(namespace) = &self.namespace else {
            return Ok(Found::Many(catalogue.all().to_vec()));
        };
        let prefix = without_wildcard(namespace);
        match (self.version, prefix) {
            (Some(version), None) if self.single => catalogue.get(namespace, version).map(Found::One),
            (version, prefix) => list(
                catalogue,
                &prefix.unwrap_or_else(|| namespace.clone()),
                version.unwrap_or(0),
            ),
        }
    }
}

/// What is below a prefix, in all versions, the latest, or one. Version 0 is all, since Snap's command line sends it when it
/// is told none, and shows the versions side by side. The latest of a metric is asked for by its name, in which a
/// dynamic element is a wildcard: beside a static sibling that is ambiguous, and so it is in Snap.
fn list(catalogue: &Catalogue, prefix: &Namespace, version: i64) -> Result<Found, LookupError> {
    let mut found = catalogue.below(prefix)?;
    match version {
        0 => {}
        1.. => found.retain(|entry| entry.metric.version == version),
        _ => {
            let mut seen = BTreeSet::new();
            found.retain(|entry| seen.insert(entry.metric.namespace.clone()));
            let latest = |entry: &Arc<Entry>| catalogue.get(&entry.metric.namespace, version);
            found = found.iter().map(latest).collect::<Result<_, _>>()?;
        }
    }
    Ok(Found::Many(found))
}

/// The namespace without the wildcard at its end, if there is one.
fn without_wildcard(namespace: &Namespace) -> Option<Namespace> {
    let (last, rest) = namespace.0.split_last()?;
    (last.value == WILDCARD).then(|| rest.iter().cloned().collect())
}

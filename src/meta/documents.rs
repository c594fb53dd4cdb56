//! PURE. All current documents of a store, in memory, at one revision.
//!
//! The writer's machine decides on one copy; readers see a second one, which moves on only when the changes are durable.
//! Entries are shared between the two: the second copy costs pointers, not values.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use super::{Batch, Event, KeyValue, MAX_PAGE, Page, Revision};

/// The current documents and their revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Documents {
    revision: Revision,
    entries: BTreeMap<Arc<str>, KeyValue>,
}

impl Documents {
    /// The documents as they were stored at `revision`.
    pub(super) fn new(revision: Revision, entries: impl IntoIterator<Item = KeyValue>) -> Self {
        Self {
            revision,
            entries: entries
                .into_iter()
                .map(|entry| (Arc::clone(&entry.key), entry))
                .collect(),
        }
    }

    /// Every document, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &KeyValue> {
        self.entries.values()
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn get(&self, key: &str) -> Option<&KeyValue> {
        self.entries.get(key)
    }

    /// Every document whose key starts with `prefix`, in order.
    pub(super) fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a KeyValue> {
        self.from(prefix, Bound::Included(prefix))
    }

    /// A page as [`super::MetaStore::list`] defines it.
    pub(super) fn page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Page {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        let mut found = self.from(prefix, start);
        let entries = found.by_ref().take(limit.min(MAX_PAGE)).cloned().collect();
        Page {
            revision: self.revision,
            entries,
            more: found.next().is_some(),
        }
    }

    /// Makes one change, which belongs to the revision that [`Self::advance`] will set.
    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Put(kv) => drop(self.entries.insert(Arc::clone(&kv.key), kv.clone())),
            Event::Delete(key) => drop(self.entries.remove(key)),
        }
    }

    /// Moves to a revision all of whose changes were applied.
    pub(super) fn advance(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Makes all changes of the next revision.
    pub(super) fn absorb(&mut self, batch: &Batch) {
        batch.events.iter().for_each(|event| self.apply(event));
        self.advance(batch.revision);
    }

    fn from<'a>(&'a self, prefix: &'a str, start: Bound<&'a str>) -> impl Iterator<Item = &'a KeyValue> {
        self.entries
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(_, entry)| entry)
            .take_while(move |entry| entry.key.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn entry(key: &str) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Bytes::new(),
            created: Revision(2),
            modified: Revision(2),
            version: 1,
            lease: None,
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let documents = Documents::new(Revision(2), ["/a", "/b/1", "/b/2", "/b/3", "/c"].map(entry));
        let check = |prefix, after, limit, keys: &[&str], more| {
            let page = documents.page(prefix, after, limit);
            let found: Vec<_> = page.entries.iter().map(|entry| &*entry.key).collect();
            assert_eq!((found.as_slice(), page.more), (keys, more));
        };
        check("/b/", None, 2, &["/b/1", "/b/2"], true);
        check("/b/", Some("/b/2"), 2, &["/b/3"], false);
        check("/b/", Some("/b/3"), 2, &[], false);
        check("/b/", Some("/a"), 9, &["/b/1", "/b/2", "/b/3"], false);
        check("/b/", Some("/c"), 9, &[], false);
        check("", None, 0, &[], true);
        check("", None, 5, &["/a", "/b/1", "/b/2", "/b/3", "/c"], false);
        check("/x", None, 5, &[], false);
    }
}

//! PURE. The latest changes, kept for watches and bounded by count and bytes.
//!
//! Revisions have no gaps, so the batch of a revision is found by its distance from the oldest kept.

use std::collections::VecDeque;

use super::{Batch, Error, Event, Revision};

/// How much history is kept for watches; whichever bound is reached first drops the oldest revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLimit {
    /// Most revisions.
    pub revisions: usize,
    /// Most bytes of keys and values.
    pub bytes: usize,
}

impl HistoryLimit {
    /// More than a minute and a half at a hundred changes a second, in at most 16 MiB.
    pub const DEFAULT: Self = Self {
        revisions: 10_000,
        bytes: 16 << 20,
    };
}

/// What a watch gets when it looks for changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The next changes.
    Found(Batch),
    /// None yet: look again from here.
    Later(Revision),
}

/// The changes since some revision.
#[derive(Debug)]
pub(super) struct History {
    limit: HistoryLimit,
    /// The revision of the first batch, or the next one when there is none.
    oldest: Revision,
    batches: VecDeque<Batch>,
    bytes: usize,
}

impl History {
    /// No history yet, of a store that is at `revision`.
    pub(super) fn after(revision: Revision, limit: HistoryLimit) -> Self {
        Self {
            limit,
            oldest: revision.next(),
            batches: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Adds the changes of the next revision.
    pub(super) fn push(&mut self, batch: Batch) {
        self.bytes += size(&batch);
        self.batches.push_back(batch);
        while self.batches.len() > self.limit.revisions || self.bytes > self.limit.bytes {
            let Some(dropped) = self.batches.pop_front() else { break };
            self.bytes -= size(&dropped);
            self.oldest = dropped.revision.next();
        }
    }

    /// The first changes under `prefix` at or after the revision `from`, reduced to that prefix.
    ///
    /// # Errors
    /// [`Error::Compacted`] when changes at `from` may have been dropped.
    pub(super) fn next(&self, prefix: &str, from: Revision) -> Result<Look, Error> {
        if from < self.oldest {
            return Err(Error::Compacted { oldest: self.oldest });
        }
        let skipped = usize::try_from(from.0 - self.oldest.0).unwrap_or(usize::MAX);
        let found = self
            .batches
            .iter()
            .skip(skipped)
            .find_map(|batch| reduced(batch, prefix));
        let unseen = self.batches.back().map_or(self.oldest, |newest| newest.revision.next());
        Ok(found.map_or(Look::Later(unseen.max(from)), Look::Found))
    }
}

fn reduced(batch: &Batch, prefix: &str) -> Option<Batch> {
    let under_prefix = |event: &&Event| event.key().starts_with(prefix);
    let events: Vec<Event> = batch.events.iter().filter(under_prefix).cloned().collect();
    (!events.is_empty()).then_some(Batch {
        revision: batch.revision,
        events,
    })
}

fn size(batch: &Batch) -> usize {
    let size = |event: &Event| match event {
        Event::Put(kv) => kv.key.len() + kv.value.len(),
        Event::Delete(key) => key.len(),
    };
    batch.events.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(revision: u64, keys: &[&str]) -> Batch {
        Batch {
            revision: Revision(revision),
            events: keys.iter().map(|key| Event::Delete((*key).into())).collect(),
        }
    }

    fn history(limit: HistoryLimit) -> History {
        let mut history = History::after(Revision(4), limit);
        for kept in [batch(5, &["/a"]), batch(6, &["/a", "/b"]), batch(7, &["/a"])] {
            history.push(kept);
        }
        history
    }

    #[test]
    fn finds_the_next_change_under_a_prefix() {
        let history = history(HistoryLimit::DEFAULT);
        let check = |prefix, from, expect| assert_eq!(history.next(prefix, Revision(from)).unwrap(), expect);
        check("/a", 5, Look::Found(batch(5, &["/a"])));
        check("/b", 5, Look::Found(batch(6, &["/b"])));
        check("", 6, Look::Found(batch(6, &["/a", "/b"])));
        check("/b", 7, Look::Later(Revision(8)));
        check("/a", 8, Look::Later(Revision(8)));
        check("/a", 90, Look::Later(Revision(90)));
    }

    #[test]
    fn drops_the_oldest_at_either_limit() {
        let by_count = HistoryLimit {
            revisions: 2,
            ..HistoryLimit::DEFAULT
        };
        let by_bytes = HistoryLimit {
            bytes: 6,
            ..HistoryLimit::DEFAULT
        };
        for limit in [by_count, by_bytes] {
            let history = history(limit);
            let error = history.next("", Revision(5)).unwrap_err();
            assert!(matches!(error, Error::Compacted { oldest: Revision(6) }), "{error}");
            assert!(history.next("", Revision(6)).is_ok());
        }
    }
}

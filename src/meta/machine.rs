//! PURE. What every request does to the store: deterministic, without I/O, runtime or clock.
//!
//! The [`Machine`] holds the documents and leases as they will be once everything it has decided is durable. A request
//! changes it at once and yields the answer together with the [`Effect`], which the writer makes durable before anybody
//! sees either. Should that fail, the machine is ahead of the disk and must be thrown away.
//!
//! Leases: the grant and the end are effects, the deadline is not. It is monotonic time, moved by keeping the lease
//! alive (`deadlines`), and set to one full time to live when the store is opened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{
    Batch, Compare, Error, Event, KeyValue, LeaseId, Op, Response, Revision, Txn, TxnResult, check_ttl,
    deadlines::Deadlines, documents::Documents,
};

/// Everything that the store remembers over a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// The documents at their revision.
    pub(super) documents: Documents,
    /// Leases that have not ended, with their time to live.
    pub(super) leases: BTreeMap<LeaseId, Duration>,
    /// The lease that will be granted next; all below were granted.
    pub(super) next_lease: LeaseId,
}

/// What must be made durable before a request is answered. Both parts are absent when nothing changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// The changes of documents, if any: one revision.
    pub(super) batch: Option<Batch>,
    /// The change of a lease, if any.
    pub(super) lease: Option<LeaseChange>,
}

/// A lease begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseChange {
    /// It was granted with this time to live.
    Granted(LeaseId, Duration),
    /// It expired or was revoked.
    Ended(LeaseId),
}

/// An answer and what must be durable before it is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision<T> {
    /// The answer.
    pub(super) answer: T,
    /// Its effect.
    pub(super) effect: Effect,
}

/// The state on which requests are decided, one after the other.
#[derive(Debug)]
pub(super) struct Machine {
    documents: Documents,
    /// The keys of each lease.
    leases: BTreeMap<LeaseId, BTreeSet<Arc<str>>>,
    deadlines: Deadlines,
    next_lease: LeaseId,
}

impl Machine {
    /// The machine as it was stored; every lease starts anew at the monotonic time `now`.
    pub(super) fn restore(stored: Stored, now: Duration) -> Self {
        let Stored {
            documents,
            leases,
            next_lease,
        } = stored;
        let deadlines = Deadlines::default();
        for (id, ttl) in &leases {
            deadlines.insert(*id, *ttl, now);
        }
        let mut leases: BTreeMap<_, _> = leases.into_keys().map(|id| (id, BTreeSet::new())).collect();
        for entry in documents.with_prefix("") {
            if let Some(keys) = entry.lease.and_then(|id| leases.get_mut(&id)) {
                keys.insert(Arc::clone(&entry.key));
            }
        }
        Self {
            documents,
            leases,
            deadlines,
            next_lease,
        }
    }

    /// The table in which leases are kept alive.
    pub(super) fn deadlines(&self) -> Deadlines {
        self.deadlines.clone()
    }

    /// Compares and does. The transaction has passed [`Txn::check`].
    pub(super) fn txn(&mut self, txn: &Txn) -> Result<Decision<TxnResult>, Error> {
        let holds = |compare: &Compare| compare.holds(self.documents.get(&compare.key));
        let succeeded = txn.when.iter().all(holds);
        let branch = if succeeded { &txn.then } else { &txn.otherwise };
        self.check_leases(branch)?;
        let mut events = Vec::new();
        let responses = branch.iter().map(|op| self.perform(op, &mut events)).collect();
        let batch = self.close_batch(events);
        Ok(Decision {
            answer: TxnResult {
                succeeded,
                revision: self.documents.revision(),
                responses,
            },
            effect: Effect { batch, lease: None },
        })
    }

    /// Grants a lease that ends `ttl` after `now`.
    pub(super) fn grant(&mut self, ttl: Duration, now: Duration) -> Result<Decision<LeaseId>, Error> {
        check_ttl(ttl)?;
        let id = self.next_lease;
        self.next_lease = LeaseId(id.0 + 1);
        self.leases.insert(id, BTreeSet::new());
        self.deadlines.insert(id, ttl, now);
        Ok(Decision {
            answer: id,
            effect: Effect {
                batch: None,
                lease: Some(LeaseChange::Granted(id, ttl)),
            },
        })
    }

    /// Ends the lease and deletes its keys.
    pub(super) fn revoke(&mut self, id: LeaseId) -> Result<Decision<()>, Error> {
        let keys = self.leases.remove(&id).ok_or(Error::LeaseNotFound(id))?;
        self.deadlines.remove(id);
        Ok(Decision {
            answer: (),
            effect: self.end(id, keys),
        })
    }

    /// Ends every lease whose deadline has come, each with its own revision, in the order of their numbers.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Effect> {
        let due = self.deadlines.take_due(now).into_iter();
        due.map(|id| {
            let keys = self.leases.remove(&id).unwrap_or_default();
            self.end(id, keys)
        })
        .collect()
    }

    fn check_leases(&self, branch: &[Op]) -> Result<(), Error> {
        for op in branch {
            if let Op::Put { lease: Some(id), .. } = op
                && !self.leases.contains_key(id)
            {
                return Err(Error::LeaseNotFound(*id));
            }
        }
        Ok(())
    }

    fn perform(&mut self, op: &Op, events: &mut Vec<Event>) -> Response {
        match op {
            Op::Put { key, value, lease } => {
                let previous = self.documents.get(key);
                let revision = self.documents.revision().next();
                let put = KeyValue {
                    key: Arc::clone(key),
                    // A copy: a slice would keep the whole request it was cut from in memory.
                    value: Bytes::copy_from_slice(value),
                    created: previous.map_or(revision, |kv| kv.created),
                    modified: revision,
                    version: previous.map_or(1, |kv| kv.version + 1),
                    lease: *lease,
                };
                self.change(Event::Put(put), events);
                Response::Put
            }
            Op::Persist(key) => self.persist(key, events),
            Op::Delete(key) => {
                let found = self.documents.get(key).map(|kv| Arc::clone(&kv.key));
                self.delete(found.into_iter().collect(), events)
            }
            Op::DeletePrefix(prefix) => {
                let found = self.documents.with_prefix(prefix).map(|kv| Arc::clone(&kv.key));
                self.delete(found.collect(), events)
            }
            Op::Get(key) => Response::Got(self.documents.get(key).cloned()),
        }
    }

    fn persist(&mut self, key: &str, events: &mut Vec<Event>) -> Response {
        let modified = self.documents.revision().next();
        let kept = self.documents.get(key).map(|kv| KeyValue {
            modified,
            version: kv.version + 1,
            lease: None,
            ..kv.clone()
        });
        let exists = kept.is_some();
        if let Some(kept) = kept {
            self.change(Event::Put(kept), events);
        }
        Response::Persisted(exists)
    }

    fn delete(&mut self, keys: Vec<Arc<str>>, events: &mut Vec<Event>) -> Response {
        let count = keys.len();
        for key in keys {
            self.change(Event::Delete(key), events);
        }
        Response::Deleted(count)
    }

    /// Makes a change of the coming revision, and keeps the leases' keys right.
    fn change(&mut self, event: Event, events: &mut Vec<Event>) {
        let bound_to = self.documents.get(event.key()).and_then(|kv| kv.lease);
        if let Some(keys) = bound_to.and_then(|id| self.leases.get_mut(&id)) {
            keys.remove(event.key());
        }
        if let Event::Put(KeyValue {
            key, lease: Some(id), ..
        }) = &event
            && let Some(keys) = self.leases.get_mut(id)
        {
            keys.insert(Arc::clone(key));
        }
        self.documents.apply(&event);
        events.push(event);
    }

    fn end(&mut self, id: LeaseId, keys: BTreeSet<Arc<str>>) -> Effect {
        let mut events = Vec::new();
        for key in keys {
            self.change(Event::Delete(key), &mut events);
        }
        Effect {
            batch: self.close_batch(events),
            lease: Some(LeaseChange::Ended(id)),
        }
    }

    /// The changes as those of a new revision, or nothing when there are none.
    fn close_batch(&mut self, events: Vec<Event>) -> Option<Batch> {
        if events.is_empty() {
            return None;
        }
        let revision = self.documents.revision().next();
        self.documents.advance(revision);
        Some(Batch { revision, events })
    }
}

impl Stored {
    /// A store in which nothing ever happened. Its revision is 1, as etcd's is.
    pub(super) fn empty() -> Self {
        Self {
            documents: Documents::new(Revision(1), []),
            leases: BTreeMap::new(),
            next_lease: LeaseId(1),
        }
    }

    /// Makes what an effect says part of the stored state.
    #[cfg(test)]
    pub(super) fn absorb(&mut self, effect: &Effect) {
        if let Some(batch) = &effect.batch {
            self.documents.absorb(batch);
        }
        match effect.lease {
            Some(LeaseChange::Granted(id, ttl)) => {
                self.leases.insert(id, ttl);
                self.next_lease = LeaseId(id.0 + 1);
            }
            Some(LeaseChange::Ended(id)) => drop(self.leases.remove(&id)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;

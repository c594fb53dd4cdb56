//! PURE. When each lease ends unless it is kept alive, in a table that callers and the writer share.
//!
//! A lease is kept alive some thousand times a second, and nothing needs to be durable for it. So it does not queue with
//! the writer's requests: it moves the deadline under a short lock. The writer takes leases that are due out of the table
//! under the same lock: whoever comes first decides whether a lease lives on.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Error, LeaseId};

/// The deadlines of all leases, in monotonic time. Clones share the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Deadlines {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    leases: HashMap<LeaseId, Lease>,
    in_order: BTreeSet<(Duration, LeaseId)>,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    ttl: Duration,
    deadline: Duration,
}

impl Deadlines {
    /// Begins the life of a lease at `now`.
    pub(super) fn insert(&self, id: LeaseId, ttl: Duration, now: Duration) {
        let deadline = now.saturating_add(ttl);
        let mut table = self.lock();
        table.leases.insert(id, Lease { ttl, deadline });
        table.in_order.insert((deadline, id));
    }

    /// Moves the lease's deadline to a full time to live after `now`.
    ///
    /// # Errors
    /// [`Error::LeaseNotFound`], [`Error::Closed`].
    pub(super) fn keep_alive(&self, id: LeaseId, now: Duration) -> Result<(), Error> {
        let mut table = self.lock();
        let Table {
            leases,
            in_order,
            closed,
        } = &mut *table;
        if *closed {
            return Err(Error::Closed);
        }
        let lease = leases.get_mut(&id).ok_or(Error::LeaseNotFound(id))?;
        in_order.remove(&(lease.deadline, id));
        lease.deadline = now.saturating_add(lease.ttl);
        in_order.insert((lease.deadline, id));
        Ok(())
    }

    /// Ends the life of a lease.
    pub(super) fn remove(&self, id: LeaseId) {
        let mut table = self.lock();
        if let Some(lease) = table.leases.remove(&id) {
            table.in_order.remove(&(lease.deadline, id));
        }
    }

    /// Takes out every lease whose deadline has come, in the order of their numbers.
    pub(super) fn take_due(&self, now: Duration) -> BTreeSet<LeaseId> {
        let mut table = self.lock();
        let mut due = BTreeSet::new();
        while let Some((deadline, id)) = table.in_order.first().copied()
            && deadline <= now
        {
            table.in_order.pop_first();
            table.leases.remove(&id);
            due.insert(id);
        }
        due
    }

    /// When the next lease ends unless it is kept alive.
    pub(super) fn next(&self) -> Option<Duration> {
        self.lock().in_order.first().map(|(deadline, _)| *deadline)
    }

    /// No lease is kept alive from now on: nobody is left to end it.
    pub(super) fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Placement of measurements, remembered per thread.
//!
//! Finding a measurement's owners hashes its shard key and searches a ring per circle; a body names the same few
//! measurements over and over. The cache answers with one hash of the measurement's bytes and no lock.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::influx::line;

use super::{fleet::Fleet, watermark::Slot};

/// Measurements remembered per thread; beyond it all are forgotten, which bounds memory at some 10 MiB.
const MAX_MEASUREMENTS: usize = 1 << 16;

/// A cached placement.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Which set of owners; an index into [`RouteCache::owners`].
    pub owners: usize,
    /// The measurement's watermark.
    pub slot: Slot,
    /// The measurement was not seen before in this request.
    pub first_in_request: bool,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    owners: usize,
    slot: Slot,
    request: u64,
}

type ByName<V> = HashMap<Box<[u8]>, V, foldhash::fast::RandomState>;

/// Placements of one fleet as seen by one thread.
#[derive(Debug, Default)]
pub struct RouteCache {
    databases: ByName<ByName<Known>>,
    owners: Vec<Arc<[usize]>>,
    measurements: usize,
    request: u64,
    /// Keeps the address from being used again.
    fleet: Weak<Fleet>,
}

thread_local! {
    static CACHE: RefCell<RouteCache> = RefCell::default();
}

/// Runs `work` with this thread's cache, prepared for a new request against `fleet`.
pub fn with_cache<R>(fleet: &Arc<Fleet>, work: impl FnOnce(&mut RouteCache) -> R) -> R {
    CACHE.with_borrow_mut(|cache| {
        if cache.fleet.as_ptr() != Arc::as_ptr(fleet) || cache.measurements > MAX_MEASUREMENTS {
            *cache = RouteCache {
                fleet: Arc::downgrade(fleet),
                ..RouteCache::default()
            };
        }
        cache.request += 1;
        work(cache)
    })
}

impl RouteCache {
    /// The set of owners that a route names, as positions in [`Fleet::backends`].
    #[must_use]
    pub fn owners(&self, index: usize) -> &Arc<[usize]> {
        &self.owners[index]
    }

    /// Where the points of `measurement` (escaped, as written) of `db` belong.
    pub fn route(&mut self, fleet: &Fleet, db: &[u8], measurement: &[u8]) -> Route {
        let request = self.request;
        if let Some(known) = self.databases.get_mut(db).and_then(|names| names.get_mut(measurement)) {
            let first_in_request = known.request != request;
            known.request = request;
            return Route {
                owners: known.owners,
                slot: known.slot,
                first_in_request,
            };
        }
        let placement = fleet.placement(db, &line::placement_name(measurement));
        let owners = self.intern(placement.owners);
        let known = Known {
            owners,
            slot: placement.slot,
            request,
        };
        self.databases
            .entry(db.into())
            .or_default()
            .insert(measurement.into(), known);
        self.measurements += 1;
        Route {
            owners,
            slot: placement.slot,
            first_in_request: true,
        }
    }

    fn intern(&mut self, owners: Arc<[usize]>) -> usize {
        let known = self.owners.iter().position(|other| *other == owners);
        known.unwrap_or_else(|| {
            self.owners.push(owners);
            self.owners.len() - 1
        })
    }
}

//! Statements that remove points. Each takes its number in the journal.
//!
//! A series whose last row goes, goes with it; a measurement with its last series; the fields of a measurement under a
//! policy with the last row there. So a name may come back with another type, as in InfluxDB.

use std::{collections::BTreeSet, sync::Arc};

use roaring::RoaringBitmap;

use crate::{
    base::TimestampNs,
    query::source::{TagFilter, Times},
};

use super::{
    Error,
    engine::Engine,
    state::{Database, Group, State},
    tombstone::{Tombstone, overlap},
};

impl Engine {
    /// Drops a measurement with all its series and points, if there is one.
    ///
    /// # Errors
    /// `NotFound`: no such database.
    pub fn drop_measurement(&self, seq: u64, db: &str, name: &str) -> Result<(), Error> {
        self.change(seq, |state| {
            state.remove(db, &|measurement| measurement == name, &TagFilter::All, ALL)
        })
    }

    /// Drops the series that the filter selects of the measurements that `measurements` says yes to.
    ///
    /// # Errors
    /// `NotFound`: no such database.
    pub fn drop_series(
        &self,
        seq: u64,
        db: &str,
        measurements: &dyn Fn(&str) -> bool,
        filter: &TagFilter,
    ) -> Result<(), Error> {
        self.change(seq, |state| state.remove(db, measurements, filter, ALL))
    }

    /// Deletes the points at some times of the series that the filter selects of the measurements that `measurements`
    /// says yes to, under all policies.
    ///
    /// # Errors
    /// `NotFound`: no such database.
    pub fn delete(
        &self,
        seq: u64,
        db: &str,
        measurements: &dyn Fn(&str) -> bool,
        filter: &TagFilter,
        times: Times,
    ) -> Result<(), Error> {
        self.change(seq, |state| state.remove(db, measurements, filter, times))
    }
}

const ALL: Times = Times {
    min: i64::MIN,
    max: i64::MAX,
};

impl State {
    fn remove(
        &mut self,
        db: &str,
        measurements: &dyn Fn(&str) -> bool,
        filter: &TagFilter,
        times: Times,
    ) -> Result<(), Error> {
        let stamp = self.stamp;
        let database = self
            .database_mut(db)
            .ok_or_else(|| Error::DatabaseNotFound(db.to_owned()))?;
        let selected = database.index.measurements().filter(|(name, _)| measurements(name));
        let series = selected.fold(RoaringBitmap::new(), |all, (_, measurement)| {
            all | measurement.filter(filter)
        });
        let is_all = times.min <= TimestampNs::MIN.0 && times.max >= TimestampNs::MAX.0;
        if is_all {
            database.forget(&series, stamp);
        } else {
            database
                .groups_mut()
                .for_each(|group| group.delete(&series, times, stamp));
            database.prune(&series, stamp);
        }
        self.count_bytes();
        Ok(())
    }
}

impl Database {
    fn groups_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        self.policies.iter_mut().flat_map(|policy| policy.groups.values_mut())
    }

    /// Drops those of the series that have no row left, and the fields of their measurements where no row is left.
    pub(super) fn prune(&mut self, series: &RoaringBitmap, stamp: u64) {
        let has_rows = |id| {
            self.policies
                .iter()
                .flat_map(|policy| policy.groups.values())
                .any(|group| group.has_rows(id))
        };
        let gone: RoaringBitmap = series.iter().filter(|id| !has_rows(*id)).collect();
        let touched: BTreeSet<Arc<str>> = (series - &gone)
            .iter()
            .filter_map(|id| Some(Arc::clone(&self.index.get(id)?.measurement)))
            .collect();
        self.forget(&gone, stamp);
        touched.iter().for_each(|measurement| self.prune_fields(measurement));
    }

    /// Forgets series with all their rows, while the memtables in use have a stamp.
    fn forget(&mut self, series: &RoaringBitmap, stamp: u64) {
        let touched: BTreeSet<Arc<str>> = series
            .iter()
            .filter_map(|id| Some(Arc::clone(&self.index.get(id)?.measurement)))
            .collect();
        series.iter().for_each(|id| self.index.remove(id));
        // files keep the rows until they are compacted; nobody asks for them any more
        for group in self.groups_mut() {
            series.iter().for_each(|id| group.active.remove(id));
            if !series.is_empty() {
                group.dead = Some(stamp);
            }
        }
        touched.iter().for_each(|measurement| self.prune_fields(measurement));
    }

    /// Forgets the fields of a measurement under the policies where no row is left.
    fn prune_fields(&mut self, name: &str) {
        let Some(measurement) = self.index.measurement(name) else {
            return;
        };
        let has_rows = |policy: &u32| {
            let policy = self.policies.iter().find(|known| known.id == *policy);
            let groups = policy.into_iter().flat_map(|policy| policy.groups.values());
            groups
                .into_iter()
                .any(|group| measurement.series().iter().any(|id| group.has_rows(id)))
        };
        let empty: Vec<u32> = measurement
            .fields
            .keys()
            .copied()
            .filter(|policy| !has_rows(policy))
            .collect();
        if let Some(measurement) = self.index.measurement_mut(name) {
            measurement.fields.retain(|policy, _| !empty.contains(policy));
        }
    }
}

impl Group {
    /// Deletes rows of some series: in the memtable in use at once, elsewhere by a tombstone.
    fn delete(&mut self, series: &RoaringBitmap, times: Times, stamp: u64) {
        if !overlap(self.span(), times) {
            return;
        }
        series.iter().for_each(|id| self.active.remove_times(id, times));
        let in_files = self
            .runs
            .iter()
            .flat_map(|run| &run.files)
            .flat_map(|file| file.block.series());
        let in_sealed = self.sealed.iter().flat_map(|sealed| sealed.table.series());
        let concerned: RoaringBitmap = in_files.chain(in_sealed).filter(|id| series.contains(*id)).collect();
        if !concerned.is_empty() {
            self.tombstones.push(Arc::new(Tombstone {
                stamp,
                series: concerned,
                times,
            }));
        }
    }
}

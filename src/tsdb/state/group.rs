//! A shard group: the points of one policy within one span of time.

use std::sync::Arc;

use crate::{
    base::TimestampNs,
    query::source::{Rows, Times},
    tsdb::{
        block::{FieldId, SeriesId},
        memtable::Memtable,
        scan::GroupView,
        store::Run,
        tombstone::{Tombstone, is_live, overlap},
    },
};

/// A shard group.
#[derive(Debug)]
pub(in crate::tsdb) struct Group {
    /// Its least time.
    pub(in crate::tsdb) first: i64,
    /// Its greatest time.
    pub(in crate::tsdb) last: i64,
    /// Points since the last flush.
    pub(in crate::tsdb) active: Memtable,
    /// Points that are being flushed.
    pub(in crate::tsdb) sealed: Option<Arc<SealedTable>>,
    /// From the oldest to the newest.
    pub(in crate::tsdb) runs: Vec<Arc<Run>>,
    pub(in crate::tsdb) tombstones: Vec<Arc<Tombstone>>,
    /// When files were added last, or the engine was opened.
    pub(in crate::tsdb) changed_at: TimestampNs,
    /// The stamp of the last drop of series of which files may have rows; none since they were compacted.
    pub(in crate::tsdb) dead: Option<u64>,
}

/// A memtable that does not change any more.
#[derive(Debug)]
pub(in crate::tsdb) struct SealedTable {
    pub(in crate::tsdb) stamp: u64,
    pub(in crate::tsdb) table: Memtable,
}

impl Group {
    pub(in crate::tsdb) fn new(first: i64, last: i64) -> Self {
        Self {
            first,
            last,
            active: Memtable::default(),
            sealed: None,
            runs: Vec::new(),
            tombstones: Vec::new(),
            changed_at: TimestampNs(0),
            dead: None,
        }
    }

    /// Its span.
    pub(in crate::tsdb) fn span(&self) -> Times {
        Times {
            min: self.first,
            max: self.last,
        }
    }

    /// Seals the memtable in use.
    pub(in crate::tsdb) fn seal(&mut self, stamp: u64) {
        if !self.active.is_empty() {
            let table = std::mem::take(&mut self.active);
            self.sealed = Some(Arc::new(SealedTable { stamp, table }));
        }
    }

    /// Whether there is nothing in it.
    pub(in crate::tsdb) fn is_empty(&self) -> bool {
        self.active.is_empty() && self.sealed.is_none() && self.runs.is_empty()
    }

    /// All that a query for some fields of a series needs; `None`: the group has no rows of it.
    pub(in crate::tsdb) fn view(&self, series: SeriesId, fields: &[FieldId], times: Times) -> Option<GroupView> {
        if !overlap(self.span(), times) {
            return None;
        }
        let runs: Vec<_> = self
            .runs
            .iter()
            .filter(|run| run.file_of(series).is_some())
            .cloned()
            .collect();
        let mut memory: Vec<(u64, Rows)> = Vec::new();
        if let Some(sealed) = self.sealed.as_ref().filter(|sealed| sealed.table.contains(series)) {
            memory.push((sealed.stamp, sealed.table.read(series, fields, times)));
        }
        if self.active.contains(series) {
            memory.push((u64::MAX, self.active.read(series, fields, times)));
        }
        let is_empty = runs.is_empty() && memory.is_empty();
        let tombstones = || {
            self.tombstones
                .iter()
                .filter(|tombstone| tombstone.series.contains(series))
                .cloned()
                .collect()
        };
        (!is_empty).then(|| GroupView {
            runs,
            tombstones: tombstones(),
            memory,
        })
    }

    /// Whether a series has a row that is not deleted. Damaged rows count.
    pub(in crate::tsdb) fn has_rows(&self, series: SeriesId) -> bool {
        let hidden = |stamp| self.hidden(series, stamp);
        let in_sealed = |sealed: &Arc<SealedTable>| {
            let hidden = hidden(sealed.stamp);
            sealed.table.any_row(series, |time| is_live(&hidden, time))
        };
        self.active.contains(series)
            || self.sealed.as_ref().is_some_and(in_sealed)
            || self
                .runs
                .iter()
                .any(|run| run_has_rows(run, series, &hidden(run.stamp)))
    }

    /// The series that may have rows here.
    pub(in crate::tsdb) fn series(&self) -> roaring::RoaringBitmap {
        let in_files = self
            .runs
            .iter()
            .flat_map(|run| &run.files)
            .flat_map(|file| file.block.series());
        let in_memory = self
            .sealed
            .iter()
            .map(|sealed| &sealed.table)
            .chain([&self.active])
            .flat_map(Memtable::series);
        in_files.chain(in_memory).collect()
    }

    /// Forgets tombstones that nothing needs any more.
    pub(in crate::tsdb) fn drop_spent_tombstones(&mut self) {
        let sealed = self.sealed.as_ref().map(|sealed| sealed.stamp);
        let oldest = self.runs.iter().map(|run| run.stamp).chain(sealed).min();
        self.tombstones
            .retain(|tombstone| oldest.is_some_and(|oldest| oldest < tombstone.stamp));
    }

    /// Times that are deleted of a series in what has a stamp.
    fn hidden(&self, series: SeriesId, stamp: u64) -> Vec<Times> {
        let concerned = self
            .tombstones
            .iter()
            .filter(|tombstone| tombstone.concerns(series, stamp));
        concerned.map(|tombstone| tombstone.times).collect()
    }
}

fn run_has_rows(run: &Run, series: SeriesId, hidden: &[Times]) -> bool {
    let Some(file) = run.file_of(series) else { return false };
    if hidden.is_empty() {
        return true;
    }
    file.block.chunks(series).any(|chunk| {
        // a first or last row that is live saves reading the chunk
        is_live(hidden, chunk.times.min)
            || is_live(hidden, chunk.times.max)
            || (chunk.rows > 2
                && !hidden
                    .iter()
                    .any(|times| times.min <= chunk.times.min && chunk.times.max <= times.max)
                && match file.block.read(&chunk, &[]) {
                    Ok(rows) => rows.times.iter().any(|time| is_live(hidden, *time)),
                    Err(_) => true,
                })
    })
}

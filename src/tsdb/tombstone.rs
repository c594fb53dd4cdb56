//! Deletions of part of some series, in force until compaction has carried them out.
//!
//! Order between deletions and points is told by stamps. The memtable in use has a stamp; it is raised whenever that
//! memtable is sealed to be flushed. A run of files has the stamp of the memtable that it came from, or of the last
//! tombstone that compaction carried out in it, whichever is greater. A tombstone has the stamp of the memtable in use
//! when it was made, and hides rows of whatever has a lesser stamp. In the memtable in use rows are removed at once.
//!
//! Stamps are the engine's own count: they hold for whatever numbers the journal gives.

use roaring::RoaringBitmap;

use crate::query::source::Times;

use super::{
    block::SeriesId,
    manifest::{Ids, TombstoneRecord},
};

/// A deletion in one shard group.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) stamp: u64,
    pub(super) series: RoaringBitmap,
    pub(super) times: Times,
}

impl Tombstone {
    pub(super) fn from_record(record: &TombstoneRecord) -> Self {
        Self {
            stamp: record.stamp,
            series: record.series.0.clone(),
            times: Times {
                min: record.min,
                max: record.max,
            },
        }
    }

    pub(super) fn to_record(&self) -> TombstoneRecord {
        TombstoneRecord {
            stamp: self.stamp,
            series: Ids(self.series.clone()),
            min: self.times.min,
            max: self.times.max,
        }
    }

    /// Whether it hides rows of a series in what has a stamp.
    pub(super) fn concerns(&self, series: SeriesId, stamp: u64) -> bool {
        stamp < self.stamp && self.series.contains(series)
    }
}

/// Whether no deletion covers a time.
pub(super) fn is_live(hidden: &[Times], time: i64) -> bool {
    !hidden.iter().any(|times| (times.min..=times.max).contains(&time))
}

/// Whether two spans have a time in common.
pub(super) fn overlap(a: Times, b: Times) -> bool {
    a.min <= b.max && b.min <= a.max
}

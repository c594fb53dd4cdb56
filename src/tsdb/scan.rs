//! Reading one series of one shard group: chunks of files and rows of memory, newest wins field by field.
//!
//! The parts' ends cut time into segments. Within a segment always the same parts overlap, most often one: then its
//! rows are the answer as they are. Others are merged from the oldest to the newest. A part is read once, when the
//! first segment needs it, and forgotten after the last: memory is that of the parts that overlap.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    slice,
    sync::Arc,
};

use crate::query::source::{Piece, Rows, Times, Values};

use super::{
    block::{BlockError, Chunk, FieldId, MAX_CHUNK_ROWS, SeriesId},
    columns::{has_value, ranges_where, select},
    merge::merge,
    store::{Run, StoredFile},
    tombstone::{Tombstone, is_live, overlap},
};

/// What a shard group has of a series, taken out of the state.
#[derive(Debug)]
pub(super) struct GroupView {
    /// From the oldest to the newest; each has rows of the series.
    pub(super) runs: Vec<Arc<Run>>,
    pub(super) tombstones: Vec<Arc<Tombstone>>,
    /// Newer than the runs: stamp and rows with the columns asked for.
    pub(super) memory: Vec<(u64, Rows)>,
}

/// Rows of one age.
#[derive(Debug)]
struct Part {
    times: Times,
    data: Data,
    /// Deleted.
    hidden: Arc<[Times]>,
}

#[derive(Debug)]
enum Data {
    Chunk(Arc<StoredFile>, Chunk),
    Memory(Rows),
}

/// A span of time in which the same parts, from the oldest to the newest, may have rows.
#[derive(Debug)]
struct Segment {
    times: Times,
    parts: Vec<usize>,
}

/// Rows of one series of one shard group, segment by segment.
#[derive(Debug)]
pub(super) struct Scan {
    fields: Vec<FieldId>,
    within: Times,
    parts: Vec<Part>,
    segments: VecDeque<Segment>,
    /// Rows of parts that were read and are needed again.
    read: BTreeMap<usize, Rows>,
    descending: bool,
}

impl Scan {
    /// Reads nothing yet. `fields` are those of the view's rows in memory.
    pub(super) fn new(
        view: GroupView,
        series: SeriesId,
        fields: Vec<FieldId>,
        within: Times,
        descending: bool,
    ) -> Self {
        let parts = view.parts(series, within, |chunk| {
            fields.iter().any(|field| chunk.field(*field).is_some())
        });
        Self::of(parts, fields, within, descending)
    }

    /// A scan of all fields of a view without rows in memory, ascending.
    pub(super) fn of_all_fields(view: GroupView, series: SeriesId) -> Self {
        let all = Times {
            min: i64::MIN,
            max: i64::MAX,
        };
        let parts = view.parts(series, all, |_| true);
        let mut fields: Vec<FieldId> = parts.iter().flat_map(Part::fields).collect();
        fields.sort_unstable();
        fields.dedup();
        Self::of(parts, fields, all, false)
    }

    /// The fields of the rows' columns.
    pub(super) fn fields(&self) -> &[FieldId] {
        &self.fields
    }

    fn of(parts: Vec<Part>, fields: Vec<FieldId>, within: Times, descending: bool) -> Self {
        Self {
            fields,
            within,
            segments: segments(&parts),
            parts,
            read: BTreeMap::new(),
            descending,
        }
    }

    /// The rows of the next segment that have a value of one of the fields; `None` after the last.
    pub(super) fn next_rows(&mut self) -> Option<Result<Rows, BlockError>> {
        loop {
            let segment = self.take_segment()?;
            match self.rows(&segment) {
                Ok(rows) if rows.times.is_empty() => {}
                result => return Some(result),
            }
        }
    }

    /// As [`Scan::next_rows`] for one field, without reading what the index sums up.
    pub(super) fn next_piece(&mut self) -> Option<Result<Piece, BlockError>> {
        loop {
            let segment = self.take_segment()?;
            if let Some(summary) = self.summary(&segment) {
                return Some(Ok(summary));
            }
            match self.rows(&segment) {
                Ok(rows) if rows.times.is_empty() => {}
                result => return Some(result.map(Piece::Rows)),
            }
        }
    }

    fn take_segment(&mut self) -> Option<Segment> {
        if self.descending {
            self.segments.pop_back()
        } else {
            self.segments.pop_front()
        }
    }

    fn rows(&mut self, segment: &Segment) -> Result<Rows, BlockError> {
        let mut merged: Option<Rows> = None;
        for &at in &segment.parts {
            let newer = self.take_rows(at, segment.times)?;
            merged = Some(match merged {
                Some(older) => merge(&older, &newer),
                None => newer,
            });
        }
        Ok(without_empty(merged.unwrap_or_default()))
    }

    /// The rows of a part within a segment; the rest is kept for the segments to come.
    fn take_rows(&mut self, at: usize, within: Times) -> Result<Rows, BlockError> {
        let part = &self.parts[at];
        let rows = match self.read.remove(&at) {
            Some(rows) => rows,
            None => part.read(&self.fields, self.within)?,
        };
        let is_last = if self.descending {
            within.min <= part.times.min
        } else {
            part.times.max <= within.max
        };
        if is_last {
            return Ok(clip(rows, within));
        }
        let taken = clip(rows.clone(), within);
        self.read.insert(at, rows);
        Ok(taken)
    }

    /// What the index knows of a segment that is one whole chunk without deleted rows.
    fn summary(&self, segment: &Segment) -> Option<Piece> {
        let [part] = segment.parts[..] else { return None };
        let part = &self.parts[part];
        let contains = |outer: Times| outer.min <= part.times.min && part.times.max <= outer.max;
        let Data::Chunk(_, chunk) = &part.data else { return None };
        let is_whole = contains(segment.times) && contains(self.within) && part.hidden.is_empty();
        let field = chunk.field(*self.fields.first()?)?;
        field.summary.clone().filter(|_| is_whole).map(Piece::Summary)
    }
}

impl GroupView {
    fn parts(self, series: SeriesId, within: Times, is_wanted: impl Fn(&Chunk) -> bool) -> Vec<Part> {
        let mut parts = Vec::new();
        for run in &self.runs {
            let Some(file) = run.file_of(series) else { continue };
            let chunks = file.block.chunks(series).filter(|chunk| overlap(chunk.times, within));
            for chunk in chunks.filter(&is_wanted) {
                parts.push(Part {
                    times: chunk.times,
                    hidden: self.hidden(series, run.stamp, chunk.times),
                    data: Data::Chunk(Arc::clone(file), chunk),
                });
            }
        }
        for (stamp, rows) in &self.memory {
            for piece in pieces(rows) {
                let (Some(min), Some(max)) = (piece.times.first(), piece.times.last()) else {
                    continue;
                };
                let times = Times { min: *min, max: *max };
                parts.push(Part {
                    times,
                    hidden: self.hidden(series, *stamp, times),
                    data: Data::Memory(piece),
                });
            }
        }
        parts
    }

    fn hidden(&self, series: SeriesId, stamp: u64, times: Times) -> Arc<[Times]> {
        let concerned = self
            .tombstones
            .iter()
            .filter(|tombstone| tombstone.concerns(series, stamp));
        concerned
            .map(|tombstone| tombstone.times)
            .filter(|hidden| overlap(*hidden, times))
            .collect()
    }
}

impl Part {
    fn fields(&self) -> impl Iterator<Item = FieldId> {
        let fields = match &self.data {
            Data::Chunk(_, chunk) => &chunk.fields[..],
            Data::Memory(_) => &[],
        };
        fields.iter().map(|field| field.field)
    }

    fn read(&self, fields: &[FieldId], within: Times) -> Result<Rows, BlockError> {
        let rows = match &self.data {
            Data::Chunk(file, chunk) => clip(file.block.read(chunk, fields)?, within),
            Data::Memory(rows) => rows.clone(),
        };
        if self.hidden.is_empty() {
            return Ok(rows);
        }
        let live = ranges_where(rows.times.len(), |row| is_live(&self.hidden, rows.times[row]));
        Ok(select(&rows, &live))
    }
}

/// Rows in memory in parts as large as chunks.
fn pieces(rows: &Rows) -> impl Iterator<Item = Rows> {
    let count = rows.times.len();
    (0..count).step_by(MAX_CHUNK_ROWS).map(move |start| {
        let range = start..count.min(start + MAX_CHUNK_ROWS);
        if range.len() == count {
            rows.clone()
        } else {
            select(rows, &[range])
        }
    })
}

/// The rows within `times`: none when they end before they start, as a subquery's may.
fn clip(rows: Rows, times: Times) -> Rows {
    let start = rows.times.partition_point(|time| *time < times.min);
    let end = rows.times.partition_point(|time| *time <= times.max).max(start);
    if start == 0 && end == rows.times.len() {
        return rows;
    }
    select(&rows, slice::from_ref(&(start..end)))
}

/// The rows that have a value in some column.
fn without_empty(rows: Rows) -> Rows {
    let is_full =
        |column: &crate::query::source::Column| column.valid.is_none() && !matches!(column.values, Values::Absent(_));
    if rows.columns.iter().any(is_full) {
        return rows;
    }
    let ranges = ranges_where(rows.times.len(), |row| {
        rows.columns.iter().any(|column| has_value(column, row))
    });
    if matches!(&ranges[..], [all] if all.len() == rows.times.len()) {
        return rows;
    }
    select(&rows, &ranges)
}

/// Cuts time at the end of every part.
fn segments(parts: &[Part]) -> VecDeque<Segment> {
    let mut by_start: Vec<usize> = (0..parts.len()).collect();
    by_start.sort_by_key(|part| parts[*part].times.min);
    let mut waiting = by_start.into_iter().peekable();
    let cuts: BTreeSet<i64> = parts.iter().map(|part| part.times.max).collect();
    let mut overlapping: BTreeSet<usize> = BTreeSet::new();
    let mut min = i64::MIN;
    let mut segments = VecDeque::with_capacity(cuts.len());
    for max in cuts {
        while let Some(part) = waiting.next_if(|part| parts[*part].times.min <= max) {
            overlapping.insert(part);
        }
        segments.push_back(Segment {
            times: Times { min, max },
            parts: overlapping.iter().copied().collect(),
        });
        overlapping.retain(|part| parts[*part].times.max > max);
        min = max.saturating_add(1);
    }
    segments
}

//! Points of one shard group that are not in a block file yet.
//!
//! A series keeps its points as rows, in the order in which they came, in one vector of words: appending a point touches
//! one place in memory, whatever the number of its fields. Sorting, overwriting and turning rows into columns is left
//! to who reads them, see `read.rs`.
//!
//! ```text
//! row:  time | a word per field of its layout
//! word: the bits of a number; 0 or 1; the position of a text in the texts, where its length (u32) comes first
//! ```

mod read;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use crate::query::source::Times;

use super::{block::SeriesId, fields::Layout};

/// Memory of a series besides its rows, bytes: the map's slot, the run, the allocations' own needs.
const SERIES_BYTES: usize = 160;

/// The points of one shard group.
#[derive(Debug, Default)]
pub(super) struct Memtable {
    series: HashMap<SeriesId, Buffer, foldhash::fast::FixedState>,
    texts: Texts,
    bytes: usize,
}

/// The texts of a memtable; those of rows that are gone stay until the memtable is flushed.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<u8>);

/// The points of one series.
#[derive(Debug)]
pub(super) struct Buffer {
    words: Vec<u64>,
    /// Consecutive rows of one layout.
    runs: Vec<Run>,
    times: Times,
    /// Whether every row is later than the one before.
    ascending: bool,
}

#[derive(Debug, Clone)]
struct Run {
    layout: Layout,
    rows: usize,
}

impl Memtable {
    /// Whether there is no point.
    pub(super) fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Memory in use, bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.texts.0.capacity()
    }

    /// Whether a series has a point.
    pub(super) fn contains(&self, series: SeriesId) -> bool {
        self.series.contains_key(&series)
    }

    /// The series that have points, ascending.
    pub(super) fn series(&self) -> Vec<SeriesId> {
        let mut ids: Vec<_> = self.series.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Where texts are stored.
    pub(super) fn texts(&mut self) -> &mut Texts {
        &mut self.texts
    }

    /// Appends a point; `words` are as many as the layout has fields.
    pub(super) fn push(&mut self, series: SeriesId, time: i64, layout: &Layout, words: &[u64]) {
        let buffer = self.series.entry(series).or_insert_with(|| {
            self.bytes += SERIES_BYTES;
            Buffer::new(time)
        });
        self.bytes += buffer.push(time, layout, words);
    }

    /// Appends a point with the layout of the series' last one. `encode` gets that layout and appends as many words, or
    /// answers `false`: then nothing is appended.
    #[inline]
    pub(super) fn push_alike(
        &mut self,
        series: SeriesId,
        time: i64,
        encode: impl FnOnce(&Layout, &mut Vec<u64>, &mut Texts) -> bool,
    ) -> bool {
        let Some(buffer) = self.series.get_mut(&series) else {
            return false;
        };
        let Some(run) = buffer.runs.last_mut() else {
            return false;
        };
        let (before, start) = (buffer.words.capacity(), buffer.words.len());
        buffer.words.reserve(1 + run.layout.len());
        buffer.words.push(time.cast_unsigned());
        let is_alike = encode(&run.layout, &mut buffer.words, &mut self.texts);
        self.bytes += (buffer.words.capacity() - before) * size_of::<u64>();
        if is_alike {
            run.rows += 1;
            buffer.count(time);
        } else {
            buffer.words.truncate(start);
        }
        is_alike
    }

    /// Removes all points of a series.
    pub(super) fn remove(&mut self, series: SeriesId) {
        if let Some(buffer) = self.series.remove(&series) {
            self.bytes -= SERIES_BYTES + buffer.words.capacity() * size_of::<u64>();
        }
    }

    /// Removes the points of a series at some times.
    pub(super) fn remove_times(&mut self, series: SeriesId, times: Times) {
        let Some(buffer) = self.series.get_mut(&series) else {
            return;
        };
        buffer.remove_times(times);
        if buffer.words.is_empty() {
            self.remove(series);
        }
    }
}

impl Texts {
    /// Stores a text; its word.
    pub(super) fn push(&mut self, text: &[u8]) -> u64 {
        let at = self.0.len() as u64;
        self.0
            .extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.0.extend_from_slice(text);
        at
    }

    /// The text of a word.
    fn get(&self, word: u64) -> &[u8] {
        let at = usize::try_from(word).unwrap_or(usize::MAX);
        let bytes = self.0.get(at..).unwrap_or_default();
        let (length, bytes) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        bytes.get(..u32::from_le_bytes(*length) as usize).unwrap_or_default()
    }
}

impl Buffer {
    fn new(time: i64) -> Self {
        Self {
            words: Vec::new(),
            runs: Vec::with_capacity(1),
            times: Times { min: time, max: time },
            ascending: true,
        }
    }

    /// Bytes taken on top.
    fn push(&mut self, time: i64, layout: &Layout, words: &[u64]) -> usize {
        let before = self.words.capacity();
        self.words.reserve(1 + words.len());
        self.words.push(time.cast_unsigned());
        self.words.extend_from_slice(words);
        self.count(time);
        match self.runs.last_mut() {
            Some(run) if Arc::ptr_eq(&run.layout, layout) => run.rows += 1,
            _ => self.runs.push(Run {
                layout: Arc::clone(layout),
                rows: 1,
            }),
        }
        (self.words.capacity() - before) * size_of::<u64>()
    }

    /// Takes the time of a row that was appended into account.
    #[inline]
    fn count(&mut self, time: i64) {
        self.ascending &= time > self.times.max || self.runs.is_empty();
        self.times.min = self.times.min.min(time);
        self.times.max = self.times.max.max(time);
    }

    fn remove_times(&mut self, times: Times) {
        if self.times.max < times.min || self.times.min > times.max {
            return;
        }
        // emptied in place, so that the memory counted stays the memory held
        let old = std::mem::take(&mut self.words);
        let runs = std::mem::take(&mut self.runs);
        let mut kept = Self::new(0);
        kept.words.reserve_exact(old.capacity());
        for (time, layout, words) in rows(&old, &runs).filter(|(time, ..)| !(times.min..=times.max).contains(time)) {
            if kept.words.is_empty() {
                kept.times = Times { min: time, max: time };
            }
            kept.push(time, layout, words);
        }
        *self = kept;
    }
}

/// Time, layout and words of each row, in the order in which they came.
fn rows<'a>(words: &'a [u64], runs: &'a [Run]) -> impl Iterator<Item = (i64, &'a Layout, &'a [u64])> {
    let mut at = 0;
    runs.iter()
        .flat_map(|run| std::iter::repeat_n(&run.layout, run.rows))
        .map(move |layout| {
            let end = at + 1 + layout.len();
            let row = (words[at].cast_signed(), layout, &words[at + 1..end]);
            at = end;
            row
        })
}

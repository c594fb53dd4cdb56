//! Rows into columns: sorted, the last write of each field kept.

use std::sync::Arc;

use crate::query::source::{Column, FieldType, Rows, Times};

use super::{Buffer, Memtable, Run, rows};
use crate::tsdb::{
    block::{FieldId, SeriesId},
    columns::{ColumnBuilder, absent},
    fields::{Field, Layout},
};

/// A row: its time and where it is.
#[derive(Debug, Clone, Copy)]
struct RowAt {
    time: i64,
    run: usize,
    /// Of its first value.
    word: usize,
}

impl Memtable {
    /// Whether a series has a row whose time `is_live`.
    pub(in crate::tsdb) fn any_row(&self, series: SeriesId, is_live: impl Fn(i64) -> bool) -> bool {
        self.series
            .get(&series)
            .is_some_and(|buffer| rows(&buffer.words, &buffer.runs).any(|(time, ..)| is_live(time)))
    }

    /// All fields of a series, ascending.
    pub(in crate::tsdb) fn fields(&self, series: SeriesId) -> Vec<Field> {
        let runs = self.series.get(&series).map_or(&[][..], |buffer| &buffer.runs);
        if let [run] = runs
            && run.layout.is_sorted_by_key(|field| field.field.id)
        {
            return run.layout.iter().map(|field| field.field).collect();
        }
        let mut fields: Vec<Field> = runs
            .iter()
            .flat_map(|run| run.layout.iter().map(|field| field.field))
            .collect();
        fields.sort_unstable_by_key(|field| field.id);
        fields.dedup();
        fields
    }

    /// The rows of a series within `times`, with a column per field; a row may have none of them.
    pub(in crate::tsdb) fn read(&self, series: SeriesId, fields: &[FieldId], times: Times) -> Rows {
        match self.series.get(&series) {
            Some(buffer) => self.read_buffer(buffer, fields, times),
            None => Rows::default(),
        }
    }

    fn read_buffer(&self, buffer: &Buffer, fields: &[FieldId], within: Times) -> Rows {
        if let ([run], true) = (&buffer.runs[..], buffer.ascending && buffer.is_within(within)) {
            return self.read_uniform(&buffer.words, &run.layout, fields);
        }
        let order = buffer.order(within);
        // rows of one time are one row of the result
        let same = |a: &RowAt, b: &RowAt| a.time == b.time;
        let times = order.chunk_by(same).map(|group| group[0].time).collect();
        let columns = fields.iter().map(|field| {
            let Some((of, places)) = buffer.places(*field) else {
                return absent(order.chunk_by(same).count());
            };
            self.column(of, order.chunk_by(same), &places, &buffer.words)
        });
        Rows {
            columns: columns.collect(),
            times,
        }
    }

    /// Rows of one layout that ascend: every value is where it is in the first row.
    fn read_uniform(&self, words: &[u64], layout: &Layout, fields: &[FieldId]) -> Rows {
        let rows = words.chunks_exact(1 + layout.len());
        let columns = fields.iter().map(|field| {
            let Some(place) = layout.iter().position(|known| known.field.id == *field) else {
                return absent(rows.len());
            };
            let mut builder = ColumnBuilder::with_capacity(layout[place].field.of, rows.len());
            for row in rows.clone() {
                self.push_value(&mut builder, row[1 + place]);
            }
            builder.finish()
        });
        Rows {
            columns: columns.collect(),
            times: rows.clone().map(|row| row[0].cast_signed()).collect(),
        }
    }

    fn column<'a>(
        &self,
        of: FieldType,
        groups: impl Iterator<Item = &'a [RowAt]>,
        places: &[Option<usize>],
        words: &[u64],
    ) -> Column {
        let mut builder = ColumnBuilder::with_capacity(of, 0);
        for group in groups {
            let last = group
                .iter()
                .rev()
                .find_map(|row| Some(words[row.word + places[row.run]?]));
            match last {
                Some(word) => self.push_value(&mut builder, word),
                None => builder.push_missing(1),
            }
        }
        builder.finish()
    }

    #[inline]
    fn push_value(&self, builder: &mut ColumnBuilder, word: u64) {
        builder.push_word(word, |last| self.text(word, last));
    }

    /// The text of a word; the same allocation as `last` when that is the same text.
    fn text(&self, word: u64, last: Option<&Arc<str>>) -> Arc<str> {
        let bytes = self.texts.get(word);
        match last {
            Some(last) if last.as_bytes() == bytes => Arc::clone(last),
            _ => String::from_utf8_lossy(bytes).into(),
        }
    }
}

impl Buffer {
    fn is_within(&self, times: Times) -> bool {
        times.min <= self.times.min && self.times.max <= times.max
    }

    /// The rows within `times`, by time, those of one time in the order in which they came.
    fn order(&self, within: Times) -> Vec<RowAt> {
        let mut order = Vec::new();
        let mut word = 0;
        for (run, Run { layout, rows }) in self.runs.iter().enumerate() {
            let width = 1 + layout.len();
            let of_run = (word..).step_by(width).take(*rows).map(|at| RowAt {
                time: self.words[at].cast_signed(),
                run,
                word: at + 1,
            });
            order.extend(of_run.filter(|row| (within.min..=within.max).contains(&row.time)));
            word += width * rows;
        }
        if !self.ascending {
            order.sort_by_key(|row| row.time);
        }
        order
    }

    /// The type of a field and where it is in the rows of each run; `None`: in none.
    fn places(&self, field: FieldId) -> Option<(FieldType, Vec<Option<usize>>)> {
        let place = |layout: &Layout| layout.iter().position(|known| known.field.id == field);
        let places: Vec<_> = self.runs.iter().map(|run| place(&run.layout)).collect();
        let (run, at) = places.iter().enumerate().find_map(|(run, at)| Some((run, (*at)?)))?;
        Some((self.runs[run].layout[at].field.of, places))
    }
}

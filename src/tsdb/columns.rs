//! Building columns out of parts of other columns: the one primitive of filtering, concatenating and merging.

use std::{ops::Range, sync::Arc};

use crate::query::source::{Column, FieldType, Rows, Values};

/// A column that grows at its end.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    values: Values,
    /// Which rows have a value; kept only once one has none.
    valid: Option<Vec<bool>>,
}

impl ColumnBuilder {
    /// An empty column without a type: it takes that of the first value.
    pub(super) fn untyped() -> Self {
        Self {
            values: Values::Absent(0),
            valid: None,
        }
    }

    /// An empty column of a type, with room for so many rows.
    pub(super) fn with_capacity(of: FieldType, rows: usize) -> Self {
        Self {
            values: empty(of, rows),
            valid: None,
        }
    }

    /// Appends rows of another column; those of another type count as rows without a value.
    pub(super) fn extend(&mut self, from: &Column, rows: Range<usize>) {
        let count = rows.len();
        if let Some(of) = type_of(&from.values).filter(|_| matches!(self.values, Values::Absent(_))) {
            self.take_type(of);
        }
        let before = self.len();
        if !append(&mut self.values, &from.values, rows.clone()) {
            self.push_missing(count);
            return;
        }
        match from.valid.as_ref().and_then(|valid| valid.get(rows)) {
            Some(valid) if valid.contains(&false) => {
                self.valid
                    .get_or_insert_with(|| vec![true; before])
                    .extend_from_slice(valid);
            }
            _ => self.mark(count, true),
        }
    }

    /// Appends rows without a value.
    pub(super) fn push_missing(&mut self, count: usize) {
        if let Values::Absent(rows) = &mut self.values {
            *rows += count;
            return;
        }
        let before = self.len();
        self.valid.get_or_insert_with(|| vec![true; before]);
        self.mark(count, false);
        pad(&mut self.values, count);
    }

    /// Appends a value, stored as one word; see [`super::memtable`]. `text` gets the text before, to share it.
    #[inline]
    pub(super) fn push_word(&mut self, word: u64, text: impl FnOnce(Option<&Arc<str>>) -> Arc<str>) {
        match &mut self.values {
            Values::Float(values) => values.push(f64::from_bits(word)),
            Values::Integer(values) => values.push(word.cast_signed()),
            Values::Unsigned(values) => values.push(word),
            Values::String(values) => {
                let text = text(values.last());
                values.push(text);
            }
            Values::Boolean(values) => values.push(word != 0),
            Values::Absent(rows) => *rows += 1,
        }
        self.mark(1, true);
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        len(&self.values)
    }

    /// The column; one without a single value is [`Values::Absent`].
    pub(super) fn finish(self) -> Column {
        match self.valid {
            Some(valid) if !valid.contains(&true) => absent(valid.len()),
            Some(valid) if !valid.contains(&false) => Column {
                values: self.values,
                valid: None,
            },
            valid => Column {
                values: self.values,
                valid,
            },
        }
    }

    fn mark(&mut self, count: usize, has_value: bool) {
        if let Some(valid) = &mut self.valid {
            valid.resize(valid.len() + count, has_value);
        }
    }

    fn take_type(&mut self, of: FieldType) {
        let missing = self.len();
        self.values = empty(of, 0);
        self.push_missing(missing);
        if missing == 0 {
            self.valid = None;
        }
    }
}

/// A column of rows without a value.
pub(super) fn absent(rows: usize) -> Column {
    Column {
        values: Values::Absent(rows),
        valid: None,
    }
}

/// Whether a row has a value.
pub(super) fn has_value(column: &Column, row: usize) -> bool {
    match (&column.values, &column.valid) {
        (Values::Absent(_), _) => false,
        (_, None) => true,
        (_, Some(valid)) => valid.get(row).copied().unwrap_or(false),
    }
}

/// The type of values; none of rows without any.
pub(super) fn type_of(values: &Values) -> Option<FieldType> {
    match values {
        Values::Float(_) => Some(FieldType::Float),
        Values::Integer(_) => Some(FieldType::Integer),
        Values::Unsigned(_) => Some(FieldType::Unsigned),
        Values::String(_) => Some(FieldType::String),
        Values::Boolean(_) => Some(FieldType::Boolean),
        Values::Absent(_) => None,
    }
}

/// The rows within ascending, disjoint ranges.
pub(super) fn select(rows: &Rows, ranges: &[Range<usize>]) -> Rows {
    let columns = rows.columns.iter().map(|column| {
        let mut builder = ColumnBuilder::untyped();
        ranges.iter().for_each(|range| builder.extend(column, range.clone()));
        builder.finish()
    });
    Rows {
        times: ranges
            .iter()
            .flat_map(|range| rows.times.get(range.clone()).unwrap_or_default())
            .copied()
            .collect(),
        columns: columns.collect(),
    }
}

/// All rows of several pieces with the same columns, one piece after the other.
pub(super) fn concat(pieces: &[Rows]) -> Rows {
    let width = pieces.iter().map(|piece| piece.columns.len()).max().unwrap_or(0);
    let column = |at: usize| {
        let mut builder = ColumnBuilder::untyped();
        for piece in pieces {
            match piece.columns.get(at) {
                Some(column) => builder.extend(column, 0..piece.times.len()),
                None => builder.push_missing(piece.times.len()),
            }
        }
        builder.finish()
    };
    Rows {
        times: pieces.iter().flat_map(|piece| &piece.times).copied().collect(),
        columns: (0..width).map(column).collect(),
    }
}

/// The ranges of consecutive positions at which `keep` says yes.
pub(super) fn ranges_where(count: usize, keep: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for at in (0..count).filter(|at| keep(*at)) {
        match ranges.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => ranges.push(at..at + 1),
        }
    }
    ranges
}

fn empty(of: FieldType, rows: usize) -> Values {
    match of {
        FieldType::Float => Values::Float(Vec::with_capacity(rows)),
        FieldType::Integer => Values::Integer(Vec::with_capacity(rows)),
        FieldType::Unsigned => Values::Unsigned(Vec::with_capacity(rows)),
        FieldType::String => Values::String(Vec::with_capacity(rows)),
        FieldType::Boolean => Values::Boolean(Vec::with_capacity(rows)),
    }
}

fn len(values: &Values) -> usize {
    match values {
        Values::Float(values) => values.len(),
        Values::Integer(values) => values.len(),
        Values::Unsigned(values) => values.len(),
        Values::String(values) => values.len(),
        Values::Boolean(values) => values.len(),
        Values::Absent(rows) => *rows,
    }
}

fn pad(values: &mut Values, count: usize) {
    match values {
        Values::Float(values) => values.resize(values.len() + count, 0.0),
        Values::Integer(values) => values.resize(values.len() + count, 0),
        Values::Unsigned(values) => values.resize(values.len() + count, 0),
        Values::String(values) => values.resize(values.len() + count, Arc::default()),
        Values::Boolean(values) => values.resize(values.len() + count, false),
        Values::Absent(rows) => *rows += count,
    }
}

/// Whether the types agree, so that the values were appended.
fn append(to: &mut Values, from: &Values, rows: Range<usize>) -> bool {
    match (to, from) {
        (Values::Float(to), Values::Float(from)) => to.extend_from_slice(&from[rows]),
        (Values::Integer(to), Values::Integer(from)) => to.extend_from_slice(&from[rows]),
        (Values::Unsigned(to), Values::Unsigned(from)) => to.extend_from_slice(&from[rows]),
        (Values::String(to), Values::String(from)) => to.extend_from_slice(&from[rows]),
        (Values::Boolean(to), Values::Boolean(from)) => to.extend_from_slice(&from[rows]),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f64]) -> Column {
        Column {
            values: Values::Float(values.to_vec()),
            valid: None,
        }
    }

    #[test]
    fn columns_grow_by_parts() {
        let mut builder = ColumnBuilder::untyped();
        builder.push_missing(1);
        builder.extend(&floats(&[1.0, 2.0, 3.0]), 1..3);
        builder.extend(&absent(2), 0..1);
        let column = builder.finish();
        assert_eq!(column.values, Values::Float(vec![0.0, 2.0, 3.0, 0.0]));
        assert_eq!(column.valid, Some(vec![false, true, true, false]));
        assert!(has_value(&column, 1) && !has_value(&column, 3));
    }

    #[test]
    fn columns_without_values_are_absent() {
        let mut builder = ColumnBuilder::with_capacity(FieldType::Integer, 0);
        builder.push_missing(3);
        assert_eq!(builder.finish(), absent(3));
        assert_eq!(concat(&[]), Rows::default());
    }

    #[test]
    fn rows_are_selected_and_concatenated() {
        let rows = Rows {
            times: vec![1, 2, 3, 4],
            columns: vec![floats(&[1.0, 2.0, 3.0, 4.0])],
        };
        let ranges = ranges_where(4, |at| at != 1);
        assert_eq!(ranges, [0..1, 2..4]);
        let picked = select(&rows, &ranges);
        assert_eq!(picked.times, [1, 3, 4]);
        assert_eq!(concat(&[picked.clone(), select(&rows, &[])]), picked);
    }
}

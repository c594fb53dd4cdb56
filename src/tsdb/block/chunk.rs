//! Some rows of one series: what the index says of them, and their bytes.

use std::ops::Range;

use pco::wrapped::FileDecompressor;

use crate::query::source::{Column, FieldType, Rows, Summary, Times, Values};

use super::{
    FieldId, SeriesId,
    column::{self, Dense},
    numbers, stats,
    varint::{self, Reader},
};

/// What the index says of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// Whose rows.
    pub series: SeriesId,
    /// The times of its first and last row.
    pub times: Times,
    /// Rows; 1 to [`super::MAX_CHUNK_ROWS`].
    pub rows: usize,
    /// The fields that have a value in it, ascending.
    pub fields: Vec<ChunkField>,
    /// Where it lies in the file.
    pub(super) offset: u64,
    /// Its length in bytes.
    pub(super) len: u64,
}

/// What the index says of one field of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkField {
    /// Which field.
    pub field: FieldId,
    /// Its type in this chunk.
    pub kind: FieldType,
    /// How many rows have a value.
    pub count: usize,
    /// Statistics; floats are summed in order of time. `None` when they could mislead and the rows must be read: one of
    /// the values is not finite, or is an integer too great to be exact as a float, or the sum overflows.
    pub summary: Option<Summary>,
}

impl Chunk {
    /// What it has of a field; `None`: no value.
    #[must_use]
    pub fn field(&self, field: FieldId) -> Option<&ChunkField> {
        self.position(field).and_then(|position| self.fields.get(position))
    }

    fn position(&self, field: FieldId) -> Option<usize> {
        self.fields.binary_search_by_key(&field, |entry| entry.field).ok()
    }
}

/// Appends the chunk of some of the rows, checksum included, as it lies at `offset`. The caller has checked that times
/// ascend, that there is at least one row, and that fields ascend and have a value for each time.
pub(super) fn put(
    out: &mut Vec<u8>,
    offset: u64,
    series: SeriesId,
    times: &[i64],
    fields: &[(FieldId, &Column)],
    rows: &Range<usize>,
) -> Option<Chunk> {
    let times = times.get(rows.clone())?;
    let mut columns = Vec::new();
    numbers::put_integers(&mut columns, times);
    let mut ends = vec![columns.len()];
    let mut entries = Vec::with_capacity(fields.len());
    for (field, column) in fields {
        let Some((values, valid)) = column::slice(column, rows) else {
            continue;
        };
        values.put(&mut columns, valid);
        ends.push(columns.len());
        entries.push(entry(*field, times, valid, &values));
    }
    let start = out.len();
    let lengths = ends
        .iter()
        .scan(0, |start, end| Some(end - std::mem::replace(start, *end)));
    lengths.for_each(|len| varint::put_len(out, len));
    out.extend_from_slice(&columns);
    let crc = crc(offset, out.get(start..)?);
    out.extend_from_slice(&crc.to_le_bytes());
    Some(Chunk {
        series,
        times: Times {
            min: *times.first()?,
            max: *times.last()?,
        },
        rows: times.len(),
        fields: entries,
        offset,
        len: (out.len() - start) as u64,
    })
}

fn entry(field: FieldId, times: &[i64], valid: column::Validity<'_>, values: &Dense<'_>) -> ChunkField {
    let times = column::present(times, valid);
    ChunkField {
        field,
        kind: values.kind(),
        count: times.len(),
        summary: stats::summarise(&times, values),
    }
}

/// The columns of a chunk whose checksum has been verified.
#[derive(Debug)]
pub(super) struct Body<'a> {
    chunk: &'a Chunk,
    columns: Vec<&'a [u8]>,
}

impl<'a> Body<'a> {
    /// Verifies the bytes of a chunk; an error says what is wrong with them.
    pub(super) fn verified(chunk: &'a Chunk, bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (body, stored) = bytes.split_last_chunk().ok_or("chunk too short")?;
        if crc(chunk.offset, body) != u32::from_le_bytes(*stored) {
            return Err("chunk checksum does not match");
        }
        let mut reader = Reader::new(body);
        let lengths: Option<Vec<usize>> = (0..=chunk.fields.len()).map(|_| reader.len()).collect();
        let columns = lengths.and_then(|lengths| lengths.into_iter().map(|len| reader.take(len)).collect());
        columns
            .map(|columns| Self { chunk, columns })
            .ok_or("chunk has no such columns")
    }

    /// Decodes the columns of some fields.
    pub(super) fn rows(&self, pco: &FileDecompressor, fields: &[FieldId]) -> Result<Rows, &'static str> {
        let columns = fields
            .iter()
            .map(|field| self.column(pco, *field))
            .collect::<Option<_>>();
        Ok(Rows {
            times: self.times(pco).ok_or("time column does not decode")?,
            columns: columns.ok_or("field column does not decode")?,
        })
    }

    fn times(&self, pco: &FileDecompressor) -> Option<Vec<i64>> {
        let times = numbers::integers(pco, self.columns.first()?, self.chunk.rows)?;
        let Times { min, max } = self.chunk.times;
        let is_right = times.first() == Some(&min) && times.last() == Some(&max) && times.is_sorted_by(|a, b| a < b);
        is_right.then_some(times)
    }

    fn column(&self, pco: &FileDecompressor, field: FieldId) -> Option<Column> {
        let rows = self.chunk.rows;
        let Some(position) = self.chunk.position(field) else {
            return Some(Column {
                values: Values::Absent(rows),
                valid: None,
            });
        };
        let entry = self.chunk.fields.get(position)?;
        column::get(pco, self.columns.get(position + 1)?, entry.kind, rows, entry.count)
    }
}

/// Covers the place too, so that a chunk is not taken for another.
fn crc(offset: u64, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&offset.to_le_bytes()), body)
}

//! What the index records of each chunk.
//!
//! ```text
//! index:  origin, signed | record*
//! record: series less the one before | length of the chunk | first time, signed, less the last time of the chunk before
//!         if of the same series, else less the origin | unit | times from first to last, in units | rows | fields | field*
//! field:  flags and number | count, if PARTIAL | statistics, if SUMMARY
//! flags:  type, 3 bits | SUMMARY | PARTIAL: not all rows have a value | number less the one before
//! statistics: first and last time, if PARTIAL | numbers, if of a numeric type
//! numbers of integers: sum, signed | min, signed | its time | max less min | its time
//! numbers of floats:   sum, bytes reversed | min, bytes reversed | its time | max, bytes reversed | its time
//! ```
//! The unit is the greatest that all these times are multiples of, counted from the chunk's first time, nanoseconds: in
//! steady series they become row numbers. Chunks lie in the order of records, so their offsets need not be written.

use crate::query::source::{FieldType, Summary, Times};

use super::{
    FieldId, MAX_CHUNK_ROWS, SeriesId,
    chunk::{Chunk, ChunkField},
    varint::{self, Reader},
};

const TYPE: u64 = 0b111;
const SUMMARY: u64 = 1 << 3;
const PARTIAL: u64 = 1 << 4;
const FIELD_SHIFT: u32 = 5;
/// As many as there are numbers for.
const MAX_FIELDS: usize = 1 << 16;

/// Where a record begins, and what it is relative to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// Of the record, in the index.
    pub(super) record: usize,
    /// Of the chunk, in the file.
    pub(super) chunk: u64,
    /// The chunk before: its series and last time.
    pub(super) before: Option<(SeriesId, i64)>,
}

/// Appends what is known of a chunk.
pub(super) fn put(out: &mut Vec<u8>, origin: i64, before: Option<(SeriesId, i64)>, chunk: &Chunk) {
    let unit = unit(chunk);
    let base = before
        .filter(|(series, _)| *series == chunk.series)
        .map_or(origin, |(_, last)| last);
    varint::put(out, u64::from(chunk.series - before.map_or(0, |(series, _)| series)));
    varint::put(out, chunk.len);
    varint::put_signed(out, chunk.times.min.wrapping_sub(base));
    varint::put(out, unit);
    let clock = Clock {
        times: chunk.times,
        unit,
    };
    clock.put(out, chunk.times.max);
    varint::put_len(out, chunk.rows);
    varint::put_len(out, chunk.fields.len());
    let mut next = 0;
    for field in &chunk.fields {
        put_field(out, clock, chunk.rows, u64::from(field.field - next), field);
        next = field.field;
    }
}

/// Reads the record at a position and says where the next one is; `None`: there is none that makes sense.
pub(super) fn get(index: &[u8], origin: i64, position: Position) -> Option<(Chunk, Position)> {
    let mut reader = Reader::new(index.get(position.record..)?);
    let Position { before, .. } = position;
    let ahead = u32::try_from(reader.varint()?).ok()?;
    let series = before.map_or(0, |(series, _)| series).checked_add(ahead)?;
    let base = before.filter(|(before, _)| *before == series).map(|(_, last)| last);
    let len = reader.varint()?;
    let min = reader.signed()?.wrapping_add(base.unwrap_or(origin));
    let unit = reader.varint().filter(|unit| *unit > 0)?;
    let max = min.checked_add_unsigned(reader.varint()?.checked_mul(unit)?)?;
    let times = Times { min, max };
    let rows = reader.len().filter(|rows| (1..=MAX_CHUNK_ROWS).contains(rows))?;
    let fields = fields(&mut reader, Clock { times, unit }, rows)?;
    let is_later = base.is_none_or(|base| base < min) && (rows > 1) == (min < max);
    let next = Position {
        record: index.len() - reader.rest().len(),
        chunk: position.chunk.checked_add(len)?,
        before: Some((series, max)),
    };
    let chunk = Chunk {
        series,
        times,
        rows,
        fields,
        offset: position.chunk,
        len,
    };
    is_later.then_some((chunk, next))
}

/// Times of one chunk, written as units since its first one.
#[derive(Debug, Clone, Copy)]
struct Clock {
    times: Times,
    unit: u64,
}

impl Clock {
    fn put(self, out: &mut Vec<u8>, time: i64) {
        varint::put(out, self.times.min.abs_diff(time) / self.unit);
    }

    fn get(self, reader: &mut Reader<'_>) -> Option<i64> {
        let time = self
            .times
            .min
            .checked_add_unsigned(reader.varint()?.checked_mul(self.unit)?)?;
        (time <= self.times.max).then_some(time)
    }
}

fn unit(chunk: &Chunk) -> u64 {
    let summaries = chunk.fields.iter().filter_map(|field| field.summary.as_ref());
    let of_fields = summaries.flat_map(|summary| {
        let extremes = [summary.min, summary.max].map(|extreme| extreme.map(|(_, time)| time));
        extremes
            .into_iter()
            .flatten()
            .chain([summary.first_time, summary.last_time])
    });
    let all = of_fields
        .chain([chunk.times.max])
        .map(|time| chunk.times.min.abs_diff(time));
    all.fold(0, greatest_common_divisor).max(1)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while a != 0 {
        (a, b) = (b % a, a);
    }
    b
}

fn put_field(out: &mut Vec<u8>, clock: Clock, rows: usize, ahead: u64, field: &ChunkField) {
    let is_partial = field.count < rows;
    let flags = type_code(field.kind)
        | if field.summary.is_some() { SUMMARY } else { 0 }
        | if is_partial { PARTIAL } else { 0 };
    varint::put(out, ahead << FIELD_SHIFT | flags);
    if is_partial {
        varint::put_len(out, field.count);
    }
    let Some(summary) = &field.summary else {
        return;
    };
    if is_partial {
        clock.put(out, summary.first_time);
        clock.put(out, summary.last_time);
    }
    if let (Some((min, min_time)), Some((max, max_time))) = (summary.min, summary.max) {
        match summary.integer_sum {
            Some(sum) => {
                // Exact: there is no summary otherwise.
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "integers within 2^53 of 0, held as floats"
                )]
                let (min, max) = (min as i64, max as i64);
                varint::put_signed(out, sum);
                varint::put_signed(out, min);
                clock.put(out, min_time);
                varint::put(out, max.abs_diff(min));
            }
            None => {
                put_float(out, summary.sum.unwrap_or_default());
                put_float(out, min);
                clock.put(out, min_time);
                put_float(out, max);
            }
        }
        clock.put(out, max_time);
    }
}

fn fields(reader: &mut Reader<'_>, clock: Clock, rows: usize) -> Option<Vec<ChunkField>> {
    let count = reader.len().filter(|count| *count <= MAX_FIELDS)?;
    let mut fields: Vec<ChunkField> = Vec::with_capacity(count);
    for _ in 0..count {
        let before = fields.last().map(|field| field.field);
        fields.push(field(reader, clock, rows, before)?);
    }
    Some(fields)
}

fn field(reader: &mut Reader<'_>, clock: Clock, rows: usize, before: Option<FieldId>) -> Option<ChunkField> {
    let head = reader.varint()?;
    let ahead = FieldId::try_from(head >> FIELD_SHIFT)
        .ok()
        .filter(|ahead| *ahead > 0 || before.is_none())?;
    let kind = type_of(head & TYPE)?;
    let is_partial = head & PARTIAL != 0;
    let count = if is_partial { reader.len()? } else { rows };
    if count == 0 || count > rows || is_partial == (count == rows) {
        return None;
    }
    let mut summary = None;
    if head & SUMMARY != 0 {
        let times = if is_partial {
            Times {
                min: clock.get(reader)?,
                max: clock.get(reader)?,
            }
        } else {
            clock.times
        };
        summary = Some(self::summary(reader, clock, kind, count, times)?);
    }
    Some(ChunkField {
        field: before.unwrap_or(0).checked_add(ahead)?,
        kind,
        count,
        summary,
    })
}

fn summary(reader: &mut Reader<'_>, clock: Clock, kind: FieldType, count: usize, times: Times) -> Option<Summary> {
    let (mut sum, mut integer_sum, mut min, mut max) = (None, None, None, None);
    match kind {
        FieldType::Integer | FieldType::Unsigned => {
            let (total, least) = (reader.signed()?, reader.signed()?);
            min = Some((least as f64, clock.get(reader)?));
            max = Some((least.checked_add_unsigned(reader.varint()?)? as f64, clock.get(reader)?));
            (sum, integer_sum) = (Some(total as f64), Some(total));
        }
        FieldType::Float => {
            sum = Some(float(reader)?);
            min = Some((float(reader)?, clock.get(reader)?));
            max = Some((float(reader)?, clock.get(reader)?));
        }
        FieldType::String | FieldType::Boolean => {}
    }
    Some(Summary {
        count: count as u64,
        first_time: times.min,
        last_time: times.max,
        sum,
        integer_sum,
        min,
        max,
    })
}

/// Short for floats of short mantissa, such as whole numbers.
fn put_float(out: &mut Vec<u8>, value: f64) {
    varint::put(out, value.to_bits().swap_bytes());
}

fn float(reader: &mut Reader<'_>) -> Option<f64> {
    reader.varint().map(|bits| f64::from_bits(bits.swap_bytes()))
}

fn type_code(kind: FieldType) -> u64 {
    match kind {
        FieldType::Float => 0,
        FieldType::Integer => 1,
        FieldType::Unsigned => 2,
        FieldType::String => 3,
        FieldType::Boolean => 4,
    }
}

fn type_of(code: u64) -> Option<FieldType> {
    let kinds = [
        FieldType::Float,
        FieldType::Integer,
        FieldType::Unsigned,
        FieldType::String,
        FieldType::Boolean,
    ];
    kinds.into_iter().find(|kind| type_code(*kind) == code)
}

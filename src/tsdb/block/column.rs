//! The column of one field in one chunk: which rows have a value, and the values they have.
//!
//! ```text
//! column:   bitmap of rows, unless all have a value | values of those that have one
//! booleans: 0 all false | 1 all true | 2 bitmap
//! ```
//! Bitmaps are filled from the lowest bit of each byte.

use std::{borrow::Cow, ops::Range, sync::Arc};

use pco::wrapped::FileDecompressor;

use crate::query::source::{Column, FieldType, Values};

use super::{numbers, strings};

const ALL_FALSE: u8 = 0;
const ALL_TRUE: u8 = 1;
const MIXED: u8 = 2;

/// The values that are there, without gaps.
#[derive(Debug)]
pub(super) enum Dense<'a> {
    Float(Cow<'a, [f64]>),
    Integer(Cow<'a, [i64]>),
    Unsigned(Cow<'a, [u64]>),
    String(Cow<'a, [Arc<str>]>),
    Boolean(Cow<'a, [bool]>),
}

/// Which of some rows have a value; `None`: all.
pub(super) type Validity<'a> = Option<&'a [bool]>;

/// Some rows of a column: which have a value; `None` when none has.
pub(super) fn slice<'a>(column: &'a Column, rows: &Range<usize>) -> Option<(Dense<'a>, Validity<'a>)> {
    let valid = column.valid.as_ref().and_then(|valid| valid.get(rows.clone()));
    let valid = valid.filter(|valid| valid.contains(&false));
    if valid.is_some_and(|valid| !valid.contains(&true)) {
        return None;
    }
    let dense = match &column.values {
        Values::Float(values) => Dense::Float(present(values.get(rows.clone())?, valid)),
        Values::Integer(values) => Dense::Integer(present(values.get(rows.clone())?, valid)),
        Values::Unsigned(values) => Dense::Unsigned(present(values.get(rows.clone())?, valid)),
        Values::String(values) => Dense::String(present(values.get(rows.clone())?, valid)),
        Values::Boolean(values) => Dense::Boolean(present(values.get(rows.clone())?, valid)),
        Values::Absent(_) => return None,
    };
    Some((dense, valid))
}

/// Those that are valid.
pub(super) fn present<'a, T: Clone>(values: &'a [T], valid: Validity<'_>) -> Cow<'a, [T]> {
    let Some(valid) = valid else {
        return Cow::Borrowed(values);
    };
    let kept = values.iter().zip(valid).filter(|(_, valid)| **valid);
    Cow::Owned(kept.map(|(value, _)| value.clone()).collect())
}

/// Rows of a column, with or without a value.
pub(super) fn rows(column: &Column) -> usize {
    match &column.values {
        Values::Float(values) => values.len(),
        Values::Integer(values) => values.len(),
        Values::Unsigned(values) => values.len(),
        Values::String(values) => values.len(),
        Values::Boolean(values) => values.len(),
        Values::Absent(rows) => *rows,
    }
}

impl Dense<'_> {
    pub(super) fn kind(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::String(_) => FieldType::String,
            Self::Boolean(_) => FieldType::Boolean,
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>, valid: Validity<'_>) {
        if let Some(valid) = valid {
            put_bits(out, valid);
        }
        match self {
            Self::Float(values) => numbers::put_floats(out, values),
            Self::Integer(values) => numbers::put_integers(out, values),
            Self::Unsigned(values) => {
                let signed: Vec<i64> = values.iter().map(|value| value.cast_signed()).collect();
                numbers::put_integers(out, &signed);
            }
            Self::String(values) => strings::put(out, values),
            Self::Boolean(values) => put_booleans(out, values),
        }
    }
}

/// Reads a column of `rows` rows of which `count` have a value; `None`: it is not one.
pub(super) fn get(pco: &FileDecompressor, bytes: &[u8], kind: FieldType, rows: usize, count: usize) -> Option<Column> {
    let (valid, bytes) = if count == rows {
        (None, bytes)
    } else {
        let (bitmap, rest) = bytes.split_at_checked(rows.div_ceil(8))?;
        let valid = bits(bitmap, rows)?;
        (
            Some(valid)
                .filter(|valid| valid.iter().filter(|valid| **valid).count() == count)
                .map(Some)?,
            rest,
        )
    };
    let spread_over = valid.as_deref();
    let values = match kind {
        FieldType::Float => Values::Float(spread(numbers::floats(pco, bytes, count)?, spread_over, &0.0)),
        FieldType::Integer => Values::Integer(spread(numbers::integers(pco, bytes, count)?, spread_over, &0)),
        FieldType::Unsigned => {
            let signed = numbers::integers(pco, bytes, count)?;
            let values = signed.into_iter().map(i64::cast_unsigned).collect();
            Values::Unsigned(spread(values, spread_over, &0))
        }
        FieldType::String => Values::String(spread(strings::get(pco, bytes, count)?, spread_over, &Arc::from(""))),
        FieldType::Boolean => Values::Boolean(spread(booleans(bytes, count)?, spread_over, &false)),
    };
    Some(Column { values, valid })
}

/// Puts values to their rows and `filler` to the others.
fn spread<T: Clone>(values: Vec<T>, valid: Validity<'_>, filler: &T) -> Vec<T> {
    let Some(valid) = valid else {
        return values;
    };
    let mut values = values.into_iter();
    let mut next = |valid: &bool| if *valid { values.next() } else { None };
    valid
        .iter()
        .map(|valid| next(valid).unwrap_or_else(|| filler.clone()))
        .collect()
}

fn put_booleans(out: &mut Vec<u8>, values: &[bool]) {
    match (values.contains(&false), values.contains(&true)) {
        (_, false) => out.push(ALL_FALSE),
        (false, true) => out.push(ALL_TRUE),
        (true, true) => {
            out.push(MIXED);
            put_bits(out, values);
        }
    }
}

fn booleans(bytes: &[u8], n: usize) -> Option<Vec<bool>> {
    match bytes {
        [ALL_FALSE] => Some(vec![false; n]),
        [ALL_TRUE] => Some(vec![true; n]),
        [MIXED, bitmap @ ..] => bits(bitmap, n),
        _ => None,
    }
}

fn put_bits(out: &mut Vec<u8>, bits: &[bool]) {
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    out.extend(bits.chunks(8).map(byte));
}

fn bits(bytes: &[u8], n: usize) -> Option<Vec<bool>> {
    let all = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
    (bytes.len() == n.div_ceil(8)).then(|| all.take(n).collect())
}

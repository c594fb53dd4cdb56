//! Blocks over a file system in memory.

mod damage;
mod round_trip;
mod size;

use std::{path::Path, sync::Arc};

use crate::{
    journal::fs::MemFs,
    query::source::{Column, Rows, Values},
};

use super::*;

const PATH: &str = "0001.block";

/// What is appended in one call.
type Batch = (SeriesId, Vec<i64>, Vec<(FieldId, Column)>);

fn write(fs: &MemFs, batches: &[Batch]) -> BlockMeta {
    let mut writer = BlockWriter::create(fs, Path::new(PATH)).unwrap();
    for (series, times, fields) in batches {
        writer.append(*series, times, fields).unwrap();
    }
    writer.finish().unwrap()
}

fn open(fs: &MemFs) -> Result<BlockFile, BlockError> {
    BlockFile::open(fs, Path::new(PATH))
}

fn all(values: Values) -> Column {
    Column { values, valid: None }
}

/// A column in which only those rows have a value of which `valid` says so.
fn some(values: Values, valid: impl Fn(usize) -> bool) -> Column {
    let valid = (0..column::rows(&all(values.clone()))).map(valid).collect();
    Column {
        values,
        valid: Some(valid),
    }
}

fn text(text: impl Into<String>) -> Arc<str> {
    text.into().into()
}

/// Every value of a column as text, bit for bit; empty where there is none.
fn plain(column: &Column) -> Vec<String> {
    let value = |row: usize| match &column.values {
        Values::Float(values) => format!("f{:x}", values[row].to_bits()),
        Values::Integer(values) => format!("i{}", values[row]),
        Values::Unsigned(values) => format!("u{}", values[row]),
        Values::String(values) => format!("s{}", values[row]),
        Values::Boolean(values) => format!("b{}", values[row]),
        Values::Absent(_) => String::new(),
    };
    let is_valid = |row: usize| column.valid.as_ref().is_none_or(|valid| valid[row]);
    (0..column::rows(column))
        .map(|row| if is_valid(row) { value(row) } else { String::new() })
        .collect()
}

/// Rows as lines of text.
fn lines(rows: &Rows) -> Vec<(i64, Vec<String>)> {
    let columns: Vec<_> = rows.columns.iter().map(plain).collect();
    assert!(columns.iter().all(|column| column.len() == rows.times.len()));
    let row = |row: usize| columns.iter().map(|column| column[row].clone()).collect();
    rows.times
        .iter()
        .enumerate()
        .map(|(at, time)| (*time, row(at)))
        .collect()
}

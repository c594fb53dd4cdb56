//! Writing a block file.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    journal::fs::{AppendFile, Fs},
    query::source::{Column, Values},
};

use super::{
    BlockError, BlockMeta, FieldId, MAX_CHUNK_ROWS, MAX_CHUNK_TEXT, SeriesId,
    chunk::{self, Chunk},
    column,
    frame::{self, Footer},
    index, strings, varint,
};

/// So many bytes are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// Writes one block file. When it is dropped before [`BlockWriter::finish`] has succeeded, the file is removed.
#[derive(Debug)]
pub struct BlockWriter<'a> {
    fs: &'a dyn Fs,
    file: Box<dyn AppendFile>,
    path: PathBuf,
    /// Bytes that go to the file next.
    buffer: Vec<u8>,
    /// Where the next chunk lies.
    offset: u64,
    index: Vec<u8>,
    /// The first time of all, from which the index counts.
    origin: Option<i64>,
    before: Option<(SeriesId, i64)>,
    meta: BlockMeta,
    is_finished: bool,
}

impl<'a> BlockWriter<'a> {
    /// Creates the file; an existing one is emptied.
    ///
    /// # Errors
    /// `Io`.
    pub fn create(fs: &'a dyn Fs, path: &Path) -> Result<Self, BlockError> {
        let header = frame::header();
        Ok(Self {
            fs,
            file: fs.create(path).map_err(BlockError::io("create", path))?,
            path: path.to_owned(),
            buffer: header.to_vec(),
            offset: header.len() as u64,
            index: Vec::new(),
            origin: None,
            before: None,
            meta: BlockMeta {
                bytes: 0,
                rows: 0,
                values: 0,
                min_time: 0,
                max_time: 0,
            },
            is_finished: false,
        })
    }

    /// Appends rows of one series, as chunks of their own: few calls of many rows make the better file. Series ascend
    /// from call to call; a series may come again with later times. Times ascend; every column has a value, or a place
    /// for one, per time, and no field comes twice.
    ///
    /// # Errors
    /// `Invalid` when that is not so, or a row has over 256 MiB of text; `Io`.
    pub fn append(&mut self, series: SeriesId, times: &[i64], fields: &[(FieldId, Column)]) -> Result<(), BlockError> {
        let mut fields: Vec<(FieldId, &Column)> = fields.iter().map(|(field, column)| (*field, column)).collect();
        fields.sort_by_key(|(field, _)| *field);
        self.check(series, times, &fields)
            .map_err(|what| self.invalid(series, what))?;
        if !times.is_empty() {
            self.put(series, times, &fields, 0..times.len())?;
        }
        Ok(())
    }

    /// Writes index and footer and syncs the file; its name is durable when the caller has synced the directory.
    ///
    /// # Errors
    /// `Io`.
    pub fn finish(mut self) -> Result<BlockMeta, BlockError> {
        let mut index = Vec::with_capacity(self.index.len() + 10);
        varint::put_signed(&mut index, self.origin.unwrap_or(0));
        index.append(&mut self.index);
        self.meta.bytes = self.offset + (index.len() + frame::FOOTER_LEN) as u64;
        let footer = Footer {
            index_offset: self.offset,
            index_len: index.len() as u64,
            index_crc: crc32c::crc32c(&index),
            meta: self.meta,
        };
        self.buffer.append(&mut index);
        self.buffer.extend_from_slice(&footer.encode());
        self.flush()?;
        self.file.sync().map_err(BlockError::io("sync", &self.path))?;
        self.is_finished = true;
        Ok(self.meta)
    }

    fn check(&self, series: SeriesId, times: &[i64], fields: &[(FieldId, &Column)]) -> Result<(), &'static str> {
        let is_next = match (self.before, times.first()) {
            (Some((before, last)), Some(first)) => before < series || before == series && last < *first,
            _ => true,
        };
        if !is_next {
            return Err("rows are not after those before");
        }
        if !times.is_sorted_by(|a, b| a < b) {
            return Err("times do not ascend");
        }
        if fields.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("a field comes twice");
        }
        let fits = |column: &Column| {
            column::rows(column) == times.len() && column.valid.as_ref().is_none_or(|valid| valid.len() == times.len())
        };
        if !fields.iter().all(|(_, column)| fits(column)) {
            return Err("a column is not as long as the times");
        }
        let fits_chunk = |column: &Column, rows| text(column, &rows) <= strings::MAX_DICTIONARY;
        let is_short = |column: &Column| {
            fits_chunk(column, 0..times.len()) || (0..times.len()).all(|row| fits_chunk(column, row..row + 1))
        };
        if !fields.iter().all(|(_, column)| is_short(column)) {
            return Err("a text is too long");
        }
        Ok(())
    }

    fn invalid(&self, series: SeriesId, what: &'static str) -> BlockError {
        BlockError::Invalid {
            path: self.path.clone(),
            series,
            what,
        }
    }

    /// Writes rows as one chunk, or halves them until they fit one.
    fn put(
        &mut self,
        series: SeriesId,
        times: &[i64],
        fields: &[(FieldId, &Column)],
        rows: Range<usize>,
    ) -> Result<(), BlockError> {
        let has_long_text = || fields.iter().any(|(_, column)| text(column, &rows) > MAX_CHUNK_TEXT);
        if rows.len() > MAX_CHUNK_ROWS || rows.len() > 1 && has_long_text() {
            let middle = rows.start + rows.len() / 2;
            self.put(series, times, fields, rows.start..middle)?;
            return self.put(series, times, fields, middle..rows.end);
        }
        let chunk = chunk::put(&mut self.buffer, self.offset, series, times, fields, &rows);
        let chunk = chunk.ok_or_else(|| self.invalid(series, "there are no such rows"))?;
        self.count(&chunk);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    fn count(&mut self, chunk: &Chunk) {
        let origin = *self.origin.get_or_insert(chunk.times.min);
        index::put(&mut self.index, origin, self.before, chunk);
        let is_first = self.before.is_none();
        self.before = Some((chunk.series, chunk.times.max));
        self.offset += chunk.len;
        let meta = &mut self.meta;
        meta.rows += chunk.rows as u64;
        meta.values += chunk.fields.iter().map(|field| field.count as u64).sum::<u64>();
        meta.min_time = if is_first {
            chunk.times.min
        } else {
            meta.min_time.min(chunk.times.min)
        };
        meta.max_time = if is_first {
            chunk.times.max
        } else {
            meta.max_time.max(chunk.times.max)
        };
    }

    fn flush(&mut self) -> Result<(), BlockError> {
        self.file
            .append(&self.buffer)
            .map_err(BlockError::io("write", &self.path))?;
        self.buffer.clear();
        Ok(())
    }
}

impl Drop for BlockWriter<'_> {
    fn drop(&mut self) {
        // A file that stays is like one that a crash left: without a footer it is not taken for a block.
        if !self.is_finished {
            self.fs.remove(&self.path).ok();
        }
    }
}

/// Bytes of text, lengths included, that rows of a column may need.
fn text(column: &Column, rows: &Range<usize>) -> usize {
    /// The longest varint.
    const LENGTH: usize = 10;
    match &column.values {
        Values::String(values) => values
            .get(rows.clone())
            .unwrap_or_default()
            .iter()
            .map(|text| text.len() + LENGTH)
            .sum(),
        _ => 0,
    }
}

//! Immutable block files: the rows of many series, by column, compressed and checksummed.
//!
//! A file is written once, series by series, and never changed. A [`BlockWriter`] holds the index and some hundred
//! kilobytes of output; a [`BlockFile`] holds the index as it lies on disk and where each series begins in it. Chunks are
//! read and checked one by one, so that damage costs one chunk, not the file.
//!
//! ```text
//! file:   header | chunk* | index | footer
//! header: magic "GYREBLK\0" | version u32 | pco's own header: length u8, 3 bytes | crc32c u32
//! chunk:  length of the time column, then of each field's column | time column | columns | crc32c u32
//! column: bitmap of the rows that have a value, unless all have | the values, see `numbers`, `strings`, `column`
//! index:  origin | record per chunk, in the order of chunks, see `index`
//! footer: index offset u64 | index length u64 | rows u64 | values u64 | min time i64 | max time i64
//!         | index crc32c u32 | crc32c u32 of the footer so far | magic
//! ```
//! Fixed integers are little-endian; all others are varints (LEB128), signed ones zigzagged. Chunks follow each other
//! without gaps, in ascending order of series and time; a chunk's checksum covers its offset too, so that bytes of
//! another place are not taken for it. Every length is checked against what is there before memory is taken for it, and
//! nothing is decoded before its checksum matches: pco is never shown foreign bytes.
//!
//! What a chunk has: one time column and the columns of the fields that have a value in it. Numbers of 64 values and
//! more go through pco, fewer through varints; steady sequences, such as regular times, cost a few bytes. Statistics
//! per field lie in the index: [`ChunkField::summary`].

mod chunk;
mod column;
mod error;
mod frame;
mod index;
mod numbers;
mod reader;
mod stats;
mod strings;
#[cfg(test)]
mod tests;
mod varint;
mod writer;

pub use chunk::{Chunk, ChunkField};
pub use error::{BlockError, Damage};
pub use reader::BlockFile;
pub use writer::BlockWriter;

/// Names a series within the engine.
pub type SeriesId = u32;

/// Names a field of a measurement within the engine.
pub type FieldId = u16;

/// Most rows of one chunk: 2048 take 3 to 9 % fewer bytes than twice 1024; 4096 would save 1 to 5 % more, while a query for
/// a few rows decodes twice as many.
pub const MAX_CHUNK_ROWS: usize = 2048;

/// Most bytes of text in one column of a chunk of several rows.
const MAX_CHUNK_TEXT: usize = 4 << 20;

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockMeta {
    /// Length of the file.
    pub bytes: u64,
    /// Rows of all series.
    pub rows: u64,
    /// Values in them.
    pub values: u64,
    /// Earliest time, nanoseconds; 0 without rows.
    pub min_time: i64,
    /// Latest time, nanoseconds; 0 without rows.
    pub max_time: i64,
}

//! Reading a block file.

use std::path::{Path, PathBuf};

use pco::wrapped::FileDecompressor;

use crate::{
    journal::fs::{Fs, ReadFile},
    query::source::{Rows, Times},
};

use super::{
    BlockError, BlockMeta, Chunk, Damage, FieldId, SeriesId,
    chunk::Body,
    frame::{self, FOOTER_LEN, Footer, HEADER_LEN, NoHeader},
    index::{self, Position},
    varint::Reader,
};

/// A block file open for reading: the index is in memory, as long as on disk and some 80 bytes per series; data are
/// read when asked for. It may be used by many threads at once.
#[derive(Debug)]
pub struct BlockFile {
    path: PathBuf,
    file: Box<dyn ReadFile>,
    pco: FileDecompressor,
    meta: BlockMeta,
    origin: i64,
    index: Vec<u8>,
    /// Ascending.
    series: Vec<Entry>,
}

/// One series of the file.
#[derive(Debug)]
struct Entry {
    id: SeriesId,
    times: Times,
    first: Position,
    chunks: usize,
}

impl BlockFile {
    /// Opens a file: verifies header, footer and index; data are verified when they are read.
    ///
    /// # Errors
    /// `Damaged`, `Version`, `Io`.
    pub fn open(fs: &dyn Fs, path: &Path) -> Result<Self, BlockError> {
        let file = fs.open(path).map_err(BlockError::io("open", path))?;
        let len = file.len().map_err(BlockError::io("measure", path))?;
        let source = Source { file: &*file, path };
        let Some(footer_offset) = len
            .checked_sub(FOOTER_LEN as u64)
            .filter(|offset| *offset >= HEADER_LEN as u64)
        else {
            return Err(BlockError::damaged(path, len, "file is cut"));
        };
        let mut header = [0; HEADER_LEN];
        source.fill(&mut header, 0)?;
        let pco = frame::read_header(&header).map_err(|error| no_header(path, &error))?;
        let mut footer = [0; FOOTER_LEN];
        source.fill(&mut footer, footer_offset)?;
        let footer = Footer::decode(&footer, len);
        let footer =
            footer.ok_or_else(|| BlockError::damaged(path, footer_offset, "footer does not match, or file is cut"))?;
        let index = source.bytes(footer.index_offset, footer.index_len)?;
        let damaged = |what| BlockError::damaged(path, footer.index_offset, what);
        if crc32c::crc32c(&index) != footer.index_crc {
            return Err(damaged("index checksum does not match"));
        }
        let (origin, series) = directory(&index, &footer).ok_or_else(|| damaged("index makes no sense"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            pco,
            meta: footer.meta,
            origin,
            index,
            series,
        })
    }

    /// What the file holds.
    #[must_use]
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Its series, ascending.
    pub fn series(&self) -> impl Iterator<Item = SeriesId> {
        self.series.iter().map(|entry| entry.id)
    }

    /// Whether it has rows of a series.
    #[must_use]
    pub fn contains(&self, series: SeriesId) -> bool {
        self.entry(series).is_some()
    }

    /// The times of a series' first and last row; `None`: it has no rows here.
    #[must_use]
    pub fn times(&self, series: SeriesId) -> Option<Times> {
        self.entry(series).map(|entry| entry.times)
    }

    /// The chunks of a series, ascending by time.
    pub fn chunks(&self, series: SeriesId) -> impl DoubleEndedIterator<Item = Chunk> {
        self.entry(series)
            .map(|entry| self.decode(entry))
            .unwrap_or_default()
            .into_iter()
    }

    /// Reads columns of a chunk of this file, in the order asked for; a field that the chunk does not have is
    /// [`crate::query::source::Values::Absent`].
    ///
    /// # Errors
    /// `Damaged`, `Io`.
    pub fn read(&self, chunk: &Chunk, fields: &[FieldId]) -> Result<Rows, BlockError> {
        let source = Source {
            file: &*self.file,
            path: &self.path,
        };
        let damaged = |what| BlockError::damaged(&self.path, chunk.offset, what);
        if chunk.len > self.meta.bytes {
            return Err(damaged("chunk is of another file"));
        }
        let bytes = source.bytes(chunk.offset, chunk.len)?;
        let body = Body::verified(chunk, &bytes).map_err(damaged)?;
        body.rows(&self.pco, fields).map_err(damaged)
    }

    /// Reads and decodes everything; what is lost comes back, in order.
    #[must_use]
    pub fn verify(&self) -> Vec<Damage> {
        let chunks = self.series.iter().flat_map(|entry| self.decode(entry));
        let lost = |chunk: Chunk| {
            let fields: Vec<FieldId> = chunk.fields.iter().map(|field| field.field).collect();
            let error = self.read(&chunk, &fields).err()?;
            Some(Damage {
                series: chunk.series,
                times: chunk.times,
                error,
            })
        };
        chunks.filter_map(lost).collect()
    }

    fn entry(&self, series: SeriesId) -> Option<&Entry> {
        let at = self.series.binary_search_by_key(&series, |entry| entry.id).ok()?;
        self.series.get(at)
    }

    /// Opening has decoded all of the index, so that nothing ends early here.
    fn decode(&self, entry: &Entry) -> Vec<Chunk> {
        let mut position = entry.first;
        let next = || {
            let (chunk, next) = index::get(&self.index, self.origin, position)?;
            position = next;
            Some(chunk)
        };
        std::iter::from_fn(next).take(entry.chunks).collect()
    }
}

fn no_header(path: &Path, error: &NoHeader) -> BlockError {
    match error {
        NoHeader::Damaged => BlockError::damaged(path, 0, "header does not match"),
        NoHeader::Version(version) => BlockError::Version {
            path: path.to_owned(),
            version: *version,
        },
    }
}

/// Decodes the whole index: the origin, and where each series begins; `None`: it does not describe the file.
fn directory(index: &[u8], footer: &Footer) -> Option<(i64, Vec<Entry>)> {
    let mut reader = Reader::new(index);
    let origin = reader.signed()?;
    let mut position = Position {
        record: index.len() - reader.rest().len(),
        chunk: HEADER_LEN as u64,
        before: None,
    };
    let mut series: Vec<Entry> = Vec::new();
    let (mut rows, mut values) = (0, 0);
    while position.record < index.len() {
        let (chunk, next) = index::get(index, origin, position)?;
        rows += chunk.rows as u64;
        values += chunk.fields.iter().map(|field| field.count as u64).sum::<u64>();
        match series.last_mut().filter(|entry| entry.id == chunk.series) {
            Some(entry) => {
                entry.times.max = chunk.times.max;
                entry.chunks += 1;
            }
            None => series.push(Entry {
                id: chunk.series,
                times: chunk.times,
                first: position,
                chunks: 1,
            }),
        }
        position = next;
    }
    let is_whole = position.chunk == footer.index_offset && rows == footer.meta.rows && values == footer.meta.values;
    is_whole.then_some((origin, series))
}

/// A file and its name.
#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a dyn ReadFile,
    path: &'a Path,
}

impl Source<'_> {
    /// Reads bytes of which the caller has checked that the file has so many.
    fn bytes(self, offset: u64, len: u64) -> Result<Vec<u8>, BlockError> {
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
        self.fill(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn fill(self, bytes: &mut [u8], offset: u64) -> Result<(), BlockError> {
        let read = self
            .file
            .read_at(bytes, offset)
            .map_err(BlockError::io("read", self.path))?;
        if read < bytes.len() {
            return Err(BlockError::damaged(self.path, offset + read as u64, "file is cut"));
        }
        Ok(())
    }
}

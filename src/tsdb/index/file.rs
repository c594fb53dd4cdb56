//! Series files: the names behind series ids, as they were when the ids were given.
//!
//! ```text
//! file:  header | page*                              page: crc32c u32 | used u32 | entry*   (all but the last fill PAGE bytes)
//! header: magic "GYRESER\0" | version u32 | crc32c u32   entry: id u32 | names u32 | (length u32 | bytes) per name
//! ```
//! Names are the measurement, then keys and values. Integers are little-endian. A file is written once; which ids are
//! still alive the manifest knows. Pages have fixed places, so that damage costs the entries of a page and no more, and
//! their checksums cover their places.

use std::{path::Path, sync::Arc};

use crate::journal::fs::{AppendFile, Fs, ReadFile};

use super::{Entry, Tags};
use crate::tsdb::{Error, block::SeriesId};

const MAGIC: &[u8; 8] = b"GYRESER\0";
const VERSION: u32 = 1;
const HEADER: usize = 16;
/// A page has room for the longest key, which is less than 64 KiB, with the lengths of its names.
const PAGE: usize = 256 << 10;
const PAGE_HEADER: usize = 8;
/// Pages written at once.
const PAGES_PER_WRITE: usize = 4;

/// A series as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tsdb) struct Stored {
    pub(in crate::tsdb) id: SeriesId,
    pub(in crate::tsdb) measurement: Arc<str>,
    pub(in crate::tsdb) tags: Tags,
}

impl From<&Entry> for Stored {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            measurement: Arc::clone(&entry.measurement),
            tags: Arc::clone(&entry.tags),
        }
    }
}

/// What could be read of a file.
#[derive(Debug, Default)]
pub(in crate::tsdb) struct Loaded {
    pub(in crate::tsdb) series: Vec<Stored>,
    /// What is wrong with the rest, if anything.
    pub(in crate::tsdb) damage: Option<String>,
}

/// Writes a file of these series and syncs it; its length in bytes. The name is durable once the directory is synced.
pub(in crate::tsdb) fn write(fs: &dyn Fs, path: &Path, series: impl Iterator<Item = Stored>) -> Result<u64, Error> {
    let mut file = fs.create(path).map_err(Error::io("create", path))?;
    let mut out = Pages::new(&mut *file);
    series
        .map(|series| encode(&series))
        .try_for_each(|entry| out.push(&entry))
        .map_err(Error::io("write", path))?;
    let bytes = out.finish().map_err(Error::io("write", path))?;
    file.sync().map_err(Error::io("sync", path))?;
    Ok(bytes)
}

/// Reads a file that had `bytes` when it was written. A failing disk is an error, damage is not.
pub(in crate::tsdb) fn read(fs: &dyn Fs, path: &Path, bytes: u64) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    let file = match fs.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            loaded.damage = Some("file is missing".to_owned());
            return Ok(loaded);
        }
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    read_pages(&*file, bytes, &mut loaded).map_err(Error::io("read", path))?;
    Ok(loaded)
}

fn read_pages(file: &dyn ReadFile, bytes: u64, loaded: &mut Loaded) -> std::io::Result<()> {
    let mut header = [0; HEADER];
    file.read_at(&mut header, 0)?;
    if header != encode_header() {
        loaded.damage = Some("header does not match".to_owned());
    }
    let mut page = vec![0; PAGE];
    for offset in (HEADER as u64..bytes).step_by(PAGE) {
        let read = file.read_at(&mut page, offset)?;
        match decode_page(offset, &page[..read]) {
            Some(series) => loaded.series.extend(series),
            None => loaded.damage = Some(format!("page at byte {offset} does not match")),
        }
    }
    Ok(())
}

fn encode_header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let crc = crc32c::crc32c(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

struct Pages<'a> {
    file: &'a mut dyn AppendFile,
    /// Pages not written yet; the last is open.
    buffer: Vec<u8>,
    /// Where the open page begins in the buffer.
    page: usize,
    written: u64,
}

impl<'a> Pages<'a> {
    fn new(file: &'a mut dyn AppendFile) -> Self {
        let mut buffer = encode_header().to_vec();
        buffer.extend_from_slice(&[0; PAGE_HEADER]);
        Self {
            file,
            buffer,
            page: HEADER,
            written: 0,
        }
    }

    fn push(&mut self, entry: &[u8]) -> std::io::Result<()> {
        if self.buffer.len() - self.page + entry.len() > PAGE {
            self.close_page();
            self.buffer.resize(self.page + PAGE, 0);
            if self.buffer.len() >= PAGES_PER_WRITE * PAGE {
                self.flush()?;
            }
            self.page = self.buffer.len();
            self.buffer.extend_from_slice(&[0; PAGE_HEADER]);
        }
        self.buffer.extend_from_slice(entry);
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<u64> {
        self.close_page();
        self.flush()?;
        Ok(self.written)
    }

    fn close_page(&mut self) {
        let used = u32::try_from(self.buffer.len() - self.page - PAGE_HEADER).unwrap_or(u32::MAX);
        let page = &mut self.buffer[self.page..];
        page[4..PAGE_HEADER].copy_from_slice(&used.to_le_bytes());
        let crc = page_crc(self.written + self.page as u64, &page[4..]);
        page[..4].copy_from_slice(&crc.to_le_bytes());
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.append(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

fn page_crc(offset: u64, used: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&offset.to_le_bytes()), used)
}

fn decode_page(offset: u64, page: &[u8]) -> Option<Vec<Stored>> {
    let (crc, rest) = page.split_first_chunk::<4>()?;
    let used = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
    let covered = rest.get(..4 + used)?;
    if page_crc(offset, covered) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut entries = covered.get(4..)?;
    let mut series = Vec::new();
    while !entries.is_empty() {
        series.push(decode(&mut entries)?);
    }
    Some(series)
}

fn encode(series: &Stored) -> Vec<u8> {
    let names = || std::iter::once(&series.measurement).chain(series.tags.iter().flat_map(|(key, value)| [key, value]));
    let mut entry = series.id.to_le_bytes().to_vec();
    entry.extend_from_slice(&length(names().count()));
    for name in names() {
        entry.extend_from_slice(&length(name.len()));
        entry.extend_from_slice(name.as_bytes());
    }
    entry
}

fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

fn decode(entries: &mut &[u8]) -> Option<Stored> {
    let id = take_u32(entries)?;
    let names = take_u32(entries)?;
    let measurement = take_text(entries)?;
    let tags = (0..names.checked_sub(1)? / 2).map(|_| Some((take_text(entries)?, take_text(entries)?)));
    Some(Stored {
        id,
        measurement,
        tags: tags.collect::<Option<Vec<_>>>()?.into(),
    })
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn take_text(bytes: &mut &[u8]) -> Option<Arc<str>> {
    let length = take_u32(bytes)? as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fs::MemFs;

    fn stored(id: SeriesId, padding: usize) -> Stored {
        Stored {
            id,
            measurement: "m".into(),
            tags: [("host".into(), format!("h{id}{}", "x".repeat(padding)).into())].into(),
        }
    }

    #[test]
    fn reads_what_was_written() {
        let (fs, path) = (MemFs::new(), Path::new("/d/1.series"));
        for (count, padding) in [(0, 0), (1, 0), (3, 60_000), (5000, 400)] {
            let series: Vec<_> = (0..count).map(|id| stored(id, padding)).collect();
            let bytes = write(&fs, path, series.iter().cloned()).unwrap();
            assert_eq!(fs.content(path).unwrap().len() as u64, bytes);
            let loaded = read(&fs, path, bytes).unwrap();
            assert_eq!((loaded.series, loaded.damage), (series, None));
        }
    }

    #[test]
    fn damage_costs_one_page() {
        let (fs, path) = (MemFs::new(), Path::new("/d/1.series"));
        let series: Vec<_> = (0..2000).map(|id| stored(id, 400)).collect();
        let bytes = write(&fs, path, series.iter().cloned()).unwrap();
        let whole = fs.content(path).unwrap();
        for at in [HEADER, HEADER + 5, HEADER + 1000, HEADER + PAGE + 7, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs.set_content(path, damaged);
            let loaded = read(&fs, path, bytes).unwrap();
            assert!(loaded.damage.is_some());
            assert!(
                loaded.series.len() >= 2000 - PAGE / 400 && loaded.series.iter().all(|found| series.contains(found))
            );
        }
        for cut in [0, 7, HEADER, HEADER + 100, HEADER + PAGE, whole.len() - 1] {
            fs.set_content(path, whole[..cut].to_vec());
            assert!(read(&fs, path, bytes).unwrap().damage.is_some(), "{cut}");
        }
        assert!(read(&fs, Path::new("/d/none"), bytes).unwrap().damage.is_some());
    }
}

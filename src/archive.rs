//! The archive: named entries of any length in one stream, in which every cut and every changed byte is noticed.
//!
//! ```text
//! archive: magic "GYREBAK\0" | version u32 | block*
//! block:   kind u8 | length u32 | bytes | crc32c u32
//!          kind 1 begins an entry: its name, UTF-8
//!          kind 2 more of the entry begun last
//!          kind 3 ends the archive: entries u64 | bytes of all entries u64
//! ```
//! Integers are little-endian. A block's checksum covers everything before it but other checksums, from the magic on: a
//! block that is changed, missing, doubled or moved does not match, and the last checksum is that of the whole. (With
//! the checksums inside, the sum would be the same after each of them.) Nothing follows the end.
//!
//! It is written and read from front to back, a block at a time: memory is that of a block. Nothing is compressed: block
//! files are already.

use std::io::{self, Read, Write};

const MAGIC: &[u8; 8] = b"GYREBAK\0";
const VERSION: u32 = 1;
const HEADER: usize = 12;
const BLOCK_HEADER: usize = 5;
/// Longest block; a length beyond it is damage, not a reason to allocate.
const MAX_BLOCK: usize = 1 << 20;

const ENTRY: u8 = 1;
const DATA: u8 = 2;
const END: u8 = 3;

/// An archive that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not begin as an archive does.
    #[error("not a backup of gyre")]
    NotAnArchive,
    /// A later version wrote it.
    #[error("backup format {found} is not known: this version reads format {VERSION}")]
    NewerFormat {
        /// Its format.
        found: u32,
    },
    /// It ends before its end is announced.
    #[error("the backup is cut at byte {at}")]
    Cut {
        /// Its length, bytes.
        at: u64,
    },
    /// A block is not what was written.
    #[error("the backup is damaged in the block at byte {at}: {what}")]
    Damaged {
        /// Where the block begins.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// It cannot be read from where it lies.
    #[error("the backup cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// How much an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries.
    pub entries: u64,
    /// Bytes of all entries.
    pub bytes: u64,
}

/// Writes an archive.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    crc: u32,
    totals: Totals,
}

impl<W: Write> Writer<W> {
    /// Begins an archive.
    ///
    /// # Errors
    /// Those of `to`, here and everywhere.
    pub fn new(mut to: W) -> io::Result<Self> {
        let header = header();
        to.write_all(&header)?;
        Ok(Self {
            to,
            crc: crc32c::crc32c(&header),
            totals: Totals::default(),
        })
    }

    /// Begins an entry; what is written next is its content.
    ///
    /// # Errors
    /// Those of `to`; `InvalidInput` when the name is over a megabyte.
    pub fn entry(&mut self, name: &str) -> io::Result<()> {
        if name.len() > MAX_BLOCK {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "name of an entry is too long",
            ));
        }
        self.totals.entries += 1;
        self.block(ENTRY, name.as_bytes())
    }

    /// Appends to the entry begun last.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.totals.bytes += bytes.len() as u64;
        bytes.chunks(MAX_BLOCK).try_for_each(|block| self.block(DATA, block))
    }

    /// Ends the archive; without this it counts as cut.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn finish(mut self) -> io::Result<W> {
        let Totals { entries, bytes } = self.totals;
        let end = [entries.to_le_bytes(), bytes.to_le_bytes()].concat();
        self.block(END, &end)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn block(&mut self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let mut header = [kind, 0, 0, 0, 0];
        header[1..].copy_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.crc = block_crc(self.crc, &header, bytes);
        self.to.write_all(&header)?;
        self.to.write_all(bytes)?;
        self.to.write_all(&self.crc.to_le_bytes())
    }
}

/// A piece of an archive that was read and is as it was written.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An entry of this name begins.
    Entry(&'a str),
    /// More of its content.
    Data(&'a [u8]),
}

/// Reads an archive.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    crc: u32,
    /// Bytes read.
    at: u64,
    block: Vec<u8>,
    totals: Totals,
}

impl<R: Read> Reader<R> {
    /// Begins to read.
    ///
    /// # Errors
    /// When it is no archive of this version.
    pub fn new(from: R) -> Result<Self, Error> {
        let mut reader = Self {
            from,
            crc: 0,
            at: 0,
            block: Vec::new(),
            totals: Totals::default(),
        };
        let mut found = [0; HEADER];
        reader.fill(&mut found).map_err(|error| match error {
            Error::Cut { .. } => Error::NotAnArchive,
            error => error,
        })?;
        let (magic, version) = found.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Error::NotAnArchive);
        }
        if version != VERSION.to_le_bytes() {
            let found = version.try_into().map_or(0, u32::from_le_bytes);
            return Err(Error::NewerFormat { found });
        }
        reader.crc = crc32c::crc32c(&found);
        Ok(reader)
    }

    /// The next piece; `None` at the end, when the whole archive was as it was written.
    ///
    /// # Errors
    /// When it is cut or damaged. Pieces read before were whole, but are not all there are.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, Error> {
        let at = self.at;
        let damaged = |what| Error::Damaged { at, what };
        let kind = self.read_block()?;
        match kind {
            ENTRY => {
                self.totals.entries += 1;
                let name = std::str::from_utf8(&self.block);
                name.map(|name| Some(Piece::Entry(name)))
                    .map_err(|_| damaged("a name is not UTF-8"))
            }
            DATA if self.totals.entries > 0 => {
                self.totals.bytes += self.block.len() as u64;
                Ok(Some(Piece::Data(&self.block)))
            }
            END => {
                let Totals { entries, bytes } = self.totals;
                if self.block != [entries.to_le_bytes(), bytes.to_le_bytes()].concat() {
                    return Err(damaged("it does not hold as much as it should"));
                }
                match self.from.read(&mut [0])? {
                    0 => Ok(None),
                    _ => Err(damaged("something follows the end")),
                }
            }
            _ => Err(damaged("no block is of this kind")),
        }
    }

    /// What was read so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Reads a block and answers its kind.
    fn read_block(&mut self) -> Result<u8, Error> {
        let at = self.at;
        let mut header = [0; BLOCK_HEADER];
        self.fill(&mut header)?;
        let [kind, length @ ..] = header;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_BLOCK {
            let what = "it is longer than any block";
            return Err(Error::Damaged { at, what });
        }
        let mut block = std::mem::take(&mut self.block);
        block.resize(length, 0);
        self.fill(&mut block)?;
        let mut crc = [0; 4];
        self.fill(&mut crc)?;
        self.crc = block_crc(self.crc, &header, &block);
        self.block = block;
        if self.crc.to_le_bytes() != crc {
            let what = "its checksum does not match";
            return Err(Error::Damaged { at, what });
        }
        Ok(kind)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.from.read(rest) {
                Ok(0) => return Err(Error::Cut { at: self.at }),
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn header() -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(MAGIC);
    header[MAGIC.len()..].copy_from_slice(&VERSION.to_le_bytes());
    header
}

fn block_crc(before: u32, header: &[u8; BLOCK_HEADER], bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(before, header), bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Entries = Vec<(String, Vec<u8>)>;

    fn write(entries: &Entries) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new()).unwrap();
        for (name, content) in entries {
            writer.entry(name).unwrap();
            writer.data(content).unwrap();
        }
        writer.finish().unwrap()
    }

    fn read(archive: &[u8]) -> Result<Entries, Error> {
        let mut reader = Reader::new(archive)?;
        let mut entries = Entries::new();
        while let Some(piece) = reader.next_piece()? {
            match piece {
                Piece::Entry(name) => entries.push((name.to_owned(), Vec::new())),
                Piece::Data(bytes) => entries.last_mut().unwrap().1.extend_from_slice(bytes),
            }
        }
        assert_eq!(reader.totals().entries, entries.len() as u64);
        Ok(entries)
    }

    fn small() -> Vec<u8> {
        write(&vec![
            ("a".to_owned(), b"first".to_vec()),
            ("b".to_owned(), Vec::new()),
            ("c".to_owned(), vec![0; 40]),
        ])
    }

    #[test]
    fn a_cut_is_noticed_anywhere() {
        let whole = small();
        for at in 0..whole.len() {
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
        }
        assert!(read(&[&whole[..], b"x"].concat()).is_err(), "something follows");
    }

    #[test]
    fn a_changed_bit_is_noticed_anywhere() {
        let whole = small();
        for at in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(read(&changed).is_err(), "bit {at}");
        }
    }

    #[test]
    fn blocks_stay_in_their_order() {
        // two data blocks of one entry, of which only the place tells them apart
        let mut writer = Writer::new(Vec::new()).unwrap();
        writer.entry("a").unwrap();
        writer.data(b"one").unwrap();
        writer.data(b"two").unwrap();
        let whole = writer.finish().unwrap();
        let (begin, block) = (HEADER + BLOCK_HEADER + 1 + 4, BLOCK_HEADER + 3 + 4);
        let (one, two) = (&whole[begin..begin + block], &whole[begin + block..begin + 2 * block]);
        let (before, after) = (&whole[..begin], &whole[begin + 2 * block..]);
        assert!(read(&[before, one, two, after].concat()).is_ok());
        for wrong in [
            &[before, two, one, after][..],
            &[before, one, after],
            &[before, one, one, two, after],
        ] {
            assert!(read(&wrong.concat()).is_err());
        }
    }

    #[test]
    fn other_files_are_no_archives() {
        for other in [&b""[..], b"GYRE", b"rubbish that is long enough"] {
            assert!(matches!(read(other), Err(Error::NotAnArchive)));
        }
        let mut newer = small();
        newer[MAGIC.len()] = 2;
        assert!(matches!(read(&newer), Err(Error::NewerFormat { found: 2 })));
    }

    #[test]
    fn long_entries_are_read_as_written() {
        let entries = vec![("long".to_owned(), vec![7; 2 * MAX_BLOCK + 1])];
        assert_eq!(read(&write(&entries)).unwrap(), entries);
    }

    proptest! {
        #[test]
        fn reads_what_was_written(entries in prop::collection::vec((".{0,20}", prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
            prop_assert_eq!(read(&write(&entries)).unwrap(), entries);
        }

        #[test]
        fn rubbish_is_no_archive(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = [&header()[..], &bytes].concat();
            prop_assert!(read(&whole).is_err());
        }
    }
}

//! How far each consumer has come, in one small file.
//!
//! `magic "GYRECUR\0" | version u32 | count u32 | (consumer u32, seq u64)... | crc32c u32`, little-endian.

use std::{collections::BTreeMap, io, path::Path};

use super::{
    Error, Seq,
    fs::{self, Fs},
};

/// The name of the file.
pub(super) const FILE: &str = "cursors";
const MAGIC: &[u8; 8] = b"GYRECUR\0";
const VERSION: u32 = 1;
const ENTRY: usize = 12;
/// More than a million consumers is no cursor file.
const MAX_FILE: u64 = 16 << 20;

pub(super) type Cursors = BTreeMap<u32, Seq>;

/// The stored cursors; `None` when the file is damaged, empty when there is none.
pub(super) fn load(fs: &dyn Fs, path: &Path) -> Result<Option<Cursors>, Error> {
    if !fs.exists(path).map_err(Error::io("cannot find", path))? {
        return Ok(Some(Cursors::new()));
    }
    match fs::read_all(fs, path, MAX_FILE) {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(None),
        Err(error) => Err(Error::io("cannot read", path)(error)),
    }
}

pub(super) fn save(fs: &dyn Fs, path: &Path, cursors: &Cursors) -> Result<(), Error> {
    fs::replace(fs, path, &encode(cursors)).map_err(Error::io("cannot save", path))
}

fn encode(cursors: &Cursors) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(20 + cursors.len() * ENTRY);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(cursors.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (consumer, seq) in cursors {
        bytes.extend_from_slice(&consumer.to_le_bytes());
        bytes.extend_from_slice(&seq.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Cursors> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let entries = body.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    let (count, entries) = entries.split_first_chunk::<4>()?;
    let whole = crc32c::crc32c(body) == u32::from_le_bytes(*crc)
        && entries.len() == u32::from_le_bytes(*count) as usize * ENTRY;
    let entry = |bytes: &[u8]| {
        let (consumer, seq) = bytes.split_first_chunk::<4>()?;
        Some((u32::from_le_bytes(*consumer), Seq::from_le_bytes(*seq.first_chunk()?)))
    };
    whole.then(|| entries.chunks_exact(ENTRY).filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_noticed_anywhere() {
        let cursors = Cursors::from([(1, 7), (2, u64::MAX)]);
        let bytes = encode(&cursors);
        assert_eq!(decode(&bytes), Some(cursors));
        for at in 0..bytes.len() {
            assert_eq!(decode(&bytes[..at]), None, "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert_eq!(decode(&flipped), None, "flipped at {at}");
        }
    }
}

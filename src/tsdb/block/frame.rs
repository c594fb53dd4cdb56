//! The fixed parts of a block file: header and footer.

use pco::wrapped::{FileCompressor, FileDecompressor};

use super::{BlockMeta, varint::Reader};

pub(super) const HEADER_LEN: usize = 20;
pub(super) const FOOTER_LEN: usize = 64;
const MAGIC: &[u8; 8] = b"GYREBLK\0";
const VERSION: u32 = 1;
/// Room for pco's own header.
const PCO_LEN: usize = 3;

/// Why the bytes are no header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    Damaged,
    /// A whole one of another format.
    Version(u32),
}

/// The header of a file that this program writes.
pub(super) fn header() -> [u8; HEADER_LEN] {
    let mut room = [0; PCO_LEN];
    let left = FileCompressor::default()
        .write_header(&mut room[..])
        .map_or(PCO_LEN, |left| left.len());
    let mut bytes = [0; HEADER_LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12] = (PCO_LEN - left).to_le_bytes()[0];
    bytes[13..16].copy_from_slice(&room);
    let crc = crc32c::crc32c(&bytes[..16]);
    bytes[16..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What decodes the file's numbers.
pub(super) fn read_header(bytes: &[u8; HEADER_LEN]) -> Result<FileDecompressor, NoHeader> {
    let (body, crc) = bytes.split_at(16);
    let mut reader = Reader::new(body);
    let magic: Option<[u8; 8]> = reader.array();
    if magic.as_ref() != Some(MAGIC) || Reader::new(crc).u32() != Some(crc32c::crc32c(body)) {
        return Err(NoHeader::Damaged);
    }
    let version = reader.u32().ok_or(NoHeader::Damaged)?;
    if version != VERSION {
        return Err(NoHeader::Version(version));
    }
    let pco = reader.byte().and_then(|len| reader.take(usize::from(len)));
    let decompressor = pco.and_then(|pco| FileDecompressor::new(pco).ok());
    decompressor
        .map(|(decompressor, _)| decompressor)
        .ok_or(NoHeader::Version(version))
}

/// The end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) index_offset: u64,
    pub(super) index_len: u64,
    pub(super) index_crc: u32,
    /// Its length includes the footer.
    pub(super) meta: BlockMeta,
}

impl Footer {
    pub(super) fn encode(&self) -> [u8; FOOTER_LEN] {
        let BlockMeta {
            rows,
            values,
            min_time,
            max_time,
            bytes: _,
        } = self.meta;
        let mut bytes = [0; FOOTER_LEN];
        let words = [
            self.index_offset,
            self.index_len,
            rows,
            values,
            min_time.cast_unsigned(),
            max_time.cast_unsigned(),
        ];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes[48..52].copy_from_slice(&self.index_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..52]);
        bytes[52..56].copy_from_slice(&crc.to_le_bytes());
        bytes[56..].copy_from_slice(MAGIC);
        bytes
    }

    /// The footer of a file of so many bytes.
    pub(super) fn decode(bytes: &[u8; FOOTER_LEN], file_len: u64) -> Option<Self> {
        let (body, end) = bytes.split_at(52);
        let mut reader = Reader::new(end);
        let crc = reader.u32()?;
        if reader.rest() != MAGIC || crc != crc32c::crc32c(body) {
            return None;
        }
        let mut reader = Reader::new(body);
        let footer = Self {
            index_offset: reader.u64()?,
            index_len: reader.u64()?,
            meta: BlockMeta {
                bytes: file_len,
                rows: reader.u64()?,
                values: reader.u64()?,
                min_time: reader.u64()?.cast_signed(),
                max_time: reader.u64()?.cast_signed(),
            },
            index_crc: reader.u32()?,
        };
        let end = footer
            .index_offset
            .checked_add(footer.index_len)?
            .checked_add(FOOTER_LEN as u64)?;
        (end == file_len && footer.index_offset >= HEADER_LEN as u64).then_some(footer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_their_version() {
        let mut bytes = header();
        assert!(read_header(&bytes).is_ok());
        bytes[8] = 7;
        assert_eq!(read_header(&bytes).unwrap_err(), NoHeader::Damaged);
        let crc = crc32c::crc32c(&bytes[..16]);
        bytes[16..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(read_header(&bytes).unwrap_err(), NoHeader::Version(7));
    }
}

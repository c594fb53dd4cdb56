//! How records lie in a segment file.
//!
//! ```text
//! segment: magic "GYREWAL\0" | version u32 | first seq u64 | previous seq u64 | crc32c u32 | frames
//! frame:   length u32 | crc32c u32 | seq u64 | payload
//! ```
//! Integers are little-endian. A frame's checksum covers payload, sequence number and length, in this order, so that
//! the appender can sum the payload before the number is known. Within a segment numbers rise by one. `previous` is
//! the last good record before the segment: numbers between it and `first` belong to writes that failed.
//!
//! The length's top bit marks the first record of a write. A write follows only when the one before was synced
//! (with `SyncMode::Always`), so a hole with no such mark behind it lies in a write that nobody was told of.

use super::Seq;

pub(super) const HEADER_LEN: usize = 32;
pub(super) const FRAME_LEN: usize = 16;
const MAGIC: &[u8; 8] = b"GYREWAL\0";
const VERSION: u32 = 1;
/// Longest payload: the length's other 31 bits.
pub(super) const MAX_PAYLOAD: u64 = (1 << 31) - 1;
const OPENS_WRITE: u32 = 1 << 31;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) first: Seq,
    pub(super) previous: Seq,
}

impl Header {
    pub(super) fn encode(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.first.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.previous.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// A whole header of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let body = Self::whole(bytes).filter(|body| u32_at(body, 8) == Some(VERSION))?;
        let header = Self {
            first: u64_at(body, 12)?,
            previous: u64_at(body, 20)?,
        };
        (header.previous < header.first).then_some(header)
    }

    /// The version of a whole header that another program wrote.
    pub(super) fn foreign_version(bytes: &[u8]) -> Option<u32> {
        Self::whole(bytes)
            .and_then(|body| u32_at(body, 8))
            .filter(|version| *version != VERSION)
    }

    fn whole(bytes: &[u8]) -> Option<&[u8]> {
        let (body, crc) = bytes.get(..HEADER_LEN)?.split_at(28);
        (body.starts_with(MAGIC) && u32_at(crc, 0)? == crc32c::crc32c(body)).then_some(body)
    }
}

/// The announcement of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) len: u32,
    pub(super) opens_write: bool,
    pub(super) seq: Seq,
    crc: u32,
}

impl Frame {
    /// For a payload of `len` bytes, at most [`MAX_PAYLOAD`], with the checksum `payload_crc`.
    pub(super) fn new(seq: Seq, len: u32, opens_write: bool, payload_crc: u32) -> Self {
        let mut frame = Self {
            len,
            opens_write,
            seq,
            crc: 0,
        };
        frame.crc = frame.finish_crc(payload_crc);
        frame
    }

    pub(super) fn encode(self) -> [u8; FRAME_LEN] {
        let mut bytes = [0; FRAME_LEN];
        bytes[..4].copy_from_slice(&self.length_field().to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..].copy_from_slice(&self.seq.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, crc, seq) = (u32_at(bytes, 0)?, u32_at(bytes, 4)?, u64_at(bytes, 8)?);
        Some(Self {
            len: length & !OPENS_WRITE,
            opens_write: length & OPENS_WRITE != 0,
            seq,
            crc,
        })
    }

    pub(super) fn matches(self, payload: &[u8]) -> bool {
        self.finish_crc(crc32c::crc32c(payload)) == self.crc
    }

    fn length_field(self) -> u32 {
        self.len | if self.opens_write { OPENS_WRITE } else { 0 }
    }

    fn finish_crc(self, payload_crc: u32) -> u32 {
        let crc = crc32c::crc32c_append(payload_crc, &self.seq.to_le_bytes());
        crc32c::crc32c_append(crc, &self.length_field().to_le_bytes())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

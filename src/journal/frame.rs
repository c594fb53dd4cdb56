//! How records lie in a segment file.
//!
//! ```text
//! segment: magic "GYREWAL\0" | version u32 | first seq u64 | previous seq u64 | crc32c u32 | frames
//! frame:   payload length u32 | crc32c u32 | seq u64 | payload
//! ```
//! Integers are little-endian. A frame's checksum covers payload, sequence number and length, in this order, so that
//! the appender can sum the payload before the number is known. Within a segment numbers rise by one. `previous` is
//! the last good record before the segment: numbers between it and `first` belong to writes that failed.

use super::Seq;

pub(super) const HEADER_LEN: usize = 32;
pub(super) const FRAME_LEN: usize = 16;
const MAGIC: &[u8; 8] = b"GYREWAL\0";
const VERSION: u32 = 1;

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

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.get(..HEADER_LEN)?.split_at(28);
        let valid = body.starts_with(MAGIC) && u32_at(body, 8)? == VERSION && u32_at(crc, 0)? == crc32c::crc32c(body);
        let header = Self {
            first: u64_at(body, 12)?,
            previous: u64_at(body, 20)?,
        };
        (valid && header.previous < header.first).then_some(header)
    }
}

/// The announcement of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) len: u32,
    pub(super) crc: u32,
    pub(super) seq: Seq,
}

impl Frame {
    pub(super) fn new(seq: Seq, len: u32, payload_crc: u32) -> Self {
        Self {
            len,
            crc: finish_crc(payload_crc, seq, len),
            seq,
        }
    }

    pub(super) fn encode(self) -> [u8; FRAME_LEN] {
        let mut bytes = [0; FRAME_LEN];
        bytes[..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..].copy_from_slice(&self.seq.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            len: u32_at(bytes, 0)?,
            crc: u32_at(bytes, 4)?,
            seq: u64_at(bytes, 8)?,
        })
    }

    pub(super) fn matches(self, payload: &[u8]) -> bool {
        finish_crc(crc32c::crc32c(payload), self.seq, self.len) == self.crc
    }
}

fn finish_crc(payload_crc: u32, seq: Seq, len: u32) -> u32 {
    crc32c::crc32c_append(
        crc32c::crc32c_append(payload_crc, &seq.to_le_bytes()),
        &len.to_le_bytes(),
    )
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

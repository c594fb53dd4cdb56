//! Reads frames from a segment file, one after another, with a bounded buffer.

use std::{io, ops::Range};

use super::{
    Seq,
    frame::{FRAME_LEN, Frame},
    fs::ReadFile,
};

/// Read at once; larger frames grow the buffer to their size.
const BLOCK: usize = 256 << 10;

/// Walks over the frames of a file between two offsets.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    file: &'a dyn ReadFile,
    range: Range<u64>,
    buffer: Vec<u8>,
    buffer_at: u64,
}

/// What stands at a place.
#[derive(Debug)]
pub(super) enum Step<'b> {
    /// A whole frame whose checksum is right; the scan has moved behind it.
    Record {
        seq: Seq,
        opens_write: bool,
        payload: &'b [u8],
    },
    /// Not a frame, or not a whole one. The scan has not moved.
    Bad,
    /// The end of the range.
    End,
}

impl<'a> Scan<'a> {
    pub(super) fn new(file: &'a dyn ReadFile, range: Range<u64>) -> Self {
        Self {
            file,
            buffer_at: range.start,
            range,
            buffer: Vec::new(),
        }
    }

    /// Where the next frame starts.
    pub(super) fn offset(&self) -> u64 {
        self.range.start
    }

    pub(super) fn next(&mut self) -> io::Result<Step<'_>> {
        if self.range.is_empty() {
            return Ok(Step::End);
        }
        let Some(frame) = self.peek(0, FRAME_LEN)?.and_then(Frame::decode) else {
            return Ok(Step::Bad);
        };
        let payload_len = u64::from(frame.len);
        let whole = FRAME_LEN as u64 + payload_len;
        // A damaged length asks for no more memory than there are bytes left.
        if whole > self.range.end - self.range.start {
            return Ok(Step::Bad);
        }
        let len = usize::try_from(payload_len).unwrap_or(usize::MAX);
        match self.peek(FRAME_LEN, len)? {
            Some(payload) if frame.matches(payload) => {}
            _ => return Ok(Step::Bad),
        }
        let start = self.position(FRAME_LEN);
        self.range.start += whole;
        let payload = self.buffer.get(start..start + len).unwrap_or_default();
        Ok(Step::Record {
            seq: frame.seq,
            opens_write: frame.opens_write,
            payload,
        })
    }

    /// Looks byte by byte for the next frame, where `expected` should be; the scan stands at it then. As numbers rise
    /// by one, no more of them can be missing than frames have room in the bytes passed over.
    pub(super) fn resume(&mut self, expected: Seq) -> io::Result<bool> {
        let bad = self.range.start;
        while !self.range.is_empty() {
            let missing_at_most = (self.range.start - bad) / FRAME_LEN as u64;
            let frame = self.peek(0, FRAME_LEN)?.and_then(Frame::decode);
            if frame.is_some_and(|frame| frame.seq >= expected && frame.seq - expected <= missing_at_most) {
                let here = self.range.start;
                let found = matches!(self.next()?, Step::Record { .. });
                self.range.start = here;
                if found {
                    return Ok(true);
                }
            }
            self.range.start += 1;
        }
        Ok(false)
    }

    fn position(&self, ahead: usize) -> usize {
        usize::try_from(self.range.start - self.buffer_at).unwrap_or(usize::MAX) + ahead
    }

    /// `len` bytes that start `ahead` of the scan's place, or nothing when the range ends before.
    fn peek(&mut self, ahead: usize, len: usize) -> io::Result<Option<&[u8]>> {
        let wanted = self.position(ahead) + len;
        if self.range.start + (ahead + len) as u64 > self.range.end {
            return Ok(None);
        }
        if wanted > self.buffer.len() {
            self.fill(ahead + len)?;
        }
        let start = self.position(ahead);
        Ok(self.buffer.get(start..start + len))
    }

    /// Makes the buffer start at the scan's place and hold at least `len` bytes, if the file has them.
    fn fill(&mut self, len: usize) -> io::Result<()> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let used = self.position(0).min(self.buffer.len());
        self.buffer.drain(..used);
        self.buffer_at = self.range.start;
        let kept = self.buffer.len();
        let target = len.max(BLOCK).min(left);
        self.buffer.resize(target.max(kept), 0);
        let read = self
            .file
            .read_at(&mut self.buffer[kept..], self.buffer_at + kept as u64)?;
        self.buffer.truncate(kept + read);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A file that notes the most that was asked for at once.
    #[derive(Debug)]
    struct Watched {
        bytes: Vec<u8>,
        asked: AtomicUsize,
    }

    impl ReadFile for Watched {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.asked.fetch_max(buffer.len(), Ordering::Relaxed);
            let rest = usize::try_from(offset)
                .ok()
                .and_then(|offset| self.bytes.get(offset..))
                .unwrap_or_default();
            let n = rest.len().min(buffer.len());
            buffer[..n].copy_from_slice(&rest[..n]);
            Ok(n)
        }
    }

    #[test]
    fn a_damaged_length_asks_for_no_memory() {
        let good = Frame::new(7, 3, true, crc32c::crc32c(b"abc")).encode();
        let lying = Frame::new(6, 1 << 30, true, 0).encode();
        let file = Watched {
            bytes: [&lying[..], &good, b"abc"].concat(),
            asked: AtomicUsize::new(0),
        };
        let mut scan = Scan::new(&file, 0..35);
        assert!(matches!(scan.next(), Ok(Step::Bad)));
        assert!(matches!(scan.resume(6), Ok(true)));
        assert!(matches!(
            scan.next(),
            Ok(Step::Record {
                seq: 7,
                opens_write: true,
                payload: b"abc"
            })
        ));
        assert!(matches!(scan.next(), Ok(Step::End)));
        assert_eq!(file.asked.into_inner(), 35);
    }
}

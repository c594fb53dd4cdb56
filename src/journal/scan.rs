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
    max_payload: u64,
}

/// What stands at a place.
#[derive(Debug)]
pub(super) enum Step<'b> {
    /// A whole frame whose checksum is right; the scan has moved behind it.
    Record { seq: Seq, payload: &'b [u8] },
    /// Not a frame, or not a whole one. The scan has not moved.
    Bad,
    /// The end of the range.
    End,
}

impl<'a> Scan<'a> {
    pub(super) fn new(file: &'a dyn ReadFile, range: Range<u64>, max_payload: u64) -> Self {
        Self {
            file,
            buffer_at: range.start,
            range,
            buffer: Vec::new(),
            max_payload,
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
        if payload_len > self.max_payload || whole > self.range.end - self.range.start {
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
            payload,
        })
    }

    /// Looks for the next frame with a number above `after`, byte by byte; the scan stands at it then.
    pub(super) fn resume(&mut self, after: Seq, within: u64) -> io::Result<bool> {
        while !self.range.is_empty() {
            let frame = self.peek(0, FRAME_LEN)?.and_then(Frame::decode);
            let plausible = frame.is_some_and(|frame| {
                frame.seq > after && frame.seq - after <= within && u64::from(frame.len) <= self.max_payload
            });
            if plausible {
                let before = self.range.start;
                let found = matches!(self.next()?, Step::Record { .. });
                self.range.start = before;
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

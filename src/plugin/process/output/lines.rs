//! PURE. Bytes cut into lines of a bounded length.

/// The longest line that is kept; the rest of a longer one is left out.
pub(super) const LINE_MAX: usize = 1024;

/// Whether more lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Yes,
    No,
}

/// Holds the beginning of a line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// The rest of the line that has begun is left out.
    skipping: bool,
}

impl Lines {
    /// Takes bytes in, and gives out the lines that end in them, as long as they are wanted; empty ones are left out.
    /// Answers how many bytes were not looked at.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&str) -> Wanted) -> usize {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.keep(line);
            let is_line = !self.begun.is_empty() && !self.skipping;
            let wanted = is_line.then(|| each(String::from_utf8_lossy(&self.begun).trim_end()));
            self.begun.clear();
            bytes = rest.get(1..).unwrap_or_default();
            self.skipping = false;
            if wanted == Some(Wanted::No) {
                self.skip(bytes);
                return bytes.len();
            }
        }
        self.keep(bytes);
        0
    }

    /// Takes bytes in without looking for lines.
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.begun.clear();
            self.skipping = *last != b'\n';
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LINE_MAX - self.begun.len();
        self.begun.extend_from_slice(part.get(..room).unwrap_or(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| {
                found.push(line.to_owned());
                Wanted::Yes
            });
        }
        found
    }

    #[test]
    fn lines_in_pieces() {
        assert_eq!(lines(&[b"a\nb", b"c\r\n", b"\n\nd"]), ["a", "bc"]);
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn what_is_skipped_ends_with_a_line() {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut push = |lines: &mut Lines, bytes: &[u8], wanted| {
            let mut each = |line: &str| {
                found.push(line.to_owned());
                wanted
            };
            lines.push(bytes, &mut each)
        };
        assert_eq!(push(&mut lines, b"a\nb\nc", Wanted::No), 3);
        assert_eq!(push(&mut lines, b"c\nd", Wanted::Yes), 0);
        lines.skip(b"d\ne\n");
        lines.skip(b"");
        assert_eq!(push(&mut lines, b"f\n", Wanted::Yes), 0);
        assert_eq!(found, ["a", "f"]);
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; 3 * LINE_MAX];
        let found = lines(&[&long, &long, b"\nshort\n"]);
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [LINE_MAX, 5]);
    }
}

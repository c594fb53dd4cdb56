//! PURE. Bytes cut into lines of a bounded length.

/// The longest line that is kept; the rest of a longer one is left out.
pub(super) const LINE_MAX: usize = 1024;

/// Holds the beginning of a line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes bytes in, and gives out the lines that end in them; empty ones are left out.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&str)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.keep(line);
            if !self.begun.is_empty() {
                each(String::from_utf8_lossy(&self.begun).trim_end());
            }
            self.begun.clear();
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
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
            lines.push(piece, |line| found.push(line.to_owned()));
        }
        found
    }

    #[test]
    fn lines_in_pieces() {
        assert_eq!(lines(&[b"a\nb", b"c\r\n", b"\n\nd"]), ["a", "bc"]);
        assert_eq!(lines(&[b"\xff\n"]), ["\u{fffd}"]);
    }

    #[test]
    fn long_lines_are_cut() {
        let long = vec![b'x'; 3 * LINE_MAX];
        let found = lines(&[&long, &long, b"\nshort\n"]);
        assert_eq!(found.iter().map(String::len).collect::<Vec<_>>(), [LINE_MAX, 5]);
    }
}

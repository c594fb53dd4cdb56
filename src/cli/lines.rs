//! The lines of a file of line protocol, with their numbers.
//!
//! A quoted string may hold newlines, so a line may take several of the file. One that does not end within
//! [`MAX_JOINED`] of them has an open quote: then only the first is taken, and refused by whoever parses it.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Chain, Cursor, Read},
    path::Path,
};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use gyre::influx::line::split;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Lines of the file that one line of the protocol may take.
const MAX_JOINED: usize = 1000;

/// One line with its newlines, and where its first byte is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NumberedLine {
    /// From 1.
    pub(crate) number: u64,
    /// As in the file.
    pub(crate) text: Vec<u8>,
}

/// Reads lines one after the other.
pub(crate) struct Lines {
    from: Box<dyn BufRead>,
    /// Read already, but not part of the line before.
    ahead: VecDeque<Vec<u8>>,
    next_number: u64,
}

impl Lines {
    /// The lines of a file, or of standard input for `-`; gzip is known by its first bytes.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::read(io::stdin())?);
        }
        let context = || path.display().to_string();
        let file = File::open(path).with_context(context)?;
        Self::read(file).with_context(context)
    }

    fn read(mut from: impl Read + 'static) -> io::Result<Self> {
        let mut start = Vec::new();
        from.by_ref().take(2).read_to_end(&mut start)?;
        let gzip = start == GZIP_MAGIC;
        let whole: Chain<Cursor<Vec<u8>>, _> = Cursor::new(start).chain(from);
        let from: Box<dyn BufRead> = if gzip {
            Box::new(BufReader::new(MultiGzDecoder::new(whole)))
        } else {
            Box::new(BufReader::new(whole))
        };
        Ok(Self {
            from,
            ahead: VecDeque::new(),
            next_number: 1,
        })
    }

    /// The next line; nothing at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<NumberedLine>> {
        let Some(first) = self.next_of_file()? else {
            return Ok(None);
        };
        let mut text = first;
        let first_length = text.len();
        let mut more: Vec<usize> = Vec::new();
        while !is_whole(&text) {
            let next = if more.len() < MAX_JOINED {
                self.next_of_file()?
            } else {
                None
            };
            let Some(next) = next else {
                self.give_back(&mut text, first_length, &more);
                more.clear();
                break;
            };
            more.push(next.len());
            text.extend(next);
        }
        let number = self.next_number;
        self.next_number += 1 + u64::try_from(more.len()).unwrap_or(u64::MAX);
        Ok(Some(NumberedLine { number, text }))
    }

    fn next_of_file(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let length = self.from.read_until(b'\n', &mut line)?;
        Ok((length > 0).then_some(line))
    }

    /// Cuts `text` after its first line of the file; the others are read again.
    fn give_back(&mut self, text: &mut Vec<u8>, first_length: usize, more: &[usize]) {
        let rest = text.split_off(first_length);
        let mut end = rest.len();
        for length in more.iter().rev() {
            let start = end - length;
            self.ahead.push_front(rest[start..end].to_vec());
            end = start;
        }
    }
}

/// Whether the line is over at the end of `text`, and not within a string.
fn is_whole(text: &[u8]) -> bool {
    if memchr::memchr2(b'"', b'\\', text).is_none() || text.trim_ascii_start().starts_with(b"#") {
        return true;
    }
    let mut probe = text.to_vec();
    if probe.last() != Some(&b'\n') {
        probe.push(b'\n'); // the file's last line
    }
    let length = probe.len();
    probe.push(b'x');
    split(&probe).next().is_some_and(|line| line.len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Vec<(u64, String)> {
        let mut lines = Lines::read(Cursor::new(text.as_bytes().to_vec())).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.number, String::from_utf8(line.text).unwrap()));
        }
        all
    }

    #[test]
    fn strings_hold_newlines_and_open_quotes_do_not_swallow_the_file() {
        let check = |text: &str, expect: &[(u64, &str)]| {
            let expect: Vec<_> = expect.iter().map(|(n, line)| (*n, (*line).to_owned())).collect();
            assert_eq!(lines_of(text), expect, "{text:?}");
        };
        check("", &[]);
        check("a v=1\n\nb v=2", &[(1, "a v=1\n"), (2, "\n"), (3, "b v=2")]);
        check("a s=\"x\ny\" 1\nb v=2\n", &[(1, "a s=\"x\ny\" 1\n"), (3, "b v=2\n")]);
        check(
            "# it's \"so\n# too\nb v=2",
            &[(1, "# it's \"so\n"), (2, "# too\n"), (3, "b v=2")],
        );
        check(
            "a s=\"open 1\nb v=2\nc v=3\n",
            &[(1, "a s=\"open 1\n"), (2, "b v=2\n"), (3, "c v=3\n")],
        );
        check("a s=\"whole\" 1", &[(1, "a s=\"whole\" 1")]);
    }
}

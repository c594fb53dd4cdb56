//! Characters with their places, and the small pushback on which InfluxDB's error positions depend.
//!
//! * `\r\n` and a lone `\r` read as one `\n`.
//! * The end of the text is the character [`END`], again and again; the first one has the next free column and all
//!   later ones the column after it. That is why InfluxDB reports many errors at the end one or two columns further
//!   than one would think. A NUL inside the text is taken for the end as well.
//! * The last three characters can be put back, and looking at "the current" one after a pushback shows the one before.

use std::iter::Peekable;
use std::str::Chars;

use super::error::Position;

/// The character that stands for the end of the text.
pub(super) const END: char = '\0';

/// A reader over one request's text.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    recent: [(char, Position); 3],
    newest: usize,
    pushed_back: usize,
    next_place: Position,
    ended: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            recent: [(END, Position::default()); 3],
            newest: 0,
            pushed_back: 0,
            next_place: Position::default(),
            ended: false,
        }
    }

    /// The next character and its place.
    pub(super) fn read(&mut self) -> (char, Position) {
        if self.pushed_back > 0 {
            self.pushed_back -= 1;
            return self.current();
        }
        let c = self.take();
        self.newest = (self.newest + 1) % 3;
        self.recent[self.newest] = (c, self.next_place);
        if c == '\n' {
            self.next_place.line += 1;
            self.next_place.char = 0;
        } else if !self.ended {
            self.next_place.char += 1;
        }
        self.ended |= c == END;
        self.current()
    }

    /// Puts the last character back; at most three in a row are remembered.
    pub(super) fn unread(&mut self) {
        self.pushed_back = (self.pushed_back + 1).min(3);
    }

    /// The character read last and not put back.
    pub(super) fn current(&self) -> (char, Position) {
        self.recent[(self.newest + 3 - self.pushed_back) % 3]
    }

    /// The next character, which stays unread unless it is the end.
    pub(super) fn peek(&mut self) -> char {
        let (c, _) = self.read();
        if c != END {
            self.unread();
        }
        c
    }

    fn take(&mut self) -> char {
        match self.rest.next() {
            None => END,
            Some('\r') => {
                if self.rest.peek() == Some(&'\n') {
                    self.rest.next();
                }
                '\n'
            }
            Some(c) => c,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_one_character_and_the_end_moves_once() {
        let mut reader = Reader::new("a\r\nb");
        let seen: Vec<_> = (0..6)
            .map(|_| {
                let (c, at) = reader.read();
                (c, at.line, at.char)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ('a', 0, 0),
                ('\n', 0, 1),
                ('b', 1, 0),
                (END, 1, 1),
                (END, 1, 2),
                (END, 1, 2)
            ]
        );
    }

    #[test]
    fn pushed_back_characters_come_again_with_their_places() {
        let mut reader = Reader::new("xyz");
        let first = reader.read();
        let second = reader.read();
        reader.unread();
        assert_eq!(reader.current(), first);
        assert_eq!(reader.read(), second);
        assert_eq!(reader.peek(), 'z');
        assert_eq!(reader.read().0, 'z');
        assert_eq!(reader.peek(), END);
    }
}

//! PURE. A place in a line.

use std::borrow::Cow;

/// Reads a line from left to right.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line }
    }

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    pub(super) fn is_at(&self, wanted: char) -> bool {
        self.rest.starts_with(wanted)
    }

    /// Steps over the character if it is next.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// A name of letters, digits, `_` and `:` that begins with no digit; empty when none is next.
    pub(super) fn name(&mut self) -> &'a str {
        let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        let end = self.rest.find(|c| !is_in(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    /// The next word after blanks, up to the next blank.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let end = self.rest.find([' ', '\t']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A text in double quotes.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, &'static str> {
        if !self.take('"') {
            return Err("a quote is missing");
        }
        let mut is_escaped = false;
        let end = self.rest.find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let (text, rest) = self.rest.split_at(end.ok_or("a quote is not closed")?);
        self.rest = rest;
        self.take('"');
        Ok(unescape(text))
    }
}

/// `\\`, `\"` and `\n` are one character each; any other backslash stays.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = match chars.peek() {
            Some('n') if c == '\\' => Some('\n'),
            Some(&next @ ('\\' | '"')) if c == '\\' => Some(next),
            _ => None,
        };
        if escaped.is_some() {
            chars.next();
        }
        plain.push(escaped.unwrap_or(c));
    }
    plain.into()
}

//! PURE. The reader: one byte decides, as in Go's scanner, so that the first byte that does not fit is the one named.

use std::{collections::BTreeMap, fmt};

use super::Value;

/// How deep lists and tables may nest. Go allows 10,000, of which no client makes use.
pub const MAX_DEPTH: usize = 200;

/// A text that is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntaxError {
    /// It stops too early.
    UnexpectedEnd,
    /// A byte that does not fit.
    Character {
        /// The byte.
        byte: u8,
        /// Where it was met: `looking for beginning of value`.
        context: String,
    },
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Reads one JSON value with blanks around it.
///
/// # Errors
/// When the text is none, or nests too deeply.
pub fn parse(text: &[u8]) -> Result<Value, SyntaxError> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_blanks();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.unfit("after top-level value")),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => Err(SyntaxError::TooDeep),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.unfit("looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut entries = BTreeMap::new();
        self.at += 1;
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.unfit("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(self.unfit("after object key"));
            }
            entries.insert(key, self.value(depth + 1)?);
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Value::Object(entries));
            }
            if !self.take(b',') {
                return Err(self.unfit("after object key:value pair"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_blanks();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.unfit("after array element"));
            }
        }
    }

    fn string(&mut self) -> Result<String, SyntaxError> {
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut bytes)?,
                Some(0x20..) => bytes.extend(self.next()),
                _ => return Err(self.unfit("in string literal")),
            }
        }
        self.at += 1;
        Ok(replaced(&bytes))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), SyntaxError> {
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.escaped_char(bytes),
            _ => return Err(self.unfit_inside("in string escape code")),
        };
        self.at += 1;
        bytes.push(plain);
        Ok(())
    }

    fn escaped_char(&mut self, bytes: &mut Vec<u8>) -> Result<(), SyntaxError> {
        let first = self.code_unit()?;
        let before_second = self.at;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.take(b'\\') {
            if self.peek() == Some(b'u') {
                units.push(self.code_unit()?);
            } else {
                self.at = before_second;
            }
        }
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(char)) => {
                let mut buffer = [0; 4];
                bytes.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            }
            // Half of a pair; what follows it, if anything, stands for itself.
            _ => {
                bytes.extend_from_slice("\u{fffd}".as_bytes());
                self.at = before_second;
            }
        }
        Ok(())
    }

    /// The four digits behind `u`.
    fn code_unit(&mut self) -> Result<u16, SyntaxError> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit.and_then(|digit| u16::try_from(digit).ok()) else {
                return Err(self.unfit_inside("in \\u hexadecimal character escape"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let begin = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits("in numeric literal")?;
        }
        if self.take(b'.') {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _is_signed = self.take(b'+') || self.take(b'-');
            self.digits("in exponent of numeric literal")?;
        }
        let text = self.text.get(begin..self.at).unwrap_or_default();
        Ok(Value::Number(text.iter().copied().map(char::from).collect()))
    }

    /// At least one digit.
    fn digits(&mut self, context: &str) -> Result<(), SyntaxError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unfit_inside(context));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, SyntaxError> {
        for expected in word.bytes() {
            if !self.take(expected) {
                let context = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(self.unfit_inside(&context));
            }
        }
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte does not fit, or there is none, where a blank would have done.
    fn unfit(&self, context: &str) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::UnexpectedEnd,
            Some(_) => self.unfit_inside(context),
        }
    }

    /// The next byte does not fit. At the end Go tries a blank, and blames that when it does not fit either.
    fn unfit_inside(&self, context: &str) -> SyntaxError {
        SyntaxError::Character {
            byte: self.peek().unwrap_or(b' '),
            context: context.to_owned(),
        }
    }
}

/// The text with U+FFFD for every byte that is not UTF-8.
fn replaced(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

impl std::error::Error for SyntaxError {}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd => f.write_str("unexpected end of JSON input"),
            Self::Character { byte, context } => {
                f.write_str("invalid character '")?;
                fmt_byte(*byte, f)?;
                write!(f, "' {context}")
            }
            Self::TooDeep => f.write_str("exceeded max depth"),
        }
    }
}

/// A byte as Go's scanner shows it: taken for a character of Latin-1, quoted as in Go's source.
fn fmt_byte(byte: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match byte {
        0x07 => f.write_str("\\a"),
        0x08 => f.write_str("\\b"),
        0x0c => f.write_str("\\f"),
        b'\n' => f.write_str("\\n"),
        b'\r' => f.write_str("\\r"),
        b'\t' => f.write_str("\\t"),
        0x0b => f.write_str("\\v"),
        b'\\' => f.write_str("\\\\"),
        b'\'' => f.write_str("\\'"),
        0..0x20 | 0x7f => write!(f, "\\x{byte:02x}"),
        // Controls, the hard blank and the soft hyphen are not printable.
        0x80..=0xa0 | 0xad => write!(f, "\\u{byte:04x}"),
        _ => write!(f, "{}", char::from(byte)),
    }
}

#[cfg(test)]
mod tests;

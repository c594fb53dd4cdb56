//! What a backslash begins.

use regex::Regex;

use super::{InvalidRegex, Translator, fault};

impl Translator<'_> {
    /// An escape outside a class.
    pub(super) fn escape(&mut self) -> Result<(), InvalidRegex> {
        let rest = self.rest();
        let second = rest.chars().nth(1);
        match second {
            Some('A' | 'z' | 'B') => {
                self.at += 2;
                self.out.push('\\');
                self.out.extend(second);
            }
            Some('b') => {
                self.at += 2;
                self.out.push_str(r"(?-u:\b)");
            }
            Some('C') => {
                let begin = self.at;
                self.at += 2;
                return Err(fault("invalid escape sequence", self.since(begin)));
            }
            Some('Q') => self.verbatim(),
            _ => {
                if let Some(class) = self.perl_or_unicode_class()? {
                    self.out.push_str(&class);
                } else {
                    let c = self.escaped_char()?;
                    self.literal(c);
                }
            }
        }
        Ok(())
    }

    /// `\Q...\E`, or to the end.
    fn verbatim(&mut self) {
        self.at += 2;
        let rest = self.rest();
        let (text, length) = match rest.split_once(r"\E") {
            Some((text, _)) => (text, text.len() + 2),
            None => (rest, rest.len()),
        };
        self.out.push_str(&regex::escape(text));
        self.at += length;
    }

    /// `\d` and its kind, `\pN` and `\p{Greek}`: a class of its own, in brackets.
    pub(super) fn perl_or_unicode_class(&mut self) -> Result<Option<String>, InvalidRegex> {
        let class = match self.rest().chars().nth(1) {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => r"[\t\n\x0C\r ]",
            Some('S') => r"[^\t\n\x0C\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class(),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(class.to_owned()))
    }

    fn unicode_class(&mut self) -> Result<Option<String>, InvalidRegex> {
        let begin = self.at;
        let rest = self.rest();
        let positive = rest.starts_with(r"\p");
        self.at += 2;
        match self.next() {
            Some('{') => match rest.split_once('}') {
                Some((head, _)) => self.at = begin + head.len() + 1,
                None => return Err(fault("invalid character class range", rest)),
            },
            Some(_) => {}
            None => return Err(fault("invalid character class range", rest)),
        }
        let class = self.since(begin);
        let name = class.get(2..).unwrap_or_default().trim_matches(['{', '}']);
        let (name, positive) = match name.strip_prefix('^') {
            Some(name) => (name, !positive),
            None => (name, positive),
        };
        let spelled = format!(r"\{}{{{name}}}", if positive { 'p' } else { 'P' });
        if Regex::new(&spelled).is_err() {
            return Err(fault("invalid character class range", class));
        }
        Ok(Some(spelled))
    }

    /// A backslash and the character it makes: octal, hexadecimal, a control character, or punctuation as it is.
    pub(super) fn escaped_char(&mut self) -> Result<char, InvalidRegex> {
        let begin = self.at;
        self.next();
        let Some(c) = self.next() else {
            return Err(fault("trailing backslash at end of expression", ""));
        };
        let made = match c {
            '1'..='7' if !self.peek().is_some_and(|c| c.is_digit(8)) => None,
            '0'..='7' => self.octal(c),
            'x' => self.hexadecimal(),
            'a' => Some('\x07'),
            'f' => Some('\x0C'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0B'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        made.ok_or_else(|| fault("invalid escape sequence", self.since(begin)))
    }

    fn octal(&mut self, first: char) -> Option<char> {
        let mut value = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                break;
            };
            value = value * 8 + digit;
            self.next();
        }
        char::from_u32(value)
    }

    /// `\x7F` or `\x{10FFFF}`, of which `\x` was read.
    fn hexadecimal(&mut self) -> Option<char> {
        let first = self.next()?;
        if first != '{' {
            let second = self.next().and_then(|c| c.to_digit(16));
            return char::from_u32(first.to_digit(16)? * 16 + second?);
        }
        let mut value: Option<u32> = None;
        loop {
            match self.next()? {
                '}' => return char::from_u32(value?),
                c => {
                    let next = value.unwrap_or(0) * 16 + c.to_digit(16)?;
                    value = Some(next).filter(|value| *value <= u32::from(char::MAX));
                    value?;
                }
            }
        }
    }
}

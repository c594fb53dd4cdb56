//! The tokens of Flux, as far as routing needs them.
//!
//! Rules: Flux's scanner, <https://github.com/influxdata/flux/blob/v0.65.0/internal/scanner/scanner.rl>.
//!
//! * A slash begins a regular expression where an operand is expected, and divides elsewhere.
//! * Durations are numbers; a time literal comes out as numbers and punctuation, which means nothing to routing.
//! * An interpolated string `"a${x}b${y}"` comes out as `Template ( x ) ( y )`: it is no literal, but the code inside is seen.

use super::FluxError;

/// Keywords after which an operand is expected.
const KEYWORDS: [&str; 13] = [
    "and", "builtin", "else", "exists", "if", "import", "in", "not", "option", "or", "package", "return", "then",
];

/// Operators and punctuation, longer before shorter.
const OPERATORS: [&str; 31] = [
    "==", "!=", "=~", "!~", "<=", ">=", "=>", "<-", "|>", "(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "+", "-",
    "*", "/", "%", "^", "<", ">", "?", "@", ";", "|",
];

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An identifier or keyword.
    Word(&'a str),
    /// A string literal, unescaped.
    Text(String),
    /// A string with interpolations; its expressions follow, each in parentheses.
    Template,
    /// A regular expression.
    Regex,
    /// A number, a duration or a part of a time.
    Number,
    /// One of [`OPERATORS`].
    Op(&'static str),
}

/// Splits a script into tokens.
///
/// # Errors
/// [`FluxError::Illegal`] at a character or string that Flux does not know.
pub(super) fn scan(script: &str) -> Result<Vec<Token<'_>>, FluxError> {
    let mut scanner = Scanner {
        rest: script,
        tokens: Vec::new(),
        templates: Vec::new(),
    };
    while let Some(first) = scanner.skip_blank() {
        scanner.token(first)?;
    }
    if scanner.templates.is_empty() {
        Ok(scanner.tokens)
    } else {
        Err(FluxError::Illegal)
    }
}

/// Which part of a string is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// From its opening quote.
    First,
    /// After an interpolation.
    Later,
}

struct Scanner<'a> {
    rest: &'a str,
    tokens: Vec<Token<'a>>,
    /// The interpolations around `rest`, each with the number of braces open inside it.
    templates: Vec<usize>,
}

impl<'a> Scanner<'a> {
    /// Drops white space and comments; the character that follows, if any.
    fn skip_blank(&mut self) -> Option<char> {
        loop {
            self.rest = self
                .rest
                .trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
            let Some(comment) = self.rest.strip_prefix("//") else {
                return self.rest.chars().next();
            };
            self.rest = comment.split_once('\n').map_or("", |(_, next)| next);
        }
    }

    fn token(&mut self, first: char) -> Result<(), FluxError> {
        match first {
            '"' => {
                self.take_char();
                self.string(Part::First)
            }
            '/' if self.expects_operand() && self.regex() => Ok(()),
            c if c.is_alphabetic() || c == '_' => {
                let word = self.take_while(|c| c.is_alphanumeric() || c == '_');
                self.tokens.push(Token::Word(word));
                Ok(())
            }
            '0'..='9' => {
                self.take_while(char::is_alphanumeric);
                self.tokens.push(Token::Number);
                Ok(())
            }
            _ => self.operator(),
        }
    }

    fn operator(&mut self) -> Result<(), FluxError> {
        let found = OPERATORS
            .into_iter()
            .find_map(|op| Some((op, self.rest.strip_prefix(op)?)));
        let (op, rest) = found.ok_or(FluxError::Illegal)?;
        self.rest = rest;
        match (op, self.templates.last_mut()) {
            ("}", Some(0)) => {
                self.templates.pop();
                self.tokens.push(Token::Op(")"));
                return self.string(Part::Later);
            }
            ("}", Some(open)) => *open -= 1,
            ("{", Some(open)) => *open += 1,
            _ => {}
        }
        self.tokens.push(Token::Op(op));
        Ok(())
    }

    /// Reads a string up to its closing quote or to the next interpolation.
    fn string(&mut self, part: Part) -> Result<(), FluxError> {
        let mut value = Vec::new();
        loop {
            match self.take_char().ok_or(FluxError::Illegal)? {
                '"' => break,
                '\\' => self.escape(&mut value)?,
                '$' if self.rest.starts_with('{') => {
                    self.enter_interpolation(part);
                    return Ok(());
                }
                '$' => self.dollar(part, &mut value)?,
                c => push(&mut value, c),
            }
        }
        if part == Part::First {
            let text = String::from_utf8(value).map_err(|_| FluxError::Illegal)?;
            self.tokens.push(Token::Text(text));
        }
        Ok(())
    }

    fn enter_interpolation(&mut self, part: Part) {
        self.take_char();
        if part == Part::First {
            self.tokens.push(Token::Template);
        }
        self.tokens.push(Token::Op("("));
        self.templates.push(0);
    }

    /// A dollar that begins no interpolation. Flux takes it together with the next character, so `$${` is plain text,
    /// `$\"` ends the string, and after an interpolation `$"` does not; the last two nobody means.
    fn dollar(&mut self, part: Part, value: &mut Vec<u8>) -> Result<(), FluxError> {
        value.push(b'$');
        match self.rest.chars().next() {
            Some('\\') => Err(FluxError::Illegal),
            Some('"') if part == Part::Later => Err(FluxError::Illegal),
            Some('"') | None => Ok(()),
            Some(c) => {
                self.take_char();
                push(value, c);
                Ok(())
            }
        }
    }

    /// What follows a backslash in a string.
    fn escape(&mut self, value: &mut Vec<u8>) -> Result<(), FluxError> {
        match self.take_char().ok_or(FluxError::Illegal)? {
            'n' => value.push(b'\n'),
            'r' => value.push(b'\r'),
            't' => value.push(b'\t'),
            c @ ('\\' | '"') => push(value, c),
            '$' if self.rest.starts_with('{') => {
                self.take_char();
                value.extend(b"${");
            }
            'x' => value.push(self.hex_digit()? * 16 + self.hex_digit()?),
            _ => return Err(FluxError::Illegal),
        }
        Ok(())
    }

    fn hex_digit(&mut self) -> Result<u8, FluxError> {
        let digit = self.take_char().and_then(|c| c.to_digit(16));
        digit
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(FluxError::Illegal)
    }

    /// Reads a regular expression if there is one. A slash after a backslash ends it only when no later slash does.
    fn regex(&mut self) -> bool {
        let bytes = self.rest.as_bytes();
        let mut end = None;
        for at in (2..bytes.len()).filter(|&at| bytes.get(at) == Some(&b'/')) {
            end = Some(at + 1);
            if bytes.get(at - 1) != Some(&b'\\') {
                break;
            }
        }
        let Some((_, rest)) = end.and_then(|end| self.rest.split_at_checked(end)) else {
            return false;
        };
        self.rest = rest;
        self.tokens.push(Token::Regex);
        true
    }

    fn expects_operand(&self) -> bool {
        match self.tokens.last() {
            None => true,
            Some(Token::Word(word)) => KEYWORDS.contains(word),
            Some(Token::Op(op)) => !matches!(*op, ")" | "]" | "}"),
            Some(Token::Text(_) | Token::Template | Token::Regex | Token::Number) => false,
        }
    }

    fn take_char(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next();
        self.rest = chars.as_str();
        first
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn push(value: &mut Vec<u8>, c: char) {
    value.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
}

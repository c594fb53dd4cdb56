//! Text to tokens.
//!
//! Regular expressions are read only on request ([`Lexer::scan_regex`]), because `/` is also division.

use super::ast::Op;
use super::error::Position;
use super::reader::{END, Reader};
use super::token::{Scanned, Token};

/// Splits one request's text into tokens, blanks and comments included.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    reader: Reader<'a>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            reader: Reader::new(text),
        }
    }

    /// The character after the last token.
    pub(super) fn peek(&mut self) -> char {
        self.reader.peek()
    }

    /// The next token.
    pub(super) fn scan(&mut self) -> Scanned {
        let (c, at) = self.reader.read();
        match c {
            END => Scanned::new(Token::End, at, ""),
            c if is_space(c) => self.space(c, at),
            '"' => self.ident_from_start(),
            c if c.is_ascii_alphabetic() || c == '_' => self.ident_from_start(),
            c if c.is_ascii_digit() => self.number(at),
            '.' if self.next_is_digit() => self.number(at),
            '\'' => self.quoted(),
            '$' => self.bound_param(at),
            c => self.sign(c, at),
        }
    }

    /// The next token, which should be a regular expression between slashes.
    pub(super) fn scan_regex(&mut self) -> Scanned {
        let (_, at) = self.reader.current();
        match self.delimited_regex() {
            Some(pattern) => Scanned::new(Token::Regex, at, pattern),
            None => Scanned::new(Token::BadRegex, at, ""),
        }
    }

    fn space(&mut self, first: char, at: Position) -> Scanned {
        let mut text = String::from(first);
        loop {
            match self.reader.read().0 {
                END => break,
                c if is_space(c) => text.push(c),
                _ => {
                    self.reader.unread();
                    break;
                }
            }
        }
        Scanned::new(Token::Space, at, text)
    }

    fn ident_from_start(&mut self) -> Scanned {
        self.reader.unread();
        let mut word = self.ident();
        if word.token == Token::Ident && !word.quoted {
            let token = Token::of_word(&word.text);
            if token != Token::Ident {
                word.token = token;
                word.text.clear();
            }
        }
        Scanned::new(word.token, word.at, word.text)
    }

    /// A name: bare characters, or whatever stands in double quotes. A quoted part right after a bare one replaces it.
    fn ident(&mut self) -> Word {
        let (_, at) = self.reader.read();
        self.reader.unread();
        let mut text = String::new();
        loop {
            let (c, _) = self.reader.read();
            match c {
                END => break,
                '"' => return self.quoted_ident(at),
                c if is_ident_char(c) => {
                    self.reader.unread();
                    self.bare_ident(&mut text);
                }
                _ => {
                    self.reader.unread();
                    break;
                }
            }
        }
        Word {
            token: Token::Ident,
            at,
            text,
            quoted: false,
        }
    }

    fn quoted_ident(&mut self, at: Position) -> Word {
        let inner = self.quoted();
        let bad = inner.token != Token::String;
        Word {
            token: if bad { inner.token } else { Token::Ident },
            at: if bad { inner.at } else { at },
            text: inner.text,
            quoted: true,
        }
    }

    fn bare_ident(&mut self, text: &mut String) {
        loop {
            let (c, _) = self.reader.read();
            if c == END {
                return;
            } else if !is_ident_char(c) {
                self.reader.unread();
                return;
            }
            text.push(c);
        }
    }

    /// A text in quotes, the first of which was just read. Its place is that of the character before the quote.
    fn quoted(&mut self) -> Scanned {
        self.reader.unread();
        let (_, at) = self.reader.current();
        let (quote, _) = self.reader.read();
        let mut text = String::new();
        loop {
            let (c, _) = self.reader.read();
            match c {
                c if c == quote => return Scanned::new(Token::String, at, text),
                END | '\n' => return Scanned::new(Token::BadString, at, text),
                '\\' => {
                    let (escaped, at) = self.reader.read();
                    match escaped {
                        'n' => text.push('\n'),
                        '\\' | '"' | '\'' => text.push(escaped),
                        other => return Scanned::new(Token::BadEscape, at, format!("\\{other}")),
                    }
                }
                c => text.push(c),
            }
        }
    }

    fn bound_param(&mut self, at: Position) -> Scanned {
        let word = self.ident();
        let token = if word.token == Token::Ident {
            Token::BoundParam
        } else {
            word.token
        };
        Scanned::new(token, at, format!("${}", word.text))
    }

    /// Digits, with a fraction, or with letters that make them a duration.
    fn number(&mut self, at: Position) -> Scanned {
        self.reader.unread();
        let mut text = String::new();
        self.take_while(&mut text, |c| c.is_ascii_digit());
        let (c, _) = self.reader.read();
        if c == '.' {
            if self.next_is_digit() {
                text.push('.');
                self.take_while(&mut text, |c| c.is_ascii_digit());
            }
            return Scanned::new(Token::Number, at, text);
        }
        self.reader.unread();
        if !is_unit_char(c) {
            return Scanned::new(Token::Integer, at, text);
        }
        self.take_while(&mut text, is_unit_char);
        self.take_while(&mut text, |c| is_unit_char(c) || c.is_ascii_digit());
        Scanned::new(Token::Duration, at, text)
    }

    fn take_while(&mut self, text: &mut String, wanted: impl Fn(char) -> bool) {
        loop {
            let (c, _) = self.reader.read();
            if !wanted(c) {
                self.reader.unread();
                return;
            }
            text.push(c);
        }
    }

    fn sign(&mut self, c: char, at: Position) -> Scanned {
        let token = match c {
            '-' if self.follows('-') => self.line_comment(),
            '/' if self.follows('*') => self.block_comment(),
            '=' if self.follows('~') => Token::Op(Op::EqRegex),
            '!' if self.follows('=') => Token::Op(Op::Neq),
            '!' if self.follows('~') => Token::Op(Op::NeqRegex),
            '>' if self.follows('=') => Token::Op(Op::Gte),
            '<' if self.follows('=') => Token::Op(Op::Lte),
            '<' if self.follows('>') => Token::Op(Op::Neq),
            ':' if self.follows(':') => Token::DoubleColon,
            '+' => Token::Op(Op::Add),
            '-' => Token::Op(Op::Sub),
            '*' => Token::Op(Op::Mul),
            '/' => Token::Op(Op::Div),
            '%' => Token::Op(Op::Mod),
            '&' => Token::Op(Op::BitAnd),
            '|' => Token::Op(Op::BitOr),
            '^' => Token::Op(Op::BitXor),
            '=' => Token::Op(Op::Eq),
            '>' => Token::Op(Op::Gt),
            '<' => Token::Op(Op::Lt),
            '(' => Token::OpenParen,
            ')' => Token::CloseParen,
            ',' => Token::Comma,
            ';' => Token::Semicolon,
            ':' => Token::Colon,
            '.' => Token::Dot,
            other => return Scanned::new(Token::Illegal, at, other),
        };
        Scanned::new(token, at, "")
    }

    fn follows(&mut self, wanted: char) -> bool {
        let found = self.reader.read().0 == wanted;
        if !found {
            self.reader.unread();
        }
        found
    }

    fn next_is_digit(&mut self) -> bool {
        let (c, _) = self.reader.read();
        self.reader.unread();
        c.is_ascii_digit()
    }

    fn line_comment(&mut self) -> Token {
        while !matches!(self.reader.read().0, '\n' | END) {}
        Token::Comment
    }

    fn block_comment(&mut self) -> Token {
        let mut after_star = false;
        loop {
            match self.reader.read().0 {
                END => return Token::Illegal,
                '/' if after_star => return Token::Comment,
                c => after_star = c == '*',
            }
        }
    }

    /// `\/` stands for a slash; every other backslash is the pattern's own.
    fn delimited_regex(&mut self) -> Option<String> {
        if self.reader.read().0 != '/' {
            return None;
        }
        let mut pattern = String::new();
        loop {
            match self.reader.read().0 {
                '/' => return Some(pattern),
                END | '\n' => return None,
                '\\' => match self.reader.read().0 {
                    END => return None,
                    '/' => pattern.push('/'),
                    _ => {
                        self.reader.unread();
                        pattern.push('\\');
                    }
                },
                c => pattern.push(c),
            }
        }
    }
}

/// A name before it is known whether it is a reserved word.
struct Word {
    token: Token,
    at: Position,
    text: String,
    quoted: bool,
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

/// Whether `c` may stand inside a bare name.
pub(super) fn is_ident_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_unit_char(c: char) -> bool {
    c.is_ascii_alphabetic() || c == 'µ'
}

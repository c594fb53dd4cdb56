//! Tokens to statements.
//!
//! A hand-written recursive descent. Which token comes next, and which were expected instead, is InfluxDB's choice at
//! every step, because the error text lists them; [`statements`] holds the table of first words.
//!
//! The parser sees the last three tokens again after [`Parser::back`]. Two of InfluxDB's habits follow from that and
//! are kept: whether a regular expression begins is decided by the character after the *newest* token, also when that
//! token was put back; and a place may be looked at with or without skipping blanks ([`Parser::next`],
//! [`Parser::next_raw`]).
//!
//! Parentheses, calls and subqueries nest at most [`MAX_DEPTH`] levels; time is linear in the text.

mod expr;
mod policy;
mod schema;
mod select;
mod show;
mod source;
mod statements;
mod users;

use super::ast::{Expr, Statement};
use super::error::ParseError;
use super::lexer::Lexer;
use super::params::Params;
use super::token::{Keyword, Scanned, Token};

/// How deep parentheses, calls and subqueries may nest. InfluxDB has no limit and dies on its stack's; nobody
/// writes a tenth of this.
pub const MAX_DEPTH: usize = 100;

type Parsed<T> = Result<T, ParseError>;

/// Reads all statements of a request. Places count from its first character that is not blank, because InfluxDB trims
/// what it receives.
///
/// # Errors
/// When any statement is not InfluxQL; none of them may then run.
pub fn parse(text: &str, params: &Params) -> Result<Vec<Statement>, ParseError> {
    Parser::new(text.trim(), params).statements()
}

/// Reads one expression, as it may stand after `WHERE`.
///
/// # Errors
/// When the text is not an expression, or goes on after one.
pub fn parse_expr(text: &str) -> Result<Expr, ParseError> {
    let params = Params::new();
    let mut parser = Parser::new(text, &params);
    let expr = parser.expr()?;
    parser.expect(Token::End, "EOF")?;
    Ok(expr)
}

/// The reader of one request's tokens, with what was bound to its parameters.
struct Parser<'a> {
    lexer: Lexer<'a>,
    params: &'a Params,
    recent: [Scanned; 3],
    newest: usize,
    put_back: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, params: &'a Params) -> Self {
        let nothing = Scanned::new(Token::Illegal, Default::default(), "");
        Self {
            lexer: Lexer::new(text),
            params,
            recent: [nothing.clone(), nothing.clone(), nothing],
            newest: 0,
            put_back: 0,
            depth: 0,
        }
    }

    fn statements(&mut self) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        let mut separated = true;
        loop {
            let next = self.next();
            match next.token {
                Token::End => return Ok(statements),
                Token::Semicolon => separated = true,
                _ if !separated => return Err(ParseError::unexpected(&next, &[";"])),
                _ => {
                    self.back();
                    statements.push(self.statement()?);
                    separated = false;
                }
            }
        }
    }

    /// The next token that is neither blank nor comment.
    fn next(&mut self) -> Scanned {
        loop {
            let scanned = self.next_raw();
            if !matches!(scanned.token, Token::Space | Token::Comment) {
                return scanned;
            }
        }
    }

    /// The next token, whatever it is.
    fn next_raw(&mut self) -> Scanned {
        self.scan_with(Lexer::scan)
    }

    fn scan_with(&mut self, scan: fn(&mut Lexer<'a>) -> Scanned) -> Scanned {
        if self.put_back > 0 {
            self.put_back -= 1;
        } else {
            self.newest = (self.newest + 1) % 3;
            self.recent[self.newest] = scan(&mut self.lexer);
        }
        let scanned = &self.recent[(self.newest + 3 - self.put_back) % 3];
        self.bound(scanned.clone())
    }

    /// Puts the last token back.
    fn back(&mut self) {
        self.put_back = (self.put_back + 1).min(3);
    }

    fn bound(&self, mut scanned: Scanned) -> Scanned {
        if scanned.token == Token::BoundParam
            && let Some(param) = scanned.text.strip_prefix('$').and_then(|name| self.params.get(name))
        {
            (scanned.token, scanned.text) = param.token();
        }
        scanned
    }

    /// Takes the next token if it is `token`.
    fn accept(&mut self, token: Token) -> bool {
        let accepted = self.next().token == token;
        if !accepted {
            self.back();
        }
        accepted
    }

    fn accept_key(&mut self, keyword: Keyword) -> bool {
        self.accept(Token::Key(keyword))
    }

    /// Takes the next token, which must be `token`.
    fn expect(&mut self, token: Token, shown: &str) -> Parsed<Scanned> {
        let next = self.next();
        if next.token == token {
            Ok(next)
        } else {
            Err(ParseError::unexpected(&next, &[shown]))
        }
    }

    fn expect_key(&mut self, keyword: Keyword) -> Parsed<()> {
        self.expect(Token::Key(keyword), keyword.text()).map(|_| ())
    }

    fn ident(&mut self) -> Parsed<String> {
        Ok(self.expect(Token::Ident, "identifier")?.text)
    }

    fn string(&mut self) -> Parsed<String> {
        Ok(self.expect(Token::String, "string")?.text)
    }

    /// `item, item, ...`
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(Token::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// Parses something one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::new(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

/// An empty quoted name counts as none.
fn non_empty(name: String) -> Option<String> {
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;

//! Expressions.

use super::super::ast::{Call, DataType, Expr, Op, Pattern, VarRef, Wildcard};
use super::super::duration;
use super::super::error::ParseError;
use super::super::go_regex;
use super::super::print::quote_idents;
use super::super::token::{Keyword, Scanned, Token};
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.nested(|p| {
            let mut expr = p.operand()?;
            loop {
                let Token::Op(op) = p.next().token else {
                    p.back();
                    return Ok(expr);
                };
                let right = if op.takes_regex() {
                    Expr::Regex(p.required_regex()?)
                } else {
                    p.operand()?
                };
                expr = expr.append(op, right);
            }
        })
    }

    fn operand(&mut self) -> Parsed<Expr> {
        let next = self.next();
        match next.token {
            Token::OpenParen => {
                let inner = self.expr()?;
                self.expect(Token::CloseParen, ")")?;
                Ok(Expr::Paren(Box::new(inner)))
            }
            Token::Ident => self.reference_or_call(&next),
            Token::Key(Keyword::Distinct) => self.distinct(),
            Token::String => Ok(Expr::String(next.text)),
            Token::Number => number(&next),
            Token::Integer => integer(&next),
            Token::True => Ok(Expr::Boolean(true)),
            Token::False => Ok(Expr::Boolean(false)),
            Token::Duration => match duration::parse(&next.text) {
                Ok(duration) => Ok(Expr::Duration(duration)),
                Err(error) => Err(ParseError::new(error.to_string())),
            },
            Token::Op(Op::Mul) => self.wildcard(),
            Token::Regex => Ok(Expr::Regex(checked(&next)?)),
            Token::BoundParam => Err(missing_param(&next)),
            Token::Op(Op::Add) => self.signed(false),
            Token::Op(Op::Sub) => self.signed(true),
            _ => Err(ParseError::unexpected(
                &next,
                &["identifier", "string", "number", "bool"],
            )),
        }
    }

    fn reference_or_call(&mut self, name: &Scanned) -> Parsed<Expr> {
        if self.next_raw().token == Token::OpenParen {
            return self.call(&name.text);
        }
        self.back();
        self.back();
        self.reference()
    }

    /// `DISTINCT(x)` is a call, `DISTINCT x` an expression of its own.
    fn distinct(&mut self) -> Parsed<Expr> {
        let next = self.next_raw();
        match next.token {
            Token::OpenParen => self.call("distinct"),
            Token::Space => Ok(Expr::Distinct(self.ident()?)),
            _ => Err(ParseError::unexpected(&next, &["(", "identifier"])),
        }
    }

    fn wildcard(&mut self) -> Parsed<Expr> {
        if self.next_raw().token != Token::DoubleColon {
            self.back();
            return Ok(Expr::Wildcard(Wildcard::Any));
        }
        let next = self.next_raw();
        match next.token {
            Token::Key(Keyword::Field) => Ok(Expr::Wildcard(Wildcard::Fields)),
            Token::Key(Keyword::Tag) => Ok(Expr::Wildcard(Wildcard::Tags)),
            _ => Err(ParseError::unexpected(&next, &["field", "tag"])),
        }
    }

    /// What follows a sign. A constant takes the sign; anything else is multiplied by it.
    fn signed(&mut self, negative: bool) -> Parsed<Expr> {
        let next = self.next();
        if !matches!(
            next.token,
            Token::Number | Token::Integer | Token::Duration | Token::OpenParen | Token::Ident
        ) {
            let expected = ["identifier", "number", "duration", "("];
            return Err(ParseError::unexpected(&next, &expected));
        }
        self.back();
        let operand = self.operand()?;
        let sign = if negative { -1 } else { 1 };
        Ok(match operand {
            Expr::Number(value) => Expr::Number(if negative { -value } else { value }),
            Expr::Integer(value) => Expr::Integer(value.wrapping_mul(sign)),
            Expr::Duration(value) => Expr::Duration(duration::DurationNs(value.0.wrapping_mul(sign))),
            Expr::Unsigned(value) if !negative => Expr::Unsigned(value),
            Expr::Unsigned(value) if value == i64::MIN.unsigned_abs() => Expr::Integer(i64::MIN),
            Expr::Unsigned(value) => return Err(ParseError::new(format!("constant -{value} underflows int64"))),
            operand => Expr::binary(Op::Mul, Expr::Integer(sign), operand),
        })
    }

    /// `a`, `a.b`, `a.b.c`, each with an optional cast.
    fn reference(&mut self) -> Parsed<Expr> {
        let name = self.segments()?.join(".");
        if self.next_raw().token != Token::DoubleColon {
            self.back();
            return Ok(Expr::Ref(VarRef { name, cast: None }));
        }
        let next = self.next_raw();
        let cast = match (next.token, next.text.to_ascii_lowercase().as_str()) {
            (Token::Ident, "float") => DataType::Float,
            (Token::Ident, "integer") => DataType::Integer,
            (Token::Ident, "unsigned") => DataType::Unsigned,
            (Token::Ident, "string") => DataType::String,
            (Token::Ident, "boolean") => DataType::Boolean,
            (Token::Key(Keyword::Field), _) => DataType::AnyField,
            (Token::Key(Keyword::Tag), _) => DataType::Tag,
            (token, _) => {
                let mut expected = vec!["float", "integer", "unsigned", "string", "boolean", "field", "tag"];
                // InfluxDB forgets unsigned where not even a name stands.
                expected.retain(|kind| token == Token::Ident || *kind != "unsigned");
                return Err(ParseError::unexpected(&next, &expected));
            }
        };
        Ok(Expr::Ref(VarRef { name, cast: Some(cast) }))
    }

    /// Names joined by points. Stops after a point that a regular expression or `:MEASUREMENT` follows; two points
    /// enclose an empty name.
    pub(super) fn segments(&mut self) -> Parsed<Vec<String>> {
        let mut names = vec![self.ident()?];
        loop {
            if self.next_raw().token != Token::Dot {
                self.back();
                break;
            }
            match self.lexer.peek() {
                '/' | ':' => break,
                '.' => names.push(String::new()),
                _ => names.push(self.ident()?),
            }
        }
        if names.len() > 3 {
            let message = format!("too many segments in {}", quote_idents(&names));
            return Err(ParseError::at(message, Default::default()));
        }
        Ok(names)
    }

    /// The rest of a call after its opening parenthesis.
    fn call(&mut self, name: &str) -> Parsed<Expr> {
        self.nested(|p| {
            let mut args = Vec::new();
            if let Some(pattern) = p.regex()? {
                args.push(Expr::Regex(pattern));
            } else if p.next_raw().token == Token::CloseParen {
                return Ok(call(name, args));
            } else {
                p.back();
                args.push(p.expr()?);
            }
            while p.accept(Token::Comma) {
                args.push(p.regex_or_expr()?);
            }
            let next = p.next_raw();
            if next.token == Token::CloseParen {
                Ok(call(name, args))
            } else {
                Err(ParseError::unexpected(&next, &[")"]))
            }
        })
    }

    pub(super) fn regex_or_expr(&mut self) -> Parsed<Expr> {
        match self.regex()? {
            Some(pattern) => Ok(Expr::Regex(pattern)),
            None => self.expr(),
        }
    }

    pub(super) fn required_regex(&mut self) -> Parsed<Pattern> {
        match self.regex()? {
            Some(pattern) => Ok(pattern),
            None => Err(ParseError::unexpected(&self.next(), &["regex"])),
        }
    }

    /// A regular expression, if the next character (after blanks) begins one.
    pub(super) fn regex(&mut self) -> Parsed<Option<Pattern>> {
        if matches!(self.lexer.peek(), ' ' | '\t' | '\n') {
            self.skip_space();
        }
        match self.lexer.peek() {
            '/' => {}
            '$' => {
                let is_regex = self.next_raw().token == Token::Regex;
                self.back();
                if !is_regex {
                    return Ok(None);
                }
            }
            _ => return Ok(None),
        }
        let scanned = self.scan_with(|lexer| lexer.scan_regex());
        match scanned.token {
            Token::Regex => checked(&scanned).map(Some),
            Token::BadRegex => Err(ParseError::at(format!("bad regex: {}", scanned.text), scanned.at)),
            Token::BadEscape => Err(ParseError::at(format!("bad escape: {}", scanned.text), scanned.at)),
            _ => Err(ParseError::unexpected(&scanned, &["regex"])),
        }
    }

    pub(super) fn skip_space(&mut self) {
        if self.next_raw().token != Token::Space {
            self.back();
        }
    }
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    let name = name.to_lowercase();
    Expr::Call(Call { name, args })
}

fn checked(scanned: &Scanned) -> Parsed<Pattern> {
    match go_regex::translate(&scanned.text) {
        Ok(_) => Ok(Pattern(scanned.text.clone())),
        Err(error) => Err(ParseError::at(error, scanned.at)),
    }
}

fn number(scanned: &Scanned) -> Parsed<Expr> {
    match scanned.text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Expr::Number(value)),
        _ => Err(ParseError::at("unable to parse number", scanned.at)),
    }
}

fn integer(scanned: &Scanned) -> Parsed<Expr> {
    if let Ok(value) = scanned.text.parse() {
        return Ok(Expr::Integer(value));
    }
    match scanned.text.parse() {
        Ok(value) => Ok(Expr::Unsigned(value)),
        Err(_) => Err(ParseError::at("unable to parse integer", scanned.at)),
    }
}

/// The parameter is not bound; or it is, to something unusable, and the text is already the reason.
fn missing_param(scanned: &Scanned) -> ParseError {
    match scanned.text.strip_prefix('$').unwrap_or(&scanned.text) {
        "" => ParseError::new("empty bound parameter"),
        name => ParseError::new(format!("missing parameter: {name}")),
    }
}

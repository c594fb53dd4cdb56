//! Statements to text, as InfluxDB prints them in warnings, in `SHOW QUERIES` and in stored continuous queries.
//!
//! What is printed parses to the same statement again, except passwords, which are printed as `[REDACTED]`, and
//! fractions of a second in `CREATE DATABASE`. Where InfluxDB's own text would lose something, this keeps it:
//!
//! | | InfluxDB | here |
//! |---|---|---|
//! | numbers | three decimals | at least three, as many as it takes |
//! | `a * -x` | `a * -1 * x` | `a * (-1 * x)` |
//! | `DISTINCT "a b"`, `ON "a b"` in `SHOW MEASUREMENTS` | without quotes | with quotes where needed |
//! | `fill(1e22)` | with an exponent, which does not parse | without |

mod expr;
mod select;
mod show;
mod statement;

use std::fmt::{self, Display, Formatter};

use super::ast::Expr;
use super::lexer::is_ident_char;
use super::token::Token;

/// The name with double quotes if it needs them: it is empty, a reserved word, or has other than letters, digits and
/// `_`.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    if name.is_empty() || needs_quotes(name) {
        quoted(name, '"')
    } else {
        name.to_owned()
    }
}

/// The text in single quotes.
#[must_use]
pub fn quote_string(text: &str) -> String {
    quoted(text, '\'')
}

/// Names joined by points, all but the last one quoted in any case; an empty one in the middle stays empty.
pub(super) fn quote_idents(names: &[String]) -> String {
    let last = names.len().saturating_sub(1);
    let shown = names.iter().enumerate().map(|(place, name)| {
        if place == last {
            quote_ident(name)
        } else if name.is_empty() && place > 0 {
            String::new()
        } else {
            quoted(name, '"')
        }
    });
    shown.collect::<Vec<_>>().join(".")
}

/// A number as Go's `FormatFloat(_, 'f', -1, 64)`: as many digits as it takes, never an exponent.
pub(super) fn go_float(value: f64) -> String {
    format!("{value}")
}

fn needs_quotes(name: &str) -> bool {
    Token::of_word(name) != Token::Ident
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_ident_char)
}

fn quoted(text: &str, quote: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\\' => quoted.push_str("\\\\"),
            c if c == quote => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push(quote);
    quoted
}

/// `a, b, c`, each shown by `show`.
fn join<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

/// ` ON database`, if there is one.
fn on(f: &mut Formatter<'_>, database: Option<&str>) -> fmt::Result {
    match database {
        Some(database) => write!(f, " ON {}", quote_ident(database)),
        None => Ok(()),
    }
}

/// The word with a space before and the list after it, if there is anything in the list.
fn list<T: Display>(f: &mut Formatter<'_>, word: &str, items: &[T]) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    write!(f, " {word} {}", join(items, T::to_string))
}

/// ` WHERE condition`, if there is one.
fn condition(f: &mut Formatter<'_>, condition: Option<&Expr>) -> fmt::Result {
    match condition {
        Some(condition) => write!(f, " WHERE {condition}"),
        None => Ok(()),
    }
}

/// The word and the number, unless it is 0.
fn count(f: &mut Formatter<'_>, word: &str, count: u64) -> fmt::Result {
    match count {
        0 => Ok(()),
        count => write!(f, " {word} {count}"),
    }
}

#[cfg(test)]
mod tests;

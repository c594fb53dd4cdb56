//! Expressions to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{Call, Chain, Expr, Pattern, VarRef, Wildcard};
use super::{go_float, join, quote_ident, quote_string};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(chain) => chain.fmt(f),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Call(call) => call.fmt(f),
            Self::Ref(reference) => reference.fmt(f),
            Self::Distinct(name) => write!(f, "DISTINCT {}", quote_ident(name)),
            Self::Wildcard(wildcard) => wildcard.fmt(f),
            Self::Regex(pattern) => pattern.fmt(f),
            Self::Number(value) => f.write_str(&number(*value)),
            Self::Integer(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::String(text) => f.write_str(&quote_string(text)),
            Self::Boolean(value) => value.fmt(f),
            Self::Duration(duration) => duration.fmt(f),
            Self::Time(time) => write!(f, "'{time}'"),
            Self::Nil => f.write_str("nil"),
        }
    }
}

impl Display for Chain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let own = self.precedence();
        operand(f, self.first(), |inner| inner < own)?;
        for (op, right) in self.rest() {
            write!(f, " {} ", op.text())?;
            operand(f, right, |inner| inner <= own)?;
        }
        Ok(())
    }
}

/// An operand in the parentheses it needs to be read the same way again, if any.
fn operand(f: &mut Formatter<'_>, operand: &Expr, needs_parens: impl Fn(u8) -> bool) -> fmt::Result {
    match operand {
        Expr::Binary(chain) if needs_parens(chain.precedence()) => write!(f, "({chain})"),
        operand => operand.fmt(f),
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let args = join(&self.args, Expr::to_string);
        match self.name.as_str() {
            // The one reserved word that is also a function.
            "distinct" => write!(f, "distinct({args})"),
            name => write!(f, "{}({args})", quote_ident(name)),
        }
    }
}

impl Display for VarRef {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&quote_ident(&self.name))?;
        match self.cast {
            Some(cast) => write!(f, "::{}", cast.text()),
            None => Ok(()),
        }
    }
}

impl Display for Wildcard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::Fields => "*::field",
            Self::Tags => "*::tag",
        })
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.replace('/', "\\/"))
    }
}

fn number(value: f64) -> String {
    let exact = go_float(value);
    let decimals = exact.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if decimals < 3 { format!("{value:.3}") } else { exact }
}

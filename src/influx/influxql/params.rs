//! Values for `$name`, bound before parsing.
//!
//! A parameter stands for one token. A plain JSON value is a literal of its type; an object with one entry names the
//! kind: `{"identifier": "cpu"}`, `{"regex": "^a"}`, `{"duration": "10m"}`, `{"string": "x"}`, `{"float": 1}`,
//! `{"integer": 1}` (`ident`, `number` and `int` mean the same). What cannot be bound is an error only when the
//! statement uses it, which is why binding itself never fails; numbers that do not fit are refused at once.

use std::collections::HashMap;

use super::duration::DurationNs;
use super::print::go_float;
use super::token::Token;

/// The parameters of one request by name, without the `$`.
pub type Params = HashMap<String, Param>;

/// A JSON value as the request brought it; the HTTP layer converts its own JSON type to this one.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonValue {
    /// `null`
    Null,
    /// `true`
    Bool(bool),
    /// The number as it was written.
    Number(String),
    /// A text.
    String(String),
    /// A list, of whatever.
    Array,
    /// An object's entries.
    Object(Vec<(String, JsonValue)>),
}

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// A name.
    Ident(String),
    /// A text.
    String(String),
    /// A regular expression.
    Regex(String),
    /// A number with a point.
    Number(f64),
    /// A number without a point.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A duration as InfluxQL writes it.
    Duration(String),
    /// Why the value cannot be bound.
    Unusable(String),
}

/// A number in the parameters is no `i64` and no `f64`.
///
/// The HTTP layer puts `error parsing json value: ` before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("strconv.{function}: parsing {text:?}: {reason}")]
pub struct InvalidNumber {
    function: &'static str,
    text: String,
    reason: &'static str,
}

impl Param {
    /// Binds one JSON value.
    ///
    /// # Errors
    /// When a number in it does not fit, or has an exponent without a point (as InfluxDB has it).
    pub fn bind(value: &JsonValue) -> Result<Self, InvalidNumber> {
        Ok(match value {
            JsonValue::Null => Self::Unusable("unable to bind parameter with type <nil>".to_owned()),
            JsonValue::Array => Self::Unusable("unable to bind parameter with type []interface {}".to_owned()),
            JsonValue::Bool(value) => Self::Boolean(*value),
            JsonValue::String(text) => Self::String(text.clone()),
            JsonValue::Number(text) => match number(text)? {
                Number::Float(value) => Self::Number(value),
                Number::Integer(value) => Self::Integer(value),
            },
            JsonValue::Object(entries) => Self::bind_object(entries)?,
        })
    }

    fn bind_object(entries: &[(String, JsonValue)]) -> Result<Self, InvalidNumber> {
        let unusable = |why: &str| Ok(Self::Unusable(why.to_owned()));
        let [(kind, value)] = entries else {
            return unusable("bound object parameter value must have exactly one entry");
        };
        let number = match value {
            JsonValue::Number(text) => Some(number(text)?),
            _ => None,
        };
        match (kind.as_str(), value, number) {
            ("ident" | "identifier", JsonValue::String(name), _) => Ok(Self::Ident(name.clone())),
            ("ident" | "identifier", ..) => unusable("identifier must be a string value"),
            ("regex", JsonValue::String(pattern), _) => Ok(Self::Regex(pattern.clone())),
            ("regex", ..) => unusable("regex literal must be a string value"),
            ("string", JsonValue::String(text), _) => Ok(Self::String(text.clone())),
            ("string", ..) => unusable("string literal must be a string value"),
            ("float" | "number", _, Some(number)) => Ok(Self::Number(number.as_float())),
            ("float" | "number", ..) => unusable("number literal must be a float value"),
            ("int" | "integer", _, Some(Number::Integer(value))) => Ok(Self::Integer(value)),
            ("int" | "integer", ..) => unusable("integer literal must be an integer value"),
            ("duration", JsonValue::String(text), _) => Ok(Self::Duration(text.clone())),
            ("duration", _, Some(Number::Integer(ns))) => Ok(Self::Duration(DurationNs(ns).to_string())),
            ("duration", ..) => unusable("duration literal must be a string or integer value"),
            (other, ..) => unusable(&format!("unknown bind object type: {other}")),
        }
    }

    /// The token the parameter stands for, with its text.
    pub(super) fn token(&self) -> (Token, String) {
        match self {
            Self::Ident(name) => (Token::Ident, name.clone()),
            Self::String(text) => (Token::String, text.clone()),
            Self::Regex(pattern) => (Token::Regex, pattern.clone()),
            Self::Number(value) => (Token::Number, go_float(*value)),
            Self::Integer(value) => (Token::Integer, value.to_string()),
            Self::Boolean(true) => (Token::True, String::new()),
            Self::Boolean(false) => (Token::False, String::new()),
            Self::Duration(text) => (Token::Duration, text.clone()),
            Self::Unusable(why) => (Token::BoundParam, why.clone()),
        }
    }
}

enum Number {
    Float(f64),
    Integer(i64),
}

impl Number {
    fn as_float(&self) -> f64 {
        match self {
            Self::Float(value) => *value,
            Self::Integer(value) => *value as f64,
        }
    }
}

fn number(text: &str) -> Result<Number, InvalidNumber> {
    let invalid = |function, reason| InvalidNumber {
        function,
        text: text.to_owned(),
        reason,
    };
    if text.contains('.') {
        return match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number::Float(value)),
            Ok(_) => Err(invalid("ParseFloat", "value out of range")),
            Err(_) => Err(invalid("ParseFloat", "invalid syntax")),
        };
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    match text.parse() {
        Ok(value) => Ok(Number::Integer(value)),
        Err(_) if digits.bytes().all(|b| b.is_ascii_digit()) => Err(invalid("ParseInt", "value out of range")),
        Err(_) => Err(invalid("ParseInt", "invalid syntax")),
    }
}

#[cfg(test)]
mod tests;

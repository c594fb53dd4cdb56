//! PURE. JSON as Go's `encoding/json` reads and writes it: what it says about a text that is no JSON, or JSON of another
//! shape than wanted, and how it prints.
//!
//! Clients match those texts, and recordings of Snap contain them, so they are Go's to the letter. Unlike `serde_json`,
//! and like Go, the reader takes bytes that are not UTF-8 and halves of surrogate pairs for U+FFFD.

use std::collections::BTreeMap;

mod print;
mod read;

pub use print::{write_f32, write_f64, write_string};
pub use read::{MAX_DEPTH, SyntaxError, parse};

/// A JSON value. Displayed as Go's `%v` does: `map[a:1 b:[2 <nil>]]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`; it leaves what it is read into as it was.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// A table; of equal keys the last one counts.
    Object(BTreeMap<String, Value>),
}

/// A value of another type than wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("json: cannot unmarshal {found} into Go {place} of type {wanted}")]
pub struct TypeError {
    found: String,
    place: String,
    wanted: &'static str,
}

impl Value {
    /// That the value is not of Go's type `wanted`, such as `map[string]string`.
    #[must_use]
    pub fn mismatch(&self, wanted: &'static str) -> TypeError {
        TypeError {
            found: self.type_name().to_owned(),
            place: "value".to_owned(),
            wanted,
        }
    }

    /// The table; an empty one for `null`.
    ///
    /// # Errors
    /// When it is something else; `wanted` is Go's name of the type.
    pub fn object(&self, wanted: &'static str) -> Result<&BTreeMap<String, Self>, TypeError> {
        static EMPTY: BTreeMap<String, Value> = BTreeMap::new();
        match self {
            Self::Object(entries) => Ok(entries),
            Self::Null => Ok(&EMPTY),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// The list; an empty one for `null`.
    ///
    /// # Errors
    /// When it is something else; `wanted` is Go's name of the type.
    pub fn array(&self, wanted: &'static str) -> Result<&[Self], TypeError> {
        match self {
            Self::Array(items) => Ok(items),
            Self::Null => Ok(&[]),
            _ => Err(self.mismatch(wanted)),
        }
    }

    /// The text; an empty one for `null`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn string(&self) -> Result<&str, TypeError> {
        match self {
            Self::String(text) => Ok(text),
            Self::Null => Ok(""),
            _ => Err(self.mismatch("string")),
        }
    }

    /// Yes or no; no for `null`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn bool(&self) -> Result<bool, TypeError> {
        match self {
            Self::Bool(is) => Ok(*is),
            Self::Null => Ok(false),
            _ => Err(self.mismatch("bool")),
        }
    }

    /// The integer; 0 for `null`.
    ///
    /// # Errors
    /// When it is something else, has a fraction or an exponent, or does not fit; `wanted` is Go's name of the type.
    pub fn integer<T: std::str::FromStr + Default>(&self, wanted: &'static str) -> Result<T, TypeError> {
        let wrong = || self.mismatch(wanted);
        match self {
            Self::Number(text) => text.parse().map_err(|_| wrong().of_number(text)),
            Self::Null => Ok(T::default()),
            _ => Err(wrong()),
        }
    }

    /// The number; `None` when it is none.
    ///
    /// # Errors
    /// When it is one that no 64 bits hold.
    pub fn float(&self) -> Result<Option<f64>, TypeError> {
        let Self::Number(text) = self else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.mismatch("float64").of_number(text)),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl TypeError {
    /// Names the field of a Go struct, such as `Schedule.count`, that was to take the value.
    #[must_use]
    pub fn in_field(self, field: &str) -> Self {
        Self {
            place: format!("struct field {field}"),
            ..self
        }
    }

    fn of_number(self, text: &str) -> Self {
        Self {
            found: format!("number {text}"),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn wrong_types_are_named_as_go_does() {
        let check = |error: TypeError, expect: &str| {
            assert_eq!(error.to_string(), format!("json: cannot unmarshal {expect}"));
        };
        check(
            read("[]").object("map[string]json.RawMessage").unwrap_err(),
            "array into Go value of type map[string]json.RawMessage",
        );
        check(
            read(r#"{"a": 1}"#).array("[]string").unwrap_err(),
            "object into Go value of type []string",
        );
        check(read("\"yes\"").bool().unwrap_err(), "string into Go value of type bool");
        check(read("3").string().unwrap_err(), "number into Go value of type string");
        check(read("true").string().unwrap_err(), "bool into Go value of type string");
        check(
            read("-1")
                .integer::<u64>("uint")
                .unwrap_err()
                .in_field("Schedule.count"),
            "number -1 into Go struct field Schedule.count of type uint",
        );
        check(
            read("\"x\"").integer::<i64>("int").unwrap_err(),
            "string into Go value of type int",
        );
        for number in ["1.5", "1e3", "9223372036854775808"] {
            let expect = format!("number {number} into Go value of type int");
            check(read(number).integer::<i64>("int").unwrap_err(), &expect);
        }
        check(
            read("1e400").float().unwrap_err(),
            "number 1e400 into Go value of type float64",
        );
    }

    #[test]
    fn null_is_the_empty_value() {
        assert_eq!(Value::Null.string(), Ok(""));
        assert_eq!(Value::Null.bool(), Ok(false));
        assert_eq!(Value::Null.integer::<i64>("int"), Ok(0));
        assert_eq!(Value::Null.array("[]string"), Ok([].as_slice()));
        assert!(Value::Null.object("map[string]string").unwrap().is_empty());
        assert_eq!(Value::Null.float(), Ok(None));
    }
}

//! One cell of an answer, and numbers that keep their text.

use std::cmp::Ordering;

use crate::base::TimestampNs;

/// One cell.
///
/// Values are totally ordered so that rows can be sorted and compared whatever they hold: first by kind, in the order
/// of the variants, then by content (text by bytes, floats by IEEE 754 `totalOrder`). Equality is that order's, hence
/// `Integer(5)` and a relayed `Number` `5` differ, and NaN equals itself.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A float; JSON shows NaN and infinities, which InfluxQL does not yield, as `null`.
    Float(f64),
    /// A number that a backend sent, as it wrote it.
    Number(Number),
    /// Text; [`Value::text`] makes it from bytes.
    String(String),
    /// A point in time, shown in UTC.
    Time(TimestampNs),
    /// A point in time, shown in the zone of `tz()`.
    LocalTime {
        /// The point in time.
        at: TimestampNs,
        /// Seconds east of UTC that hold there at that time.
        offset_seconds: i32,
    },
}

/// A number of JSON in the exact text it came in: `9007199254740993`, `1e+21`, `1.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Takes text that follows the grammar of numbers in JSON (RFC 8259 section 6).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_json_number(text.as_bytes()).then(|| Self(text.into()))
    }

    /// Takes text that a JSON parser has already found to be a number.
    pub(super) fn from_parsed_json(text: &str) -> Self {
        debug_assert!(is_json_number(text.as_bytes()), "{text:?} is no JSON number");
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value, when it is written without fraction and exponent and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The value, when it is written without fraction, exponent and sign and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The nearest float; infinite when the number is too great.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.0.parse().expect("the grammar of JSON numbers is part of f64's")
    }
}

impl From<i128> for Number {
    fn from(number: i128) -> Self {
        Self(number.to_string().into())
    }
}

impl Value {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a whole number, however it is held; wide enough to sum 64-bit numbers.
    #[must_use]
    pub fn as_whole(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some((*number).into()),
            Self::Unsigned(number) => Some((*number).into()),
            Self::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from)),
            _ => None,
        }
    }

    /// The nearest float of any number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Unsigned(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The place of the kind in the order of values.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Integer(_) => 2,
            Self::Unsigned(_) => 3,
            Self::Float(_) => 4,
            Self::Number(_) => 5,
            Self::String(_) => 6,
            Self::Time(_) => 7,
            Self::LocalTime { .. } => 8,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Unsigned(a), Self::Unsigned(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (
                Self::LocalTime {
                    at: a,
                    offset_seconds: x,
                },
                Self::LocalTime {
                    at: b,
                    offset_seconds: y,
                },
            ) => (a, x).cmp(&(b, y)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

/// Whether the bytes are one number of JSON: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, mut rest) = unsigned.split_at(digits(unsigned));
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        rest = fraction.split_at(count).1;
        if count == 0 {
            return false;
        }
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar_of_json() {
        for text in [
            "0",
            "-0",
            "10",
            "0.10",
            "1e5",
            "1E+5",
            "-1.5e-300",
            "9007199254740993",
            "1e999",
        ] {
            assert_eq!(
                Number::parse(text).map(|n| n.as_str().to_owned()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "1x", " 1", "NaN", "0x1", "1e5.0", "--1", "1.5.5",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn reads_numbers_of_any_kind() {
        let number = |text: &str| Value::Number(Number::parse(text).unwrap());
        assert_eq!(number("18446744073709551615").as_whole(), Some(u64::MAX.into()));
        assert_eq!(number("1.0").as_whole(), None);
        assert_eq!(number("-7").as_whole(), Value::Integer(-7).as_whole());
        assert_eq!(number("1e999").as_f64(), Some(f64::INFINITY));
        assert_eq!(Value::Bool(true).as_f64(), None);
    }

    #[test]
    fn order_is_total() {
        let time = |at, offset_seconds| Value::LocalTime {
            at: TimestampNs(at),
            offset_seconds,
        };
        let ascending = [
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Integer(-1),
            Value::Integer(5),
            Value::Unsigned(1),
            Value::Float(-0.0),
            Value::Float(0.0),
            Value::Float(f64::NAN),
            Value::Number(Number::from(5)),
            Value::from("B"),
            Value::from("a"),
            Value::Time(TimestampNs(0)),
            time(0, 0),
            time(0, 60),
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_cell_is_three_words() {
        assert_eq!(size_of::<Value>(), 24);
    }
}

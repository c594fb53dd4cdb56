//! The shape of an answer: statements, their series, the rows.

use super::{Number, Value};
use crate::base::TimestampNs;

/// One JSON document of `/query`: the whole answer, or one chunk of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// One per statement, in order; chunks repeat a `statement_id`.
    pub results: Vec<StatementResult>,
    /// Why the request failed as a whole, such as a parse error.
    pub error: Option<String>,
}

/// What one statement answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementResult {
    /// Position of the statement in the request, from 0.
    pub statement_id: u32,
    /// The data; empty when nothing was found.
    pub series: Vec<Series>,
    /// Warnings.
    pub messages: Vec<Message>,
    /// Why the statement failed.
    pub error: Option<String>,
    /// More of this statement follows in the next chunk, or was cut off by a row limit.
    pub partial: bool,
}

/// A remark beside the data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// `warning` is the only one that InfluxDB uses.
    pub level: String,
    /// The remark.
    pub text: String,
}

/// Rows that share a name, tags and columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The measurement, or what a `SHOW` lists; may be empty.
    pub name: String,
    /// The `GROUP BY` tags; a series without the tag has it with an empty value.
    pub tags: Tags,
    /// Column names; for a `SELECT` the first is the time.
    pub columns: Vec<String>,
    /// Rows of one value per column.
    pub values: Vec<Vec<Value>>,
    /// More rows of this series follow in the next chunk, or were cut off by a row limit.
    pub partial: bool,
}

/// Tags in ascending byte order of their keys, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tags(Vec<(String, String)>);

impl Response {
    /// An answer that is nothing but an error.
    #[must_use]
    pub fn of_error(error: impl Into<String>) -> Self {
        Self {
            results: Vec::new(),
            error: Some(error.into()),
        }
    }
}

impl From<StatementResult> for Response {
    fn from(result: StatementResult) -> Self {
        Self {
            results: vec![result],
            error: None,
        }
    }
}

impl Series {
    /// Turns the first column of a `SELECT` that was asked with `epoch=ns` from numbers back into times.
    ///
    /// The first column is always the time, whatever its alias. Cells that are no 64-bit integers stay as they are.
    pub fn restore_times(&mut self) {
        for cell in self.values.iter_mut().filter_map(|row| row.first_mut()) {
            let ns = match cell {
                Value::Number(number) => number.as_i64(),
                Value::Integer(number) => Some(*number),
                _ => None,
            };
            if let Some(ns) = ns {
                *cell = Value::Time(TimestampNs(ns));
            }
        }
    }

    /// What must be equal for two series to be the same one.
    pub(super) fn identity(&self) -> (&str, &Tags, &[String]) {
        (&self.name, &self.tags, &self.columns)
    }
}

impl Tags {
    /// The tags as key and value, ascending by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(k, _)| k.as_str().cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(String, String)> for Tags {
    /// Sorts; of equal keys the last wins, as in a JSON object.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(std::collections::BTreeMap::from_iter(pairs).into_iter().collect())
    }
}

impl Value {
    /// Text from stored bytes: every byte that is not part of valid UTF-8 becomes one U+FFFD, as Go's `range` reads it.
    #[must_use]
    pub fn text(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
        }
        Self::String(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_unique() {
        let tags: Tags = [("b", "1"), ("a", "2"), ("b", "3")]
            .map(|(k, v)| (k.into(), v.into()))
            .into_iter()
            .collect();
        assert_eq!(tags.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((tags.get("b"), tags.get("c")), (Some("3"), None));
    }

    #[test]
    fn invalid_bytes_become_one_replacement_each() {
        let check = |bytes: &[u8], expect: &str| assert_eq!(Value::text(bytes), Value::from(expect));
        check(b"\xff\xc3(\xf0\x9f\x98\x80", "\u{fffd}\u{fffd}(\u{1f600}");
        check(b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}");
        check(b"\xe2\x82", "\u{fffd}\u{fffd}");
    }

    #[test]
    fn restores_only_whole_numbers_of_the_first_column() {
        let number = |text: &str| Value::from(Number::parse(text).unwrap());
        let mut series = Series {
            values: vec![
                vec![number("-5"), number("7")],
                vec![number("1.5")],
                vec![],
                vec![Value::Null],
            ],
            ..Series::default()
        };
        series.restore_times();
        assert_eq!(series.values[0], [Value::Time(TimestampNs(-5)), number("7")]);
        assert_eq!(series.values[1..], [vec![number("1.5")], vec![], vec![Value::Null]]);
    }
}

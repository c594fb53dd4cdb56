//! Values read as influx-proxy's configuration library reads them: whatever can be meant is taken.

use serde_json::{Map, Value};

use super::super::{error::ConfigError, key_path::KeyPath, source::Source};

/// A table whose keys are found in any case.
pub(super) struct Table<'f> {
    entries: Option<&'f Map<String, Value>>,
    path: KeyPath,
    source: &'f Source,
}

impl<'f> Table<'f> {
    pub(super) fn new(entries: &'f Map<String, Value>, path: KeyPath, source: &'f Source) -> Self {
        let entries = Some(entries);
        Self { entries, path, source }
    }

    /// Whether one of the keys is given.
    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// A text, or `default` when it is missing or empty. Numbers and booleans count as their digits.
    pub(super) fn text_or(&self, key: &str, default: &str) -> Result<String, ConfigError> {
        let text = self.read(key, "a string", as_text)?.unwrap_or_default();
        Ok(if text.is_empty() { default.to_owned() } else { text })
    }

    /// A number, or `default` when it is missing or not positive.
    pub(super) fn positive_or(&self, key: &str, default: u64) -> Result<u64, ConfigError> {
        let number = self.read(key, "an int", as_int)?.unwrap_or_default();
        Ok(u64::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .unwrap_or(default))
    }

    /// A boolean; false when it is missing.
    pub(super) fn boolean(&self, key: &str) -> Result<bool, ConfigError> {
        Ok(self.read(key, "a bool", as_bool)?.unwrap_or_default())
    }

    /// A list of texts; a text is split at its commas. Empty ones are left out, unless there are no others.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, ConfigError> {
        let texts = self.read(key, "a list of strings", as_texts)?.unwrap_or_default();
        if texts.iter().all(String::is_empty) {
            return Ok(texts);
        }
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    /// A table; empty when it is missing.
    pub(super) fn table(&self, key: &str) -> Result<Table<'f>, ConfigError> {
        Ok(Table {
            entries: self.read(key, "a table", Value::as_object)?,
            path: self.path.key(key),
            source: self.source,
        })
    }

    /// A list of tables; one table alone is a list of one.
    pub(super) fn tables(&self, key: &str) -> Result<Vec<Table<'f>>, ConfigError> {
        let items = self.read(key, "a list of tables", as_tables)?.unwrap_or_default();
        let path = self.path.key(key);
        let table = |(index, entries)| Table::new(entries, path.index(index), self.source);
        Ok(items.into_iter().enumerate().map(table).collect())
    }

    fn read<T>(
        &self,
        key: &str,
        kind: &str,
        convert: impl Fn(&'f Value) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        // The value is not repeated: it may be a password.
        let wrong = || {
            self.source
                .invalid(&self.path.key(key), format!("cannot be read as {kind}"))
        };
        convert(value).map(Some).ok_or_else(wrong)
    }

    fn get(&self, key: &str) -> Option<&'f Value> {
        let mut entries = self.entries?.iter();
        entries
            .rfind(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) if text.is_empty() => Some(0),
        Value::String(text) => go_int(text),
        Value::Bool(flag) => Some(i64::from(*flag)),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole_part)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as Go writes it: decimal, or with the prefix of another base (`0x`, `0o` or `0`, `0b`).
fn go_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let bases = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let based = bases
        .iter()
        .find_map(|(prefix, base)| Some((lower.strip_prefix(prefix)?, *base)));
    let (digits, base) = based.filter(|(digits, _)| !digits.is_empty()).unwrap_or((&lower, 10));
    let is_number = digits.chars().all(|digit| digit.is_digit(base));
    is_number.then(|| i64::from_str_radix(&format!("{sign}{digits}"), base).ok())?
}

/// The part before the decimal point, which Go's conversion keeps; `None` beyond the range of `i64`.
fn whole_part(number: f64) -> Option<i64> {
    format!("{:.0}", number.trunc()).parse().ok()
}

fn as_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn as_texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) if text.is_empty() => Some(Vec::new()),
        Value::String(text) => Some(text.split(',').map(str::to_owned).collect()),
        Value::Array(items) => items.iter().map(as_text).collect(),
        single => as_text(single).map(|text| vec![text]),
    }
}

fn as_tables(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    match value {
        Value::Object(table) if table.is_empty() => Some(Vec::new()),
        Value::Object(table) => Some(vec![table]),
        Value::Array(items) => items.iter().map(Value::as_object).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_ints() {
        let check = |value: Value, expect| assert_eq!(as_int(&value), expect, "{value}");
        check(json!(5), Some(5));
        check(json!("100"), Some(100));
        check(json!("-7"), Some(-7));
        check(json!("0x10"), Some(16));
        check(json!("010"), Some(8));
        check(json!("0"), Some(0));
        check(json!(""), Some(0));
        check(json!(2.9), Some(2));
        check(json!(true), Some(1));
        check(json!("ten"), None);
        check(json!("1+1"), None);
        check(json!(1e300), None);
        check(json!([1]), None);
    }

    #[test]
    fn reads_booleans() {
        let check = |value: Value, expect| assert_eq!(as_bool(&value), expect, "{value}");
        check(json!("false"), Some(false));
        check(json!("T"), Some(true));
        check(json!(0), Some(false));
        check(json!(2), Some(true));
        check(json!(""), Some(false));
        check(json!("yes"), None);
    }

    #[test]
    fn reads_texts() {
        let check = |value: Value, expect: &[&str]| assert_eq!(as_texts(&value).unwrap(), expect, "{value}");
        check(json!("a,b"), &["a", "b"]);
        check(json!(""), &[]);
        check(json!(["a", 1, true]), &["a", "1", "1"]);
        check(json!(7), &["7"]);
        assert_eq!(as_texts(&json!([["a"]])), None);
    }
}

//! PURE. Tables of settings as JSON, with the error texts of Snap's REST interface.

use serde_json::{Map, Number};

use super::{Config, ConfigValue};
use crate::workflow::gojson;

/// Bytes are no table of settings, or no list of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfig {
    /// They are no JSON.
    #[error(transparent)]
    Syntax(#[from] gojson::SyntaxError),
    /// They are JSON of another shape.
    #[error(transparent)]
    Shape(#[from] gojson::TypeError),
    /// A setting has none of the four types.
    #[error("Error Unmarshalling JSON ConfigDataNode. Key: {key} Type: {value} is unsupported.")]
    Unsupported {
        /// Its name.
        key: String,
        /// Its value, as Go prints it.
        value: String,
    },
}

/// Reads a flat object: texts, booleans, and numbers, of which those without a fraction and exponent are integers.
///
/// # Errors
/// When it is none; of several settings of other types, the first one by name is named.
pub fn from_json(bytes: &[u8]) -> Result<Config, NotConfig> {
    let document = gojson::parse(bytes)?;
    let settings = document.object("map[string]interface {}")?.iter();
    settings
        .map(|(key, value)| Ok((key.clone(), setting(key, value)?)))
        .collect()
}

/// Reads a list of names.
///
/// # Errors
/// When it is none.
pub fn names_from_json(bytes: &[u8]) -> Result<Vec<String>, NotConfig> {
    let document = gojson::parse(bytes)?;
    let names = document.array("[]string")?.iter();
    names.map(|name| Ok(name.string()?.to_owned())).collect()
}

/// The settings as a flat object, ordered by name.
#[must_use]
pub fn to_json(config: &Config) -> serde_json::Value {
    let entry = |(name, value): (&String, &ConfigValue)| (name.clone(), value.to_json());
    serde_json::Value::Object(config.iter().map(entry).collect())
}

/// The settings of an object; the name of the first one that has none of the four types otherwise.
pub(super) fn from_object(object: &Map<String, serde_json::Value>) -> Result<Config, &str> {
    let setting = |(key, value)| Ok((String::clone(key), ConfigValue::from_json(value).ok_or(key.as_str())?));
    object.iter().map(setting).collect()
}

fn setting(key: &str, value: &gojson::Value) -> Result<ConfigValue, NotConfig> {
    Ok(match value {
        gojson::Value::String(text) => ConfigValue::String(text.clone()),
        gojson::Value::Bool(is) => ConfigValue::Bool(*is),
        gojson::Value::Number(_) => match (value.integer("int64"), value.float()?) {
            (Ok(integer), _) => ConfigValue::Integer(integer),
            (Err(_), Some(float)) => ConfigValue::Float(float),
            (Err(wrong), None) => return Err(wrong.into()),
        },
        gojson::Value::Null | gojson::Value::Array(_) | gojson::Value::Object(_) => {
            let (key, value) = (key.to_owned(), value.to_string());
            return Err(NotConfig::Unsupported { key, value });
        }
    })
}

impl ConfigValue {
    /// A JSON value as a setting; `None` for null, lists and objects.
    fn from_json(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Some(Self::String(text.clone())),
            serde_json::Value::Bool(is) => Some(Self::Bool(*is)),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(integer) => Some(Self::Integer(integer)),
                None => number.as_f64().map(Self::Float),
            },
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }

    /// The setting as a JSON value; numbers that JSON cannot write are null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String(text) => serde_json::Value::from(text.as_str()),
            Self::Integer(integer) => serde_json::Value::from(*integer),
            Self::Float(float) => Number::from_f64(*float).map_or(serde_json::Value::Null, serde_json::Value::Number),
            Self::Bool(is) => serde_json::Value::from(*is),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: std::fmt::Debug>(read: Result<T, NotConfig>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn numbers_without_fraction_are_integers() {
        let config = from_json(br#"{"n": 3, "f": 2.5, "e": 3e0, "big": 9223372036854775808, "t": "x", "b": true}"#);
        let expect = [
            ("b", ConfigValue::Bool(true)),
            ("big", ConfigValue::Float(9_223_372_036_854_775_808.0)),
            ("e", ConfigValue::Float(3.0)),
            ("f", ConfigValue::Float(2.5)),
            ("n", ConfigValue::Integer(3)),
            ("t", ConfigValue::String("x".to_owned())),
        ];
        assert_eq!(
            config.unwrap(),
            expect.map(|(name, value)| (name.to_owned(), value)).into()
        );
    }

    #[test]
    fn other_values_are_refused_in_the_words_of_snap() {
        let unsupported = "Error Unmarshalling JSON ConfigDataNode. Key: a Type: map[b:1] is unsupported.";
        assert_eq!(refused(from_json(br#"{"a": {"b": 1}}"#)), unsupported);
        let unsupported = "Error Unmarshalling JSON ConfigDataNode. Key: x Type: <nil> is unsupported.";
        assert_eq!(refused(from_json(br#"{"x":null}"#)), unsupported);
        let syntax = "invalid character 'o' looking for beginning of object key string";
        assert_eq!(refused(from_json(b"{oops")), syntax);
        let shape = "json: cannot unmarshal array into Go value of type map[string]interface {}";
        assert_eq!(refused(from_json(b"[]")), shape);
    }

    #[test]
    fn names_are_a_list_of_texts() {
        assert_eq!(
            names_from_json(br#"["a", "b"]"#),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        let shape = "json: cannot unmarshal object into Go value of type []string";
        assert_eq!(refused(names_from_json(br#"{"a": 1}"#)), shape);
        let shape = "json: cannot unmarshal number into Go value of type string";
        assert_eq!(refused(names_from_json(b"[1]")), shape);
    }
}

//! PURE. Tables of settings as JSON, with the error texts of Snap's REST interface.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::{Config, ConfigValue};
use crate::workflow::gojson;

/// Bytes are no table of settings, or no list of names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfig {
    /// They are no JSON, or JSON of another shape; the decoder's text.
    #[error("{0}")]
    Decode(String),
    /// A setting has none of the four types.
    #[error("Error Unmarshalling JSON ConfigDataNode. Key: {key} Type: {value} is unsupported.")]
    Unsupported {
        /// Its name.
        key: String,
        /// Its value: of a client's, as Go prints it; of a file's, as JSON.
        value: String,
    },
}

/// Reads a flat object: texts, booleans, and numbers, of which those without a fraction and exponent are integers.
///
/// # Errors
/// When it is none; of several settings of other types, the first one is named.
pub fn from_json(bytes: &[u8]) -> Result<Config, NotConfig> {
    let document = gojson::parse(bytes).map_err(decode)?;
    let entries = document.object("map[string]interface {}").map_err(decode)?;
    let setting = |(key, value): (&String, &gojson::Value)| match of_go(value)? {
        Some(setting) => Ok((key.clone(), setting)),
        None => Err(NotConfig::Unsupported {
            key: key.clone(),
            value: value.to_string(),
        }),
    };
    entries.iter().map(setting).collect()
}

/// Reads a list of names.
///
/// # Errors
/// When it is none.
pub fn names_from_json(bytes: &[u8]) -> Result<Vec<String>, NotConfig> {
    let document = gojson::parse(bytes).map_err(decode)?;
    let names = document.array("[]string").map_err(decode)?.iter();
    let names = names.map(|name| name.string().map(ToOwned::to_owned).map_err(decode));
    names.collect()
}

fn of_go(value: &gojson::Value) -> Result<Option<ConfigValue>, NotConfig> {
    Ok(match value {
        gojson::Value::String(text) => Some(ConfigValue::String(text.clone())),
        gojson::Value::Bool(is) => Some(ConfigValue::Bool(*is)),
        gojson::Value::Number(digits) => match digits.parse() {
            Ok(integer) => Some(ConfigValue::Integer(integer)),
            Err(_) => value.float().map_err(decode)?.map(ConfigValue::Float),
        },
        gojson::Value::Null | gojson::Value::Array(_) | gojson::Value::Object(_) => None,
    })
}

fn decode(error: impl fmt::Display) -> NotConfig {
    NotConfig::Decode(error.to_string())
}

/// The settings as a flat object, ordered by name.
#[must_use]
pub fn to_json(config: &Config) -> Value {
    let entry = |(name, value): (&String, &ConfigValue)| (name.clone(), value.to_json());
    Value::Object(config.iter().map(entry).collect())
}

/// The settings of an object.
pub(super) fn config_of(object: &Map<String, Value>) -> Result<Config, NotConfig> {
    let setting = |(key, value): (&String, &Value)| match ConfigValue::from_json(value) {
        Some(setting) => Ok((key.clone(), setting)),
        None => Err(NotConfig::Unsupported {
            key: key.clone(),
            value: value.to_string(),
        }),
    };
    object.iter().map(setting).collect()
}

impl ConfigValue {
    /// A JSON value as a setting; `None` for null, lists and objects.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Bool(is) => Some(Self::Bool(*is)),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Some(Self::Integer(integer)),
                None => number.as_f64().map(Self::Float),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The setting as a JSON value; numbers that JSON cannot write are null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::String(text) => Value::from(text.as_str()),
            Self::Integer(integer) => Value::from(*integer),
            Self::Float(float) => Number::from_f64(*float).map_or(Value::Null, Value::Number),
            Self::Bool(is) => Value::from(*is),
        }
    }
}

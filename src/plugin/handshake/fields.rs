//! PURE. An object of JSON, read as Go reads one into a structure.

use std::collections::BTreeMap;

use crate::workflow::gojson::{self, Value};

use super::HandshakeError;

/// The fields of an object.
pub(super) struct Fields {
    path: &'static str,
    values: BTreeMap<String, Value>,
}

impl Fields {
    /// Reads a document.
    pub(super) fn read(text: &[u8]) -> Result<Self, HandshakeError> {
        let document = gojson::parse(text).map_err(|error| HandshakeError::NotJson(error.to_string()))?;
        let values = match document {
            Value::Object(values) => values,
            Value::Null => BTreeMap::new(),
            other => {
                let text = format!(
                    "json: cannot unmarshal {} into Go value of type plugin.Response",
                    kind(&other)
                );
                return Err(HandshakeError::NotJson(text));
            }
        };
        Ok(Self {
            path: "Response",
            values,
        })
    }

    /// The object in that field; an empty one when there is none.
    pub(super) fn object(&self, name: &'static str) -> Result<Self, HandshakeError> {
        let values = match self.get(name) {
            Some(Value::Object(values)) => values.clone(),
            None => BTreeMap::new(),
            Some(other) => return Err(self.mismatch(name, other, "plugin.PluginMeta")),
        };
        Ok(Self { path: name, values })
    }

    /// The text in that field; an empty one when there is none.
    pub(super) fn text(&self, name: &str) -> Result<String, HandshakeError> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.mismatch(name, other, "string")),
        }
    }

    /// The whole number in that field; 0 when there is none.
    pub(super) fn integer(&self, name: &str) -> Result<i64, HandshakeError> {
        let Some(value) = self.get(name) else { return Ok(0) };
        let number = match value {
            Value::Number(digits) => digits.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.mismatch(name, value, "int"))
    }

    /// Whether that field says yes; no when there is none.
    pub(super) fn yes(&self, name: &str) -> Result<bool, HandshakeError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(yes)) => Ok(*yes),
            Some(other) => Err(self.mismatch(name, other, "bool")),
        }
    }

    /// What is in that field, written in any case; of several the last one counts, and `null` is nothing.
    fn get(&self, name: &str) -> Option<&Value> {
        let fields = self.values.iter().rev();
        let mut found = fields.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found
            .next()
            .map(|(_, value)| value)
            .filter(|value| **value != Value::Null)
    }

    fn mismatch(&self, name: &str, value: &Value, wanted: &str) -> HandshakeError {
        let (kind, path) = (kind(value), self.path);
        HandshakeError::NotJson(format!(
            "json: cannot unmarshal {kind} into Go struct field {path}.{name} of type {wanted}"
        ))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

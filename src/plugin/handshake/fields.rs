//! PURE. An object of JSON, read as Go reads one into a structure.

use std::collections::BTreeMap;

use crate::workflow::gojson::{self, TypeError, Value};

use super::HandshakeError;

/// The fields of an object.
pub(super) struct Fields {
    /// Of Go's structure: in texts of errors.
    name: &'static str,
    values: BTreeMap<String, Value>,
}

impl Fields {
    /// Reads a document.
    pub(super) fn read(text: &[u8]) -> Result<Self, HandshakeError> {
        let document = gojson::parse(text).map_err(|error| HandshakeError::NotJson(error.to_string()))?;
        let values = document.object("plugin.Response").map_err(not_so)?;
        Ok(Self {
            name: "Response",
            values: values.clone(),
        })
    }

    /// The object in that field; an empty one when there is none.
    pub(super) fn object(&self, name: &'static str) -> Result<Self, HandshakeError> {
        let values = self.get(name).object("plugin.PluginMeta");
        let values = values.map_err(|error| self.wrong(name, error))?.clone();
        Ok(Self { name, values })
    }

    /// The text in that field; an empty one when there is none.
    pub(super) fn text(&self, name: &str) -> Result<String, HandshakeError> {
        let text = self.get(name).string().map(str::to_owned);
        text.map_err(|error| self.wrong(name, error))
    }

    /// The whole number in that field; 0 when there is none.
    pub(super) fn integer(&self, name: &str) -> Result<i64, HandshakeError> {
        self.get(name).integer("int").map_err(|error| self.wrong(name, error))
    }

    /// Whether that field says yes; no when there is none.
    pub(super) fn yes(&self, name: &str) -> Result<bool, HandshakeError> {
        self.get(name).bool().map_err(|error| self.wrong(name, error))
    }

    /// What is in that field, written so or else in any case; `null` is nothing.
    fn get(&self, name: &str) -> &Value {
        let in_any_case = || self.values.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let written_so = self.values.get(name);
        written_so
            .or_else(|| in_any_case().map(|(_, value)| value))
            .unwrap_or(&Value::Null)
    }

    fn wrong(&self, name: &str, error: TypeError) -> HandshakeError {
        not_so(error.in_field(&format!("{}.{name}", self.name)))
    }
}

fn not_so(error: TypeError) -> HandshakeError {
    HandshakeError::NotJson(error.to_string())
}

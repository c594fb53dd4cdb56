//! PURE. JSON as Go reads it.

/// A JSON value with its numbers as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// As written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// A table in the order written; of equal keys the last one counts.
    Object(Vec<(String, Value)>),
}

/// A text that is no JSON; Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(String);

/// Reads one JSON value.
///
/// # Errors
/// When the text is none, or nests too deeply.
pub fn parse(_text: &[u8]) -> Result<Value, SyntaxError> {
    Err(SyntaxError("unexpected end of JSON input".to_owned()))
}

/// Appends a text as a JSON string, with the escapes that Go makes.
pub fn write_string(_out: &mut Vec<u8>, _text: &str) {}

/// Appends a number as Go does.
pub fn write_f64(_out: &mut Vec<u8>, _number: f64) {}

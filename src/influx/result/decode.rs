//! Reading a backend's JSON: a whole body, or a stream of documents as it arrives.
//!
//! A body is one or more JSON objects with white space between them (`chunked=true` sends one per chunk). Unknown members
//! are skipped, `null` stands for a missing member, and a missing `statement_id` is 0. A cell that is an array or an object
//! is an error, since InfluxDB has no such cells. Nesting is bounded by the JSON parser (128 levels).
//!
//! Memory: a decoded cell takes 24 bytes beside its text, so an answer may take some 20 times the bytes of its JSON.

mod msgpack;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Message, Number, Response, Series, StatementResult, Value};
use crate::base::ErrorKind;

pub use msgpack::decode_msgpack;

/// Why a backend's answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// One document is longer than allowed.
    #[error("the backend's answer has a document of more than {limit} bytes")]
    TooLarge {
        /// The most bytes that a document may have.
        limit: usize,
    },
    /// The answer ends within a document, or has none.
    #[error("the backend's answer ends too early")]
    Incomplete,
    /// Not JSON, or not the shape of a query's answer.
    #[error("the backend's answer is not understood: {0}")]
    Malformed(String),
}

impl DecodeError {
    /// The class of the error: another replica may answer well what this one did not.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Incomplete | Self::Malformed(_) => ErrorKind::Unavailable,
        }
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_eof() {
            Self::Incomplete
        } else {
            Self::Malformed(error.to_string())
        }
    }
}

/// Reads a whole body and joins its chunks.
///
/// # Errors
/// When the body holds no document, a cut one or anything that is not the answer of a query.
pub fn decode(body: &[u8]) -> Result<Response, DecodeError> {
    let mut documents = serde_json::Deserializer::from_slice(body).into_iter::<WireResponse>();
    let mut whole = Response::from(documents.next().ok_or(DecodeError::Incomplete)??);
    for document in documents {
        whole.append(document?.into());
    }
    Ok(whole)
}

/// Finds the documents in a stream of bytes and decodes each when it is complete.
///
/// After an error the decoder is of no more use.
#[derive(Debug)]
pub struct Decoder {
    /// The document that has begun; empty between documents.
    unread: Vec<u8>,
    scan: Scan,
    limit: usize,
}

/// Where in a document the scan stands.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Decoder {
    /// A decoder that refuses documents of more than `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            unread: Vec::new(),
            scan: Scan::default(),
            limit,
        }
    }

    /// Takes the next bytes and returns the documents that they complete, not joined: see [`Response::append`].
    ///
    /// # Errors
    /// When a document is too long or is not the answer of a query.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Response>, DecodeError> {
        let mut documents = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'}') {
            self.take(part)?;
            if self.scan.depth == 0 && !self.unread.is_empty() {
                documents.push(serde_json::from_slice::<WireResponse>(&self.unread)?.into());
                self.unread.clear();
            }
        }
        Ok(documents)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When it ends within a document.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.unread.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Incomplete)
        }
    }

    /// Adds bytes of which at most the last one is a closing brace, thus ends a document.
    fn take(&mut self, part: &[u8]) -> Result<(), DecodeError> {
        let begun = if self.unread.is_empty() {
            part.trim_ascii_start()
        } else {
            part
        };
        if self.unread.is_empty() && begun.first().is_some_and(|byte| *byte != b'{') {
            return Err(DecodeError::Malformed("it is not a JSON object".to_owned()));
        }
        if begun.len() > self.limit - self.unread.len() {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        begun.iter().for_each(|byte| self.scan.step(*byte));
        self.unread.extend_from_slice(begun);
        Ok(())
    }
}

impl Scan {
    /// Counts brackets outside strings; whether they match is the parser's concern.
    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[derive(Deserialize)]
struct WireResponse {
    #[serde(default, deserialize_with = "null_as_default")]
    results: Vec<WireResult>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct WireResult {
    #[serde(default)]
    statement_id: u32,
    #[serde(default, deserialize_with = "null_as_default")]
    series: Vec<WireSeries>,
    #[serde(default, deserialize_with = "null_as_default")]
    messages: Vec<WireMessage>,
    error: Option<String>,
    #[serde(default)]
    partial: bool,
}

#[derive(Deserialize)]
struct WireMessage {
    #[serde(default)]
    level: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct WireSeries {
    #[serde(default)]
    name: String,
    #[serde(default, deserialize_with = "null_as_default")]
    tags: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default")]
    columns: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    values: Vec<Row>,
    #[serde(default)]
    partial: bool,
}

struct Row(Vec<Value>);

struct Cell(Value);

fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(source: D) -> Result<T, D::Error> {
    Option::deserialize(source).map(Option::unwrap_or_default)
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Row, A::Error> {
        let mut row = Vec::new();
        while let Some(Cell(value)) = cells.next_element()? {
            row.push(value);
        }
        Ok(Row(row))
    }
}

impl<'de> Deserialize<'de> for Cell {
    /// Goes by the source text, because every other way turns numbers into floats.
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(source)?.get();
        let value = match text.as_bytes() {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            [b'"', ..] => Value::String(unquoted(text).map_err(de::Error::custom)?.into_owned()),
            [b'[' | b'{', ..] => return Err(de::Error::custom("a cell is neither a number nor text")),
            _ => Value::Number(Number::from_parsed_json(text)),
        };
        Ok(Self(value))
    }
}

/// The content of a JSON string.
fn unquoted(text: &str) -> serde_json::Result<Cow<'_, str>> {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str(text).map(Cow::Owned),
    }
}

impl From<WireResponse> for Response {
    fn from(wire: WireResponse) -> Self {
        Self {
            results: wire.results.into_iter().map(StatementResult::from).collect(),
            error: wire.error,
        }
    }
}

impl From<WireResult> for StatementResult {
    fn from(wire: WireResult) -> Self {
        let message = |WireMessage { level, text }| Message { level, text };
        Self {
            statement_id: wire.statement_id,
            series: wire.series.into_iter().map(Series::from).collect(),
            messages: wire.messages.into_iter().map(message).collect(),
            error: wire.error,
            partial: wire.partial,
        }
    }
}

impl From<WireSeries> for Series {
    fn from(wire: WireSeries) -> Self {
        Self {
            name: wire.name,
            tags: wire.tags.into_iter().collect(),
            columns: wire.columns,
            values: wire.values.into_iter().map(|Row(row)| row).collect(),
            partial: wire.partial,
        }
    }
}

#[cfg(test)]
mod tests;

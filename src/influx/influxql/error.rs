//! Why a request is not InfluxQL, in InfluxDB's own words.

use std::fmt;

use crate::base::ErrorKind;

use super::token::Scanned;

/// Where a token begins. Both count from zero; InfluxDB prints both from one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Lines before this one.
    pub(super) line: usize,
    /// Characters (not bytes) before this one on its line.
    pub(super) char: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, char {}", self.line + 1, self.char + 1)
    }
}

/// The whole request is refused before any statement runs.
///
/// Its text is InfluxDB's; the HTTP layer puts `error parsing query: ` before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    message: String,
}

impl ParseError {
    /// An error that names no place.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// An error that ends with its place.
    pub(super) fn at(message: impl fmt::Display, place: Position) -> Self {
        Self::new(format!("{message} at {place}"))
    }

    /// `found X, expected A, B at line L, char C`.
    pub(super) fn unexpected(found: &Scanned, expected: &[&str]) -> Self {
        let message = format!("found {}, expected {}", found.shown(), expected.join(", "));
        Self::at(message, found.at)
    }

    /// The class of the error: the request is at fault, always.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

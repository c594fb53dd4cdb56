//! PURE. Durations as Go reads and prints them: `1m30s`, `1.5s`, `300ms`.

/// A text that is no duration; Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not of the form.
    #[error("time: invalid duration {0}")]
    Form(String),
}

/// Reads a duration, in nanoseconds.
///
/// # Errors
/// When the text is none, or is more than 292 years.
pub fn parse(text: &str) -> Result<i64, Invalid> {
    Err(Invalid::Form(text.to_owned()))
}

/// Prints nanoseconds: `1h0m0s`, `1.5s`, `0s`.
#[must_use]
pub fn print(_nanos: i64) -> String {
    String::new()
}

//! Why a line is refused, in InfluxDB's words.

use crate::base::TimestampNs;

/// The longest measurement, tags and one field key together, in bytes (InfluxDB's `models.MaxKeyLength`).
pub(super) const MAX_KEY: usize = 65_535;

/// What follows `unable to parse '<line>': `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error("missing measurement")]
    MissingMeasurement,
    #[error("missing tag key")]
    MissingTagKey,
    #[error("missing tag value")]
    MissingTagValue,
    #[error("invalid tag format")]
    InvalidTagFormat,
    #[error("duplicate tags")]
    DuplicateTags,
    #[error("max key length exceeded: {0} > {MAX_KEY}")]
    KeyTooLong(usize),
    #[error("missing fields")]
    MissingFields,
    #[error("missing field key")]
    MissingFieldKey,
    #[error("missing field value")]
    MissingFieldValue,
    #[error("invalid field format")]
    InvalidFieldFormat,
    #[error("invalid value: field-key={0}")]
    InvalidValue(Box<str>),
    #[error("unbalanced quotes")]
    UnbalancedQuotes,
    #[error("invalid boolean")]
    InvalidBoolean,
    #[error("invalid number")]
    InvalidNumber,
    #[error("invalid float")]
    InvalidFloat,
    #[error("unable to parse integer {0}: strconv.ParseInt: parsing \"{0}\": value out of range")]
    IntegerRange(Box<str>),
    #[error("unable to parse unsigned {0}: strconv.ParseUint: parsing \"{0}\": value out of range")]
    UnsignedRange(Box<str>),
    #[error("bad timestamp")]
    BadTimestamp,
    #[error("strconv.ParseInt: parsing \"-\": invalid syntax")]
    TimestampWithoutDigits,
    #[error("strconv.ParseInt: parsing \"{0}\": value out of range")]
    TimestampOverflow(Box<str>),
    #[error("time outside range {} - {}", TimestampNs::MIN.0, TimestampNs::MAX.0)]
    TimeRange,
    #[error("point is invalid")]
    InvalidPoint,
    /// Gyre's own: InfluxDB takes such a line when nothing follows it, but it cannot be sent among others.
    #[error("quotes or backslashes leave the end of the line unclear")]
    UnclearEnd,
    /// Gyre's own limit.
    #[error("line too long: {length} > {limit} bytes")]
    LineTooLong { length: usize, limit: usize },
}

/// The bytes as text; every byte that is not UTF-8 becomes one U+FFFD, as Go's JSON encoder does it.
pub(super) fn push_text(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// [`push_text`] into a string of its own.
pub(super) fn text(bytes: &[u8]) -> Box<str> {
    let mut out = String::with_capacity(bytes.len());
    push_text(&mut out, bytes);
    out.into_boxed_str()
}

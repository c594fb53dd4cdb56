//! Writes points as line protocol.
//!
//! The protocol cannot say everything: a name that ends with a backslash, holds a newline or starts with `#` has no form that is read
//! back as the same name. So every line is read back before it is kept.

use std::io::Write as _;

use super::{
    Limits, Line, Precision,
    escape::{self, IN_MEASUREMENT},
    scan, unescape_field_key, unescape_measurement, unescape_tag,
};
use crate::base::{ErrorKind, TimestampNs};

/// A point with plain names, not escaped.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    /// The measurement's name.
    pub measurement: &'a [u8],
    /// Keys and values; a tag without a value does not exist and is not written.
    pub tags: &'a [(&'a [u8], &'a [u8])],
    /// Keys and values, at least one.
    pub fields: &'a [(&'a [u8], Value<'a>)],
    /// Nanoseconds.
    pub time: TimestampNs,
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Must be finite; reads back as the same bits.
    Float(f64),
    /// Written with the suffix `i`.
    Integer(i64),
    /// Written with the suffix `u`.
    Unsigned(u64),
    /// Written `true` or `false`.
    Boolean(bool),
    /// Any bytes, not escaped.
    String(&'a [u8]),
}

/// The point has no form in line protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// NaN or an infinity.
    #[error("line protocol has no form for a float that is not finite")]
    NotFinite,
    /// A name, the time or the number of fields is outside of what can be written and read back.
    #[error("line protocol cannot carry the point: {0}")]
    NotReadable(&'static str),
}

impl Unwritable {
    /// Always the point's fault.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFinite | Self::NotReadable(_) => ErrorKind::InvalidArgument,
        }
    }
}

/// Appends `point` and a newline to `out`.
///
/// # Errors
/// When the point cannot be carried; `out` is then as it was.
pub fn append(out: &mut Vec<u8>, point: &Point<'_>) -> Result<(), Unwritable> {
    let start = out.len();
    let written = push_point(out, point).and_then(|()| check_reads_back(&out[start..], point));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn push_point(out: &mut Vec<u8>, point: &Point<'_>) -> Result<(), Unwritable> {
    escape::push_escaped(out, point.measurement, IN_MEASUREMENT);
    for (key, value) in written_tags(point) {
        out.push(b',');
        escape::push_escaped(out, key, b", =");
        out.push(b'=');
        escape::push_escaped(out, value, b", =");
    }
    let mut separator = b' ';
    for (key, value) in point.fields {
        out.push(separator);
        escape::push_escaped(out, key, b", =\"");
        out.push(b'=');
        push_value(out, *value)?;
        separator = b',';
    }
    push_display(out, format_args!(" {}\n", point.time.0));
    Ok(())
}

fn written_tags<'a>(point: &Point<'a>) -> impl Iterator<Item = &'a (&'a [u8], &'a [u8])> {
    point.tags.iter().filter(|(_, value)| !value.is_empty())
}

fn push_value(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), Unwritable> {
    match value {
        Value::Float(float) if !float.is_finite() => return Err(Unwritable::NotFinite),
        Value::Float(float) => push_float(out, float),
        Value::Integer(integer) => push_display(out, format_args!("{integer}i")),
        Value::Unsigned(unsigned) => push_display(out, format_args!("{unsigned}u")),
        Value::Boolean(boolean) => push_display(out, format_args!("{boolean}")),
        Value::String(text) => {
            out.push(b'"');
            escape::push_escaped(out, text, b"\"\\");
            out.push(b'"');
        }
    }
    Ok(())
}

/// The shortest digits that read back as `float`; with an exponent where zeros would fill the line.
fn push_float(out: &mut Vec<u8>, float: f64) {
    let magnitude = float.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        push_display(out, format_args!("{float}"));
    } else {
        push_display(out, format_args!("{float:e}"));
    }
}

fn push_display(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a vector cannot fail");
}

fn check_reads_back(written: &[u8], point: &Point<'_>) -> Result<(), Unwritable> {
    let limits = Limits {
        max_line: usize::MAX,
        max_errors: 0,
    };
    let mut same = true;
    let report = scan(written, Precision::Nanoseconds, point.time, &limits, |line| {
        same &= says_the_same(&line, point);
    });
    match (report.accepted, report.rejected) {
        (1, 0) if same => Ok(()),
        (1, 0) => Err(Unwritable::NotReadable("a name would be read as another")),
        _ => Err(Unwritable::NotReadable("a name, the time or the fields are invalid")),
    }
}

/// Whether names and time are the point's; values were printed by [`push_value`] and read back by construction.
fn says_the_same(line: &Line<'_>, point: &Point<'_>) -> bool {
    let tags = line.tags().map(|(key, value)| (unescape_tag(key), unescape_tag(value)));
    let keys = line.fields().map(|(key, _)| unescape_field_key(key));
    (line.timestamped, line.time) == (true, point.time)
        && unescape_measurement(line.measurement) == point.measurement
        && tags.eq(written_tags(point).map(|(key, value)| ((*key).into(), (*value).into())))
        && keys.eq(point.fields.iter().map(|(key, _)| *key))
}

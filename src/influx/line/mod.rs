//! InfluxDB line protocol: `measurement,tag=value field=1i,other="text" 1700000000000000000`.
//!
//! [`scan`] validates a whole body and hands out every good line as a view into it; bad lines become the text of InfluxDB's answer.
//! [`mod@write`] goes the other way. This is the hottest code of the product, so a line is parsed in one pass without an allocation
//! (`plain.rs`); one with escapes or errors is parsed again by the whole rule (`exact.rs`), which alone decides what is wrong.
//!
//! What InfluxDB 1.8 takes is taken and what it refuses is refused, in its words. The differences are deliberate:
//!
//! - unsigned integers (`1u`), which InfluxDB 1.8 takes only when built for it, are taken;
//! - a line that swallows what follows it (by an open quote or a backslash at its end), which InfluxDB takes as the last of a body,
//!   is refused, because it cannot be sent on among others;
//! - a line whose value InfluxDB finds to be unreadable only when it stores it (an answer of 500) is refused;
//! - a `\r` at the end of a line, which InfluxDB takes for part of a value, is taken for part of the line's end, as influx-proxy does;
//! - lines are limited in length, and so is the text about bad ones ([`Limits`]).
//!
//! Not judged here, as it is the storage that does it: fields and tags named `time`, and a field's type against the stored one.
//!
//! Lines end with `\n` or `\r\n`. Blanks are space, tab and NUL.
//! A line whose first byte after blanks is `#` is a comment.

mod escape;
mod exact;
mod fields;
mod plain;
mod precision;
mod reason;
mod report;
mod split;
mod tags;
mod value;
pub mod write;

#[cfg(test)]
mod tests;

use crate::base::TimestampNs;

pub use escape::{
    placement_name, placement_name_of_stored, unescape_field_key, unescape_measurement, unescape_string, unescape_tag,
};
pub use fields::Fields;
pub use precision::{InvalidPrecision, Precision};
use reason::Reason;
pub use report::Report;
pub use split::split;
pub use tags::Tags;
pub use value::FieldValue;

/// Bounds on what one body may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line, in bytes without its newline.
    pub max_line: usize,
    /// Error text after which further bad lines are only counted, in bytes; the last line quoted may exceed it.
    pub max_errors: usize,
}

/// One good line; all parts are as written, still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Not empty; see [`unescape_measurement`] and [`placement_name`].
    pub measurement: &'a [u8],
    /// `k=v,k=v`, or empty.
    pub tags: &'a [u8],
    /// `k=v,k=v`, not empty.
    pub fields: &'a [u8],
    /// The line from its measurement to its last field. With a space, the time in nanoseconds and a newline behind it, it is a line
    /// that InfluxDB reads in the same way wherever it stands.
    pub body: &'a [u8],
    /// The line's own time or, if it has none, the time of the scan cut to the precision.
    pub time: TimestampNs,
    /// Whether the line has a time of its own.
    pub timestamped: bool,
}

impl<'a> Line<'a> {
    /// Keys and values, still escaped.
    #[must_use]
    pub fn tags(&self) -> Tags<'a> {
        Tags::new(self.tags)
    }

    /// Keys, still escaped, and values; numbers are converted here, not by the scan.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields::new(self.fields)
    }

    fn new(line: &'a [u8], body: &'a [u8], shape: &Shape, default_time: TimestampNs) -> Self {
        let key = &line[..shape.key_end];
        let (measurement, tags) = key.split_at(shape.measurement_end);
        Self {
            measurement,
            tags: tags.get(1..).unwrap_or_default(),
            fields: &line[shape.fields_start..shape.fields_end],
            body,
            time: shape.time.unwrap_or(default_time),
            timestamped: shape.time.is_some(),
        }
    }
}

/// Where the parts of a line are, counted from its first byte.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    measurement_end: usize,
    key_end: usize,
    fields_start: usize,
    fields_end: usize,
    time: Option<TimestampNs>,
}

/// Parses every line of `body`, calls `each` with every good one in order, and reports the bad ones.
///
/// `now` is given, cut to `precision`, to lines without a timestamp. Blank lines and comments count as neither good nor bad.
pub fn scan<'a>(
    body: &'a [u8],
    precision: Precision,
    now: TimestampNs,
    limits: &Limits,
    mut each: impl FnMut(Line<'a>),
) -> Report {
    let default_time = precision.truncate(now);
    let mut report = Report::default();
    let mut rest = body;
    while !rest.is_empty() {
        let start = skip_blanks(rest, 0);
        let line = &rest[start..];
        let end = match plain::parse(line, precision) {
            Some((shape, length)) if length <= limits.max_line => {
                report.accepted += 1;
                each(Line::new(line, &line[..shape.fields_end], &shape, default_time));
                start + length
            }
            _ => {
                let end = split::first_line(rest);
                match parse_block(&rest[..end], precision, default_time, limits) {
                    Ok(Some(line)) => {
                        report.accepted += 1;
                        each(line);
                    }
                    Ok(None) => {}
                    Err((line, reason)) => report.reject(line, &reason, limits),
                }
                end
            }
        };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    report
}

/// The point in one line with its leading blanks; nothing when there is only a comment or blanks.
fn parse_block<'a>(
    block: &'a [u8],
    precision: Precision,
    default_time: TimestampNs,
    limits: &Limits,
) -> Result<Option<Line<'a>>, (&'a [u8], Reason)> {
    // an open quote or a backslash may have hidden the newline at the end of a body
    let block = block.strip_suffix(b"\n").unwrap_or(block);
    let block = block.strip_suffix(b"\r").unwrap_or(block);
    let line = &block[skip_blanks(block, 0)..];
    if matches!(line, [] | [b'#', ..]) {
        return Ok(None);
    }
    if line.len() > limits.max_line {
        let (length, limit) = (line.len(), limits.max_line);
        return Err((line, Reason::LineTooLong { length, limit }));
    }
    exact::parse(line, precision)
        .and_then(|shape| {
            let body = exact::body(block, line, shape.fields_end)?;
            Ok(Some(Line::new(line, body, &shape, default_time)))
        })
        .map_err(|reason| (line, reason))
}

/// The first position from `from` on that holds no blank (space, tab, NUL).
#[inline]
fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while matches!(bytes.get(at), Some(b' ' | b'\t' | 0)) {
        at += 1;
    }
    at
}

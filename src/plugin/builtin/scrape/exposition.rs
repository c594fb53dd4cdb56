//! PURE. Prometheus's text format and OpenMetrics, as a list of samples.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>: the same lines but for the unit of timestamps, units,
//! exemplars and the end mark. Names in quotes, which Prometheus 3 has, are read in both. One bad line spoils all, as in
//! Prometheus: half of a histogram is worse than none.

mod cursor;

use std::{borrow::Cow, collections::HashMap};

use crate::base::TimestampNs;

use cursor::Cursor;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Timestamps are whole milliseconds.
    Prometheus,
    /// Timestamps are seconds with a fraction.
    OpenMetrics,
}

/// What an endpoint shows. Texts are views into its answer where they can be.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Exposition<'a> {
    pub(super) samples: Vec<Sample<'a>>,
    families: HashMap<&'a str, Family<'a>>,
}

/// One value.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(super) value: f64,
    pub(super) time: Option<TimestampNs>,
}

/// What is said of metrics that belong together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Family<'a> {
    pub(super) help: Cow<'a, str>,
    pub(super) unit: &'a str,
}

/// A line that is none of the format's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct ParseError {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// What follows a family's name in the names of its samples.
const SUFFIXES: [&str; 6] = ["_bucket", "_count", "_sum", "_total", "_created", "_info"];

impl Format {
    /// The format that an answer says it has.
    pub(super) fn of_content_type(content_type: &str) -> Self {
        match content_type.trim_start().starts_with("application/openmetrics-text") {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }
}

impl<'a> Exposition<'a> {
    /// What is said of the metric's family.
    pub(super) fn family(&self, name: &str) -> Option<&Family<'a>> {
        let of_suffix = |suffix: &&str| self.families.get(name.strip_suffix(suffix)?);
        self.families.get(name).or_else(|| SUFFIXES.iter().find_map(of_suffix))
    }

    /// Takes what a comment says; other comments are nothing.
    fn comment(&mut self, comment: &'a str) {
        let mut words = comment.trim_start().splitn(2, [' ', '\t']);
        let (keyword, rest) = (words.next(), words.next().unwrap_or_default().trim_start());
        let (name, text) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        match keyword {
            Some("HELP") => self.families.entry(name).or_default().help = cursor::unescape(text.trim()),
            Some("UNIT") => self.families.entry(name).or_default().unit = text.trim(),
            _ => {}
        }
    }
}

/// Reads a whole answer.
pub(super) fn parse(text: &str, format: Format) -> Result<Exposition<'_>, ParseError> {
    let mut exposition = Exposition::default();
    for (line, text) in (1..).zip(text.split('\n')) {
        let text = text.trim_matches([' ', '\t', '\r']);
        if format == Format::OpenMetrics && text == "# EOF" {
            break;
        }
        match text.strip_prefix('#') {
            Some(comment) => exposition.comment(comment),
            None if text.is_empty() => {}
            None => {
                let sample = sample(text, format).map_err(|reason| ParseError { line, reason })?;
                exposition.samples.push(sample);
            }
        }
    }
    Ok(exposition)
}

fn sample(line: &str, format: Format) -> Result<Sample<'_>, &'static str> {
    let mut cursor = Cursor::new(line);
    let mut name = Cow::Borrowed(cursor.name());
    let mut labels = Vec::new();
    cursor.skip_blanks();
    if cursor.take('{') {
        let quoted_name = read_labels(&mut cursor, &mut labels)?;
        if let Some(quoted) = quoted_name {
            if !name.is_empty() {
                return Err("the metric has two names");
            }
            name = quoted;
        }
    }
    if name.is_empty() {
        return Err("the metric has no name");
    }
    let value = cursor.word().ok_or("there is no value")?;
    let value = value.parse().map_err(|_| "the value is no number")?;
    let time = match cursor.word() {
        None => None,
        Some("#") if format == Format::OpenMetrics => {
            return Ok(Sample {
                name,
                labels,
                value,
                time: None,
            });
        }
        Some(word) => Some(timestamp(word, format)?),
    };
    match cursor.word() {
        None => {}
        Some("#") if format == Format::OpenMetrics => {}
        Some(_) => return Err("something follows the timestamp"),
    }
    Ok(Sample {
        name,
        labels,
        value,
        time,
    })
}

/// Reads up to the closing brace; answers a metric's name that was found among the labels.
fn read_labels<'a>(
    cursor: &mut Cursor<'a>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Result<Option<Cow<'a, str>>, &'static str> {
    let mut metric = None;
    loop {
        cursor.skip_blanks();
        if cursor.take('}') {
            return Ok(metric);
        }
        let is_quoted = cursor.is_at('"');
        let name = if is_quoted {
            cursor.quoted()?
        } else {
            cursor.name().into()
        };
        if name.is_empty() {
            return Err("a label has no name");
        }
        cursor.skip_blanks();
        if cursor.take('=') {
            cursor.skip_blanks();
            labels.push((name, cursor.quoted()?));
        } else if is_quoted && metric.is_none() && labels.is_empty() {
            metric = Some(name);
        } else {
            return Err("a label has no value");
        }
        cursor.skip_blanks();
        if !cursor.take(',') && !cursor.is_at('}') {
            return Err("labels are not separated");
        }
    }
}

fn timestamp(word: &str, format: Format) -> Result<TimestampNs, &'static str> {
    const BAD: &str = "the timestamp is no number";
    const FAR: &str = "the timestamp is out of range";
    match format {
        Format::Prometheus => {
            let millis: i64 = word.parse().map_err(|_| BAD)?;
            millis.checked_mul(1_000_000).map(TimestampNs).ok_or(FAR)
        }
        Format::OpenMetrics => {
            let seconds: f64 = word.parse().map_err(|_| BAD)?;
            // The microseconds that a float of today's seconds holds.
            let micros = (seconds * 1e6).round();
            if micros.is_nan() || micros.abs() >= 9e15 {
                return Err(FAR);
            }
            #[expect(clippy::cast_possible_truncation, reason = "whole, and checked to be in range")]
            let nanos = (micros as i64).checked_mul(1000);
            nanos.map(TimestampNs).ok_or(FAR)
        }
    }
}

#[cfg(test)]
mod tests;

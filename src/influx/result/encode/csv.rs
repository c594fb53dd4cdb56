//! CSV as influxd writes it: columns `name`, `tags`, then the series' own.
//!
//! A header opens each statement that has data and each change of columns within a result; a blank line stands before every
//! header but the first. Errors and messages of statements are not shown; an error of the whole request is two lines.
//! Unlike influxd, whole numbers that are not 64 bits wide inside it (`replicaN`) are shown, not skipped.

use super::{Sink, put};
use crate::{
    base::TimestampNs,
    influx::result::{Response, Series, StatementResult, Tags, TimeFormat, Value},
};

#[derive(Debug)]
pub(super) struct Csv {
    times: TimeFormat,
    /// The statement that the last header belongs to.
    statement: Option<u32>,
    columns: Vec<String>,
    /// The result that is being written began a statement, and its header is still to come.
    header_due: bool,
    /// The quoted `name,tags,` of the series that is being written.
    prefix: Vec<u8>,
}

impl Csv {
    pub(super) fn new(times: TimeFormat) -> Self {
        Self {
            times,
            statement: None,
            columns: Vec::new(),
            header_due: false,
            prefix: Vec::new(),
        }
    }

    fn header(&mut self, series: &Series, out: &mut Vec<u8>) {
        out.extend_from_slice(b"name,tags");
        for column in &series.columns {
            out.push(b',');
            field(column, out);
        }
        out.push(b'\n');
        self.columns.clone_from(&series.columns);
    }

    fn value(&self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => {}
            Value::Bool(is_true) => put(out, is_true),
            Value::Integer(number) => put(out, number),
            Value::Unsigned(number) => put(out, number),
            Value::Float(number) => float(*number, out),
            Value::Number(number) if number.as_str().contains(['e', 'E']) => float(number.as_f64(), out),
            Value::Number(number) => put(out, number.as_str()),
            Value::String(text) => field(text, out),
            Value::Time(at) | Value::LocalTime { at, .. } => self.time(*at, out),
        }
    }

    fn time(&self, at: TimestampNs, out: &mut Vec<u8>) {
        put(out, self.times.epoch(at).unwrap_or(at.0));
    }
}

impl Sink for Csv {
    fn begin(&mut self, response: &Response, out: &mut Vec<u8>) -> bool {
        if let Some(error) = &response.error {
            out.extend_from_slice(b"error\n");
            field(error, out);
            out.push(b'\n');
        }
        response.error.is_none()
    }

    fn begin_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) -> bool {
        self.header_due = self.statement != Some(result.statement_id);
        if self.header_due && !result.series.is_empty() {
            if self.statement.is_some() {
                out.push(b'\n');
            }
            self.statement = Some(result.statement_id);
        }
        true
    }

    fn begin_series(&mut self, series: &Series, out: &mut Vec<u8>) {
        if self.header_due {
            self.header(series, out);
            self.header_due = false;
        } else if self.columns != series.columns {
            out.push(b'\n');
            self.header(series, out);
        }
        self.prefix.clear();
        field(&series.name, &mut self.prefix);
        self.prefix.push(b',');
        field(&tag_text(&series.tags), &mut self.prefix);
    }

    fn row(&mut self, row: &[Value], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        for value in row {
            out.push(b',');
            self.value(value, out);
        }
        out.push(b'\n');
    }

    fn end_series(&mut self, _: &Series, _: &mut Vec<u8>) {}

    fn end_result(&mut self, _: &StatementResult, _: &mut Vec<u8>) {}

    fn end(&mut self, _: &Response, _: &mut Vec<u8>) {}
}

/// The shortest digits that read back as the same float, without an exponent; `NaN`, `+Inf`, `-Inf`.
fn float(number: f64, out: &mut Vec<u8>) {
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"+Inf" } else { b"-Inf" });
    } else {
        put(out, number);
    }
}

/// One field; quoted when it holds a comma, quote or line break, begins with white space, or is `\.` (a trap of PostgreSQL).
fn field(text: &str, out: &mut Vec<u8>) {
    let needs_quotes = text.contains([',', '"', '\n', '\r']) || text.starts_with(char::is_whitespace) || text == "\\.";
    if needs_quotes {
        put(out, format_args!("\"{}\"", text.replace('"', "\"\"")));
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Tags as `k=v,k2=v2` with the escapes of line protocol; tags without a value are left out.
fn tag_text(tags: &Tags) -> String {
    let mut text = String::new();
    for (key, value) in tags.iter().filter(|(_, value)| !value.is_empty()) {
        if !text.is_empty() {
            text.push(',');
        }
        push_escaped(key, &mut text);
        text.push('=');
        push_escaped(value, &mut text);
    }
    text
}

fn push_escaped(part: &str, text: &mut String) {
    for character in part.chars() {
        if matches!(character, ',' | '=' | ' ') {
            text.push('\\');
        }
        text.push(character);
    }
}

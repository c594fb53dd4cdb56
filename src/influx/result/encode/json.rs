//! JSON as Go's `encoding/json` writes influxd's answers: member order, escapes, floats, indentation.
//!
//! NaN and infinities are `null`, where influxd breaks off with Go's error text instead of JSON.

use super::{Sink, put};
use crate::{
    base::TimestampNs,
    influx::result::{Message, Response, Series, StatementResult, TimeFormat, Value},
};

const INDENT: &[u8] = b"    ";
const HEX: &[u8; 16] = b"0123456789abcdef";

#[derive(Debug)]
pub(super) struct Json {
    times: TimeFormat,
    layout: Layout,
}

impl Json {
    pub(super) fn new(times: TimeFormat, pretty: bool) -> Self {
        let layout = Layout {
            pretty,
            depth: 0,
            is_empty: true,
        };
        Self { times, layout }
    }

    fn text_member(&mut self, name: &str, text: &str, out: &mut Vec<u8>) {
        self.layout.member(name, out);
        string(text, out);
    }

    fn partial(&mut self, is_partial: bool, out: &mut Vec<u8>) {
        if is_partial {
            self.layout.member("partial", out);
            out.extend_from_slice(b"true");
        }
    }

    fn tags_and_columns(&mut self, series: &Series, out: &mut Vec<u8>) {
        if !series.tags.is_empty() {
            self.layout.member("tags", out);
            self.layout.open(b'{', out);
            for (key, value) in series.tags.iter() {
                self.layout.item(out);
                string(key, out);
                self.layout.colon(out);
                string(value, out);
            }
            self.layout.close(b'}', out);
        }
        if !series.columns.is_empty() {
            self.layout.member("columns", out);
            self.layout.open(b'[', out);
            for column in &series.columns {
                self.layout.item(out);
                string(column, out);
            }
            self.layout.close(b']', out);
        }
    }

    fn messages(&mut self, messages: &[Message], out: &mut Vec<u8>) {
        if messages.is_empty() {
            return;
        }
        self.layout.member("messages", out);
        self.layout.open(b'[', out);
        for Message { level, text } in messages {
            self.layout.item(out);
            self.layout.open(b'{', out);
            self.text_member("level", level, out);
            self.text_member("text", text, out);
            self.layout.close(b'}', out);
        }
        self.layout.close(b']', out);
    }

    fn value(&self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(is_true) => put(out, is_true),
            Value::Integer(number) => put(out, number),
            Value::Unsigned(number) => put(out, number),
            Value::Float(number) => float(*number, out),
            Value::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
            Value::String(text) => string(text, out),
            Value::Time(at) => self.time(*at, 0, out),
            Value::LocalTime { at, offset_seconds } => self.time(*at, *offset_seconds, out),
        }
    }

    fn time(&self, at: TimestampNs, offset_seconds: i32, out: &mut Vec<u8>) {
        if let Some(units) = self.times.epoch(at) {
            return put(out, units);
        }
        out.push(b'"');
        rfc3339(at, offset_seconds, out);
        out.push(b'"');
    }
}

impl Sink for Json {
    fn begin(&mut self, response: &Response, out: &mut Vec<u8>) -> bool {
        self.layout.open(b'{', out);
        if !response.results.is_empty() {
            self.layout.member("results", out);
            self.layout.open(b'[', out);
        }
        true
    }

    fn begin_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) -> bool {
        self.layout.item(out);
        self.layout.open(b'{', out);
        self.layout.member("statement_id", out);
        put(out, result.statement_id);
        if !result.series.is_empty() {
            self.layout.member("series", out);
            self.layout.open(b'[', out);
        }
        true
    }

    fn begin_series(&mut self, series: &Series, out: &mut Vec<u8>) {
        self.layout.item(out);
        self.layout.open(b'{', out);
        if !series.name.is_empty() {
            self.text_member("name", &series.name, out);
        }
        self.tags_and_columns(series, out);
        if !series.values.is_empty() {
            self.layout.member("values", out);
            self.layout.open(b'[', out);
        }
    }

    fn row(&mut self, row: &[Value], out: &mut Vec<u8>) {
        self.layout.item(out);
        self.layout.open(b'[', out);
        for value in row {
            self.layout.item(out);
            self.value(value, out);
        }
        self.layout.close(b']', out);
    }

    fn end_series(&mut self, series: &Series, out: &mut Vec<u8>) {
        if !series.values.is_empty() {
            self.layout.close(b']', out);
        }
        self.partial(series.partial, out);
        self.layout.close(b'}', out);
    }

    fn end_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) {
        if !result.series.is_empty() {
            self.layout.close(b']', out);
        }
        self.messages(&result.messages, out);
        self.partial(result.partial, out);
        if let Some(error) = &result.error {
            self.text_member("error", error, out);
        }
        self.layout.close(b'}', out);
    }

    fn end(&mut self, response: &Response, out: &mut Vec<u8>) {
        if !response.results.is_empty() {
            self.layout.close(b']', out);
        }
        if let Some(error) = &response.error {
            self.text_member("error", error, out);
        }
        self.layout.close(b'}', out);
        out.push(b'\n');
    }
}

/// Commas, and the line breaks and indentation of `json.MarshalIndent`.
#[derive(Debug)]
struct Layout {
    pretty: bool,
    depth: usize,
    /// Whether the innermost list or object has no item yet.
    is_empty: bool,
}

impl Layout {
    fn open(&mut self, bracket: u8, out: &mut Vec<u8>) {
        out.push(bracket);
        self.depth += 1;
        self.is_empty = true;
    }

    fn close(&mut self, bracket: u8, out: &mut Vec<u8>) {
        self.depth -= 1;
        if !self.is_empty {
            self.line_break(out);
        }
        out.push(bracket);
        self.is_empty = false;
    }

    fn item(&mut self, out: &mut Vec<u8>) {
        if !self.is_empty {
            out.push(b',');
        }
        self.line_break(out);
        self.is_empty = false;
    }

    fn member(&mut self, name: &str, out: &mut Vec<u8>) {
        self.item(out);
        string(name, out);
        self.colon(out);
    }

    fn colon(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.pretty { b": " } else { b":" });
    }

    fn line_break(&self, out: &mut Vec<u8>) {
        if self.pretty {
            out.push(b'\n');
            (0..self.depth).for_each(|_| out.extend_from_slice(INDENT));
        }
    }
}

/// A quoted string; besides what JSON demands, `<`, `>`, `&`, U+2028, U+2029 and U+FFFD are escaped.
fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let length = escaped_length(bytes, at, *byte);
        if length > 0 {
            out.extend_from_slice(&bytes[written..at]);
            escape(&bytes[at..at + length], out);
            written = at + length;
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// How many bytes from `at` on need an escape; mostly 0.
fn escaped_length(bytes: &[u8], at: usize, byte: u8) -> usize {
    match byte {
        0..0x20 | b'"' | b'\\' | b'<' | b'>' | b'&' => 1,
        0xe2 | 0xef => match bytes.get(at..at + 3) {
            Some(b"\xe2\x80\xa8" | b"\xe2\x80\xa9" | b"\xef\xbf\xbd") => 3,
            _ => 0,
        },
        _ => 0,
    }
}

fn escape(character: &[u8], out: &mut Vec<u8>) {
    match character {
        b"\n" => out.extend_from_slice(b"\\n"),
        b"\r" => out.extend_from_slice(b"\\r"),
        b"\t" => out.extend_from_slice(b"\\t"),
        [quoted @ (b'"' | b'\\')] => out.extend_from_slice(&[b'\\', *quoted]),
        b"\xe2\x80\xa8" => out.extend_from_slice(b"\\u2028"),
        b"\xe2\x80\xa9" => out.extend_from_slice(b"\\u2029"),
        [byte] => {
            let digit = |nibble: u8| HEX[usize::from(nibble)];
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        }
        _ => out.extend_from_slice(b"\\ufffd"),
    }
}

/// The shortest text that reads back as the same float; with an exponent below 1e-6 and from 1e21 on, as ECMAScript has it.
fn float(number: f64, out: &mut Vec<u8>) {
    let magnitude = number.abs();
    if !number.is_finite() {
        out.extend_from_slice(b"null");
    } else if magnitude >= 1e21 {
        put(out, format!("{number:e}").replace('e', "e+"));
    } else if magnitude != 0.0 && magnitude < 1e-6 {
        put(out, format_args!("{number:e}"));
    } else {
        put(out, number);
    }
}

/// Go's `RFC3339Nano` in a zone: `Z` for UTC, else hours and minutes.
fn rfc3339(at: TimestampNs, offset_seconds: i32, out: &mut Vec<u8>) {
    if offset_seconds == 0 {
        return put(out, at);
    }
    let local = at.0.saturating_add(i64::from(offset_seconds) * 1_000_000_000);
    put(out, TimestampNs(local));
    out.pop(); // the `Z`
    let minutes = offset_seconds.unsigned_abs() / 60;
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    put(out, format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
}

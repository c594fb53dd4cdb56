//! MessagePack as influxd writes it.
//!
//! Members come in the order `statement_id`, `messages`, `series`, `partial`; a result with an error holds nothing but the
//! error. `series` and `values` are always there. Integers take the shortest signed form, unsigned ones the shortest
//! unsigned form, floats always 8 bytes; a time is extension 5: seconds (8 bytes) and nanoseconds (4 bytes), big-endian.

use super::Sink;
use crate::{
    base::TimestampNs,
    influx::result::{Message, Number, Response, Series, StatementResult, TimeFormat, Value},
};

/// The extension type that the library of influxd (tinylib/msgp) chose for times.
const TIME_EXTENSION: u8 = 5;

#[derive(Debug)]
pub(super) struct MsgPack {
    times: TimeFormat,
}

impl MsgPack {
    pub(super) fn new(times: TimeFormat) -> Self {
        Self { times }
    }

    fn value(&self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => out.push(0xc0),
            Value::Bool(is_true) => out.push(if *is_true { 0xc3 } else { 0xc2 }),
            Value::Integer(number) => integer(*number, out),
            Value::Unsigned(number) => unsigned(*number, out),
            Value::Float(number) => float(*number, out),
            Value::Number(number) => relayed(number, out),
            Value::String(text) => string(text, out),
            Value::Time(at) | Value::LocalTime { at, .. } => self.time(*at, out),
        }
    }

    fn time(&self, at: TimestampNs, out: &mut Vec<u8>) {
        if let Some(units) = self.times.epoch(at) {
            return integer(units, out);
        }
        let seconds = at.0.div_euclid(1_000_000_000);
        let nanos = u32::try_from(at.0.rem_euclid(1_000_000_000)).expect("less than a second of nanoseconds");
        out.extend_from_slice(&[0xc7, 12, TIME_EXTENSION]);
        out.extend_from_slice(&seconds.to_be_bytes());
        out.extend_from_slice(&nanos.to_be_bytes());
    }
}

impl Sink for MsgPack {
    fn begin(&mut self, response: &Response, out: &mut Vec<u8>) -> bool {
        map(1, out);
        if let Some(error) = &response.error {
            error_member(error, out);
            return false;
        }
        string("results", out);
        array(response.results.len(), out);
        true
    }

    fn begin_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) -> bool {
        if let Some(error) = &result.error {
            map(1, out);
            error_member(error, out);
            return false;
        }
        map(
            2 + usize::from(!result.messages.is_empty()) + usize::from(result.partial),
            out,
        );
        string("statement_id", out);
        integer(result.statement_id.into(), out);
        if !result.messages.is_empty() {
            string("messages", out);
            array(result.messages.len(), out);
        }
        for Message { level, text } in &result.messages {
            map(2, out);
            string("level", out);
            string(level, out);
            string("text", out);
            string(text, out);
        }
        string("series", out);
        array(result.series.len(), out);
        true
    }

    fn begin_series(&mut self, series: &Series, out: &mut Vec<u8>) {
        let optional = [!series.name.is_empty(), !series.tags.is_empty(), series.partial];
        map(2 + optional.into_iter().filter(|is_there| *is_there).count(), out);
        if !series.name.is_empty() {
            string("name", out);
            string(&series.name, out);
        }
        if !series.tags.is_empty() {
            string("tags", out);
            map(series.tags.iter().len(), out);
        }
        for (key, value) in series.tags.iter() {
            string(key, out);
            string(value, out);
        }
        string("columns", out);
        array(series.columns.len(), out);
        series.columns.iter().for_each(|column| string(column, out));
        string("values", out);
        array(series.values.len(), out);
    }

    fn row(&mut self, row: &[Value], out: &mut Vec<u8>) {
        array(row.len(), out);
        row.iter().for_each(|value| self.value(value, out));
    }

    fn end_series(&mut self, series: &Series, out: &mut Vec<u8>) {
        partial(series.partial, out);
    }

    fn end_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) {
        partial(result.partial, out);
    }

    fn end(&mut self, _: &Response, _: &mut Vec<u8>) {}
}

fn error_member(error: &str, out: &mut Vec<u8>) {
    string("error", out);
    string(error, out);
}

fn partial(is_partial: bool, out: &mut Vec<u8>) {
    if is_partial {
        string("partial", out);
        out.push(0xc3);
    }
}

/// A number whose kind the backend did not tell: an integer when it is written as one.
fn relayed(number: &Number, out: &mut Vec<u8>) {
    match (number.as_i64(), number.as_u64()) {
        (Some(signed), _) if number.as_str() != "-0" => integer(signed, out),
        (None, Some(large)) => unsigned(large, out),
        _ => float(number.as_f64(), out),
    }
}

fn float(number: f64, out: &mut Vec<u8>) {
    out.push(0xcb);
    out.extend_from_slice(&number.to_be_bytes());
}

fn integer(number: i64, out: &mut Vec<u8>) {
    if let Ok(small) = i8::try_from(number) {
        if small < -32 {
            out.push(0xd0);
        }
        out.extend_from_slice(&small.to_be_bytes());
    } else if let Ok(short) = i16::try_from(number) {
        out.push(0xd1);
        out.extend_from_slice(&short.to_be_bytes());
    } else if let Ok(medium) = i32::try_from(number) {
        out.push(0xd2);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn unsigned(number: u64, out: &mut Vec<u8>) {
    if let Ok(small) = u8::try_from(number) {
        if small > 0x7f {
            out.push(0xcc);
        }
        out.push(small);
    } else if let Ok(short) = u16::try_from(number) {
        out.push(0xcd);
        out.extend_from_slice(&short.to_be_bytes());
    } else if let Ok(medium) = u32::try_from(number) {
        out.push(0xce);
        out.extend_from_slice(&medium.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    match (u8::try_from(text.len()), u16::try_from(text.len())) {
        (Ok(length @ 0..=31), _) => out.push(0xa0 | length),
        (Ok(length), _) => out.extend_from_slice(&[0xd9, length]),
        (_, Ok(length)) => {
            out.push(0xda);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(0xdb);
            out.extend_from_slice(&length32(text.len()));
        }
    }
    out.extend_from_slice(text.as_bytes());
}

fn array(length: usize, out: &mut Vec<u8>) {
    container(length, 0x90, 0xdc, 0xdd, out);
}

fn map(length: usize, out: &mut Vec<u8>) {
    container(length, 0x80, 0xde, 0xdf, out);
}

/// The header of a list or map: in the marker itself up to 15 items, else 16 or 32 bits.
fn container(length: usize, fix: u8, short: u8, long: u8, out: &mut Vec<u8>) {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=15), _) => out.push(fix | length),
        (_, Ok(length)) => {
            out.push(short);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(long);
            out.extend_from_slice(&length32(length));
        }
    }
}

/// A length in the widest form that the format has.
fn length32(length: usize) -> [u8; 4] {
    u32::try_from(length)
        .expect("an answer of 4 GiB does not fit the byte budget")
        .to_be_bytes()
}

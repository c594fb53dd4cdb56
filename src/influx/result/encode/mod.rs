//! Writing an answer as JSON, CSV or MessagePack, whole or piece by piece.
//!
//! A `Cursor` walks over the answer and tells a `Sink` what comes; the three formats are three sinks, and both ways of
//! writing are the same walk. CSV depends on what was written before (the header is repeated per statement), so that one
//! [`Encoder`] serves one request with all its chunks.

mod csv;
mod json;
mod msgpack;

use std::{fmt, io::Write};

use self::{csv::Csv, json::Json, msgpack::MsgPack};
use super::{Format, OutputOptions, Response, Series, StatementResult, Value};

/// Takes the parts of an answer in order and appends their encoding to `out`.
trait Sink: fmt::Debug + Send {
    /// Opens the document; `false` when that was already all of it.
    fn begin(&mut self, response: &Response, out: &mut Vec<u8>) -> bool;
    /// Opens a result; `false` when that was already all of it.
    fn begin_result(&mut self, result: &StatementResult, out: &mut Vec<u8>) -> bool;
    fn begin_series(&mut self, series: &Series, out: &mut Vec<u8>);
    fn row(&mut self, row: &[Value], out: &mut Vec<u8>);
    fn end_series(&mut self, series: &Series, out: &mut Vec<u8>);
    fn end_result(&mut self, result: &StatementResult, out: &mut Vec<u8>);
    fn end(&mut self, response: &Response, out: &mut Vec<u8>);
}

/// Writes the documents of one request's answer.
#[derive(Debug)]
pub struct Encoder {
    sink: Box<dyn Sink>,
}

impl Encoder {
    /// An encoder that has written nothing yet.
    #[must_use]
    pub fn new(options: OutputOptions) -> Self {
        let OutputOptions { format, times, pretty } = options;
        let sink: Box<dyn Sink> = match format {
            Format::Json => Box::new(Json::new(times, pretty)),
            Format::Csv => Box::new(Csv::new(times)),
            Format::MsgPack => Box::new(MsgPack::new(times)),
        };
        Self { sink }
    }

    /// Appends one document: the whole answer, or the next chunk.
    pub fn encode(&mut self, response: &Response, out: &mut Vec<u8>) {
        let mut cursor = Cursor::default();
        while cursor.step(response, self.sink.as_mut(), out) {}
    }

    /// Encodes one document in pieces of about `piece_bytes` and frees the rows as it goes, so that a great answer is
    /// never held twice.
    #[must_use]
    pub fn pieces(self, response: Response, piece_bytes: usize) -> Pieces {
        Pieces {
            encoder: self,
            response,
            cursor: Cursor::default(),
            piece_bytes,
        }
    }
}

/// The pieces of one document, none of them empty. A piece ends after the row with which it reaches the wanted size.
#[derive(Debug)]
pub struct Pieces {
    encoder: Encoder,
    response: Response,
    cursor: Cursor,
    piece_bytes: usize,
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut piece = Vec::with_capacity(self.piece_bytes.min(1 << 20));
        loop {
            let done = self.cursor;
            let more = self.cursor.step(&self.response, self.encoder.sink.as_mut(), &mut piece);
            self.response.forget_row(done);
            if !more || (!piece.is_empty() && piece.len() >= self.piece_bytes) {
                return (!piece.is_empty()).then_some(piece);
            }
        }
    }
}

impl Response {
    fn forget_row(&mut self, at: Cursor) {
        if let Cursor::Row(r, s, w) = at
            && let Some(result) = self.results.get_mut(r)
            && let Some(series) = result.series.get_mut(s)
            && let Some(row) = series.values.get_mut(w)
        {
            *row = Vec::new();
        }
    }
}

/// What is written next; the numbers are positions of result, series and row.
#[derive(Debug, Clone, Copy, Default)]
enum Cursor {
    #[default]
    Start,
    Result(usize),
    Series(usize, usize),
    Row(usize, usize, usize),
    End,
}

impl Cursor {
    /// Writes the next part; `false` when there is none. A position behind the last item stands for the end of the list.
    fn step(&mut self, response: &Response, sink: &mut dyn Sink, out: &mut Vec<u8>) -> bool {
        *self = match *self {
            Self::Start if sink.begin(response, out) => Self::Result(0),
            Self::Start => Self::End,
            Self::Result(r) => match response.results.get(r) {
                Some(result) if sink.begin_result(result, out) => Self::Series(r, 0),
                Some(_) => Self::Result(r + 1),
                None => {
                    sink.end(response, out);
                    Self::End
                }
            },
            Self::Series(r, s) => match response.results[r].series.get(s) {
                Some(series) => {
                    sink.begin_series(series, out);
                    Self::Row(r, s, 0)
                }
                None => {
                    sink.end_result(&response.results[r], out);
                    Self::Result(r + 1)
                }
            },
            Self::Row(r, s, w) => match response.results[r].series[s].values.get(w) {
                Some(row) => {
                    sink.row(row, out);
                    Self::Row(r, s, w + 1)
                }
                None => {
                    sink.end_series(&response.results[r].series[s], out);
                    Self::Series(r, s + 1)
                }
            },
            Self::End => return false,
        };
        true
    }
}

/// Appends formatted text.
fn put(out: &mut Vec<u8>, text: impl fmt::Display) {
    write!(out, "{text}").expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests;

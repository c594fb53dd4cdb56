//! Reading a backend's MessagePack, whose cells tell integers from floats, as its JSON does not.
//!
//! A body is one or more documents without anything between them. Unknown members are skipped, nil stands for a missing
//! member. The shape is the one that [`encode`](super::super::encode) writes.

use super::{
    super::{Message, Response, Series, StatementResult, Value},
    DecodeError,
};
use crate::base::TimestampNs;

/// The extension type of a time: seconds (8 bytes) and nanoseconds (4 bytes), big-endian.
const TIME_EXTENSION: u8 = 5;

/// Reads a whole body and joins its chunks.
///
/// # Errors
/// When the body holds no document, a cut one or anything that is not the answer of a query.
pub fn decode_msgpack(body: &[u8]) -> Result<Response, DecodeError> {
    let mut reader = Reader { rest: body };
    let mut whole = reader.response()?;
    while !reader.rest.is_empty() {
        whole.append(reader.response()?);
    }
    Ok(whole)
}

/// One item; arrays and maps are followed by their elements.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Item<'a> {
    Nil,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a [u8]),
    Array(usize),
    Map(usize),
    Time(TimestampNs),
}

#[derive(Debug)]
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn response(&mut self) -> Result<Response, DecodeError> {
        let mut response = Response::default();
        self.members(|reader, name| {
            match name {
                b"results" => response.results = reader.list(Self::result)?,
                b"error" => response.error = Some(reader.text()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(response)
    }

    fn result(&mut self) -> Result<StatementResult, DecodeError> {
        let mut result = StatementResult::default();
        self.members(|reader, name| {
            match name {
                b"statement_id" => result.statement_id = reader.statement_id()?,
                b"messages" => result.messages = reader.list(Self::message)?,
                b"series" => result.series = reader.list(Self::series)?,
                b"error" => result.error = Some(reader.text()?),
                b"partial" => result.partial = reader.item()? == Item::Bool(true),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(result)
    }

    fn message(&mut self) -> Result<Message, DecodeError> {
        let (mut level, mut text) = (String::new(), String::new());
        self.members(|reader, name| {
            match name {
                b"level" => level = reader.text()?,
                b"text" => text = reader.text()?,
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Message { level, text })
    }

    fn series(&mut self) -> Result<Series, DecodeError> {
        let mut series = Series::default();
        self.members(|reader, name| {
            match name {
                b"name" => series.name = reader.text()?,
                b"tags" => {
                    let mut tags = Vec::new();
                    reader.members(|reader, key| {
                        tags.push((lossy(key), reader.text()?));
                        Ok(())
                    })?;
                    series.tags = tags.into_iter().collect();
                }
                b"columns" => series.columns = reader.list(Self::text)?,
                b"values" => series.values = reader.list(|reader| reader.list(Self::cell))?,
                b"partial" => series.partial = reader.item()? == Item::Bool(true),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(series)
    }

    fn cell(&mut self) -> Result<Value, DecodeError> {
        Ok(match self.item()? {
            Item::Nil => Value::Null,
            Item::Bool(value) => Value::Bool(value),
            Item::Integer(number) => Value::Integer(number),
            Item::Unsigned(number) => i64::try_from(number).map_or(Value::Unsigned(number), Value::Integer),
            Item::Float(number) => Value::Float(number),
            Item::Text(bytes) => Value::text(bytes),
            Item::Time(at) => Value::Time(at),
            Item::Array(_) | Item::Map(_) => return Err(malformed("a cell is neither a number nor text")),
        })
    }

    /// Reads a map, or nil for an empty one; `member` reads the value of each name.
    fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a [u8]) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = match self.item()? {
            Item::Map(count) => count,
            Item::Nil => 0,
            _ => return Err(malformed("a map was expected")),
        };
        for _ in 0..count {
            let Item::Text(name) = self.item()? else {
                return Err(malformed("a member has no name"));
            };
            member(self, name)?;
        }
        Ok(())
    }

    fn list<T>(&mut self, mut element: impl FnMut(&mut Self) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
        match self.item()? {
            Item::Array(count) => (0..count).map(|_| element(self)).collect(),
            Item::Nil => Ok(Vec::new()),
            _ => Err(malformed("an array was expected")),
        }
    }

    fn text(&mut self) -> Result<String, DecodeError> {
        match self.item()? {
            Item::Text(bytes) => Ok(lossy(bytes)),
            Item::Nil => Ok(String::new()),
            _ => Err(malformed("text was expected")),
        }
    }

    fn statement_id(&mut self) -> Result<u32, DecodeError> {
        let id = match self.item()? {
            Item::Integer(id) => u32::try_from(id).ok(),
            Item::Unsigned(id) => u32::try_from(id).ok(),
            _ => None,
        };
        id.ok_or_else(|| malformed("a statement's number was expected"))
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        let mut due = 1_usize;
        while due > 0 {
            due -= 1;
            let inner = match self.item()? {
                Item::Array(count) => count,
                Item::Map(count) => count.saturating_mul(2),
                _ => 0,
            };
            due = due.saturating_add(inner);
        }
        Ok(())
    }

    fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let [head] = self.bytes()?;
        Ok(match head {
            0x00..=0x7f => Item::Integer(head.into()),
            0x80..=0x8f => Item::Map(usize::from(head & 0x0f)),
            0x90..=0x9f => Item::Array(usize::from(head & 0x0f)),
            0xa0..=0xbf => Item::Text(self.take(usize::from(head & 0x1f))?),
            0xc0 => Item::Nil,
            0xc2 | 0xc3 => Item::Bool(head == 0xc3),
            0xc4 | 0xd9 => self.length::<1>().and_then(|size| self.take(size)).map(Item::Text)?,
            0xc5 | 0xda => self.length::<2>().and_then(|size| self.take(size)).map(Item::Text)?,
            0xc6 | 0xdb => self.length::<4>().and_then(|size| self.take(size)).map(Item::Text)?,
            0xc7 => self.time()?,
            0xca => Item::Float(f32::from_be_bytes(self.bytes()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.bytes()?)),
            0xcc => Item::Unsigned(u8::from_be_bytes(self.bytes()?).into()),
            0xcd => Item::Unsigned(u16::from_be_bytes(self.bytes()?).into()),
            0xce => Item::Unsigned(u32::from_be_bytes(self.bytes()?).into()),
            0xcf => Item::Unsigned(u64::from_be_bytes(self.bytes()?)),
            0xd0 => Item::Integer(i8::from_be_bytes(self.bytes()?).into()),
            0xd1 => Item::Integer(i16::from_be_bytes(self.bytes()?).into()),
            0xd2 => Item::Integer(i32::from_be_bytes(self.bytes()?).into()),
            0xd3 => Item::Integer(i64::from_be_bytes(self.bytes()?)),
            0xdc => Item::Array(self.length::<2>()?),
            0xdd => Item::Array(self.length::<4>()?),
            0xde => Item::Map(self.length::<2>()?),
            0xdf => Item::Map(self.length::<4>()?),
            0xe0..=0xff => Item::Integer(i8::from_be_bytes([head]).into()),
            0xc1 | 0xc8 | 0xc9 | 0xd4..=0xd8 => return Err(malformed("an item of unknown type")),
        })
    }

    fn time(&mut self) -> Result<Item<'a>, DecodeError> {
        if self.bytes()? != [12, TIME_EXTENSION] {
            return Err(malformed("an extension of unknown type"));
        }
        let seconds = i64::from_be_bytes(self.bytes()?);
        let nanos = i32::from_be_bytes(self.bytes()?);
        let at = seconds
            .checked_mul(1_000_000_000)
            .and_then(|ns| ns.checked_add(nanos.into()));
        at.map(|ns| Item::Time(TimestampNs(ns)))
            .ok_or_else(|| malformed("a time beyond all others"))
    }

    /// A length of `N` bytes, at most 4.
    fn length<const N: usize>(&mut self) -> Result<usize, DecodeError> {
        let bytes: [u8; N] = self.bytes()?;
        Ok(bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Incomplete)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, size: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(size).ok_or(DecodeError::Incomplete)?;
        self.rest = rest;
        Ok(bytes)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn malformed(what: &str) -> DecodeError {
    DecodeError::Malformed(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::super::{Encoder, Format, OutputOptions};
    use super::*;

    fn packed(response: &Response) -> Vec<u8> {
        let mut bytes = Vec::new();
        let output = OutputOptions {
            format: Format::MsgPack,
            ..OutputOptions::default()
        };
        Encoder::new(output).encode(response, &mut bytes);
        bytes
    }

    fn example() -> Response {
        let row = |value: Value| vec![Value::Time(TimestampNs(-1)), value];
        let large = i64::from(u32::MAX) * 2;
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Float(2.0),
            Value::String("ä".repeat(300)),
            Value::Unsigned(u64::MAX),
        ];
        let integers = [0, -1, 127, 128, -129, 40_000, -40_000, large, i64::MIN, i64::MAX].map(Value::Integer);
        let series = Series {
            name: "m".to_owned(),
            tags: [("t".to_owned(), "x".to_owned())].into_iter().collect(),
            columns: vec!["time".to_owned(), "v".to_owned()],
            values: values.into_iter().chain(integers).map(row).collect(),
            partial: true,
        };
        StatementResult {
            statement_id: 7,
            series: vec![series],
            messages: vec![Message {
                level: "warning".to_owned(),
                text: "careful".to_owned(),
            }],
            error: None,
            partial: false,
        }
        .into()
    }

    #[test]
    fn what_is_written_is_read() {
        let error = Response::of_error("no");
        for response in [example(), error, Response::default()] {
            assert_eq!(decode_msgpack(&packed(&response)), Ok(response));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = packed(&example());
        for end in 0..whole.len() {
            assert_eq!(decode_msgpack(&whole[..end]), Err(DecodeError::Incomplete), "{end}");
        }
    }

    #[test]
    fn damage_is_no_panic_and_takes_no_memory() {
        let whole = packed(&example());
        for at in 0..whole.len() {
            for byte in [0x00, 0xc1, 0xdd, 0xdf, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                drop(decode_msgpack(&damaged));
            }
        }
        assert_eq!(
            decode_msgpack(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
            Err(malformed("a map was expected"))
        );
    }
}

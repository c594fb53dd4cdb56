//! The whole rule: parses one line exactly as InfluxDB 1.8 does, and names what is wrong in its words and its order.
//!
//! Source: the behaviour of `models.ParsePoints`, checked against a running influxd. Its notions of "escaped" differ by place, and
//! so they do here. In measurement and tags a byte is escaped when a backslash stands before it, even one that is itself escaped;
//! among the fields a backslash hides the next byte; and when fields are read back, keys follow the first rule and values know only
//! `\"` and `\\`. A line is good when every view of it is.

use super::{
    Precision, Shape, fields,
    reason::{self, MAX_KEY, Reason},
    skip_blanks, split, tags, value,
};
use crate::base::TimestampNs;

/// Parses a line that starts with its measurement and has no newline at its end.
pub(super) fn parse(line: &[u8], precision: Precision) -> Result<Shape, Reason> {
    let measurement_end = measurement(line)?;
    let key_end = match line[measurement_end] {
        b',' => tag_section(line, measurement_end + 1)?,
        _ => measurement_end,
    };
    if key_end > MAX_KEY {
        return Err(Reason::KeyTooLong(key_end));
    }
    let fields_start = skip_blanks(line, key_end);
    let fields_end = field_section(line, fields_start)?;
    check_as_read(&line[fields_start..fields_end], key_end)?;
    let time = timestamp(line, fields_end, precision)?;
    Ok(Shape {
        measurement_end,
        key_end,
        fields_start,
        fields_end,
        time,
    })
}

/// The part of `block` to pass on, when `line` is `block` without its leading blanks and its fields end at `fields_end`.
///
/// Leading blanks are kept where they alone make a newline part of the line.
pub(super) fn body<'a>(block: &'a [u8], line: &'a [u8], fields_end: usize) -> Result<&'a [u8], Reason> {
    let with_blanks = &block[..block.len() - line.len() + fields_end];
    let bare = &line[..fields_end];
    [bare, with_blanks]
        .into_iter()
        .find(|body| split::stands_alone(body))
        .ok_or(Reason::UnclearEnd)
}

/// The comma or space that ends the measurement.
fn measurement(line: &[u8]) -> Result<usize, Reason> {
    match line.first() {
        None | Some(b',') => Err(Reason::MissingMeasurement),
        Some(_) => find_unescaped(line, 1, |byte| matches!(byte, b',' | b' ')).ok_or(Reason::MissingFields),
    }
}

/// The space that ends the tags, the first of which starts at `at`.
fn tag_section(line: &[u8], start: usize) -> Result<usize, Reason> {
    let (mut at, mut ascending) = (start, true);
    let mut previous: &[u8] = &[];
    loop {
        let equals = tag_key(line, at)?;
        let key = &line[at..equals];
        ascending &= tags::ascend(previous, key);
        previous = key;
        let end = tag_value(line, equals + 1)?;
        if line[end] == b' ' {
            let duplicates = !ascending && tags::have_duplicates(&line[start..end]);
            return if duplicates {
                Err(Reason::DuplicateTags)
            } else {
                Ok(end)
            };
        }
        at = end + 1;
    }
}

/// The `=` after the tag key that starts at `at`.
fn tag_key(line: &[u8], at: usize) -> Result<usize, Reason> {
    if matches!(line.get(at), None | Some(b' ' | b',' | b'=')) {
        return Err(Reason::MissingTagKey);
    }
    find_unescaped(line, at + 1, |byte| matches!(byte, b',' | b' ' | b'='))
        .filter(|end| line[*end] == b'=')
        .ok_or(Reason::MissingTagValue)
}

/// The comma or space after the tag value that starts at `at`; its first byte may be `=`.
fn tag_value(line: &[u8], at: usize) -> Result<usize, Reason> {
    if matches!(line.get(at), None | Some(b' ' | b',')) {
        return Err(Reason::MissingTagValue);
    }
    let end = find_unescaped(line, at + 1, |byte| matches!(byte, b',' | b' ' | b'=')).ok_or(Reason::MissingFields)?;
    match line[end] {
        b'=' => Err(Reason::InvalidTagFormat),
        _ => Ok(end),
    }
}

/// The first byte from `from` on that is wanted and has no backslash before it.
fn find_unescaped(line: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    (from..line.len()).find(|&at| wanted(line[at]) && line[at - 1] != b'\\')
}

/// Where the fields that start at `start` end: at a space outside strings, or with the line.
fn field_section(line: &[u8], start: usize) -> Result<usize, Reason> {
    let (mut at, mut quoted) = (start, false);
    let (mut equals, mut commas) = (0_usize, 0_usize);
    while let Some(&byte) = line.get(at) {
        match byte {
            b'\\' if at + 1 < line.len() => at += 1,
            b'"' if equals > commas => quoted = !quoted,
            _ if quoted => {}
            b'=' => {
                equals += 1;
                check_field_key(line, at)?;
                at = scalar_end(line, at + 1)?;
                continue;
            }
            b',' => commas += 1,
            b' ' => break,
            _ => {}
        }
        at += 1;
    }
    if quoted {
        return Err(Reason::UnbalancedQuotes);
    }
    if equals == 0 || commas != equals - 1 {
        return Err(Reason::InvalidFieldFormat);
    }
    Ok(at)
}

/// Whether there is a field key before the `=` at `equals`; an escaped comma or space is one.
fn check_field_key(line: &[u8], equals: usize) -> Result<(), Reason> {
    match line.get(equals.saturating_sub(2)..equals) {
        Some([before, b' ' | b',']) if *before != b'\\' => Err(Reason::MissingFieldKey),
        _ => Ok(()),
    }
}

/// Where the number or boolean that starts at `at` ends; a string is left to the caller.
fn scalar_end(line: &[u8], at: usize) -> Result<usize, Reason> {
    if line.get(at) == Some(&b'"') {
        return Ok(at);
    }
    let token = line[at..]
        .split(|byte| matches!(byte, b',' | b' '))
        .next()
        .unwrap_or_default();
    value::check(token).map(|()| at + token.len())
}

/// Checks the fields the way they are read later; `key` is the length of measurement and tags.
fn check_as_read(section: &[u8], key: usize) -> Result<(), Reason> {
    /// What InfluxDB's storage puts between series and field key.
    const SEPARATOR: usize = 4;
    for field in fields::pairs(section) {
        let (name, text) = field.map_err(|rest| Reason::InvalidValue(reason::text(rest)))?;
        let length = key + SEPARATOR + name.len();
        if length > MAX_KEY {
            return Err(Reason::KeyTooLong(length));
        }
        value::parse(text)?;
    }
    Ok(())
}

/// The time behind the fields, if there is one; nothing but spaces may follow it.
fn timestamp(line: &[u8], fields_end: usize, precision: Precision) -> Result<Option<TimestampNs>, Reason> {
    let rest = &line[skip_blanks(line, fields_end)..];
    let (text, after) = rest.split_at(
        rest.iter()
            .position(|byte| matches!(byte, b' ' | b'\n'))
            .unwrap_or(rest.len()),
    );
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Reason::BadTimestamp);
    }
    if text.is_empty() {
        // InfluxDB looks no further here, whatever follows
        return Ok(None);
    }
    if digits.is_empty() {
        return Err(Reason::TimestampWithoutDigits);
    }
    let count = value::parse_ascii(text).ok_or_else(|| Reason::TimestampOverflow(reason::text(text)))?;
    let time = precision.time(count).ok_or(Reason::TimeRange)?;
    match after.iter().all(|byte| *byte == b' ') {
        true => Ok(Some(time)),
        false => Err(Reason::InvalidPoint),
    }
}

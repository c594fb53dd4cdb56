//! The fast path: one pass over a line without escapes outside strings and without oddities.
//!
//! It takes a subset of what [`super::exact`] takes, with the same result, and never refuses: whatever it does not know is `None`.
//! Hence errors come from one place, and this one is free to be quick.

use super::{Precision, Shape, reason::MAX_KEY, skip_blanks, tags, value};

/// Bytes that end a measurement, key, tag value, number or boolean here, or that make the line no business of this path.
const ENDS_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = *b", =\n\"\\";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// Digits that cannot overflow `u64`: 10¹⁹ - 1 is less than 2⁶⁴.
const MAX_DIGITS: usize = 19;

/// The line at the start of `bytes` and its length without the newline.
#[inline]
pub(super) fn parse(bytes: &[u8], precision: Precision) -> Option<(Shape, usize)> {
    let (measurement_end, key_end) = key(bytes)?;
    let fields_start = skip_blanks(bytes, key_end);
    let fields_end = fields(bytes, fields_start)?;
    if fields_end > MAX_KEY - 4 {
        return None;
    }
    let (count, length) = timestamp(bytes, fields_end)?;
    let time = match count {
        Some(count) => Some(precision.time(count)?),
        None => None,
    };
    let shape = Shape {
        measurement_end,
        key_end,
        fields_start,
        fields_end,
        time,
    };
    Some((shape, length))
}

/// Where the measurement and the tags end.
#[inline]
fn key(bytes: &[u8]) -> Option<(usize, usize)> {
    let measurement_end = token_end(bytes, 0);
    if measurement_end == 0 || bytes[0] == b'#' {
        return None;
    }
    let mut end = measurement_end;
    let mut previous: &[u8] = &[];
    let mut ascending = true;
    loop {
        match bytes.get(end)? {
            b' ' => break,
            b',' => {}
            _ => return None,
        }
        let equals = token_end(bytes, end + 1);
        let key = &bytes[end + 1..equals];
        if key.is_empty() || bytes.get(equals) != Some(&b'=') {
            return None;
        }
        ascending &= tags::ascend(previous, key);
        previous = key;
        end = token_end(bytes, equals + 1);
        if end == equals + 1 {
            return None;
        }
    }
    let distinct = ascending || !tags::have_duplicates(&bytes[measurement_end + 1..end]);
    distinct.then_some((measurement_end, end))
}

/// Where the fields that start at `at` end.
#[inline]
fn fields(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let equals = token_end(bytes, at);
        if equals == at || bytes.get(equals) != Some(&b'=') {
            return None;
        }
        let value = equals + 1;
        let end = if bytes.get(value) == Some(&b'"') {
            string_end(bytes, value + 1)?
        } else {
            let end = token_end(bytes, value);
            value::check(&bytes[value..end]).ok()?;
            end
        };
        match bytes.get(end) {
            Some(b',') => at = end + 1,
            None | Some(b' ' | b'\n') => return Some(end),
            _ => return None,
        }
    }
}

/// One past the quote that closes the string whose first byte is at `at`.
#[inline]
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// The timestamp behind the fields, if there is one, and where the line ends.
#[inline]
fn timestamp(bytes: &[u8], fields_end: usize) -> Option<(Option<i64>, usize)> {
    let start = skip_spaces(bytes, fields_end);
    let negative = bytes.get(start) == Some(&b'-');
    let first_digit = start + usize::from(negative);
    let mut at = first_digit;
    let mut magnitude: u64 = 0;
    while let Some(digit) = bytes
        .get(at)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        magnitude = magnitude.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    if at - first_digit > MAX_DIGITS {
        return None;
    }
    let written = at > first_digit;
    let end = skip_spaces(bytes, at);
    let ends_here = bytes.get(end).is_none_or(|byte| *byte == b'\n');
    if !ends_here || (negative && !written) {
        return None;
    }
    let magnitude = i64::try_from(magnitude).ok()?;
    let count = if negative { -magnitude } else { magnitude };
    Some((written.then_some(count), end))
}

#[inline]
fn token_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|byte| !ENDS_TOKEN[usize::from(*byte)]) {
        at += 1;
    }
    at
}

#[inline]
fn skip_spaces(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

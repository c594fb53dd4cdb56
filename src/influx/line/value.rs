//! Field values: what InfluxDB takes for a number, a boolean or a string.

use super::reason::{self, Reason};

/// A field value as a line carries it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldValue<'a> {
    /// Finite.
    Float(f64),
    /// Written with the suffix `i`.
    Integer(i64),
    /// Written with the suffix `u`.
    Unsigned(u64),
    /// `t`, `T`, `true`, `True`, `TRUE` and the same for false.
    Boolean(bool),
    /// What stands between the quotes, still escaped: see [`super::unescape_string`].
    String(&'a [u8]),
}

/// Digits of an integer that need no range check: 10¹⁸ - 1 fits into `i64` and `u64`.
const SAFE_DIGITS: usize = 18;

/// Bytes of a number without exponent that cannot exceed `f64`: the largest has 309 digits before the point.
const SAFE_FLOAT: usize = 308;

/// Whether `token`, a number or boolean up to the next comma or space, is one that InfluxDB takes.
#[inline]
pub(super) fn check(token: &[u8]) -> Result<(), Reason> {
    match token {
        [] => Err(Reason::MissingFieldValue),
        [b'0'..=b'9' | b'.' | b'-' | b'N' | b'n', ..] => check_number(token),
        _ => boolean(token).map(drop).ok_or(Reason::InvalidBoolean),
    }
}

/// The value that `text` stands for, with the quotes when it is a string.
pub(super) fn parse(text: &[u8]) -> Result<FieldValue<'_>, Reason> {
    match text {
        [b'"', inner @ .., _] => Ok(FieldValue::String(inner)),
        [b'"'] => Err(Reason::UnbalancedQuotes),
        [digits @ .., b'i'] => integer(digits).map(FieldValue::Integer),
        [digits @ .., b'u'] => unsigned(digits).map(FieldValue::Unsigned),
        [b't' | b'T' | b'f' | b'F', ..] => boolean(text).map(FieldValue::Boolean).ok_or(Reason::InvalidBoolean),
        _ => check(text).and_then(|()| float(text)).map(FieldValue::Float),
    }
}

#[inline]
fn check_number(token: &[u8]) -> Result<(), Reason> {
    match token {
        [digits @ .., b'i'] if is_short_integer(digits) => Ok(()),
        [digits @ .., b'i'] => integer(digits).map(drop),
        [digits @ .., b'u'] => unsigned(digits).map(drop),
        _ => check_float(token),
    }
}

#[inline]
fn is_short_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (1..=SAFE_DIGITS).contains(&digits.len()) && is_all_digits(digits)
}

#[inline]
fn is_all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn integer(text: &[u8]) -> Result<i64, Reason> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !is_all_digits(digits) {
        return Err(Reason::InvalidNumber);
    }
    parse_ascii(text).ok_or_else(|| Reason::IntegerRange(reason::text(text)))
}

fn unsigned(digits: &[u8]) -> Result<u64, Reason> {
    if digits.is_empty() || !is_all_digits(digits) {
        return Err(Reason::InvalidNumber);
    }
    parse_ascii(digits).ok_or_else(|| Reason::UnsignedRange(reason::text(digits)))
}

/// InfluxDB looks at the form first and at the value only where the form leaves it open.
#[inline]
fn check_float(token: &[u8]) -> Result<(), Reason> {
    let unsigned = token.strip_prefix(b"-").unwrap_or(token);
    let (mut points, mut exponent, mut before) = (0, false, 0);
    for &byte in unsigned {
        match byte {
            b'0'..=b'9' => {}
            b'.' if points == 0 => points = 1,
            b'e' | b'E' => exponent = true,
            b'+' | b'-' if matches!(before, b'e' | b'E') => {}
            _ => return Err(Reason::InvalidNumber),
        }
        before = byte;
    }
    if unsigned.len() == points {
        return Err(Reason::InvalidNumber);
    }
    if exponent || token.len() > SAFE_FLOAT {
        float(token)?;
    }
    Ok(())
}

fn float(text: &[u8]) -> Result<f64, Reason> {
    parse_ascii(text)
        .filter(|value: &f64| value.is_finite())
        .ok_or(Reason::InvalidFloat)
}

/// A number by Rust's rules, which take everything that got here through the checks above as Go's do.
pub(super) fn parse_ascii<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => Some(true),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let reads = |text: &str, expect: FieldValue<'_>| {
            assert_eq!(parse(text.as_bytes()), Ok(expect), "{text}");
            assert!(text.starts_with('"') || check(text.as_bytes()).is_ok(), "{text}");
        };
        for (text, float) in [
            ("1.", 1.0),
            (".5", 0.5),
            ("-.5", -0.5),
            ("1.e5", 1e5),
            ("1E+3", 1e3),
            ("00", 0.0),
        ] {
            reads(text, FieldValue::Float(float));
        }
        reads("1e-400", FieldValue::Float(0.0));
        reads("-9223372036854775808i", FieldValue::Integer(i64::MIN));
        reads("0000000000000000000001i", FieldValue::Integer(1));
        reads("18446744073709551615u", FieldValue::Unsigned(u64::MAX));
        reads("True", FieldValue::Boolean(true));
        reads("f", FieldValue::Boolean(false));
        reads("\"\"", FieldValue::String(b""));
        reads(r#""a\"b""#, FieldValue::String(br#"a\"b"#));
        reads(r#""a"b"#, FieldValue::String(b"a\""));
    }

    #[test]
    fn other_text_is_no_value() {
        for text in [
            "",
            "\"",
            "-",
            ".",
            "-.",
            "-i",
            "i",
            "u",
            "-1u",
            "1iu",
            "1.0i",
            "1e5i",
            "1.1.1",
            "1e400",
            "1e",
            ".e5",
            "1_0",
            "0x1",
            "+1",
            "nan",
            "N",
            "inf",
            "tru",
            "TrUe",
            "9223372036854775808i",
            "18446744073709551616u",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}

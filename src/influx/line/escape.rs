//! Escaped names and strings, and the name by which a measurement is placed.

use std::borrow::Cow;

/// Where `wanted` first stands without a backslash right before it.
pub(super) fn find_unescaped(bytes: &[u8], wanted: u8) -> Option<usize> {
    memchr::memchr_iter(wanted, bytes).find(|&at| at == 0 || bytes[at - 1] != b'\\')
}

/// A measurement as InfluxDB lists it: `\,`, `\ `, `\=` and `\"` lose their backslash, any other backslash stays.
#[must_use]
pub fn unescape_measurement(written: &[u8]) -> Cow<'_, [u8]> {
    unescape(written, b", =\"")
}

/// A tag key or value as InfluxDB lists it: `\,`, `\ ` and `\=` lose their backslash, any other backslash stays.
#[must_use]
pub fn unescape_tag(written: &[u8]) -> Cow<'_, [u8]> {
    unescape(written, b", =")
}

/// A field key as InfluxDB lists it: the rule of [`unescape_measurement`].
#[must_use]
pub fn unescape_field_key(written: &[u8]) -> Cow<'_, [u8]> {
    unescape(written, b", =\"")
}

/// A string field's value: `\"` and `\\` lose their first backslash, any other backslash stays.
#[must_use]
pub fn unescape_string(written: &[u8]) -> Cow<'_, [u8]> {
    unescape(written, b"\"\\")
}

fn unescape<'a>(written: &'a [u8], escapable: &[u8]) -> Cow<'a, [u8]> {
    let Some(first) = memchr::memchr(b'\\', written) else {
        return Cow::Borrowed(written);
    };
    let (plain, mut rest) = written.split_at(first);
    let mut out = Vec::with_capacity(written.len());
    out.extend_from_slice(plain);
    while let [byte, after @ ..] = rest {
        match after {
            [escaped, after @ ..] if *byte == b'\\' && escapable.contains(escaped) => {
                out.push(*escaped);
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    Cow::Owned(out)
}

/// Appends `name` with a backslash before every byte of `special`.
pub(super) fn push_escaped(out: &mut Vec<u8>, name: &[u8], special: &[u8]) {
    for &byte in name {
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

/// What InfluxDB escapes when it writes a measurement.
pub(super) const IN_MEASUREMENT: &[u8] = b", ";

/// The name that is hashed to place a measurement, from the measurement as a line writes it (influx-proxy's rule):
/// every backslash is removed and the next byte taken literally, up to the first comma or space that is not.
///
/// InfluxDB keeps some of these backslashes, so this is not the measurement's name: `me\as` is placed as `meas`.
#[must_use]
pub fn placement_name(written: &[u8]) -> Cow<'_, [u8]> {
    let end = memchr::memchr3(b'\\', b',', b' ', written).unwrap_or(written.len());
    let (plain, mut rest) = written.split_at(end);
    if rest.first() != Some(&b'\\') {
        return Cow::Borrowed(plain);
    }
    let mut out = plain.to_vec();
    loop {
        match rest {
            [b'\\', literal, after @ ..] => {
                out.push(*literal);
                rest = after;
            }
            [] | [b'\\' | b',' | b' ', ..] => return Cow::Owned(out),
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
        }
    }
}

/// [`placement_name`] of a measurement that is known by its name: as stored, listed or queried.
///
/// It is the placement of the line that would write the name, so that writes, queries and `SHOW MEASUREMENTS` agree.
#[must_use]
pub fn placement_name_of_stored(name: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', name).is_none() {
        // escaping and placing cancel out
        return Cow::Borrowed(name);
    }
    let mut written = Vec::with_capacity(name.len() + 8);
    push_escaped(&mut written, name, IN_MEASUREMENT);
    Cow::Owned(placement_name(&written).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_differ_by_place() {
        let check = |written: &str, measurement: &str, tag: &str, string: &str| {
            assert_eq!(
                unescape_measurement(written.as_bytes()),
                measurement.as_bytes(),
                "{written}"
            );
            assert_eq!(
                unescape_field_key(written.as_bytes()),
                measurement.as_bytes(),
                "{written}"
            );
            assert_eq!(unescape_tag(written.as_bytes()), tag.as_bytes(), "{written}");
            assert_eq!(unescape_string(written.as_bytes()), string.as_bytes(), "{written}");
        };
        check("plain", "plain", "plain", "plain");
        check(r"a\,b\ c\=d", "a,b c=d", "a,b c=d", r"a\,b\ c\=d");
        check(r#"a\"b"#, r#"a"b"#, r#"a\"b"#, r#"a"b"#);
        check(r"a\\b", r"a\\b", r"a\\b", r"a\b");
        check(r"a\\,b", r"a\,b", r"a\,b", r"a\,b");
        check(r"me\as\", r"me\as\", r"me\as\", r"me\as\");
    }

    #[test]
    fn placement_ignores_how_a_name_is_written() {
        let check = |written: &str, placed: &str| {
            assert_eq!(placement_name(written.as_bytes()), placed.as_bytes(), "{written}");
            let stored = unescape_measurement(written.as_bytes());
            assert_eq!(placement_name_of_stored(&stored), placed.as_bytes(), "stored {written}");
        };
        check("cpu", "cpu");
        check(r"a\,b", "a,b");
        check(r"a\ b", "a b");
        check(r"a\=b", "a=b");
        check("a=b", "a=b");
        check(r#"a\"b"#, r#"a"b"#);
        check(r"a\\b", r"a\b");
        check(r"me\as", "meas");
        check(r"\,a", ",a");
        check("измерение", "измерение");
        check(r"a\\,b", r"a\");
        check("", "");
    }
}

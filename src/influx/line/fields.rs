//! The fields of a line.

use super::{
    escape::find_unescaped,
    value::{self, FieldValue},
};

/// The fields of a line in the order written: key, still escaped ([`super::unescape_field_key`]), and value.
///
/// A key may be empty: InfluxDB takes a field without one behind a blank that is no space (`m \t=1`), and stores it.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    pairs: Pairs<'a>,
}

impl<'a> Fields<'a> {
    /// `section` is `k=v,k=v` out of a good line.
    pub(super) fn new(section: &'a [u8]) -> Self {
        Self { pairs: pairs(section) }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], FieldValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // the pairs of a good line are good, so nothing is lost by stopping at another
        let (key, text) = self.pairs.next()?.ok()?;
        Some((key, value::parse(text).ok()?))
    }
}

/// Field keys and the text of their values; see [`pairs`].
#[derive(Debug, Clone)]
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
}

/// Cuts a field section into keys and the text of their values, strings with their quotes.
///
/// An item is `Err`, and the last, when what remains has no `=` or nothing after it: the key that InfluxDB names then.
pub(super) fn pairs(section: &[u8]) -> Pairs<'_> {
    Pairs { rest: section }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), &'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (key, rest) = self
            .rest
            .split_at(find_unescaped(self.rest, b'=').unwrap_or(self.rest.len()));
        if rest.len() < 2 {
            self.rest = &[];
            return Some(Err(key));
        }
        let rest = &rest[1..];
        let (text, rest) = rest.split_at(value_end(rest));
        self.rest = rest.get(1..).unwrap_or_default();
        Some(Ok((key, text)))
    }
}

/// The comma outside quotes that ends the value at the start of `bytes`, or the end.
fn value_end(bytes: &[u8]) -> usize {
    if bytes.first() != Some(&b'"') {
        return simple_end(bytes);
    }
    quoted_end(bytes)
}

/// [`value_end`] of what is no string; quotes and backslashes are as unexpected as they are legal.
fn simple_end(bytes: &[u8]) -> usize {
    match bytes.iter().position(|byte| matches!(byte, b',' | b'"' | b'\\')) {
        None => bytes.len(),
        Some(end) if bytes[end] == b',' => end,
        Some(_) => quoted_end(bytes),
    }
}

fn quoted_end(bytes: &[u8]) -> usize {
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        match bytes[at..] {
            [b'\\', b'"' | b'\\', ..] => at += 1,
            [b'"', ..] => quoted = !quoted,
            [b',', ..] if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart() {
        let check = |section: &str, expect: &[(&str, FieldValue<'_>)]| {
            let found: Vec<_> = Fields::new(section.as_bytes()).collect();
            let expect: Vec<_> = expect.iter().map(|(key, value)| (key.as_bytes(), *value)).collect();
            assert_eq!(found, expect, "{section}");
        };
        check(
            "a=1,b=2i",
            &[("a", FieldValue::Float(1.0)), ("b", FieldValue::Integer(2))],
        );
        check(
            r#"a="x,\"=y",b\=c=t"#,
            &[
                ("a", FieldValue::String(br#"x,\"=y"#)),
                (r"b\=c", FieldValue::Boolean(true)),
            ],
        );
        check(
            r#"a="x"y"z,",b=2"#,
            &[("a", FieldValue::String(br#"x"y"z,"#)), ("b", FieldValue::Float(2.0))],
        );
        check("=1,b=2", &[("", FieldValue::Float(1.0)), ("b", FieldValue::Float(2.0))]);
    }

    #[test]
    fn half_fields_are_errors() {
        let last = |section: &'static str| pairs(section.as_bytes()).last();
        assert_eq!(last("a=1,b"), Some(Err(&b"b"[..])));
        assert_eq!(last("a=1,b="), Some(Err(&b"b"[..])));
        assert_eq!(last(r"a\\=1"), Some(Err(&br"a\\=1"[..])));
        assert_eq!(last(""), None);
    }
}

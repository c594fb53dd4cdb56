//! JSON as Go writes it, which clients compare byte by byte: two blanks a level, `<`, `>`, U+2028 and U+2029 escaped,
//! `&` as it is, control characters but the three common ones by number, floats without a needless fraction.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter, Serializer};

use crate::workflow::gojson;

/// `value`, indented; without a newline at its end.
pub(super) fn indented(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let go = Go(PrettyFormatter::with_indent(b"  "));
    let written = value.serialize(&mut Serializer::with_formatter(&mut text, go));
    debug_assert!(written.is_ok(), "documents always serialise into memory");
    text
}

struct Go<'a>(PrettyFormatter<'a>);

impl Formatter for Go<'_> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for piece in fragment.split_inclusive(is_escaped) {
            let last = piece.chars().next_back().filter(|c| is_escaped(*c));
            let plain = piece.len() - last.map_or(0, char::len_utf8);
            writer.write_all(&piece.as_bytes()[..plain])?;
            if let Some(c) = last {
                write!(writer, "\\u{:04x}", u32::from(c))?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let mut text = Vec::new();
        gojson::write_f64(&mut text, value);
        writer.write_all(&text)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// What Go escapes so that the text may stand in HTML and JavaScript, but for `&`, which Snap writes as it is.
fn is_escaped(c: char) -> bool {
    matches!(c, '<' | '>' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_as_go_does() {
        let check = |value: serde_json::Value, expect: &str| {
            assert_eq!(String::from_utf8(indented(&value)).unwrap(), expect, "{value}");
        };
        check(json!({}), "{}");
        check(json!([]), "[]");
        check(
            json!({"b": [1, {"a": null}], "a": {}}),
            "{\n  \"b\": [\n    1,\n    {\n      \"a\": null\n    }\n  ],\n  \"a\": {}\n}",
        );
        check(
            json!("<a>&\u{2028}ä\u{2029}'/"),
            "\"\\u003ca\\u003e&\\u2028ä\\u2029'/\"",
        );
        check(
            json!("\"\\\n\r\t\u{8}\u{c}\u{1}\u{7f}"),
            "\"\\\"\\\\\\n\\r\\t\\u0008\\u000c\\u0001\u{7f}\"",
        );
        check(
            json!([1.0, 2.5, -0.5, 1e20, 1e21, -1.5e300, 1e-6, 2.5e-7, 0.0]),
            "[\n  1,\n  2.5,\n  -0.5,\n  100000000000000000000,\n  1e+21,\n  -1.5e+300,\n  0.000001,\n  2.5e-7,\n  0\n]",
        );
    }
}

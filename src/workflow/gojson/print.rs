//! PURE. The printers: compact JSON as Go's `json.Marshal` writes it, and values as Go's `%v` shows them.

use std::{
    fmt::{self, Display, LowerExp},
    io::Write,
};

use super::Value;

/// Appends a text as a JSON string. What HTML or JavaScript would take amiss is escaped: `<`, `>`, `&`, U+2028, U+2029.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.find(is_escaped) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = escaped.chars();
        if let Some(char) = chars.next() {
            write_escaped(out, char);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// Appends a number; `null` for those that JSON has no words for.
pub fn write_f64(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    let is_plain = size == 0.0 || (1e-6..1e21).contains(&size);
    write_float(out, number, number.is_finite(), is_plain);
}

/// Appends a number with the digits that 32 bits need; `null` for those that JSON has no words for.
pub fn write_f32(out: &mut Vec<u8>, number: f32) {
    let size = number.abs();
    let is_plain = size == 0.0 || (1e-6..1e21).contains(&size);
    write_float(out, number, number.is_finite(), is_plain);
}

fn write_float(out: &mut Vec<u8>, number: impl Display + LowerExp, is_finite: bool, is_plain: bool) {
    if !is_finite {
        out.extend_from_slice(b"null");
    } else if is_plain {
        append(out, format_args!("{number}"));
    } else {
        append(out, format_args!("{}", with_exponent(&number, 1)));
    }
}

fn is_escaped(char: char) -> bool {
    matches!(
        char,
        '\0'..='\x1f' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

fn write_escaped(out: &mut Vec<u8>, char: char) {
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => append(out, format_args!("\\u{:04x}", u32::from(other))),
    }
}

fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "memory takes everything");
}

/// `1.5e+21` with so many digits of the exponent at least; Go names the sign of every exponent.
fn with_exponent(number: &impl LowerExp, digits: usize) -> String {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    format!("{mantissa}e{sign}{size:0>digits$}")
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<nil>"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::Number(text) => fmt_number(text, f),
            Self::String(text) => f.write_str(text),
            Self::Array(items) => {
                f.write_str("[")?;
                separated(items.iter(), f, |item, f| item.fmt(f))?;
                f.write_str("]")
            }
            Self::Object(entries) => {
                f.write_str("map[")?;
                separated(entries.iter(), f, |(key, value), f| write!(f, "{key}:{value}"))?;
                f.write_str("]")
            }
        }
    }
}

fn separated<T>(
    items: impl Iterator<Item = T>,
    f: &mut fmt::Formatter<'_>,
    print: impl Fn(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (number, item) in items.enumerate() {
        if number > 0 {
            f.write_str(" ")?;
        }
        print(item, f)?;
    }
    Ok(())
}

/// Go holds every number of JSON as a float and shows it by `%g`: with an exponent below 1e-4 and from a million on.
fn fmt_number(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let number: f64 = text.parse().unwrap_or(f64::INFINITY);
    let size = number.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        write!(f, "{number}")
    } else {
        f.write_str(&with_exponent(&number, 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::gojson::parse;

    #[test]
    fn values_are_shown_as_go_does() {
        let check =
            |text: &str, expect: &str| assert_eq!(parse(text.as_bytes()).unwrap().to_string(), expect, "{text}");
        check("null", "<nil>");
        check(r#"{"b":1,"a":true}"#, "map[a:true b:1]");
        check(r#"["a","b c",null,[],{}]"#, "[a b c <nil> [] map[]]");
        check("[1.0, 2.50, -0.5, 0, 100000]", "[1 2.5 -0.5 0 100000]");
        check("[1000000, 123456789, 1e100]", "[1e+06 1.23456789e+08 1e+100]");
        check("[0.0001, 0.00001, -2.5e-7]", "[0.0001 1e-05 -2.5e-07]");
    }

    #[test]
    fn strings_are_written_as_go_does() {
        let check = |text: &str, expect: &str| {
            let mut out = Vec::new();
            write_string(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        };
        check("", r#""""#);
        check("plain äß", "\"plain äß\"");
        check("a\"b\\c/d", r#""a\"b\\c/d""#);
        check(
            "\n\r\t\u{8}\u{c}\0\u{1f}\u{7f}",
            "\"\\n\\r\\t\\u0008\\u000c\\u0000\\u001f\u{7f}\"",
        );
        check("<&>\u{2028}\u{2029}", r#""\u003c\u0026\u003e\u2028\u2029""#);
    }

    #[test]
    fn numbers_are_written_as_go_does() {
        let check = |number: f64, expect: &str| {
            let mut out = Vec::new();
            write_f64(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        };
        check(42.0, "42");
        check(21.5, "21.5");
        check(-0.0, "-0");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(-1.5e300, "-1.5e+300");
        check(1e-6, "0.000001");
        check(2.5e-7, "2.5e-7");
        check(1e-10, "1e-10");
        check(f64::NAN, "null");
        check(f64::INFINITY, "null");
        let mut out = Vec::new();
        write_f32(&mut out, 0.1);
        write_f32(&mut out, 1e21);
        assert_eq!(out, b"0.11e+21");
    }
}

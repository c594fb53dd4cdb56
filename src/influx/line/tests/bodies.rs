//! Bodies of several lines and the whole answer (empty: 204), as influxd 1.6.7 gives it; and what is Gyre's own.

use super::*;

#[test]
fn bodies_are_answered_as_influxdb_answers_them() {
    for (body, message) in BODIES {
        let (_, report) = scan_all(body.as_bytes());
        assert_eq!(report.message().unwrap_or_default(), *message, "{body:?}");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_shown_as_go_shows_them() {
    let check = |body: &[u8], message: &str| assert_eq!(scan_all(body).1.message().as_deref(), Some(message));
    check(
        b"c\xffpu\xe2\x82 ",
        "unable to parse 'c\u{fffd}pu\u{fffd}\u{fffd} ': invalid field format",
    );
    check(b"\xc3(", "unable to parse '\u{fffd}(': missing fields");
    check(
        b"cpu v=\xf0\x9f\x98",
        "unable to parse 'cpu v=\u{fffd}\u{fffd}\u{fffd}': invalid boolean",
    );
    check(
        b"cpu,t=\xff v=1 x",
        "unable to parse 'cpu,t=\u{fffd} v=1 x': bad timestamp",
    );
}

/// Where the answer is not influxd 1.6.7's: unsigned integers, and lines that could not be sent on or stored.
#[test]
fn deliberate_differences() {
    let check = |line: &str, reason: &str| {
        let expect = (!reason.is_empty()).then(|| format!("unable to parse '{line}': {reason}"));
        assert_eq!(scan_all(line.as_bytes()).1.message(), expect, "{line:?}");
    };
    check("cpu v=1u", "");
    check("cpu v=0u,w=18446744073709551615u 5", "");
    check(
        "cpu v=18446744073709551616u",
        "unable to parse unsigned 18446744073709551616: \
         strconv.ParseUint: parsing \"18446744073709551616\": value out of range",
    );
    for number in ["-1u", "1.0u", "1e5u", "1uu", "1iu", "1ui", "1u1", ".u"] {
        check(&format!("cpu v={number}"), "invalid number");
    }
    check(
        "cpu v=\"a\"\\",
        "quotes or backslashes leave the end of the line unclear",
    );
    check(
        "a\\\\ b=\"x v=1",
        "quotes or backslashes leave the end of the line unclear",
    );
    check("cpu a\\\\=\"x=1\" 1", "invalid number");
    check("cpu a\\\\=\"x=1i\" 1", "invalid number");
}

#[test]
fn parts_of_a_line_are_views_into_it() {
    let body = b" \tcpu\\ x,a=1,b\\,=2  v=1i,s=\"x \\\" y\"  5  \n";
    let (lines, _) = scan_all(body);
    let expect = Line {
        measurement: b"cpu\\ x",
        tags: b"a=1,b\\,=2",
        fields: b"v=1i,s=\"x \\\" y\"",
        body: b"cpu\\ x,a=1,b\\,=2  v=1i,s=\"x \\\" y\"",
        time: TimestampNs(5),
        timestamped: true,
    };
    assert_eq!(lines, [expect]);
    let tags: Vec<_> = lines[0].tags().collect();
    assert_eq!(tags, [(&b"a"[..], &b"1"[..]), (b"b\\,", b"2")]);
    let fields: Vec<_> = lines[0].fields().collect();
    let expect = [
        (&b"v"[..], FieldValue::Integer(1)),
        (b"s", FieldValue::String(b"x \\\" y")),
    ];
    assert_eq!(fields, expect);
}

#[test]
fn blanks_before_the_fields_are_no_part_of_them() {
    for body in ["cpu \t v=1", "cpu \0v=1", "cp\\ u \t\0v=1"] {
        assert_eq!(scan_all(body.as_bytes()).0[0].fields, b"v=1", "{body:?}");
    }
    let (lines, _) = scan_all(b"cpu \t=1");
    let fields: Vec<_> = lines[0].fields().collect();
    assert_eq!(fields, [(&b""[..], FieldValue::Float(1.0))]);
}

#[test]
fn blanks_stay_where_they_hold_a_line_together() {
    let (lines, _) = scan_all(b"  a=\"b\nc\" v=1 5");
    assert_eq!(lines[0].body, b"  a=\"b\nc\" v=1");
    assert_eq!(lines[0].measurement, b"a=\"b\nc\"");
    let (lines, _) = scan_all(b"  cpu=\"x v=1 5");
    assert_eq!(lines[0].body, b"cpu=\"x v=1");
}

#[test]
fn times_follow_the_precision() {
    let check = |precision: Precision, line: &str, expect: Result<i64, &str>| {
        let mut times = Vec::new();
        let report = scan(line.as_bytes(), precision, NOW, &LIMITS, |line| times.push(line.time.0));
        match expect {
            Ok(time) => assert_eq!(times, [time], "{line}"),
            Err(reason) => {
                assert_eq!(report.message(), Some(format!("unable to parse '{line}': {reason}")));
            }
        }
    };
    let outside = "time outside range -9223372036854775806 - 9223372036854775806";
    check(Precision::Nanoseconds, "a v=1 7", Ok(7));
    check(Precision::Microseconds, "a v=1 -7", Ok(-7_000));
    check(Precision::Milliseconds, "a v=1 7", Ok(7_000_000));
    check(Precision::Seconds, "a v=1 7", Ok(7_000_000_000));
    check(Precision::Minutes, "a v=1 -7", Ok(-420_000_000_000));
    check(Precision::Hours, "a v=1 7", Ok(25_200_000_000_000));
    check(Precision::Seconds, "a v=1 9223372036", Ok(9_223_372_036_000_000_000));
    check(Precision::Seconds, "a v=1 9223372037", Err(outside));
    check(Precision::Hours, "a v=1 -2562048", Err(outside));
    check(Precision::Hours, "a v=1 2562048 x", Err(outside));
    check(Precision::Nanoseconds, "a v=1", Ok(NOW.0));
    check(Precision::Milliseconds, "a v=1", Ok(1_700_000_000_123_000_000));
    check(Precision::Seconds, "a v=1", Ok(1_700_000_000_000_000_000));
    check(Precision::Hours, "a v=1", Ok(1_699_999_200_000_000_000));
}

#[test]
fn long_keys_are_refused_as_influxdb_refuses_them() {
    let check = |line: &str, reason: Option<&str>| {
        let expect =
            reason.map(|reason| format!("unable to parse '{line}': max key length exceeded: {reason} > 65535"));
        assert_eq!(scan_all(line.as_bytes()).1.message(), expect);
    };
    let name = |length: usize| "a".repeat(length);
    check(&format!("{} v=1", name(65_530)), None);
    check(&format!("{} v=1", name(65_531)), Some("65536"));
    check(&format!("{} v=1", name(65_536)), Some("65536"));
    check(&format!("cpu,t={} v=1", name(65_530)), Some("65536"));
    check(&format!("cpu {}=1", name(65_528)), None);
    check(&format!("cpu v=1,{}=1", name(65_529)), Some("65536"));
    check(&format!("cpu v=\"{}\"", name(70_000)), None);
}

#[test]
fn lines_and_errors_are_bounded() {
    let limits = Limits {
        max_line: 200,
        max_errors: 60,
    };
    let message = |body: &str| {
        let report = scan(body.as_bytes(), Precision::Nanoseconds, NOW, &limits, drop);
        report.message().unwrap_or_default()
    };
    let long = "x".repeat(195);
    assert_eq!(message(&format!("{long} v=1\n  {long} v=1")), "");
    let quoted = "x".repeat(128);
    assert_eq!(
        message(&format!("{long}yy v=1\na v=1")),
        format!("partial write: unable to parse '{quoted}...': line too long: 201 > 200 bytes dropped=0")
    );
    assert_eq!(
        message("a\nb\nc\nd\n"),
        "unable to parse 'a': missing fields\nunable to parse 'b': missing fields\nand 2 more lines"
    );
}

#[test]
fn a_million_tags_are_no_trap() {
    let limits = Limits {
        max_line: 1 << 24,
        max_errors: 1,
    };
    let tags: String = (0..1_000_000_u64)
        .map(|n| format!(",k{}=v", n.wrapping_mul(7_777_777) % 1_000_003))
        .collect();
    let line = format!("cpu{tags} v=1");
    let report = scan(line.as_bytes(), Precision::Nanoseconds, NOW, &limits, drop);
    let message = report.message().unwrap_or_default();
    assert!(message.contains("max key length exceeded"));
}

const BODIES: &[(&str, &str)] = &[
    ("", ""),
    ("\n", ""),
    ("\n\n", ""),
    (" ", ""),
    ("\t\n \0\n", ""),
    ("#", ""),
    ("# c", ""),
    (" # c", ""),
    ("\t#c\ncpu v=1", ""),
    ("#\ncpu\n", "unable to parse 'cpu': missing fields"),
    ("cpu v=1 1\n", ""),
    ("cpu v=1 1\n\n", ""),
    ("cpu v=1 1\ncpu v=1 2", ""),
    ("cpu v=1 1\n\n\ncpu v=1 2\n", ""),
    ("cpu v=1 1\r\n", ""),
    ("cpu v=1\r\n", ""),
    ("cpu\r\n", "unable to parse 'cpu': missing fields"),
    ("\r\n", ""),
    ("cpu v=1 1\n\r\n", ""),
    (
        "b\nc\n",
        "unable to parse 'b': missing fields\nunable to parse 'c': missing fields",
    ),
    (
        "a v=1 1\nb\nc\n",
        "partial write: unable to parse 'b': missing fields\nunable to parse 'c': missing fields dropped=0",
    ),
    (
        "b\na v=1 1\nc",
        "partial write: unable to parse 'b': missing fields\nunable to parse 'c': missing fields dropped=0",
    ),
    (
        "a v=1 1\nb",
        "partial write: unable to parse 'b': missing fields dropped=0",
    ),
    (
        "b\n# c\n\nd e\n",
        "unable to parse 'b': missing fields\nunable to parse 'd e': invalid field format",
    ),
    ("cpu v=\"a\nb\" 1\nc v=1 2", ""),
    (
        "cpu v=\"a\nb\ncpu v=1 2",
        "unable to parse 'cpu v=\"a\nb\ncpu v=1 2': unbalanced quotes",
    ),
    ("cpu v=\"a\n", r#"unable to parse 'cpu v="a': unbalanced quotes"#),
    ("cpu v=\"a\n\n", "unable to parse 'cpu v=\"a\n': unbalanced quotes"),
    ("cpu v=\"a\\\"\nb\" 1\nc v=1 2", ""),
    (
        "cpu,t=\"a\nb\" v=1",
        r#"partial write: unable to parse 'cpu,t="a': missing fields dropped=0"#,
    ),
    (
        "cpu v=a\"b\nc\" 1",
        "unable to parse 'cpu v=a\"b\nc\" 1': invalid boolean",
    ),
    ("# v=\"\ncpu v=1 1", ""),
    ("# \"\ncpu v=1 1", ""),
    ("cpu\\\nx v=1 1", ""),
    (
        "cpu v=1\\\ncpu v=2",
        "unable to parse 'cpu v=1\\\ncpu v=2': invalid number",
    ),
    (
        "cpu v=1 1\\\ncpu v=2",
        "unable to parse 'cpu v=1 1\\\ncpu v=2': bad timestamp",
    ),
    ("cpu\\\n", r"unable to parse 'cpu\': missing fields"),
    (
        "cpu v=\"a\"\\\ncpu v=2",
        "unable to parse 'cpu v=\"a\"\\\ncpu v=2': bad timestamp",
    ),
    (" a=\"b\nc\" v=1 5", ""),
    (
        "  cpu=\"x v=1 5\nb v=1",
        "unable to parse 'cpu=\"x v=1 5\nb v=1': point is invalid",
    ),
    ("  cpu=\"x v=1 \nb v=1", ""),
    (
        "a\\\\ b=\"x v=1 1\nc v=1",
        "unable to parse 'a\\\\ b=\"x v=1 1\nc v=1': point is invalid",
    ),
    (
        "cpu v=\"a\" \"\nb\" 1",
        "unable to parse 'cpu v=\"a\" \"\nb\" 1': bad timestamp",
    ),
    (
        "cpu v=1 1\0\ncpu v=2",
        "partial write: unable to parse 'cpu v=1 1\0': bad timestamp dropped=0",
    ),
    ("cpu v=1 1 \ncpu v=2 2 \n", ""),
    (
        "cpu v=1 1;cpu v=2 2",
        "unable to parse 'cpu v=1 1;cpu v=2 2': bad timestamp",
    ),
    ("\n\ncpu", "unable to parse 'cpu': missing fields"),
    ("cpu v=1 1\n cpu v=2 2\n\tcpu v=3 3", ""),
    (
        "a v=1,b=\"x\" 1\nc v=\"y\nz\",w=t 2\nd",
        "partial write: unable to parse 'd': missing fields dropped=0",
    ),
    (
        "cpu v=1 1\n,\n=\n\"\n\\",
        "partial write: unable to parse ',': missing measurement\nunable to parse '=': missing fields\nunable to parse '\"': missing fields\nunable to parse '\\': missing fields dropped=0",
    ),
    ("\u{feff}cpu v=1", ""),
];

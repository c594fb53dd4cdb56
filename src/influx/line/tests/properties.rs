//! What holds for any bytes.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    write::{Point, Unwritable, Value},
    *,
};

const GOOD: &[&str] = &[
    "cpu,t=a,u=b v=1,w=2i,s=\"x y\" 5",
    "m\\ x,k\\,1=v\\=2 f\\=g=\"q\\\"r\",b=t -7\n",
    "  a,b=c d=1e5,e=\"\\\\\" 9  ",
    "cpu,b=1,a=2 v=\"a\nb\",w=F,x=1u\n",
    "  a=\"b\nc\" v=1 5",
    "a\\\\ b=\"x v=1 1",
    "# c\ncpu v=.5\nx s=\"a,b=c\",t=5i 4",
];

const PIECES: &[&str] = &[
    " ", "  ", ",", "=", "\\", "\\\\", "\"", "\n", "\r", "\t", "\0", "#", "a", "b", "1", "i", "u", "-5", ".5", "e3",
    "t", "ü", "\"x\"", "a=1", " v=1 ", "\u{7f}",
];

/// Good bodies with some pieces put in or bytes taken out, and bodies of nothing but pieces.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<prop::sample::Index>(), select(PIECES), 0..3_usize), 0..4);
    let mutated = (select(GOOD), select(GOOD), edits).prop_map(|(first, second, edits)| {
        let mut body = [first.as_bytes(), second.as_bytes()].join(&b'\n');
        for (place, piece, removed) in edits {
            let at = place.index(body.len() + 1);
            let end = (at + removed).min(body.len());
            body.splice(at..end, piece.bytes());
        }
        body
    });
    let pieces = vec(select(PIECES), 0..24).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![mutated, pieces]
}

/// The good lines as they are sent on.
fn sent_on(lines: &[Line<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines {
        body.extend_from_slice(line.body);
        body.extend_from_slice(format!(" {}\n", line.time.0).as_bytes());
    }
    body
}

/// Bits and all: measurement, tags, fields and time.
fn content(line: &Line<'_>) -> String {
    let tags: Vec<_> = line.tags().collect();
    let fields: Vec<_> = line.fields().collect();
    format!("{:?} {tags:?} {fields:?} {}", line.measurement, line.time)
}

fn check_survives(body: &[u8]) {
    let (lines, _) = scan_all(body);
    let again = sent_on(&lines);
    let (lines_again, report) = scan_all(&again);
    assert_eq!(report.message(), None, "{:?}", String::from_utf8_lossy(&again));
    let contents = |lines: &[Line<'_>]| lines.iter().map(content).collect::<Vec<_>>();
    assert_eq!(contents(&lines_again), contents(&lines));
}

fn check_plain_agrees(line: &[u8]) {
    if let Some((shape, length)) = plain::parse(line, Precision::Seconds) {
        assert_eq!(split::first_line(line), length);
        assert_eq!(exact::parse(&line[..length], Precision::Seconds), Ok(shape));
    }
}

/// Names that line protocol can carry, with everything that needs an escape.
fn plain_names() -> impl Strategy<Value = Vec<u8>> {
    "[a-zA-Zé=,\"][a-zA-Z0-9é ,=\"#\t]{0,6}".prop_map(String::into_bytes)
}

/// Any names, mostly odd.
fn any_names() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        plain_names(),
        vec(any::<u8>(), 0..4),
        vec(select(&b"a\\ ,=\"\n#"[..]), 0..6)
    ]
}

#[derive(Debug, Clone)]
enum Stored {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    String(Vec<u8>),
}

impl Stored {
    fn as_value(&self) -> Value<'_> {
        match self {
            Self::Float(float) => Value::Float(*float),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Unsigned(unsigned) => Value::Unsigned(*unsigned),
            Self::Boolean(boolean) => Value::Boolean(*boolean),
            Self::String(text) => Value::String(text),
        }
    }

    /// Floats by their bits, so that -0 is not 0.
    fn is(&self, read: FieldValue<'_>) -> bool {
        match (self, read) {
            (Self::Float(float), FieldValue::Float(read)) => float.to_bits() == read.to_bits(),
            (Self::Integer(integer), FieldValue::Integer(read)) => *integer == read,
            (Self::Unsigned(unsigned), FieldValue::Unsigned(read)) => *unsigned == read,
            (Self::Boolean(boolean), FieldValue::Boolean(read)) => *boolean == read,
            (Self::String(text), FieldValue::String(read)) => *text == *unescape_string(read),
            _ => false,
        }
    }
}

fn values() -> impl Strategy<Value = Stored> {
    prop_oneof![
        any::<u64>()
            .prop_map(|bits| Stored::Float(f64::from_bits(bits)))
            .prop_filter("finite", |value| {
                matches!(value, Stored::Float(float) if float.is_finite())
            }),
        any::<i64>().prop_map(Stored::Integer),
        any::<u64>().prop_map(Stored::Unsigned),
        any::<bool>().prop_map(Stored::Boolean),
        vec(any::<u8>(), 0..12).prop_map(Stored::String),
        vec(select(&b"a\\\" ,=\n"[..]), 0..8).prop_map(Stored::String),
    ]
}

#[derive(Debug, Clone)]
struct Content {
    measurement: Vec<u8>,
    tags: Vec<(Vec<u8>, Vec<u8>)>,
    fields: Vec<(Vec<u8>, Stored)>,
    time: i64,
}

fn contents<N: Strategy<Value = Vec<u8>>>(names: impl Fn() -> N) -> impl Strategy<Value = Content> {
    let tags = prop::collection::btree_map(names(), names(), 0..4);
    let fields = vec((names(), values()), 1..4);
    let time = TimestampNs::MIN.0..=TimestampNs::MAX.0;
    (names(), tags, fields, time).prop_map(|(measurement, tags, fields, time)| Content {
        measurement,
        tags: tags.into_iter().collect(),
        fields,
        time,
    })
}

fn append(out: &mut Vec<u8>, content: &Content) -> Result<(), Unwritable> {
    let tags: Vec<_> = content.tags.iter().map(|(k, v)| (k.as_slice(), v.as_slice())).collect();
    let fields: Vec<_> = content
        .fields
        .iter()
        .map(|(k, v)| (k.as_slice(), v.as_value()))
        .collect();
    let point = Point {
        measurement: &content.measurement,
        tags: &tags,
        fields: &fields,
        time: TimestampNs(content.time),
    };
    write::append(out, &point)
}

fn check_reads_as(line: &Line<'_>, content: &Content) {
    assert_eq!(unescape_measurement(line.measurement), content.measurement);
    let tags: Vec<_> = line
        .tags()
        .map(|(k, v)| (unescape_tag(k).into_owned(), unescape_tag(v).into_owned()))
        .collect();
    let expect: Vec<_> = content
        .tags
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .cloned()
        .collect();
    assert_eq!(tags, expect);
    let fields: Vec<_> = line.fields().collect();
    assert_eq!(fields.len(), content.fields.len());
    for ((key, read), (name, value)) in fields.into_iter().zip(&content.fields) {
        assert_eq!(unescape_field_key(key), *name);
        assert!(value.is(read), "{value:?} {read:?}");
    }
    assert_eq!((line.timestamped, line.time.0), (true, content.time));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_judged(body in vec(any::<u8>(), 0..64)) {
        check_survives(&body);
        check_plain_agrees(&body);
    }

    #[test]
    fn good_lines_can_be_sent_on(body in bodies()) {
        check_survives(&body);
    }

    #[test]
    fn the_fast_path_agrees_with_the_whole_rule(body in bodies()) {
        check_plain_agrees(&body);
    }

    #[test]
    fn plain_points_are_written_and_read(points in vec(contents(plain_names), 1..4)) {
        let mut body = Vec::new();
        for point in &points {
            append(&mut body, point).unwrap();
        }
        let (lines, report) = scan_all(&body);
        assert_eq!(report.message(), None);
        assert_eq!(lines.len(), points.len());
        lines.iter().zip(&points).for_each(|(line, point)| check_reads_as(line, point));
    }

    #[test]
    fn odd_points_are_written_right_or_not_at_all(point in contents(any_names)) {
        let mut body = b"before v=1 1\n".to_vec();
        let before = body.len();
        if append(&mut body, &point).is_err() {
            prop_assert_eq!(body.len(), before);
        }
        let written = body.len() > before;
        body.extend_from_slice(b"after v=1 1\n");
        let (lines, report) = scan_all(&body);
        prop_assert_eq!(report.message(), None);
        prop_assert_eq!(lines.len(), 2 + usize::from(written));
        if written {
            check_reads_as(&lines[1], &point);
        }
    }
}

#[test]
fn what_has_no_form_is_refused() {
    let refused = |measurement: &[u8], key: &[u8], value: Value<'_>, time: i64| {
        let point = Point {
            measurement,
            tags: &[(b"t", b"")],
            fields: &[(key, value)],
            time: TimestampNs(time),
        };
        write::append(&mut Vec::new(), &point).err()
    };
    assert_eq!(refused(b"m", b"v", Value::Float(1e300), 0), None);
    assert_eq!(refused(b"a\\b, c", br#"v\"w"#, Value::String(b"\n\0\\"), -1), None);
    assert_eq!(
        refused(b"m", b"v", Value::Float(f64::NAN), 0),
        Some(Unwritable::NotFinite)
    );
    assert_eq!(
        refused(b"m", b"v", Value::Float(f64::INFINITY), 0),
        Some(Unwritable::NotFinite)
    );
    for name in ["", "#m", "m\n", "m\\", "\tm"] {
        let reason = refused(name.as_bytes(), b"v", Value::Boolean(true), 0);
        assert!(matches!(reason, Some(Unwritable::NotReadable(_))), "{name:?}");
    }
    assert!(refused(b"m", b"", Value::Integer(1), 0).is_some());
    assert!(refused(b"m", b"v", Value::Integer(1), i64::MIN).is_some());
}

//! The expectations were recorded from influxd 1.6.7.

use proptest::prelude::*;

use super::{
    super::{
        Message, Number, TimeFormat,
        testing::{encoded, json, relayed_response, to_json},
    },
    *,
};
use crate::base::TimestampNs;

fn options(format: Format, epoch: &str) -> OutputOptions {
    OutputOptions {
        format,
        times: TimeFormat::from_epoch(epoch),
        pretty: false,
    }
}

fn text(response: &Response, options: OutputOptions) -> String {
    String::from_utf8(encoded(response, options)).unwrap()
}

/// A series `m` with the columns `time`, `v` and one row per value.
fn column(values: impl IntoIterator<Item = Value>) -> Response {
    let rows = values.into_iter().enumerate();
    let time = |at: usize| Value::Time(TimestampNs(i64::try_from(at).unwrap() + 1));
    let series = Series {
        name: "m".into(),
        columns: vec!["time".into(), "v".into()],
        values: rows.map(|(at, value)| vec![time(at), value]).collect(),
        ..Series::default()
    };
    StatementResult {
        series: vec![series],
        ..StatementResult::default()
    }
    .into()
}

/// The one cell as a format shows it.
fn cell(value: Value, format: Format, epoch: &str) -> String {
    let shown = text(&column([value]), options(format, epoch));
    let (before, after) = match format {
        Format::Json => (if epoch.is_empty() { "00.000000001Z\"," } else { "[[0," }, "]]}]}]}\n"),
        _ => (if epoch.is_empty() { "m,,1," } else { "m,,0," }, "\n"),
    };
    let (_, rest) = shown.split_once(before).unwrap();
    rest.strip_suffix(after).unwrap().to_owned()
}

#[test]
fn floats_as_go_prints_them() {
    let check = |number: f64, in_json: &str, in_csv: &str| {
        assert_eq!(cell(Value::Float(number), Format::Json, ""), in_json);
        assert_eq!(cell(Value::Float(number), Format::Csv, ""), in_csv);
        let relayed = Value::Number(Number::parse(in_json).unwrap());
        assert_eq!(cell(relayed.clone(), Format::Json, ""), in_json);
        assert_eq!(cell(relayed, Format::Csv, ""), in_csv);
    };
    check(0.0, "0", "0");
    check(-0.0, "-0", "-0");
    check(1e-6, "0.000001", "0.000001");
    check(9.99e-7, "9.99e-7", "0.000000999");
    check(-1e-10, "-1e-10", "-0.0000000001");
    check(1e20, "100000000000000000000", "100000000000000000000");
    check(1e21, "1e+21", "1000000000000000000000");
    check(123_456_789.123, "123456789.123", "123456789.123");
    check(123_456_789_012_345_680.0, "123456789012345680", "123456789012345680");
    check(5e-324, "5e-324", &format!("0.{}5", "0".repeat(323)));
    check(
        f64::MAX,
        "1.7976931348623157e+308",
        &format!("17976931348623157{}", "0".repeat(292)),
    );
    assert_eq!(cell(Value::Float(f64::NAN), Format::Json, ""), "null");
    assert_eq!(cell(Value::Float(f64::NEG_INFINITY), Format::Json, ""), "null");
    assert_eq!(cell(Value::Float(f64::NEG_INFINITY), Format::Csv, ""), "-Inf");
    assert_eq!(cell(Value::Float(f64::INFINITY), Format::Csv, ""), "+Inf");
    assert_eq!(cell(Value::Float(f64::NAN), Format::Csv, ""), "NaN");
}

#[test]
fn strings_as_go_escapes_them() {
    let check = |bytes: &[u8], in_json: &str, in_csv: &str| {
        assert_eq!(cell(Value::text(bytes), Format::Json, ""), in_json);
        assert_eq!(cell(Value::text(bytes), Format::Csv, ""), in_csv);
    };
    check(b"", r#""""#, "");
    check(
        b"q\"uo,te \xc3\xa9 <b>&",
        r#""q\"uo,te é \u003cb\u003e\u0026""#,
        r#""q""uo,te é <b>&""#,
    );
    check(
        b"line\ntwo \\ back\ttab",
        r#""line\ntwo \\ back\ttab""#,
        "\"line\ntwo \\ back\ttab\"",
    );
    check(
        b"a\x01\x08\x0c\x1f\x7f/'",
        "\"a\\u0001\\u0008\\u000c\\u001f\x7f/'\"",
        "a\x01\x08\x0c\x1f\x7f/'",
    );
    check(
        "x\u{2028}\u{2029}\u{1f600}".as_bytes(),
        "\"x\\u2028\\u2029\u{1f600}\"",
        "x\u{2028}\u{2029}\u{1f600}",
    );
    check(b"\xff\xc3(", r#""\ufffd\ufffd(""#, "\u{fffd}\u{fffd}(");
    check(b"cr\rx", r#""cr\rx""#, "\"cr\rx\"");
    check(b" lead", r#"" lead""#, r#"" lead""#);
    check("\u{a0}nb".as_bytes(), "\"\u{a0}nb\"", "\"\u{a0}nb\"");
    check(br"\.", r#""\\.""#, r#""\.""#);
    check("\u{e9}\u{efff}".as_bytes(), "\"\u{e9}\u{efff}\"", "\u{e9}\u{efff}");
}

#[test]
fn times_in_every_unit() {
    let check = |ns: i64, epoch: &str, in_json: &str, in_csv: &str| {
        let time = Value::Time(TimestampNs(ns));
        assert_eq!(cell(time.clone(), Format::Json, epoch), in_json);
        assert_eq!(cell(time, Format::Csv, epoch), in_csv);
    };
    check(-1_500_000_001, "", r#""1969-12-31T23:59:58.499999999Z""#, "-1500000001");
    check(-1_500_000_001, "s", "-1", "-1");
    check(-1_500_000_001, "u", "-1500000", "-1500000");
    check(1_500_000_000_000_000_000, "h", "416666", "416666");
    let local = |at, offset_seconds| Value::LocalTime {
        at: TimestampNs(at),
        offset_seconds,
    };
    assert_eq!(
        cell(local(1, 3600), Format::Json, ""),
        r#""1970-01-01T01:00:00.000000001+01:00""#
    );
    assert_eq!(
        cell(local(0, -12_600), Format::Json, ""),
        r#""1969-12-31T20:30:00-03:30""#
    );
    assert_eq!(cell(local(0, 0), Format::Json, ""), r#""1970-01-01T00:00:00Z""#);
    assert_eq!(cell(local(1, 3600), Format::Json, "u"), "0");
    assert_eq!(cell(local(1, 3600), Format::Csv, ""), "1");
}

const EVERYTHING: &str = r#"{"results":[{"statement_id":0,"series":[{"name":"mem","tags":{"host":"B","k,x":""},"columns":["time","used"],"values":[[2,-5]],"partial":true},{"name":"mem","tags":{"host":"a","k,x":"v=1 z"},"columns":["time","used"],"values":[[1,null]]}],"messages":[{"level":"warning","text":"t"}],"partial":true},{"statement_id":1},{"statement_id":2,"series":[{"name":"users","columns":["user","admin"]}]},{"statement_id":3,"error":"database not found: nope"}],"error":"late"}
"#;

#[test]
fn members_in_influxds_order() {
    assert_eq!(to_json(&json(EVERYTHING)), EVERYTHING);
    assert_eq!(to_json(&Response::default()), "{}\n");
    assert_eq!(to_json(&Response::of_error("a<b")), "{\"error\":\"a\\u003cb\"}\n");
}

#[test]
fn pretty_as_influxd_indents() {
    let options = OutputOptions {
        pretty: true,
        ..OutputOptions::default()
    };
    let response = json(
        r#"{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":""},"columns":["time"],"values":[[-5],[]]}]},{"statement_id":2,"error":"e"}]}"#,
    );
    let expect = r#"{
    "results": [
        {
            "statement_id": 0,
            "series": [
                {
                    "name": "m",
                    "tags": {
                        "h": ""
                    },
                    "columns": [
                        "time"
                    ],
                    "values": [
                        [
                            -5
                        ],
                        []
                    ]
                }
            ]
        },
        {
            "statement_id": 2,
            "error": "e"
        }
    ]
}
"#;
    assert_eq!(text(&response, options), expect);
    assert_eq!(text(&Response::of_error("e"), options), "{\n    \"error\": \"e\"\n}\n");
}

#[test]
fn csv_headers_per_statement_and_change_of_columns() {
    let statements = r#"{"results":[
        {"statement_id":0,"series":[
            {"name":"cpu","tags":{"host":"a","region":"us west"},"columns":["time","f"],"values":[[1,0.5],[2,1e+21]]},
            {"name":"cpu","tags":{"host":"b","region":""},"columns":["time","f"],"values":[[3,null]]}]},
        {"statement_id":1},
        {"statement_id":2,"error":"e"},
        {"statement_id":3,"series":[{"name":"build","columns":["Build Time","k,x"],"values":[["",true]]},{"name":"c","columns":["x"],"values":[[9]]}]},
        {"statement_id":4,"series":[{"columns":["user"]}]}]}"#;
    let expect = concat!(
        "name,tags,time,f\n",
        "cpu,\"host=a,region=us\\ west\",1,0.5\n",
        "cpu,\"host=a,region=us\\ west\",2,1000000000000000000000\n",
        "cpu,host=b,3,\n",
        "\n",
        "name,tags,Build Time,\"k,x\"\n",
        "build,,,true\n",
        "\n",
        "name,tags,x\n",
        "c,,9\n",
        "\n",
        "name,tags,user\n",
    );
    assert_eq!(text(&json(statements), options(Format::Csv, "")), expect);
    assert_eq!(
        text(&json(r#"{"results":[{"error":"e"}]}"#), options(Format::Csv, "")),
        ""
    );
    assert_eq!(
        text(&Response::of_error("found a, expected b"), options(Format::Csv, "")),
        "error\n\"found a, expected b\"\n"
    );
}

#[test]
fn csv_headers_are_not_repeated_within_a_chunked_statement() {
    let chunk = |id: u32, name: &str| {
        json(&format!(
            r#"{{"results":[{{"statement_id":{id},"series":[{{"name":"{name}","columns":["v"],"values":[[1]]}}]}}]}}"#
        ))
    };
    let mut encoder = Encoder::new(options(Format::Csv, ""));
    let mut out = Vec::new();
    for response in [chunk(0, "a"), chunk(0, "a"), chunk(0, "b"), chunk(1, "b")] {
        encoder.encode(&response, &mut out);
    }
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "name,tags,v\na,,1\na,,1\nb,,1\n\nname,tags,v\nb,,1\n"
    );
}

/// The bytes of the cell behind those of the row's head and its time.
fn packed(value: Value) -> Vec<u8> {
    let bytes = encoded(&column([value]), options(Format::MsgPack, "ns"));
    let head = [b"\xa6values\x91\x92".as_slice(), &[1]].concat();
    let at = bytes.windows(head.len()).position(|window| window == head).unwrap();
    bytes[at + head.len()..].to_vec()
}

#[test]
fn msgpack_cells() {
    let check = |value: Value, expect: &[u8]| assert_eq!(packed(value), expect);
    check(Value::Null, b"\xc0");
    check(Value::Bool(true), b"\xc3");
    check(Value::Bool(false), b"\xc2");
    check(Value::Float(-0.0), b"\xcb\x80\0\0\0\0\0\0\0");
    check(Value::Float(0.1), b"\xcb?\xb9\x99\x99\x99\x99\x99\x9a");
    check(Value::from("us west"), b"\xa7us west");
    check(Value::Time(TimestampNs(-1)), b"\xff");
    let number = |text: &str| Value::Number(Number::parse(text).unwrap());
    check(number("9007199254740993"), b"\xd3\0\x20\0\0\0\0\0\x01");
    check(number("18446744073709551615"), b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    check(number("0.5"), b"\xcb?\xe0\0\0\0\0\0\0");
    check(number("-0"), b"\xcb\x80\0\0\0\0\0\0\0");
    for (length, head) in [
        (0, b"\xa0".as_slice()),
        (31, b"\xbf"),
        (32, b"\xd9\x20"),
        (255, b"\xd9\xff"),
        (256, b"\xda\x01\0"),
        (65_536, b"\xdb\0\x01\0\0"),
    ] {
        check(Value::String("x".repeat(length)), &[head, &vec![b'x'; length]].concat());
    }
}

#[test]
fn msgpack_integers() {
    let signed = |number: i64, expect: &[u8]| assert_eq!(packed(Value::Integer(number)), expect, "{number}");
    signed(0, b"\0");
    signed(127, b"\x7f");
    signed(128, b"\xd1\0\x80");
    signed(65_535, b"\xd2\0\0\xff\xff");
    signed(2_147_483_648, b"\xd3\0\0\0\0\x80\0\0\0");
    signed(-32, b"\xe0");
    signed(-33, b"\xd0\xdf");
    signed(-128, b"\xd0\x80");
    signed(-129, b"\xd1\xff\x7f");
    signed(-32_769, b"\xd2\xff\xff\x7f\xff");
    signed(i64::MIN, b"\xd3\x80\0\0\0\0\0\0\0");
    let unsigned = |number: u64, expect: &[u8]| assert_eq!(packed(Value::Unsigned(number)), expect, "{number}");
    unsigned(127, b"\x7f");
    unsigned(128, b"\xcc\x80");
    unsigned(256, b"\xcd\x01\0");
    unsigned(65_536, b"\xce\0\x01\0\0");
    unsigned(u64::MAX, b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
}

#[test]
fn msgpack_documents() {
    let check =
        |response: &Response, expect: &[u8]| assert_eq!(encoded(response, options(Format::MsgPack, "")), expect);
    let mut one = column([Value::Integer(-5)]);
    one.results[0].series[0].tags = [("host".to_owned(), "B".to_owned()), ("k,x".to_owned(), String::new())]
        .into_iter()
        .collect();
    check(&one, b"\x81\xa7results\x91\x82\xacstatement_id\x00\xa6series\x91\x84\xa4name\xa1m\xa4tags\x82\xa4host\xa1B\xa3k,x\xa0\xa7columns\x92\xa4time\xa1v\xa6values\x91\x92\xc7\x0c\x05\0\0\0\0\0\0\0\0\0\0\0\x01\xfb");
    let mut cut = column([Value::Time(TimestampNs(-1_000_000_001))]);
    cut.results[0].partial = true;
    cut.results[0].series[0].partial = true;
    check(&cut, b"\x81\xa7results\x91\x83\xacstatement_id\x00\xa6series\x91\x84\xa4name\xa1m\xa7columns\x92\xa4time\xa1v\xa6values\x91\x92\xc7\x0c\x05\0\0\0\0\0\0\0\0\0\0\0\x01\xc7\x0c\x05\xff\xff\xff\xff\xff\xff\xff\xfe;\x9a\xc9\xff\xa7partial\xc3\xa7partial\xc3");
    let warned = StatementResult {
        statement_id: 2,
        messages: vec![Message {
            level: "warning".into(),
            text: "t".into(),
        }],
        ..StatementResult::default()
    };
    check(&warned.into(), b"\x81\xa7results\x91\x83\xacstatement_id\x02\xa8messages\x91\x82\xa5level\xa7warning\xa4text\xa1t\xa6series\x90");
    check(
        &json(
            r#"{"results":[{"statement_id":7,"error":"not executed","series":[{"values":[[1]]}]},{"statement_id":1}]}"#,
        ),
        b"\x81\xa7results\x92\x81\xa5error\xacnot executed\x82\xacstatement_id\x01\xa6series\x90",
    );
    check(
        &Response {
            error: Some("e".into()),
            ..one
        },
        b"\x81\xa5error\xa1e",
    );
    let wide = encoded(&column((0..17).map(Value::Integer)), options(Format::MsgPack, ""));
    assert!(
        wide.windows(10).any(|window| window == b"\xa6values\xdc\0\x11"),
        "{wide:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_are_the_whole(response in relayed_response(), piece_bytes in 0_usize..60, pretty: bool) {
        for format in [Format::Json, Format::Csv, Format::MsgPack] {
            let options = OutputOptions { format, pretty, ..OutputOptions::default() };
            let pieces: Vec<_> = Encoder::new(options).pieces(response.clone(), piece_bytes).collect();
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
            prop_assert_eq!(pieces.concat(), encoded(&response, options));
        }
    }

    #[test]
    fn pretty_json_says_the_same(response in relayed_response()) {
        let options = OutputOptions { pretty: true, ..OutputOptions::default() };
        prop_assert_eq!(json(&text(&response, options)), response);
    }
}

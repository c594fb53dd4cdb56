use proptest::prelude::*;

use super::{
    super::testing::{json, relayed_response, to_json},
    *,
};

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

fn cells(text: &str) -> Vec<Value> {
    json(&format!(r#"{{"results":[{{"series":[{{"values":[{text}]}}]}}]}}"#)).results[0].series[0].values[0].clone()
}

#[test]
fn numbers_keep_their_text() {
    for text in [
        "9007199254740993",
        "1e+21",
        "0.1",
        "1.0",
        "-0",
        "18446744073709551615",
        "1E5",
        "1e999",
    ] {
        assert_eq!(cells(&format!("[ {text} ]")), [number(text)]);
    }
}

#[test]
fn every_kind_of_cell() {
    let expect = [
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        Value::from(""),
        Value::from("é\"\\<\u{1f600}"),
        number("5"),
    ];
    assert_eq!(cells(r#"[null, true,false,"","é\"\\\u003c\ud83d\ude00",5]"#), expect);
}

#[test]
fn members_may_be_missing_null_or_unknown() {
    let check = |text: &str, expect: Response| assert_eq!(json(text), expect, "{text}");
    check("{}", Response::default());
    check(
        r#" {"results":null,"error":null,"more":[{"deep":[[]]}]} "#,
        Response::default(),
    );
    check(r#"{"error":"e"}"#, Response::of_error("e"));
    check(r#"{"results":[{}]}"#, StatementResult::default().into());
    let empty_series = StatementResult {
        series: vec![Series::default()],
        ..StatementResult::default()
    };
    check(
        r#"{"results":[{"messages":null,"series":[{"tags":null,"columns":null,"values":null}]}]}"#,
        empty_series.into(),
    );
}

#[test]
fn refuses_what_is_not_an_answer() {
    let check = |text: &str, kind: fn(&DecodeError) -> bool| {
        let error = decode(text.as_bytes()).unwrap_err();
        assert!(kind(&error), "{text}: {error:?}");
    };
    for text in ["", " \n", "{", r#"{"results":[{"series":[{"values":[["a"#, "{}{"] {
        check(text, |error| *error == DecodeError::Incomplete);
    }
    let nested = format!(r#"{{"a":{}"#, r#"{"results":["#.repeat(500));
    let deep_cell = format!(
        r#"{{"results":[{{"series":[{{"values":[[{}{}]]}}]}}]}}"#,
        "[".repeat(9000),
        "]".repeat(9000)
    );
    for text in [
        "[]",
        "5",
        "{]",
        "<html>",
        "{}x",
        r#"{"results":5}"#,
        r#"{"results":[{"statement_id":-1}]}"#,
        r#"{"results":[{"series":[{"values":[5]}]}]}"#,
        r#"{"results":[{"series":[{"values":[[[1]]]}]}]}"#,
        r#"{"results":[{"series":[{"values":[[{"a":1}]]}]}]}"#,
        r#"{"results":[{"series":[{"values":[["\ud800"]]}]}]}"#,
        r#"{"results":[{"series":[{"values":[[01]]}]}]}"#,
        &deep_cell,
    ] {
        check(text, |error| matches!(error, DecodeError::Malformed(_)));
    }
    check(&nested, |error| *error == DecodeError::Incomplete);
    assert!(matches!(
        decode(b"{\"error\":\"\xff\"}"),
        Err(DecodeError::Malformed(_))
    ));
}

#[test]
fn joins_the_chunks_of_a_body() {
    let body = r#"{"results":[{"statement_id":0,"series":[{"name":"a","columns":["v"],"values":[[1]],"partial":true}],"partial":true}]}
{"results":[{"statement_id":0,"series":[{"name":"a","columns":["v"],"values":[[2]]}]}]}
{"results":[{"statement_id":1,"series":[{"name":"b","columns":["k"],"values":[["x"]]}]}]}
{"results":[{"statement_id":1,"series":[{"name":"b","columns":["k"],"values":[["y"]]}]}]}
{"results":[{"statement_id":2,"error":"e"}]}
{"error":"late"}
"#;
    let whole = r#"{"results":[{"statement_id":0,"series":[{"name":"a","columns":["v"],"values":[[1],[2]]}]},
        {"statement_id":1,"series":[{"name":"b","columns":["k"],"values":[["x"]]},{"name":"b","columns":["k"],"values":[["y"]]}]},
        {"statement_id":2,"error":"e"}],"error":"late"}"#;
    assert_eq!(json(body), json(whole));
}

#[test]
fn a_stream_cut_between_chunks_stays_partial() {
    let cut = json(
        r#"{"results":[{"statement_id":0,"series":[{"name":"a","values":[[1]],"partial":true}],"partial":true}]}"#,
    );
    assert!(cut.results[0].partial);
}

#[test]
fn streams_have_a_limit_and_an_end() {
    let document = br#"{"error":"}\"{"}"#;
    let limit = document.len();
    let mut decoder = Decoder::new(limit);
    assert_eq!(
        decoder.push(&document.repeat(3)).unwrap(),
        vec![Response::of_error("}\"{"); 3]
    );
    assert_eq!(decoder.push(b" \r\n\t").unwrap(), []);
    decoder.finish().unwrap();

    let mut decoder = Decoder::new(limit - 1);
    assert_eq!(decoder.push(document), Err(DecodeError::TooLarge { limit: limit - 1 }));

    let mut decoder = Decoder::new(100);
    assert_eq!(decoder.push(br#"{"error":"#).unwrap(), []);
    assert_eq!(decoder.finish(), Err(DecodeError::Incomplete));

    for text in ["}", "x", "[]", "{}5", "{}]"] {
        assert!(
            matches!(Decoder::new(100).push(text.as_bytes()), Err(DecodeError::Malformed(_))),
            "{text}"
        );
    }
    assert!(matches!(
        Decoder::new(100).push(b"{\"error\":5}"),
        Err(DecodeError::Malformed(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reads_what_it_writes(response in relayed_response()) {
        prop_assert_eq!(decode(to_json(&response).as_bytes()).unwrap(), response);
    }

    #[test]
    fn arrival_does_not_matter(
        responses in prop::collection::vec(relayed_response(), 1..4),
        cuts in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let body: String = responses.iter().map(to_json).collect();
        let mut decoder = Decoder::new(body.len());
        let mut documents = Vec::new();
        let mut rest = body.as_bytes();
        for cut in cuts.iter().cycle() {
            let (part, after) = rest.split_at((*cut).min(rest.len()));
            documents.extend(decoder.push(part).unwrap());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        decoder.finish().unwrap();
        prop_assert_eq!(&documents, &responses);
        let whole = documents.into_iter().reduce(|mut whole, next| { whole.append(next); whole }).unwrap();
        prop_assert_eq!(decode(body.as_bytes()).unwrap(), whole);
    }

    #[test]
    fn survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}\",:0-9a-e\\\\ ]{0,64}") {
        for body in [bytes.as_slice(), text.as_bytes()] {
            let whole = decode(body);
            let mut decoder = Decoder::new(1000);
            let streamed = decoder.push(body).and_then(|documents| decoder.finish().map(|()| documents));
            prop_assert_eq!(whole.is_ok(), streamed.is_ok_and(|documents| !documents.is_empty()));
        }
    }
}

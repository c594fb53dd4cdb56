use proptest::prelude::*;

use super::*;

fn check_error(text: &[u8], expect: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert_eq!(error, expect, "{}", String::from_utf8_lossy(text));
}

#[test]
fn texts_that_stop_too_early() {
    let ends: [&[u8]; 12] = [
        b"",
        b" ",
        b"{",
        b"[",
        b"[1",
        b"[1,",
        b"{\"a",
        b"{\"a\"",
        b"{\"a\":",
        b"{\"a\":1",
        b"{\"a\":1,",
        b"\"x",
    ];
    for text in ends {
        check_error(text, "unexpected end of JSON input");
    }
}

#[test]
fn bytes_that_do_not_fit() {
    let cases: [(&[u8], &str); 40] = [
        (b"---\nversion: 1", "'-' in numeric literal"),
        (b"{oops", "'o' looking for beginning of object key string"),
        (b"{b", "'b' looking for beginning of object key string"),
        (b"{,}", "',' looking for beginning of object key string"),
        (b"{\"a\":1,}", "'}' looking for beginning of object key string"),
        (b"version", "'v' looking for beginning of value"),
        (b"[,", "',' looking for beginning of value"),
        (b"[1,]", "']' looking for beginning of value"),
        (b"{\"a\":}", "'}' looking for beginning of value"),
        (b"]", "']' looking for beginning of value"),
        (b"+1", "'+' looking for beginning of value"),
        (b".5", "'.' looking for beginning of value"),
        (b"'a'", "'\\'' looking for beginning of value"),
        (b"\xef\xbb\xbf{}", "'\u{ef}' looking for beginning of value"),
        (b"\x00", "'\\x00' looking for beginning of value"),
        (b"\x0b", "'\\v' looking for beginning of value"),
        (b"\x7f", "'\\x7f' looking for beginning of value"),
        (b"\xa0", "'\\u00a0' looking for beginning of value"),
        (b"\\", "'\\\\' looking for beginning of value"),
        (b"{\"a\" 1}", "'1' after object key"),
        (b"{\"a\":1 \"b\":2}", "'\"' after object key:value pair"),
        (b"[1 2]", "'2' after array element"),
        (b"[01]", "'1' after array element"),
        (b"{} {}", "'{' after top-level value"),
        (b"01", "'1' after top-level value"),
        (b"1x", "'x' after top-level value"),
        (b"nulll", "'l' after top-level value"),
        (b"-", "' ' in numeric literal"),
        (b"-x", "'x' in numeric literal"),
        (b"1.", "' ' after decimal point in numeric literal"),
        (b"1.e", "'e' after decimal point in numeric literal"),
        (b"1e", "' ' in exponent of numeric literal"),
        (b"1e+x", "'x' in exponent of numeric literal"),
        (b"\"a\nb\"", "'\\n' in string literal"),
        (b"\"\\x\"", "'x' in string escape code"),
        (b"\"\\", "' ' in string escape code"),
        (b"\"\\u12g4\"", "'g' in \\u hexadecimal character escape"),
        (b"tru", "' ' in literal true (expecting 'e')"),
        (b"fAlse", "'A' in literal false (expecting 'a')"),
        (b"nil", "'i' in literal null (expecting 'u')"),
    ];
    for (text, expect) in cases {
        check_error(text, &format!("invalid character {expect}"));
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()), Err(SyntaxError::TooDeep));
    assert_eq!(
        parse("[".repeat(10_000_000).as_bytes()).unwrap_err().to_string(),
        "exceeded max depth"
    );
}

#[test]
fn texts_are_read_as_go_does() {
    let check = |text: &[u8], expect: &str| assert_eq!(parse(text), Ok(Value::String(expect.to_owned())));
    check(br#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t");
    check(br#""\u00e4\ud83d\ude00""#, "\u{e4}\u{1f600}");
    check(br#""\ud83d""#, "\u{fffd}");
    check(br#""\ud83dx""#, "\u{fffd}x");
    check(br#""\ud83d\n""#, "\u{fffd}\n");
    check(br#""\ud83d\u0041""#, "\u{fffd}A");
    check(br#""\ude00\ud83d\ude00""#, "\u{fffd}\u{1f600}");
    check(b"\"\xe2\x82\"", "\u{fffd}\u{fffd}");
    check(b"\"\x7f\"", "\u{7f}");
}

#[test]
fn the_last_of_equal_keys_counts() {
    let Ok(Value::Object(entries)) = parse(br#"{"a":1,"b":2,"a":3}"#) else {
        panic!("a table")
    };
    assert_eq!(entries.len(), 2);
    assert_eq!(entries["a"], Value::Number("3".to_owned()));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        (-1e30..1e30_f64).prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect::<serde_json::Value>()),
        ]
    })
}

/// Whether both mean the same.
fn is_same(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Number(a), serde_json::Value::Number(b)) => a.parse::<f64>().ok() == b.as_f64(),
        (Value::String(a), serde_json::Value::String(b)) => a == b,
        (Value::Array(a), serde_json::Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn reads_what_serde_writes(document in json(), indent: bool) {
        let text = if indent { serde_json::to_vec_pretty(&document) } else { serde_json::to_vec(&document) }.unwrap();
        prop_assert!(is_same(&parse(&text).unwrap(), &document));
    }

    #[test]
    fn accepts_what_serde_accepts(text in r#"[-+0-9.eE\[\]{}:,"a\\u trufalsn]{0,12}"#) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match (parse(text.as_bytes()), theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert!(is_same(&ours, &theirs), "{text}"),
            (Err(_), Err(_)) => {}
            // Numbers beyond 64 bits and lone surrogates are JSON to Go.
            (Ok(_), Err(error)) => {
                let error = error.to_string();
                prop_assert!(error.contains("out of range") || error.contains("surrogate"), "{text}: {error}");
            }
            (Err(error), Ok(_)) => prop_assert!(false, "{text}: {error}"),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _is_json = parse(&bytes).is_ok();
    }
}

use super::super::parse;
use super::*;

const SELECT: &str = "SELECT x FROM m WHERE y = $p";

/// What the text prints as, or its error, with `value` bound to `$p`.
fn shown(value: &JsonValue, text: &str) -> String {
    let params = Params::from([("p".to_owned(), Param::bind(value).unwrap())]);
    match parse(text, &params) {
        Ok(statements) => statements.iter().map(ToString::to_string).collect(),
        Err(error) => error.to_string(),
    }
}

fn string(text: &str) -> JsonValue {
    JsonValue::String(text.to_owned())
}

fn number(text: &str) -> JsonValue {
    JsonValue::Number(text.to_owned())
}

fn object(kind: &str, value: JsonValue) -> JsonValue {
    JsonValue::Object(vec![(kind.to_owned(), value)])
}

#[test]
fn values_stand_for_tokens() {
    let check = |value: JsonValue, expect: &str| {
        assert_eq!(
            shown(&value, SELECT),
            format!("SELECT x FROM m WHERE y = {expect}"),
            "{value:?}"
        );
    };
    check(string("it's"), r"'it\'s'");
    check(number("5"), "5");
    check(number("5.50"), "5.500");
    check(number("-5"), "-5");
    check(JsonValue::Bool(true), "true");
    check(object("identifier", string("a b")), "\"a b\"");
    check(object("string", string("a")), "'a'");
    check(object("duration", string("10m")), "10m");
    check(object("duration", number("60000000000")), "1m");
    check(object("number", number("5")), "5.000");
    check(object("int", number("5")), "5");
}

#[test]
fn values_stand_wherever_their_token_may() {
    let check = |value: JsonValue, text: &str, expect: &str| assert_eq!(shown(&value, text), expect, "{value:?}");
    check(object("ident", string("n")), "SELECT x FROM $p", "SELECT x FROM n");
    check(
        object("regex", string("a/b")),
        "SELECT x FROM $p",
        r"SELECT x FROM /a\/b/",
    );
    check(
        object("regex", string("^a")),
        "SELECT x FROM m WHERE y =~ $p",
        "SELECT x FROM m WHERE y =~ /^a/",
    );
    check(
        object("integer", number("7")),
        "SELECT x FROM m LIMIT $p",
        "SELECT x FROM m LIMIT 7",
    );
    check(
        number("-7"),
        "SELECT x FROM m LIMIT $p",
        "LIMIT must be >= 0 at line 1, char 23",
    );
    check(object("duration", string("5")), SELECT, "invalid duration");
    check(JsonValue::Null, "SELECT x FROM m", "SELECT x FROM m");
    check(string("a"), "SELECT x FROM m WHERE y = $q", "missing parameter: q");
}

#[test]
fn unusable_values_say_why_when_used() {
    let check = |value: JsonValue, why: &str| {
        assert_eq!(shown(&value, SELECT), format!("missing parameter: {why}"), "{value:?}");
    };
    let one_entry = "bound object parameter value must have exactly one entry";
    check(JsonValue::Null, "unable to bind parameter with type <nil>");
    check(JsonValue::Array, "unable to bind parameter with type []interface {}");
    check(object("regex", number("5")), "regex literal must be a string value");
    check(
        object("integer", number("5.5")),
        "integer literal must be an integer value",
    );
    check(object("float", string("5")), "number literal must be a float value");
    check(
        object("duration", JsonValue::Null),
        "duration literal must be a string or integer value",
    );
    check(object("foo", number("5")), "unknown bind object type: foo");
    check(JsonValue::Object(Vec::new()), one_entry);
}

#[test]
fn numbers_that_do_not_fit_cannot_be_bound() {
    let check = |text: &str, expect: &str| {
        let error = Param::bind(&number(text)).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check("1e5", "strconv.ParseInt: parsing \"1e5\": invalid syntax");
    check(
        "99999999999999999999",
        "strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
    );
    check("1.0e999", "strconv.ParseFloat: parsing \"1.0e999\": value out of range");
}

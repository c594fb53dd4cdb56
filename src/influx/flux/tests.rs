//! Tables for scripts and specs, the peer's own tables, and properties.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Rows of the peer's tables that record only how it searches text, and what happens instead.
const ARTEFACTS: [(&str, &str, Result<&str, FluxError>); 5] = [
    // flux has no single quotes: a backend refuses the script
    (
        "bucket",
        " from ( bucket: 'example-bucket'' ) ",
        Err(FluxError::Illegal),
    ),
    // two buckets are read; the peer sees the first alone
    (
        "bucket",
        r#"from(bucket:"b1") from(bucket:"b2") |> filter(fn: (r) => r._measurement == "c")"#,
        Err(FluxError::NoBucket),
    ),
    // ... and the first is read whole
    (
        "measurement",
        r#"from(bucket:"b1") from(bucket:"b2") |> filter(fn: (r) => r._measurement == "c")"#,
        Err(FluxError::NoMeasurement),
    ),
    // the word `from` inside a string is no call
    ("bucket", r#"a = "from x" from(bucket:"db1")"#, Ok("db1")),
    // a variable is not a bucket's name
    (
        "bucket",
        r#"from(bucket:v.bucket) |> filter(fn: (r) => r._measurement == "c")"#,
        Err(FluxError::NoBucket),
    ),
];

fn name_of(bucket: Bucket) -> String {
    let policy = bucket.policy.map(|policy| format!("/{policy}"));
    bucket.database + &policy.unwrap_or_default()
}

fn text<T: AsRef<str>>(result: Result<T, FluxError>) -> Result<String, String> {
    result
        .map(|name| name.as_ref().to_owned())
        .map_err(|error| error.to_string())
}

fn check_bucket(script: &str, expect: Result<&str, FluxError>) {
    assert_eq!(bucket(script).map(name_of), expect.map(str::to_owned), "{script}");
}

fn check_measurement(script: &str, expect: Result<&str, FluxError>) {
    assert_eq!(measurement(script), expect.map(str::to_owned), "{script}");
}

/// Checks the measurement of `from(bucket: "b") |> filter(fn: (r) => <predicate>)`.
fn check_predicate(predicate: &str, expect: Result<&str, FluxError>) {
    check_measurement(
        &format!("from(bucket: \"b\") |> filter(fn: (r) => {predicate})"),
        expect,
    );
}

#[test]
fn target_is_bucket_and_measurement() {
    let script = r#"
        // from(bucket: "comment") |> filter(fn: (r) => r._measurement == "comment")
        import "strings"
        from(bucket: "tele/graf/x", note: "from(bucket: \"b\")")
            |> range(start: 2020-01-01T00:00:00Z, stop: -1h30m)
            |> filter(fn: (r) => r._measurement == "c p\"u" and r.host =~ /"\/ r._measurement == "x"/)
            |> yield(name: "a / b")"#;
    let bucket = Bucket {
        database: "tele".into(),
        policy: Some("graf/x".into()),
    };
    let measurement = "c p\"u".to_owned();
    assert_eq!(target(script), Ok(FluxTarget { bucket, measurement }));
    assert_eq!(target("from(bucketID: \"x\")"), Err(FluxError::NoBucket));
    assert_eq!(
        target("from(bucket: \"x\")").map_err(FluxError::kind),
        Err(ErrorKind::InvalidArgument)
    );
}

#[test]
fn buckets() {
    check_bucket(r#"from(bucket: "db")"#, Ok("db"));
    check_bucket(r#"from(bucket: "db/")"#, Ok("db"));
    check_bucket(r#"from(org: "o", bucket: "db/rp") |> range(start: -1h)"#, Ok("db/rp"));
    check_bucket("from(bucket: \"db\" // , bucket: \"x\"\n)", Ok("db"));
    check_bucket(r#"import "influxdata/influxdb" influxdb.from(bucket: "db")"#, Ok("db"));
    check_bucket(r#"f = from f(bucket: "db")"#, Ok("db"));
    check_bucket(r#"csv.from(csv: "x") from(bucket: "db")"#, Ok("db"));
    check_bucket(r#"option v = {bucket: "x"} from(bucket: "db")"#, Ok("db"));
    check_bucket(r#"a = from(bucket: "db") b = from(bucket: "db")"#, Ok("db"));
    check_bucket(r#"from(bucket: "d\x62")"#, Ok("db"));
    for script in [
        "",
        "buckets()",
        r#"csv.from(csv: "x")"#,
        "from()",
        r#"from(bucket: "/rp")"#,
        r#"from(bucket: "")"#,
        "from(bucket: v.bucket)",
        r#"from(bucket: "a" + "b")"#,
        r#"from(bucket: "a${b}")"#,
        r#"from(bucket: "a") from(bucket: "b")"#,
        r#"from(bucket: "a") from(bucket: "a/rp")"#,
        r#"from(bucket: "a") from(bucketID: "b")"#,
        r#"from(bucket: "a") |> to(bucket: "b")"#,
        r#"from(bucket: "a") x = "${from(bucket: "b")}""#,
    ] {
        check_bucket(script, Err(FluxError::NoBucket));
    }
    for script in [
        "from",
        "from(bucket: 'db')",
        "from(bucket: \"db)",
        r#"from(bucket: "\q")"#,
        "\"${",
        "a # b",
    ] {
        check_bucket(script, Err(FluxError::Illegal));
    }
}

#[test]
fn predicates() {
    for predicate in [
        r#"r._measurement == "m""#,
        r#""m" == r._measurement"#,
        r#"r["_measurement"]=="m""#,
        r#""m" == r [ "_measurement" ]"#,
        r#"((r._measurement == "m"))"#,
        r#"{ return r._measurement == "m" }"#,
        r#"r.a == 1 / 2 and r._measurement == "m" and r._field =~ /x/"#,
        r#"r._measurement == "m" and (r._field == "a" or r._field == "b")"#,
        r#"(r._measurement == "m" and r.a == "1") or (r._measurement == "m" and r.a == "2")"#,
        r#"r._measurement == "m" and r._measurement != "n""#,
        r#"r._measurement == "m" and not r._field == "f""#,
    ] {
        check_predicate(predicate, Ok("m"));
    }
    for predicate in [
        "r._measurement == m",
        "r._measurement ==",
        r#"r._measurement == "${m}""#,
        r#"r._measurement == "m" + "n""#,
        r#"r._measurement == "m" or r._field == "f""#,
        r#"not r._measurement == "m""#,
        r#"if r.a == 1 and r._measurement == "m" and true then true else true"#,
        r#"r.x._measurement == "m""#,
        r#"other._measurement == "m""#,
        r#"exists r._measurement and r._field == "_measurement""#,
        r#"r._field == "r._measurement == \"m\"""#,
        "true // and r._measurement == \"m\"\n",
    ] {
        check_predicate(predicate, Err(FluxError::NoMeasurement));
    }
    for predicate in [
        r#"r._measurement != "m""#,
        "r._measurement =~ /m/",
        "r._measurement !~ /m/ and r._field == \"f\"",
        r#"r._measurement == "m" or r._measurement =~ /n/"#,
        r#""m" < r["_measurement"]"#,
    ] {
        check_predicate(predicate, Err(FluxError::NotByEquality));
    }
    check_predicate(
        r#"r._measurement == "m" or r._measurement == "n""#,
        Err(FluxError::SeveralMeasurements),
    );
    check_predicate(
        r#"r._measurement == "m" and r._measurement == "n""#,
        Err(FluxError::SeveralMeasurements),
    );
}

#[test]
fn text_of_measurements() {
    for (literal, name) in [
        (r#""""#, ""),
        (r#""a\\\"b\n\r\t""#, "a\\\"b\n\r\t"),
        (r#""\xc3\xa9é""#, "éé"),
        (r#""$5 \${x} $${y} US$""#, "$5 ${x} $${y} US$"),
        ("\"two\nlines // and no comment\"", "two\nlines // and no comment"),
    ] {
        check_predicate(&format!("r._measurement == {literal}"), Ok(name));
    }
    for literal in [r#""\xff""#, r#""\x4""#, r#""\$""#, r#""$\""#, r#""${x}$""#] {
        check_predicate(&format!("r._measurement == {literal}"), Err(FluxError::Illegal));
    }
}

#[test]
fn every_source_is_restricted() {
    let filter = r#"filter(fn: (r) => r._measurement == "m")"#;
    let source = r#"from(bucket: "b")"#;
    for script in [
        format!("{source} |> range(start: 0) |> filter(fn: (r) => r.a == 1) |> {filter} |> group()"),
        format!("a = {source} |> range(start: 0) a |> {filter}"),
        format!("f = (h) => {source} |> range(start: h)\n f(h: 1) |> {filter} f(h: 2) |> {filter}"),
        format!("a = {source} b = a |> range(start: 0) c = b |> {filter} c |> yield()"),
        format!("a = {source} |> {filter} b = {source} |> {filter} join(tables: {{a: a, b}}, on: [\"_time\"])"),
        format!("a = a a = {source} a |> {filter}"),
        format!("x = \"${{{{a: 1}}.a}} of ${{{source} |> {filter} |> count()}}\""),
    ] {
        check_measurement(&script, Ok("m"));
    }
    for script in [
        format!("{source} {source} |> {filter}"),
        format!("a = {source} a |> {filter} a |> range(start: 0)"),
        format!("a = {source} a |> {filter} union(tables: [a])"),
        format!("{source} |> yield() |> {filter}"),
        format!("{source} |> group() |> {filter}"),
        format!("{source} |> map(fn: (r) => ({{r with _measurement: \"m\"}})) |> {filter}"),
        format!("{source} |> schema.fieldsAsCols() |> {filter}"),
        format!("{source} |> map(fn: (r) => r._measurement == \"m\")"),
        format!("{source} |> {filter} v1.tagKeys(bucket: \"b\")"),
    ] {
        check_measurement(&script, Err(FluxError::NoMeasurement));
    }
    let two = format!("{source} |> {filter} {source} |> filter(fn: (r) => r._measurement =~ /x/)");
    check_measurement(&two, Err(FluxError::NotByEquality));
}

#[test]
fn large_scripts_are_read_in_linear_time() {
    let step = r#"from(bucket: "b") |> filter(fn: (r) => r._measurement == "m") x = /a\/b/ "${f(x)}" "#;
    check_measurement(&step.repeat(5_000), Ok("m"));
    let names: String = (0..5_000).map(|n| format!("a{} = a{n} ", n + 1)).collect();
    check_measurement(
        &format!("a0 = from(bucket: \"b\") {names} {step} a5000"),
        Err(FluxError::NoMeasurement),
    );
}

#[test]
fn deep_nesting_is_refused() {
    let predicate = format!("{}r._measurement == \"m\"{}", "(".repeat(100_000), ")".repeat(100_000));
    check_predicate(&predicate, Err(FluxError::NoMeasurement));
}

fn spec_filter(operator: &str, name: &str) -> Value {
    let member = json!({"type": "MemberExpression", "object": {"type": "IdentifierExpression", "name": "r"},
        "property": "_measurement"});
    json!({"type": "BinaryExpression", "operator": operator, "left": member,
        "right": {"type": "StringLiteral", "value": name}})
}

fn spec(body: &Value, edges: &Value) -> Value {
    let function = json!({"type": "FunctionExpression", "block": {"type": "FunctionBlock",
        "parameters": {"list": [{"key": {"type": "Identifier", "name": "r"}}]}, "body": body}});
    json!({"operations": [{"kind": "from", "id": "a", "spec": {"bucket": "db/rp"}},
        {"kind": "filter", "id": "b", "spec": {"fn": {"fn": function}}}], "edges": edges})
}

#[test]
fn specs() {
    let line = json!([{"parent": "a", "child": "b"}]);
    let logical = |operator: &str, other: &Value| json!({"type": "LogicalExpression", "operator": operator, "left": spec_filter("==", "m"), "right": other});
    let found = spec_target(&spec(&logical("and", &json!({"type": "Other"})), &line)).unwrap();
    assert_eq!(
        (name_of(found.bucket).as_str(), found.measurement.as_str()),
        ("db/rp", "m")
    );
    for (body, error) in [
        (logical("or", &json!({"type": "Other"})), FluxError::NoMeasurement),
        (logical("or", &spec_filter("==", "n")), FluxError::SeveralMeasurements),
        (spec_filter("=~", "n"), FluxError::NotByEquality),
    ] {
        assert_eq!(spec_measurement(&spec(&body, &line)), Err(error), "{body}");
    }
    let fork = json!([{"parent": "a", "child": "b"}, {"parent": "a", "child": "c"}]);
    assert_eq!(
        spec_measurement(&spec(&spec_filter("==", "m"), &fork)),
        Err(FluxError::NoMeasurement)
    );
    for value in [
        json!(null),
        json!([]),
        json!({"bucket": 1}),
        json!([{"bucket": "a"}, {"bucket": "b"}]),
    ] {
        assert_eq!(spec_target(&value), Err(FluxError::NoBucket), "{value}");
    }
}

/// The peer's answer of one table row: the name or the error's text.
fn wanted(row: &Value, name: &str, error: &str) -> Result<String, String> {
    match row[error].as_str() {
        // the peer's crash at a script that ends in `==`
        Some(text) if text.starts_with("panic") => Err(FluxError::NoMeasurement.to_string()),
        Some(text) => Err(text.to_owned()),
        None => Ok(row[name].as_str().unwrap().to_owned()),
    }
}

fn check_row(what: &str, script: &str, wanted: Result<String, String>) {
    let found = match what {
        "bucket" => text(bucket(script).map(name_of)),
        _ => text(measurement(script)),
    };
    let artefact = ARTEFACTS.iter().find(|row| (row.0, row.1) == (what, script));
    assert_eq!(found, artefact.map_or(wanted, |row| text(row.2)), "{what} of {script}");
}

fn check_spec_row(what: &str, spec: &str, wanted: Result<String, String>) {
    let spec = serde_json::from_str(spec).unwrap();
    let found = match what {
        "bucket" => text(spec_bucket(&spec).map(name_of)),
        _ => text(spec_measurement(&spec)),
    };
    assert_eq!(found, wanted, "{what} of {spec}");
}

#[test]
fn artefacts_are_as_listed() {
    for (what, script, expect) in ARTEFACTS {
        check_row(what, script, text(expect));
    }
}

#[test]
fn peer_tables() {
    let Some(directory) = std::env::var_os("GYRE_CONFORMANCE") else {
        return;
    };
    let file = Path::new(&directory).join("influx-proxy/cases.json");
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let tables = &cases["upstream_tests"]["backend/flux_test.go"];
    for (table, what, is_spec) in [
        ("TestParseQueryBucket", "bucket", false),
        ("TestParseQueryMeasurement", "measurement", false),
        ("TestParseSpecBucket", "bucket", true),
        ("TestParseSpecMeasurement", "measurement", true),
    ] {
        let check = if is_spec { check_spec_row } else { check_row };
        for row in tables[table].as_array().unwrap() {
            check(what, row["input"].as_str().unwrap(), wanted(row, "want", "error"));
        }
    }
    for row in cases["oracle"]["flux"].as_array().unwrap() {
        let script = row["q"].as_str().unwrap();
        check_row("bucket", script, wanted(row, "bucket", "bucket_error"));
        check_row("measurement", script, wanted(row, "measurement", "measurement_error"));
    }
}

/// Text between tokens.
fn blank() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::from(" ")),
        "[ \t\r\n]{1,3}",
        "[^\n]{0,20}".prop_map(|comment| format!(" //{comment}\n")),
    ]
}

/// Pieces of Flux in any order.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "from",
        "(",
        ")",
        "bucket",
        ":",
        "\"b\"",
        "\"",
        "filter",
        "fn",
        "r",
        "=>",
        "._measurement",
        "[",
        "]",
        "==",
        "=~",
        "/",
        "\\",
        "${",
        "{",
        "}",
        "and",
        "or",
        "not",
        "|>",
        "=",
        ",",
        "//",
        "\n",
        " ",
        "$",
        "x",
        "1h",
        "é",
        "from(bucket: \"b\")",
        "|> filter(fn: (r) => r._measurement == \"m\")",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

fn quoted(name: &str) -> String {
    let escaped = name
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('$', "\\x24")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

proptest! {
    #[test]
    fn never_panics(script in prop_oneof![any::<String>(), pieces()]) {
        let found = target(&script);
        let apart = bucket(&script).and_then(|bucket| Ok(FluxTarget { bucket, measurement: measurement(&script)? }));
        prop_assert_eq!(found, apart);
    }

    #[test]
    fn any_names_are_found(
        database in "[^/]{1,8}",
        policy in proptest::option::of(any::<String>().prop_filter("no policy", |policy| !policy.is_empty())),
        measurement in any::<String>(),
        blanks in proptest::collection::vec(blank(), 8),
        is_swapped in any::<bool>(),
    ) {
        let name = policy.as_ref().map_or_else(|| database.clone(), |policy| format!("{database}/{policy}"));
        let (mut left, mut right) = (String::from("r._measurement"), quoted(&measurement));
        if is_swapped {
            std::mem::swap(&mut left, &mut right);
        }
        let bucket_name = quoted(&name);
        let tokens = ["from(", "bucket:", &bucket_name, ") |>", "filter(fn: (r) =>", &left, "==", &right];
        let script = tokens.iter().zip(&blanks).fold(String::new(), |all, (token, blank)| all + blank + token) + ")";
        prop_assert_eq!(target(&script), Ok(FluxTarget { bucket: Bucket { database, policy }, measurement }));
    }
}

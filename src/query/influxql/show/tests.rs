//! Answers compared with recorded ones.

use std::path::Path;

use serde_json::Value as Json;

use super::double::Double;
use super::show;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::Statement;
use crate::influx::influxql::{Params, parse, validate};
use crate::influx::result::{Encoder, OutputOptions, Response, StatementResult};

const NOW: TimestampNs = TimestampNs(1_700_000_000_000_000_000);

/// The body that a server would send.
fn answer(source: &Double, text: &str, db: &str) -> String {
    let statements = parse(text, &Params::default()).unwrap();
    let [statement] = statements.as_slice() else {
        panic!("{text}: one statement is expected");
    };
    let Statement::Show(shown) = statement else {
        panic!("{text}: only SHOW is answered");
    };
    let checked = validate::check(statement, NOW).map_err(|error| error.to_string());
    let result = checked.and_then(|()| show(source, shown, db).map_err(|error| error.to_string()));
    let result = result.unwrap_or_else(|error| StatementResult {
        error: Some(error),
        ..StatementResult::default()
    });
    let mut out = Vec::new();
    Encoder::new(OutputOptions::default()).encode(&Response::from(result), &mut out);
    String::from_utf8(out).unwrap().trim_end().to_owned()
}

/// What a live server 1.6.7 said of the same data: two lines a case.
///
/// Left out: it counts the series of a measurement that `FROM` names twice twice.
#[test]
fn answers_as_recorded() {
    let mut source = Double::default();
    source.create("farm", &[("autogen", 0), ("years", 0)]);
    source.create("empty", &[("autogen", 0)]);
    source.create("mill", &[("autogen", 0)]);
    source.write("farm", "autogen", include_str!("testdata/farm.lines"));
    source.write("farm", "years", include_str!("testdata/years.lines"));
    source.write("mill", "autogen", "wheel,side=l v=1 1\n");
    let recorded = include_str!("testdata/answers.txt");
    let lines: Vec<&str> = recorded.lines().collect();
    assert!(lines.len() >= 200, "the file has {} lines", lines.len());
    for case in lines.chunks(2) {
        let [statement, expected] = case else {
            panic!("a case has two lines: {case:?}");
        };
        assert_eq!(answer(&source, statement, "farm"), *expected, "{statement}");
    }
}

#[test]
fn what_has_no_answer_is_refused() {
    let mut source = Double::default();
    source.create("farm", &[("autogen", 0)]);
    let check = |statement: &str, db: &str, expected: &str| {
        let expected = format!(r#"{{"results":[{{"statement_id":0,"error":"{expected}"}}]}}"#);
        assert_eq!(answer(&source, statement, db), expected, "{statement}");
    };
    for statement in [
        "SHOW MEASUREMENTS",
        "SHOW SERIES",
        "SHOW TAG KEYS",
        "SHOW TAG VALUES WITH KEY = a",
        "SHOW FIELD KEYS",
        "SHOW RETENTION POLICIES",
        "SHOW SERIES CARDINALITY",
        "SHOW MEASUREMENT EXACT CARDINALITY",
    ] {
        check(statement, "", "database name required");
    }
    for statement in [
        "SHOW SHARDS",
        "SHOW SHARD GROUPS",
        "SHOW QUERIES",
        "SHOW DIAGNOSTICS",
        "SHOW USERS",
        "SHOW SUBSCRIPTIONS",
        "SHOW CONTINUOUS QUERIES",
    ] {
        check(statement, "farm", &format!("{statement} is not supported"));
    }
    check("SHOW GRANTS FOR a", "farm", "SHOW GRANTS is not supported");
    check(
        "SHOW SERIES EXACT CARDINALITY GROUP BY time(1h)",
        "farm",
        "GROUP BY time() of a cardinality is not supported",
    );
}

#[test]
fn tag_keys_can_be_chosen() {
    let mut source = Double::default();
    source.create("farm", &[("autogen", 0)]);
    source.write("farm", "autogen", "cow,farm=a,race=b milk=1 1\n");
    let check = |with: &str, keys: &str| {
        let found = answer(&source, &format!("SHOW TAG KEYS WITH KEY {with}"), "farm");
        assert!(found.contains(&format!(r#""values":{keys}}}"#)), "{with}: {found}");
    };
    check("= farm", r#"[["farm"]]"#);
    check("!= farm", r#"[["race"]]"#);
    check("=~ /a/", r#"[["farm"],["race"]]"#);
    check("!~ /^r/", r#"[["farm"]]"#);
    check("IN (race, x)", r#"[["race"]]"#);
}

#[test]
fn databases_and_statistics_are_listed() {
    let mut source = Double::default();
    let check = |source: &Double, statement: &str, series: &str| {
        let expected = format!(r#"{{"results":[{{"statement_id":0{series}}}]}}"#);
        assert_eq!(answer(source, statement, ""), expected, "{statement}");
    };
    let empty = r#","series":[{"name":"databases","columns":["name"]}]"#;
    check(&source, "SHOW DATABASES", empty);
    source.create("b", &[("day", 24), ("autogen", 0)]);
    source.create("a", &[("autogen", 0)]);
    source.write("b", "day", "m,t=1 v=1\nm,t=2 v=1\nn v=1\n");
    let listed = r#","series":[{"name":"databases","columns":["name"],"values":[["b"],["a"]]}]"#;
    check(&source, "SHOW DATABASES", listed);
    let policies = r#","series":[{"columns":["name","duration","shardGroupDuration","replicaN","default"],"values":[["day","24h0m0s","168h0m0s",1,true],["autogen","0s","168h0m0s",1,false]]}]"#;
    check(&source, "SHOW RETENTION POLICIES ON b", policies);
    let statistics = r#","series":[{"name":"database","tags":{"database":"b"},"columns":["numMeasurements","numSeries"],"values":[[2,3]]},{"name":"database","tags":{"database":"a"},"columns":["numMeasurements","numSeries"],"values":[[0,0]]}]"#;
    check(&source, "SHOW STATS", statistics);
    check(&source, "SHOW STATS FOR 'httpd'", "");
}

/// Every `SHOW` of the conformance cases that wants an answer of its own; a run without them is the tests above.
#[test]
fn answers_the_conformance_cases() {
    let Ok(folder) = std::env::var("GYRE_CONFORMANCE") else {
        return;
    };
    let path = Path::new(&folder).join("influxql/cases.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Json> = serde_json::from_str(&text).unwrap();
    let checked: usize = cases.iter().map(run_case).sum();
    assert!(checked >= 90, "only {checked} checks were found");
}

/// Runs the `SHOW` statements of a case that changes data by writing only; returns how many there were.
fn run_case(case: &Json) -> usize {
    let text = |step: &Json, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let (mut source, mut checked) = (Double::default(), 0);
    for step in case["steps"].as_array().unwrap() {
        match text(step, "kind").as_str() {
            "create" => {
                let policy = text(step, "rp");
                source.create(&text(step, "db"), &[(&policy, 0)]);
            }
            "drop" => source.drop(&text(step, "db")),
            "reset" => source = Double::default(),
            "write" => source.write(&text(step, "db"), &text(step, "rp"), &text(step, "data")),
            _ => {
                let command = text(step, "command");
                if !command.starts_with("SHOW") {
                    // Another statement may change what the double cannot follow.
                    return checked;
                }
                let db = step["params"]["db"][0].as_str().unwrap_or_default();
                assert_eq!(
                    answer(&source, &command, db),
                    text(step, "exp"),
                    "{}: {command}",
                    case["name"]
                );
                checked += 1;
            }
        }
    }
    checked
}

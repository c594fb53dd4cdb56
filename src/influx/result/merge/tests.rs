use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use serde::Deserialize;

use super::{
    super::{
        Response,
        testing::{json, relayed_result, result, to_json},
    },
    *,
};

const LISTS: [MergeRule; 3] = [MergeRule::Rows, MergeRule::SeriesKeys, MergeRule::FirstSeen];

fn lacks_database(error: &str) -> bool {
    error.starts_with("database not found")
}

fn of_series(series: &str) -> StatementResult {
    result(&format!(r#"{{"results":[{{"statement_id":1,"series":[{series}]}}]}}"#))
}

/// Merges answers given by their series; the expectation is written the same way.
#[track_caller]
fn check(rule: MergeRule, answers: &[&str], expect: &str) {
    let merged = merge(rule, answers.iter().map(|series| of_series(series)), lacks_database);
    assert_eq!(merged, of_series(expect));
}

#[test]
fn measurements_are_united_and_sorted_by_bytes() {
    check(
        MergeRule::Rows,
        &[
            r#"{"name":"measurements","columns":["name"],"values":[["b"],["é"]]}"#,
            "",
            r#"{"name":"measurements","columns":["name"],"values":[["B"],["_"],["b"],[null],[5]]}"#,
        ],
        r#"{"name":"measurements","columns":["name"],"values":[[null],[5],["B"],["_"],["b"],["é"]]}"#,
    );
}

#[test]
fn keys_are_united_within_each_measurement() {
    check(
        MergeRule::Rows,
        &[
            r#"{"name":"z","columns":["key","value"],"values":[["h","b"],["h","c"]]}"#,
            r#"{"name":"a","columns":["key","value"],"values":[["k","2"]]},{"name":"z","columns":["key","value"],"values":[["a","9"],["h","b"]]}"#,
        ],
        r#"{"name":"a","columns":["key","value"],"values":[["k","2"]]},
           {"name":"z","columns":["key","value"],"values":[["a","9"],["h","b"],["h","c"]]}"#,
    );
    check(
        MergeRule::Rows,
        &[
            r#"{"name":"m","columns":["fieldKey","fieldType"],"values":[["f","integer"]]}"#,
            r#"{"name":"m","columns":["fieldKey","fieldType"],"values":[["f","float"],["g","string"]]}"#,
        ],
        r#"{"name":"m","columns":["fieldKey","fieldType"],"values":[["f","float"],["f","integer"],["g","string"]]}"#,
    );
    let tagged = r#"{"name":"m","tags":{"x":"1"},"columns":["c"],"values":[["p"]]},
                    {"name":"m","tags":{"x":"2"},"columns":["c"],"values":[["q"]]}"#;
    check(MergeRule::Rows, &[tagged, tagged], tagged);
}

#[test]
fn series_keys_sort_as_series() {
    check(
        MergeRule::SeriesKeys,
        &[
            r#"{"columns":["key"],"values":[["cpu!"],["mem"]]}"#,
            r#"{"columns":["key"],"values":[["cpu,host=a"],["cpu,host=a,r=x"],["cpu!"]]}"#,
        ],
        r#"{"columns":["key"],"values":[["cpu,host=a"],["cpu,host=a,r=x"],["cpu!"],["mem"]]}"#,
    );
}

#[test]
fn databases_and_policies_keep_the_order_of_creation() {
    check(
        MergeRule::FirstSeen,
        &[
            r#"{"name":"databases","columns":["name"],"values":[["zz"],["b"]]}"#,
            r#"{"name":"databases","columns":["name"],"values":[["a"],["zz"]]}"#,
        ],
        r#"{"name":"databases","columns":["name"],"values":[["zz"],["b"],["a"]]}"#,
    );
    check(
        MergeRule::FirstSeen,
        &[
            r#"{"columns":["name","duration","replicaN","default"],"values":[["autogen","0s",1,true]]}"#,
            r#"{"columns":["name","duration","replicaN","default"],"values":[["y","1h",1,false],["autogen","9h",2,false]]}"#,
        ],
        r#"{"columns":["name","duration","replicaN","default"],"values":[["autogen","0s",1,true],["y","1h",1,false]]}"#,
    );
}

#[test]
fn cardinalities_add_up() {
    let sum = |answers: &[&str], expect: &str| {
        let merged = merge(
            MergeRule::Sum,
            answers.iter().map(|series| of_series(series)),
            lacks_database,
        );
        assert_eq!(to_json(&merged.into()), to_json(&of_series(expect).into()));
    };
    sum(
        &[
            r#"{"columns":["cardinality estimation"],"values":[[6]]}"#,
            r#"{"columns":["cardinality estimation"],"values":[[0]]}"#,
            r#"{"columns":["cardinality estimation"],"values":[[7]]}"#,
        ],
        r#"{"columns":["cardinality estimation"],"values":[[13]]}"#,
    );
    sum(
        &[
            r#"{"name":"m","tags":{"h":"a"},"columns":["count"],"values":[[2]]},{"name":"m","tags":{"h":"b"},"columns":["count"],"values":[[3]]}"#,
            r#"{"name":"a","columns":["count"],"values":[[1]]},{"name":"m","tags":{"h":"b"},"columns":["count"],"values":[[4]]}"#,
        ],
        r#"{"name":"a","columns":["count"],"values":[[1]]},{"name":"m","tags":{"h":"a"},"columns":["count"],"values":[[2]]},
           {"name":"m","tags":{"h":"b"},"columns":["count"],"values":[[7]]}"#,
    );
    let most = r#"{"columns":["count"],"values":[[18446744073709551615]]}"#;
    sum(
        &[most, most],
        r#"{"columns":["count"],"values":[[36893488147419103230]]}"#,
    );
    let odd = r#"{"columns":["count"],"values":[["x"],[1.5],[]]}"#;
    sum(
        &[odd, r#"{"columns":["count"],"values":[[1]]}"#],
        r#"{"columns":["count"],"values":[["x"],[1.5],[],[1]]}"#,
    );
}

#[test]
fn listings_of_servers_are_put_one_after_another() {
    let one = r#"{"name":"zz","columns":["id"]},{"name":"a","columns":["id"],"values":[[1]]}"#;
    check(MergeRule::Concat, &[one, one], &[one, one].join(","));
    let warned = r#"{"results":[{"statement_id":3,"messages":[{"level":"warning","text":"t"}],"partial":true}]}"#;
    let merged = merge(MergeRule::Concat, [result(warned), result(warned)], lacks_database);
    assert_eq!(merged, result(warned));
}

#[test]
fn selected_series_sort_by_name_and_tags() {
    let series = |name: &str, host: &str| {
        format!(r#"{{"name":"{name}","tags":{{"h":"{host}"}},"columns":["time","v"],"values":[[1,2]]}}"#)
    };
    let (cpu_a, cpu_b, mem) = (series("cpu", ""), series("cpu", "b"), series("mem", "a"));
    let cpu = format!("{cpu_a},{cpu_b}");
    let check_select = |descending, answers: &[&str], expect: [&String; 3]| {
        check(
            MergeRule::Select { descending },
            answers,
            &expect.map(String::as_str).join(","),
        );
    };
    check_select(false, &[&mem, &cpu], [&cpu_a, &cpu_b, &mem]);
    check_select(true, &[&format!("{cpu_b},{cpu_a}"), &mem], [&mem, &cpu_b, &cpu_a]);
}

#[test]
fn errors_are_shown_unless_they_mean_nothing_here() {
    let [absent, broken, data, nothing] = [
        r#"{"results":[{"statement_id":1,"error":"database not found: x"}]}"#,
        r#"{"results":[{"statement_id":1,"error":"timeout"}]}"#,
        r#"{"results":[{"statement_id":1,"series":[{"columns":["name"],"values":[["a"]]}]}]}"#,
        r#"{"results":[{"statement_id":1}]}"#,
    ];
    let check = |answers: &[&str], expect: &str| {
        let merged = merge(MergeRule::Rows, answers.iter().map(|text| result(text)), lacks_database);
        assert_eq!(merged, result(expect));
    };
    check(&[absent, data], data);
    check(&[absent, nothing], nothing);
    check(&[absent, absent], absent);
    check(&[data, broken, absent], broken);
    check(&[absent, broken], broken);
    let strict = merge(MergeRule::Rows, [result(data), result(absent)], |_| false);
    assert_eq!(strict, result(absent));
    assert_eq!(merge(MergeRule::Rows, [], |_| false), StatementResult::default());
}

#[test]
fn pages_count_the_rows_of_each_series() {
    let whole = of_series(
        r#"{"name":"a","columns":["k"],"values":[["1"],["2"],["3"]]},{"name":"b","columns":["k"],"values":[["1"]]}"#,
    );
    let check = |limit, offset, expect: &str| {
        let mut paged = whole.clone();
        page(&mut paged, limit, offset);
        assert_eq!(paged, of_series(expect));
    };
    check(
        1,
        0,
        r#"{"name":"a","columns":["k"],"values":[["1"]]},{"name":"b","columns":["k"],"values":[["1"]]}"#,
    );
    check(0, 1, r#"{"name":"a","columns":["k"],"values":[["2"],["3"]]}"#);
    check(1, 1, r#"{"name":"a","columns":["k"],"values":[["2"]]}"#);
    check(usize::MAX, 3, "");
    check(0, usize::MAX, "");
    let mut without_rows = of_series(r#"{"name":"a","columns":["k"]}"#);
    page(&mut without_rows, 0, 0);
    assert_eq!(without_rows.series.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lists_are_associative_and_idempotent(a in relayed_result(), b in relayed_result(), c in relayed_result()) {
        let nothing_here = |error: &str| error.starts_with(['a', 'b', 'c', 'd']);
        for rule in LISTS {
            let both = |a: &StatementResult, b: &StatementResult| merge(rule, [a.clone(), b.clone()], nothing_here);
            let all = merge(rule, [a.clone(), b.clone(), c.clone()], nothing_here);
            prop_assert_eq!(&both(&both(&a, &b), &c), &all);
            prop_assert_eq!(&both(&a, &both(&b, &c)), &all);
            prop_assert_eq!(&both(&all, &all), &all);
        }
    }

    #[test]
    fn no_answer_makes_it_panic(answers in prop::collection::vec(relayed_result(), 0..4), limit in 0_usize..3, offset in 0_usize..3) {
        let rules = [MergeRule::Sum, MergeRule::Concat, MergeRule::Select { descending: true }];
        for rule in rules.into_iter().chain(LISTS) {
            let mut merged = merge(rule, answers.clone(), |_| true);
            page(&mut merged, limit, offset);
        }
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    bodies: Vec<String>,
    limit: usize,
    offset: usize,
    body: Option<String>,
}

/// Where the peer's answer is not what one InfluxDB would say, and what we say instead.
fn better_than_the_peer() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        (
            "in-band errors vanish",
            r#"{"results":[{"error":"database not found: x"}]}"#,
        ),
        (
            "two series in one body -> body ignored",
            r#"{"results":[{"series":[{"name":"a","columns":["key","value"],"values":[["k","v"]]},{"name":"b","columns":["key","value"],"values":[["k","v"]]}]}]}"#,
        ),
        (
            "non-string first column (cardinality)",
            r#"{"results":[{"series":[{"columns":["cardinality estimation"],"values":[[7]]}]}]}"#,
        ),
        (
            "by series name, last body wins",
            r#"{"results":[{"series":[{"name":"m","columns":["key","value"],"values":[["h","a"],["h","b"],["h","z"]]}]}]}"#,
        ),
        (
            "series sorted by name, rows sorted by first column only",
            r#"{"results":[{"series":[{"name":"a","columns":["key","value"],"values":[["a","1"],["k","2"]]},{"name":"z","columns":["key","value"],"values":[["h","a"],["h","b"]]}]}]}"#,
        ),
        (
            "series limit applies per series",
            r#"{"results":[{"series":[{"name":"a","columns":["key","value"],"values":[["k","2"]]},{"name":"z","columns":["key","value"],"values":[["h","a"]]}]}]}"#,
        ),
        (
            "series offset empties a series -> removed",
            r#"{"results":[{"series":[{"name":"z","columns":["key","value"],"values":[["h","b"]]}]}]}"#,
        ),
        (
            "tags lost: two tagged series same name",
            r#"{"results":[{"series":[{"name":"m","tags":{"x":"1"},"columns":["c"],"values":[["p"]]},{"name":"m","tags":{"x":"2"},"columns":["c"],"values":[["q"]]}]}]}"#,
        ),
        (
            "rp: duplicates inside first body kept",
            r#"{"results":[{"series":[{"columns":["name"],"values":[["a"]]}]}]}"#,
        ),
        (
            "stats: results concatenated, statement_id not renumbered",
            r#"{"results":[{"series":[{"name":"x","columns":["a"],"values":[[1]]},{"name":"y","columns":["a"],"values":[[2]]}]}]}"#,
        ),
        ("stats: body with 2 results ignored", r#"{"results":[{}]}"#),
    ])
}

fn rule_of(kind: &str) -> MergeRule {
    match kind {
        "values" | "series" => MergeRule::Rows,
        "attach" => MergeRule::FirstSeen,
        "concat" => MergeRule::Concat,
        _ => panic!("unknown kind of merge {kind}"),
    }
}

/// Cases of our own in the form of the conformance file.
const OWN_CASES: &str = r#"[
    {"name": "listing", "kind": "series", "limit": 1, "offset": 1,
     "bodies": ["{\"results\":[{\"series\":[{\"name\":\"m\",\"columns\":[\"tagKey\"],\"values\":[[\"c\"],[\"a\"]]}]}]}",
                "{\"results\":[{\"series\":[{\"name\":\"m\",\"columns\":[\"tagKey\"],\"values\":[[\"b\"]]}]}]}"],
     "body": "{\"results\":[{\"series\":[{\"name\":\"m\",\"columns\":[\"tagKey\"],\"values\":[[\"b\"]]}]}]}"},
    {"name": "numbers", "kind": "concat", "limit": 0, "offset": 0,
     "bodies": ["{\"results\":[{\"series\":[{\"columns\":[\"a\"],\"values\":[[9007199254740993,1e+21]]}]}]}", "{\"results\":[{}]}"],
     "body": "{\"results\":[{\"series\":[{\"columns\":[\"a\"],\"values\":[[9007199254740993,1e+21]]}]}]}"}
]"#;

fn conformance_cases() -> Vec<Case> {
    let Some(folder) = std::env::var_os("GYRE_CONFORMANCE") else {
        return Vec::new();
    };
    let text = fs::read_to_string(Path::new(&folder).join("influx-proxy/cases.json")).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(file["oracle"]["merge"]["rows"].take()).unwrap()
}

#[test]
fn merges_as_the_cases_say() {
    let better = better_than_the_peer();
    let own: Vec<Case> = serde_json::from_str(OWN_CASES).unwrap();
    for case in own.into_iter().chain(conformance_cases()) {
        let answers = case.bodies.iter().map(|body| json(body).results.remove(0));
        let mut merged = merge(rule_of(&case.kind), answers, lacks_database);
        page(&mut merged, case.limit, case.offset);
        let better = better.get(case.name.as_str()).map(|text| json(text));
        let expect = better.or(case.body.map(|body| json(&body)));
        assert_eq!(Some(Response::from(merged)), expect, "{}", case.name);
    }
}

//! InfluxQL cases: create databases, write, query, compare the answer byte for byte.
//!
//! A case is `{"name", "steps"}`; a step's `kind` is `create` (`db`, `rp`, `duration`), `write` (`db`, `rp`, `params`,
//! `data`), `query` (`command`, `params`, `exp`, with `pattern` a regular expression), `drop` (`db`) or `reset`. Each
//! case starts without databases.

use serde_json::Value;

use super::{given, own};
use crate::support::{
    cluster::Cluster,
    http::{Client, encode},
    influxd::Influxd,
};

/// Where the given cases are.
const GIVEN: &str = "influxql/cases.json";

/// The project's own.
const OWN: &str = "influxql.json";

#[test]
fn own_cases_are_what_influxdb_does() {
    let server = Influxd::start();
    replay(&server.client(), &own(OWN));
}

#[test]
fn one_backend_answers_as_influxdb() {
    check(&Cluster::start(1, 1));
}

#[test]
fn two_circles_of_two_answer_as_influxdb() {
    check(&Cluster::start(2, 2));
}

#[test]
fn an_embedded_backend_answers_as_influxdb() {
    check_client(&crate::embedded::start(1, 1).client());
}

#[test]
fn two_circles_of_two_embedded_backends_answer_as_influxdb() {
    check_client(&crate::embedded::start(2, 2).client());
}

#[track_caller]
fn check(cluster: &Cluster) {
    check_client(&cluster.gyre.client());
}

#[track_caller]
fn check_client(client: &Client) {
    for cases in [Some(own(OWN)), given(GIVEN)].into_iter().flatten() {
        replay(client, &cases);
    }
}

/// # Panics
/// When an answer is not as expected; the text begins with those that differ without saying so.
#[track_caller]
fn replay(client: &Client, cases: &Value) {
    let (mut checks, mut silent, mut refused) = (0, Vec::new(), Vec::new());
    for case in cases.as_array().expect("cases are a list") {
        drop_everything(client);
        for step in case["steps"].as_array().expect("a case has steps") {
            let Some((got, as_expected)) = run(client, step) else {
                continue;
            };
            checks += 1;
            if !as_expected {
                let differing = if got.contains("\"error\"") {
                    &mut refused
                } else {
                    &mut silent
                };
                let (name, query, expect) = (&case["name"], &step["command"], &step["exp"]);
                differing.push(format!("{name}\n  query  {query}\n  expect {expect}\n  got    {got}"));
            }
        }
    }
    println!("{checks} checks");
    assert!(checks > 0, "no checks");
    assert!(
        silent.is_empty() && refused.is_empty(),
        "{} of {checks} silently different, {} refused\n{}\n{}",
        silent.len(),
        refused.len(),
        silent.join("\n"),
        refused.join("\n")
    );
}

/// Takes one step; what a query answered and whether that is right.
fn run(client: &Client, step: &Value) -> Option<(String, bool)> {
    match text(step, "kind") {
        "create" => drop(query(client, &create(step), &Value::Null)),
        "drop" => drop(query(
            client,
            &format!("DROP DATABASE \"{}\"", text(step, "db")),
            &Value::Null,
        )),
        "reset" => drop_everything(client),
        "write" => write(client, step),
        "query" => {
            let got = query(client, text(step, "command"), &step["params"]);
            let expect = text(step, "exp");
            let as_expected = if step["pattern"] == true {
                regex::Regex::new(expect).expect("the case's pattern").is_match(&got)
            } else {
                got == expect
            };
            return (!expect.is_empty()).then_some((got, as_expected));
        }
        other => panic!("unknown step {other:?}"),
    }
    None
}

fn text<'a>(step: &'a Value, key: &str) -> &'a str {
    step[key].as_str().unwrap_or_default()
}

fn create(step: &Value) -> String {
    let created = format!("CREATE DATABASE \"{}\"", text(step, "db"));
    match (text(step, "rp"), text(step, "duration")) {
        ("", _) => created,
        (policy, "" | "0s") => format!("{created} WITH DURATION INF REPLICATION 1 NAME \"{policy}\""),
        (policy, duration) => format!("{created} WITH DURATION {duration} REPLICATION 1 NAME \"{policy}\""),
    }
}

/// Writes; lines that are refused are part of some cases.
fn write(client: &Client, step: &Value) {
    let mut form = pairs(&step["params"]);
    for key in ["db", "rp"] {
        if !form.iter().any(|(name, _)| name == key) {
            form.push((key.to_owned(), text(step, key).to_owned()));
        }
    }
    client.post(&format!("/write?{}", encoded(&form)), text(step, "data").as_bytes());
}

fn query(client: &Client, command: &str, params: &Value) -> String {
    let mut form = pairs(params);
    form.push(("q".to_owned(), command.to_owned()));
    client
        .post(&format!("/query?{}", encoded(&form)), b"")
        .text()
        .trim()
        .to_owned()
}

/// The first value of each parameter.
fn pairs(params: &Value) -> Vec<(String, String)> {
    let params = params.as_object().into_iter().flatten();
    params
        .filter_map(|(key, values)| Some((key.clone(), values[0].as_str()?.to_owned())))
        .collect()
}

fn encoded(form: &[(String, String)]) -> String {
    let pairs = form
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn drop_everything(client: &Client) {
    let shown = client.query("", "SHOW DATABASES");
    let rows = shown["results"][0]["series"][0]["values"]
        .as_array()
        .into_iter()
        .flatten();
    for name in rows
        .filter_map(|row| row[0].as_str())
        .filter(|name| *name != "_internal")
    {
        query(
            client,
            &format!("DROP DATABASE \"{}\"", name.replace('"', "\\\"")),
            &Value::Null,
        );
    }
}

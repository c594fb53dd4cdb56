//! The same seeded points and statements to the embedded engine and to a live influxd; the answers must be the same.
//!
//! [`data`] makes the points, [`statement`] the statements. Floats may differ by rounding, all else is exact, errors by
//! their text. What is known to differ is in [`KNOWN`], skipped and counted. `GYRE_TEST_SEED` repeats a run.

mod data;
mod statement;

use serde_json::Value;

use crate::{
    faults::schedule::{self, Random},
    support::{
        http::{Client, Connection, query_target},
        influxd::Influxd,
    },
};

const DB: &str = "differential";
const STATEMENTS: usize = 2000;
/// Relative difference of floats that were added up in another order.
const ROUNDING: f64 = 1e-12;
/// Differences printed in full.
const SHOWN: usize = 25;

/// What differs, and why.
struct Known {
    reason: &'static str,
    /// Of a statement, influxd's answer and ours: is it that difference?
    is_it: fn(&str, &Value, &Value) -> bool,
}

/// What is allowed to differ: where InfluxDB is at fault, or its answer is one of several that chance decides.
const KNOWN: &[Known] = &[
    Known {
        reason: "influxd cannot say what is infinite",
        is_it: |_, expect, _| expect.to_string().contains("unsupported value"),
    },
    Known {
        reason: "influxd refuses a type only when it meets a series of it, and the first met",
        is_it: |_, expect, got| {
            let results = |answer: &Value| answer["results"].as_array().cloned().unwrap_or_default();
            let is_type = |result: &Value| result.to_string().contains("iterator type");
            let mut pairs = results(expect).into_iter().zip(results(got));
            is_type(got) && pairs.all(|(expect, got)| !is_type(&got) || is_type(&expect) || expect["series"].is_null())
        },
    },
    Known {
        reason: "after an error influxd executes no further statement",
        is_it: |statement, expect, _| statement.contains("; ") && expect.to_string().contains("not executed"),
    },
    Known {
        reason: "influxd counts a series once for each of its shards",
        is_it: |statement, _, _| statement.contains("SHOW SERIES EXACT CARDINALITY"),
    },
    Known {
        reason: "abs() of influxd 1.6 leaves integers negative",
        is_it: |statement, expect, got| statement.contains("abs(") && is_same_by(expect, got, &without_sign),
    },
    Known {
        reason: "influxd applies the LIMIT to the points of each shard that top() and bottom() read",
        is_it: |statement, _, _| {
            (statement.contains("top(") || statement.contains("bottom(")) && statement.contains(" LIMIT")
        },
    },
    Known {
        reason: "influxd says the last area of each series of integral() after all others, in the order of a Go map",
        is_it: |statement, expect, got| {
            let has_several = series(expect).max(series(got)) > 1 || statement.contains("holt_winters");
            statement.contains("integral(") && has_several
        },
    },
    Known {
        reason: "of equal values Go's unstable sort decides which time percentile() has",
        is_it: |statement, expect, got| statement.contains("percentile(") && is_same_by(expect, got, &without_time),
    },
    Known {
        reason: "a subquery's row without a value, from another window, cuts a window of influxd in two",
        is_it: |statement, expect, _| statement.contains("FROM (") && has_window_twice(expect),
    },
    Known {
        reason: "influxd joins the columns of a subquery by all of its tags, and takes an outer group up twice",
        is_it: |statement, expect, _| statement.contains("FROM (") && has_group_twice(expect),
    },
];

#[test]
fn answers_are_those_of_influxdb() {
    let seed = schedule::seed();
    println!("GYRE_TEST_SEED={seed}");
    let mut random = Random(seed);
    let (gyre, influxd) = (super::start(1, 1), Influxd::start());
    let clients = [influxd.client(), gyre.client()];
    fill(&clients, &mut random);
    let mut connections = clients.map(|client| client.connect().expect("it listens"));
    let mut counts = vec![0; KNOWN.len()];
    let (mut differences, mut refused) = (Vec::new(), 0);
    for _ in 0..STATEMENTS {
        let text = statement::any(&mut random);
        let [expect, got] = connections.each_mut().map(|connection| ask(connection, &text));
        refused += usize::from(expect.to_string().contains("\"error\""));
        if is_same(&expect, &got) {
            continue;
        }
        match known(&text, &expect, &got) {
            Some(reason) => counts[reason] += 1,
            None => differences.push(format!("{text}\n  expect {}\n  got    {}", print(&expect), print(&got))),
        }
    }
    println!("{STATEMENTS} statements, {refused} of them refused by influxd");
    for (known, count) in KNOWN.iter().zip(counts) {
        println!("known to differ, {count} times: {}", known.reason);
    }
    let shown = &differences[..differences.len().min(SHOWN)];
    assert!(
        differences.is_empty(),
        "GYRE_TEST_SEED={seed}: {} differences:\n{}",
        differences.len(),
        shown.join("\n")
    );
}

fn fill(clients: &[Client; 2], random: &mut Random) {
    let batches = data::batches(random);
    for client in clients {
        client.query("", &format!("CREATE DATABASE {DB}"));
        for batch in &batches {
            assert_eq!(client.write(DB, batch), (204, String::new()));
        }
    }
}

/// The answer as JSON, or as the text that it is instead.
fn ask(connection: &mut Connection, statement: &str) -> Value {
    let answer = connection.send("POST", &query_target(DB, statement), &[], b"");
    let answer = answer.unwrap_or_else(|error| panic!("{statement}: {error}"));
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| Value::String(answer.text()))
}

fn known(statement: &str, expect: &Value, got: &Value) -> Option<usize> {
    KNOWN.iter().position(|known| (known.is_it)(statement, expect, got))
}

fn is_same(expect: &Value, got: &Value) -> bool {
    is_same_by(expect, got, &|value| value.clone())
}

/// Whether two answers are the same when their parts are seen as `view` shows them.
fn is_same_by(expect: &Value, got: &Value, view: &dyn Fn(&Value) -> Value) -> bool {
    match (&view(expect), &view(got)) {
        (Value::Number(a), Value::Number(b)) if a != b => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) if !(a.is_i64() && b.is_i64()) => (x - y).abs() <= ROUNDING * x.abs().max(y.abs()),
            _ => false,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_by(a, b, view))
        }
        (Value::Object(a), Value::Object(b)) => {
            let is_in_b = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| is_same_by(a, b, view));
            a.len() == b.len() && a.iter().all(is_in_b)
        }
        (expect, got) => expect == got,
    }
}

/// A negative integer as a positive one.
fn without_sign(value: &Value) -> Value {
    value
        .as_i64()
        .map_or_else(|| value.clone(), |number| number.unsigned_abs().into())
}

/// A row without its time.
fn without_time(value: &Value) -> Value {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::Number(_), cells @ ..]) => cells.into(),
        _ => value.clone(),
    }
}

/// Whether a series has two rows of one time, one after the other.
fn has_window_twice(answer: &Value) -> bool {
    let series = answer["results"][0]["series"].as_array();
    let rows = series
        .into_iter()
        .flatten()
        .filter_map(|series| series["values"].as_array());
    rows.into_iter()
        .any(|rows| rows.windows(2).any(|pair| pair[0][0] == pair[1][0]))
}

/// Whether a group is among the series of the first result twice.
fn has_group_twice(answer: &Value) -> bool {
    let series = answer["results"][0]["series"].as_array();
    let groups: Vec<_> = series
        .into_iter()
        .flatten()
        .map(|series| (&series["name"], &series["tags"]))
        .collect();
    (1..groups.len()).any(|at| groups[..at].contains(&groups[at]))
}

/// How many series the results have.
fn series(answer: &Value) -> usize {
    let results = answer["results"].as_array().into_iter().flatten();
    results
        .filter_map(|result| result["series"].as_array())
        .map(Vec::len)
        .sum()
}

fn print(answer: &Value) -> String {
    let mut text = answer.to_string();
    text.truncate(text.floor_char_boundary(600));
    text
}

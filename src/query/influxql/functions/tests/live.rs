//! Answers of a live server 1.6.7 over random points, one case a line:
//! `[call, kind, interval, descending, [[time, value], ...], [[time, value], ...]]` with times in nanoseconds, the interval of
//! `GROUP BY time` in seconds (null: none, with `fill(none)`), and the kind `v` float, `i` integer, `s` text, `b` boolean.

use serde_json::Value as Json;

use super::*;
use crate::query::influxql::functions::{Windows, integral};

/// A row as it is answered: the time, and the value or null.
type Row = (i64, Scalar);

#[test]
fn answers_as_recorded() {
    let cases = include_str!("live.jsonl");
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let got = evaluate(&case);
        let expected = case[5].as_array().unwrap();
        let is_same = got.len() == expected.len() && got.iter().zip(expected).all(|(row, other)| is_same(row, other));
        assert!(is_same, "{line}\n{got:?}");
    }
    assert!(cases.lines().count() >= 300);
}

fn evaluate(case: &Json) -> Vec<Row> {
    let interval = case[2].as_i64().map(|seconds| seconds * 1_000_000_000);
    let is_descending = case[3].as_bool().unwrap();
    let mut series: Vec<(i64, Scalar)> = case[4]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| read(case, point))
        .collect();
    if is_descending {
        series.reverse();
    }
    let call = call(case[0].as_str().unwrap());
    if let Some(function) = Window::from_call(&call) {
        return by_window(function, &points(&series), interval, is_descending);
    }
    let inner = match &call.args[0] {
        Expr::Call(inner) => {
            let function = Window::from_call(inner).unwrap();
            by_window(function, &points(&series), interval, is_descending)
        }
        _ => series,
    };
    let results = Transform::from_call(&call, interval).unwrap().apply(&points(&inner));
    results.into_iter().map(|point| (point.time, point.value)).collect()
}

fn read(case: &Json, point: &Json) -> (i64, Scalar) {
    let value = match case[1].as_str().unwrap() {
        "v" => Scalar::Float(point[1].as_f64().unwrap()),
        "i" => Scalar::Integer(point[1].as_i64().unwrap()),
        "s" => text(point[1].as_str().unwrap()),
        _ => Scalar::Boolean(point[1].as_bool().unwrap()),
    };
    (point[0].as_i64().unwrap(), value)
}

/// The end of the range of the queries, which begins at 0: two hours.
const END: i64 = 7_200_000_000_000;

/// What a query does with the windows.
fn by_window(function: Window, points: &[Point], interval: Option<i64>, descending: bool) -> Vec<Row> {
    let of = |time: i64| match interval {
        Some(interval) => {
            let start = time.div_euclid(interval) * interval;
            (start, start + interval)
        }
        None => (0, END),
    };
    if let Window::Integral { unit_ns } = function {
        let grouped = interval.is_some();
        let windows = Windows {
            of: &of,
            grouped,
            descending,
        };
        let results = integral(points, unit_ns, windows);
        return results.into_iter().map(|point| (point.time, point.value)).collect();
    }
    let mut rows = Vec::new();
    for points in points.chunk_by(|a, b| of(a.time) == of(b.time)) {
        let (start, end) = of(points[0].time);
        let results = function.apply(points, start, end);
        let keeps_time = interval.is_none() || function.keeps_time();
        let time = |point: &Point| if keeps_time { point.time } else { start };
        rows.extend(results.into_iter().map(|point| (time(&point), point.value)));
    }
    rows
}

fn is_same((time, value): &Row, expected: &Json) -> bool {
    let value_is_same = match (value, &expected[1]) {
        (Scalar::Float(value), Json::Null) => value.is_nan(),
        (Scalar::Float(value), other) => other.as_f64().is_some_and(|other| is_near(*value, other)),
        (Scalar::Integer(value), other) => other.as_i64() == Some(*value),
        (Scalar::Unsigned(value), other) => other.as_u64() == Some(*value),
        (Scalar::String(value), other) => other.as_str() == Some(value),
        (Scalar::Boolean(value), other) => other.as_bool() == Some(*value),
    };
    expected[0].as_i64() == Some(*time) && value_is_same
}

/// Within 1e-12 of the greater.
fn is_near(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

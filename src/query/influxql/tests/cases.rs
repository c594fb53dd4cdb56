//! The project's own cases: points, queries, and what a live InfluxDB answers.

use super::mem::{MemSource, Summed};
use super::select;
use super::{answer, context};
use crate::base::ErrorKind;
use crate::influx::influxql::ast::{Select, Statement};
use crate::influx::influxql::{Params, parse};
use crate::influx::line::Precision;
use crate::query::influxql::{Context, Limits, QueryError, prepare};
use std::sync::atomic::AtomicBool;

const POINTS: &str = include_str!("points.txt");
const CASES: &str = include_str!("cases.txt");

fn source() -> MemSource {
    let mut source = MemSource::default();
    source.create("d", "autogen");
    source.write("d", "autogen", POINTS, Precision::default());
    source
}

/// A line of the table is a query, the line below it, after `=>`, the answer.
#[test]
fn answers_as_influxdb_does() {
    let source = source();
    let lines: Vec<&str> = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(lines.len() > 100 && lines.len().is_multiple_of(2));
    for case in lines.chunks_exact(2) {
        let (query, expect) = (
            case[0],
            format!(
                "{{\"results\":[{{\"statement_id\":0{}}}]}}",
                case[1].trim_start_matches("=>")
            ),
        );
        assert_eq!(answer(&source, "d", query, "s"), expect, "{query}");
    }
}

#[test]
fn summaries_change_nothing() {
    let plain = source();
    let summed = Summed(source());
    for query in CASES.lines().filter(|line| line.starts_with("select")) {
        assert_eq!(
            answer(&summed, "d", query, "s"),
            answer(&plain, "d", query, "s"),
            "{query}"
        );
    }
}

fn query(text: &str) -> Select {
    match parse(text, &Params::default()).unwrap().remove(0) {
        Statement::Select(select) => *select,
        other => panic!("no query: {other:?}"),
    }
}

fn fails(text: &str, context: &Context<'_>) -> QueryError {
    select(&source(), &query(text), context).unwrap_err()
}

#[test]
fn names_that_do_not_exist_are_errors() {
    let cancel = AtomicBool::new(false);
    let check = |text: &str, db: &str, expect: &str, kind: ErrorKind| {
        let error = fails(text, &context(db, &cancel));
        assert_eq!((error.to_string().as_str(), error.kind()), (expect, kind));
    };
    check(
        "select v from m",
        "",
        "database name required",
        ErrorKind::InvalidArgument,
    );
    check("select v from m", "x", "database not found: x", ErrorKind::NotFound);
    check("select v from x..m", "d", "database not found: x", ErrorKind::NotFound);
    check(
        "select v from x.m",
        "d",
        "retention policy not found: x",
        ErrorKind::NotFound,
    );
}

#[test]
fn limits_are_kept() {
    let cancel = AtomicBool::new(false);
    let check = |limits: Limits, text: &str, expect: &str| {
        let context = Context {
            limits,
            ..context("d", &cancel)
        };
        let error = fails(text, &context);
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (expect, ErrorKind::TooLarge)
        );
    };
    let none = Limits::default();
    check(
        Limits { points: 4, ..none },
        "select v from cpu",
        "max-select-point limit exceeed: (5/4)",
    );
    check(
        Limits { points: 4, ..none },
        "select count(v) from cpu",
        "max-select-point limit exceeed: (5/4)",
    );
    check(
        Limits { series: 3, ..none },
        "select v from cpu",
        "max-select-series limit exceeded: (4/3)",
    );
    let windows = "select mean(v) from cpu where time >= 0 and time < 100s group by time(10s)";
    check(
        Limits { buckets: 9, ..none },
        windows,
        "max-select-buckets limit exceeded: (10/9)",
    );
}

#[test]
fn stops_when_it_is_told_to() {
    let cancel = AtomicBool::new(true);
    for text in [
        "select v from cpu",
        "select mean(v) from cpu",
        "select x from (select derivative(mean(v)) as x from cpu where time > 0 group by time(1ns) fill(0))",
    ] {
        assert_eq!(fails(text, &context("d", &cancel)), QueryError::Interrupted);
    }
    // An answer without end is stopped while it is made.
    cancel.store(false, std::sync::atomic::Ordering::Relaxed);
    let source = source();
    let context = context("d", &cancel);
    let prepared = prepare(&source, &query("select mean(v) from cpu group by time(1ns)"), &context).unwrap();
    let mut pieces = prepared.pieces(1000);
    assert_eq!(pieces.next().unwrap().unwrap().values.len(), 1000);
    cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(pieces.find_map(Result::err), Some(QueryError::Interrupted));
}

#[test]
fn pieces_make_up_the_whole() {
    let cancel = AtomicBool::new(false);
    let (source, context) = (source(), context("d", &cancel));
    let query = query("select v from cpu group by host");
    let whole = select(&source, &query, &context).unwrap().series;
    let prepared = prepare(&source, &query, &context).unwrap();
    let pieces: Vec<_> = prepared.pieces(2).map(Result::unwrap).collect();
    assert!(pieces.iter().all(|piece| piece.values.len() <= 2));
    assert_eq!(
        pieces.iter().filter(|piece| piece.partial).count(),
        pieces.len() - whole.len()
    );
    let rows =
        |series: &[crate::influx::result::Series]| -> Vec<_> { series.iter().flat_map(|s| s.values.clone()).collect() };
    assert_eq!(rows(&pieces), rows(&whole));
}

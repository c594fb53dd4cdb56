//! Queries over points in memory.

mod cases;
mod conformance;
mod mem;

use std::sync::atomic::AtomicBool;

use super::{Context, Limits, QueryError, prepare};
use crate::base::TimestampNs;
use crate::influx::influxql::ast::{Select, Statement};
use crate::influx::influxql::{Params, parse};
use crate::influx::result::{Encoder, Format, OutputOptions, Response, StatementResult, TimeFormat};
use crate::query::source::SeriesSource;

/// The value of `now()` in tests: 2030-01-01T00:00:00Z.
const NOW: TimestampNs = TimestampNs(1_893_456_000_000_000_000);

fn context<'a>(db: &'a str, cancel: &'a AtomicBool) -> Context<'a> {
    Context {
        db,
        policy: "",
        now: NOW,
        limits: Limits::default(),
        cancel,
    }
}

/// The whole answer to a query.
fn select(source: &dyn SeriesSource, query: &Select, context: &Context<'_>) -> Result<StatementResult, QueryError> {
    let series = prepare(source, query, context)?
        .pieces(usize::MAX)
        .collect::<Result<_, _>>()?;
    Ok(StatementResult {
        series,
        ..StatementResult::default()
    })
}

/// The answer to one `SELECT`.
fn run(source: &dyn SeriesSource, db: &str, statement: &Statement) -> StatementResult {
    let Statement::Select(query) = statement else {
        panic!("only queries run here: {statement:?}");
    };
    let cancel = AtomicBool::new(false);
    let result = select(source, query, &context(db, &cancel));
    result.unwrap_or_else(|error| StatementResult {
        error: Some(error.to_string()),
        ..StatementResult::default()
    })
}

/// The answer to a request of `SELECT`s as JSON.
fn answer(source: &dyn SeriesSource, db: &str, text: &str, epoch: &str) -> String {
    let response = match parse(text, &Params::default()) {
        Ok(statements) => {
            let mut response = Response::default();
            for (id, statement) in (0..).zip(&statements) {
                let result = run(source, db, statement);
                response.results.push(StatementResult {
                    statement_id: id,
                    ..result
                });
            }
            response
        }
        Err(error) => Response::of_error(error.to_string()),
    };
    let options = OutputOptions {
        format: Format::Json,
        times: TimeFormat::from_epoch(epoch),
        pretty: false,
    };
    let mut out = Vec::new();
    Encoder::new(options).encode(&response, &mut out);
    String::from_utf8(out).unwrap().trim_end().to_owned()
}

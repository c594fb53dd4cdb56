//! Statements that parse but make no sense.
//!
//! InfluxDB finds these when it runs the statement, so the error belongs to that statement's result; statements before
//! it have run, those after it run too. The HTTP status stays 200.
//!
//! Only what the text itself shows is checked; faults that depend on stored data (types, missing databases) are not.
//! The order of the checks is InfluxDB's, because only the first fault is reported.

mod condition;
mod dimensions;
mod fields;
mod functions;
mod moving;
mod select;
mod show;

use crate::base::{ErrorKind, TimestampNs};

use super::ast::{Expr, Measurement, MeasurementName, Show, Statement};

pub use dimensions::Interval;
pub use select::{Checked, check_select, interval};

/// Why one statement cannot run, in InfluxDB's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidStatement {
    message: String,
}

impl InvalidStatement {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message }
    }

    /// The class of the error: the statement is at fault, always.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

/// Checks any statement.
///
/// # Errors
/// The first fault that InfluxDB would report.
pub fn check(statement: &Statement, now: TimestampNs) -> Result<(), InvalidStatement> {
    check_names(statement)?;
    match statement {
        Statement::Select(select) => check_select(select, now).map(|_| ()),
        Statement::Explain(explain) => check_select(&explain.select, now).map(|_| ()),
        Statement::Show(show) => show::check(show, now),
        Statement::DropSeries(delete) => show::without_time(delete.condition.as_ref(), "DROP SERIES"),
        Statement::Delete(delete) => show::condition(delete.condition.as_ref(), now),
        _ => Ok(()),
    }
}

/// A measurement must have a name. `SHOW MEASUREMENTS` and `DROP MEASUREMENT` do not look.
fn check_names(statement: &Statement) -> Result<(), InvalidStatement> {
    let nameless = |m: &&Measurement| m.name == MeasurementName::Name(String::new());
    match statement {
        Statement::Show(Show::Measurements(_)) => Ok(()),
        other if other.measurements().iter().any(nameless) => Err(InvalidStatement::new("invalid measurement")),
        _ => Ok(()),
    }
}

/// The name of an expression's type in InfluxDB's source, which some of its messages show.
pub(super) fn go_type(expr: &Expr) -> &'static str {
    match expr {
        Expr::Binary(_) => "*influxql.BinaryExpr",
        Expr::Paren(_) => "*influxql.ParenExpr",
        Expr::Call(_) => "*influxql.Call",
        Expr::Ref(_) => "*influxql.VarRef",
        Expr::Distinct(_) => "*influxql.Distinct",
        Expr::Wildcard(_) => "*influxql.Wildcard",
        Expr::Regex(_) => "*influxql.RegexLiteral",
        Expr::Number(_) => "*influxql.NumberLiteral",
        Expr::Integer(_) => "*influxql.IntegerLiteral",
        Expr::Unsigned(_) => "*influxql.UnsignedLiteral",
        Expr::String(_) => "*influxql.StringLiteral",
        Expr::Boolean(_) => "*influxql.BooleanLiteral",
        Expr::Duration(_) => "*influxql.DurationLiteral",
        Expr::Time(_) => "*influxql.TimeLiteral",
        Expr::Nil => "*influxql.NilLiteral",
    }
}

#[cfg(test)]
mod tests;

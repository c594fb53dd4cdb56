//! `SHOW` and the deleting statements: where time may not be compared.

use jiff::tz::TimeZone;

use super::super::ast::{Counted, Expr, Show};
use super::super::condition::split;
use super::super::reduce::Scope;
use super::{InvalidStatement, dimensions};
use crate::base::TimestampNs;

pub(super) fn check(show: &Show, now: TimestampNs) -> Result<(), InvalidStatement> {
    match show {
        Show::Measurements(show) => without_time(show.condition.as_ref(), "SHOW MEASUREMENTS"),
        Show::Cardinality(show) => {
            let filter = show.filter.condition.as_ref();
            match show.counted {
                Counted::Series => without_time(filter, "SHOW SERIES EXACT CARDINALITY")?,
                Counted::Measurements => without_time(filter, "SHOW MEASUREMENT EXACT CARDINALITY")?,
                Counted::TagKeys => without_time(filter, "SHOW TAG KEY EXACT CARDINALITY")?,
                Counted::FieldKeys => without_time(filter, "SHOW FIELD KEY CARDINALITY")?,
                Counted::TagValues(_) => {}
            }
            condition(filter, now)?;
            dimensions::check(&show.dimensions, &TimeZone::UTC, now).map(|_| ())
        }
        Show::TagKeys(show) => condition(show.filter.condition.as_ref(), now),
        Show::TagValues(show) => condition(show.filter.condition.as_ref(), now),
        Show::Series(show) => condition(show.filter.condition.as_ref(), now),
        _ => Ok(()),
    }
}

/// The condition must split into time and the rest.
pub(super) fn condition(condition: Option<&Expr>, now: TimestampNs) -> Result<(), InvalidStatement> {
    let scope = Scope {
        now: Some(now),
        ..Scope::none()
    };
    split(condition, &scope).map(|_| ())
}

/// The condition must not compare time; `words` begin the statement.
pub(super) fn without_time(condition: Option<&Expr>, words: &str) -> Result<(), InvalidStatement> {
    match condition {
        Some(condition) if condition.has_time() => Err(InvalidStatement::new(format!(
            "{words} doesn't support time in WHERE clause"
        ))),
        _ => Ok(()),
    }
}

//! Rows as the series of an answer.

use std::iter::Peekable;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::env::{Context, Env};
use super::error::QueryError;
use super::expr::Cell;
use super::group::Key;
use super::plan::{Query, plan};
use super::resolve::resolve;
use super::run::{Row, RowIter, run};
use super::window::offset_seconds;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::Select;
use crate::influx::influxql::validate::check_select;
use crate::influx::result::{Series, Value};
use crate::query::source::SeriesSource;

/// A query that is ready to run.
#[derive(Debug)]
pub struct Prepared<'a> {
    query: Query,
    env: Env<'a>,
}

/// Checks a query against what the source has.
///
/// # Errors
/// When the statement makes no sense, or a database or policy does not exist.
pub fn prepare<'a>(
    source: &'a dyn SeriesSource,
    select: &Select,
    context: &Context<'a>,
) -> Result<Prepared<'a>, QueryError> {
    let checked = check_select(select, context.now)?;
    let resolved = resolve(source, select, context)?;
    Ok(Prepared {
        query: plan(resolved, checked, context)?,
        env: Env::new(source, context),
    })
}

impl Prepared<'_> {
    /// The columns of every series, time first.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let columns = self.query.columns.iter().map(|column| column.name.clone());
        std::iter::once(self.query.time_name.clone()).chain(columns).collect()
    }

    /// Runs the query. A series with more than `max_rows` rows comes in pieces of that size, all but the last marked as
    /// partial. Nothing follows an error.
    #[must_use]
    pub fn pieces(&self, max_rows: usize) -> SeriesPieces<'_> {
        SeriesPieces {
            columns: self.columns(),
            zone: self.query.windows.zone.clone(),
            rows: run(&self.query, &self.env).peekable(),
            max_rows: max_rows.max(1),
        }
    }
}

/// The series of an answer, made when they are asked for.
pub struct SeriesPieces<'a> {
    columns: Vec<String>,
    zone: Option<TimeZone>,
    rows: Peekable<RowIter<'a>>,
    max_rows: usize,
}

impl std::fmt::Debug for SeriesPieces<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeriesPieces")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl Iterator for SeriesPieces<'_> {
    type Item = Result<Series, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = match self.rows.next()? {
            Ok(row) => row,
            Err(error) => return Some(Err(error)),
        };
        let key = Arc::clone(&first.key);
        let belongs = |row: &Result<Row, QueryError>| matches!(row, Ok(row) if row.key == key);
        let mut values = vec![self.values(first)];
        while values.len() < self.max_rows {
            match self.rows.next_if(belongs) {
                Some(Ok(row)) => values.push(self.values(row)),
                _ => break,
            }
        }
        let partial = self.rows.peek().is_some_and(belongs);
        Some(Ok(self.series(&key, values, partial)))
    }
}

impl SeriesPieces<'_> {
    /// Whether another piece, or an error, follows. It reads the next row, to have it at hand.
    #[must_use]
    pub fn has_more(&mut self) -> bool {
        self.rows.peek().is_some()
    }

    fn series(&self, key: &Key, values: Vec<Vec<Value>>, partial: bool) -> Series {
        let tags = key.tags.iter();
        Series {
            name: key.name.as_ref().to_owned(),
            tags: tags
                .map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned()))
                .collect(),
            columns: self.columns.clone(),
            values,
            partial,
        }
    }

    fn values(&self, row: Row) -> Vec<Value> {
        let mut values = Vec::with_capacity(row.cells.len() + 1);
        values.push(self.time(row.time));
        values.extend(
            row.cells
                .into_iter()
                .map(|cell: Cell| cell.map_or(Value::Null, Value::from)),
        );
        values
    }

    fn time(&self, time: i64) -> Value {
        let at = TimestampNs(time);
        match &self.zone {
            None => Value::Time(at),
            Some(zone) => Value::LocalTime {
                at,
                offset_seconds: offset_seconds(zone, time),
            },
        }
    }
}

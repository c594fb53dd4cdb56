//! Runs a query: group by group, row by row.

use std::sync::Arc;

use super::aggregate::{self, Found};
use super::cast::cast;
use super::env::Env;
use super::error::QueryError;
use super::expr::{Cell, Use};
use super::functions::Scalar;
use super::group::{Group, Groups, Key};
use super::plan::{Query, fill_number};
use super::raw;
use crate::influx::influxql::ast::{Fill, Page};
use crate::query::source::FieldType;

/// A row of a result.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Nanoseconds.
    pub(super) time: i64,
    /// The series that it belongs to.
    pub(super) key: Arc<Key>,
    /// A cell per column.
    pub(super) cells: Vec<Cell>,
}

/// Rows in order of series and time; nothing follows an error.
pub(super) type RowIter<'a> = Box<dyn Iterator<Item = Result<Row, QueryError>> + Send + 'a>;

/// The rows of a query.
pub(super) fn run<'a>(query: &'a Query, env: &'a Env<'a>) -> RowIter<'a> {
    let is_null = if query.calls.is_empty() {
        query.needs.iter().all(|need| need.reference.cast.is_none())
    } else {
        query.calls.iter().all(Option::is_none)
    };
    if is_null {
        return Box::new(std::iter::empty());
    }
    match Groups::new(query, env) {
        Ok(groups) => Box::new(Rows {
            query,
            env,
            groups,
            current: Box::new(std::iter::empty()),
            after_nothing: true,
            is_last: false,
            is_over: false,
        }),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

struct Rows<'a> {
    query: &'a Query,
    env: &'a Env<'a>,
    groups: Groups<'a>,
    current: RowIter<'a>,
    /// Whether the group before had points, but no rows, or there is none before.
    after_nothing: bool,
    /// Whether no group follows the current one.
    is_last: bool,
    is_over: bool,
}

impl<'a> Rows<'a> {
    fn next_group(&mut self) -> Result<bool, QueryError> {
        self.env.check()?;
        if self.is_last {
            return Ok(false);
        }
        let Some(group) = self.groups.next()? else {
            return Ok(false);
        };
        let found;
        (self.current, found) = rows_of(self.query, group, self.env)?;
        self.is_last = found == Found::End || found == Found::Nothing && self.after_nothing;
        if found != Found::NoPoints {
            self.after_nothing = found == Found::Nothing;
        }
        Ok(true)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            if let Some(row) = self.current.next() {
                self.is_over = row.is_err();
                return Some(row);
            }
            match self.next_group() {
                Ok(true) => {}
                Ok(false) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

fn rows_of<'a>(query: &'a Query, group: Group<'a>, env: &'a Env<'a>) -> Result<(RowIter<'a>, Found), QueryError> {
    if query.calls.is_empty() {
        Ok((raw::rows(query, group, env)?, Found::Rows))
    } else {
        aggregate::rows(query, group, env)
    }
}

/// Makes rows of the cells that their columns are computed from.
pub(super) struct RowMaker<'a> {
    query: &'a Query,
    /// The number of `fill(number)`, of the type of each cell.
    fill: Vec<Cell>,
    /// The cells of the row at hand; with `fill(previous)` they begin as those of the row before in its tag set.
    pub(super) cells: Vec<Cell>,
    sub: u32,
}

impl<'a> RowMaker<'a> {
    pub(super) fn new(query: &'a Query) -> Self {
        let number = fill_number(query.fill);
        let fill = query.kinds.iter().map(|kind| filling(number.as_ref(), *kind)).collect();
        Self {
            query,
            fill,
            cells: vec![None; query.kinds.len()],
            sub: 0,
        }
    }

    /// Begins a row of that tag set.
    pub(super) fn begin(&mut self, sub: u32) {
        if self.sub != sub {
            self.sub = sub;
            self.cells.fill(None);
        }
    }

    /// Sets a cell, or leaves it to `fill`.
    pub(super) fn set(&mut self, at: usize, value: Cell) {
        if value.is_none() && self.query.fill == Fill::Previous {
            return;
        }
        if let Some(cell) = self.cells.get_mut(at) {
            *cell = value.or_else(|| self.fill.get(at).cloned().flatten());
        }
    }

    /// The row.
    pub(super) fn row(&self, time: i64, key: &Arc<Key>) -> Row {
        let value = |cell: Cell| cell.filter(|value| !matches!(value, Scalar::Float(float) if float.is_nan()));
        let columns = self.query.columns.iter();
        Row {
            time,
            key: Arc::clone(key),
            cells: columns
                .map(|column| value(column.program.eval(&self.cells, Use::Column)))
                .collect(),
        }
    }
}

/// InfluxDB shows the number as it is where it cannot have the type of the column.
fn filling(number: Option<&Scalar>, kind: Option<FieldType>) -> Cell {
    let number = number?;
    let is_number = !matches!(kind, Some(FieldType::String | FieldType::Boolean));
    match kind {
        Some(kind) if is_number => cast(number, kind),
        _ => Some(number.clone()),
    }
}

/// `LIMIT` and `OFFSET`, counted anew whenever the tags of the points change.
#[derive(Debug)]
pub(super) struct Limiter {
    page: Page,
    sub: Option<u32>,
    seen: u64,
}

impl Limiter {
    pub(super) fn new(page: Page) -> Self {
        Self {
            page,
            sub: None,
            seen: 0,
        }
    }

    /// Whether the next point, of that tag set, is to be shown.
    pub(super) fn admits(&mut self, sub: u32) -> bool {
        if self.sub != Some(sub) {
            self.sub = Some(sub);
            self.seen = 0;
        }
        self.seen += 1;
        self.seen > self.page.offset && !self.is_past_limit(self.seen)
    }

    /// Whether no further point of this tag set will be shown.
    pub(super) fn is_done(&self) -> bool {
        self.is_past_limit(self.seen.saturating_add(1))
    }

    fn is_past_limit(&self, seen: u64) -> bool {
        self.page.limit > 0 && seen > self.page.offset.saturating_add(self.page.limit)
    }
}

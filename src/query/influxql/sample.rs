//! Samples: the rows that a query reads, one by one in order of time.
//!
//! A cursor reads one series or the rows of a subquery; a [`Merge`] reads several at once. Samples of the same time come
//! in the order of the cursors, or in the opposite order when time descends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::cast::{cast, data_type, field_type};
use super::env::Env;
use super::error::QueryError;
use super::expr::{Cell, Program, Use};
use super::filter::{Rest, tag_value};
use super::functions::Scalar;
use super::plan::{Need, Query};
use super::resolve::Table;
use crate::influx::influxql::ast::{DataType, Expr, VarRef};
use crate::query::source::{Column, FieldType, Rows, RowsIter, Series, Times, Values};

/// Where a cursor stands.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// Nanoseconds.
    pub(super) time: i64,
    /// Which of the group's tag sets it has.
    pub(super) sub: u32,
    /// The needs of the query; what follows them is of no interest.
    pub(super) cells: Vec<Cell>,
}

/// Something that is read.
pub(super) enum Cursor<'a> {
    /// A series.
    Series(Box<SeriesCursor<'a>>),
    /// The rows of a subquery.
    Rows(std::vec::IntoIter<Sample>),
}

impl Cursor<'_> {
    /// Moves to the next sample; `false`: there is none.
    fn advance(&mut self, sample: &mut Sample) -> Result<bool, QueryError> {
        match self {
            Self::Series(cursor) => cursor.advance(sample),
            Self::Rows(rows) => Ok(rows.next().map(|next| *sample = next).is_some()),
        }
    }
}

/// Reads the rows of one series that fulfil the condition.
pub(super) struct SeriesCursor<'a> {
    env: &'a Env<'a>,
    pieces: RowsIter<'a>,
    piece: Rows,
    /// How many rows of the piece have been read.
    read: usize,
    descending: bool,
    sub: u32,
    /// Where the needs come from, then the references of the condition.
    origins: Vec<Origin>,
    needs: usize,
    condition: Option<Program>,
}

/// Where a cell of a series comes from.
enum Origin {
    /// A column of the rows read; to be cast if it has another type.
    Field(usize, Option<FieldType>),
    /// The same for all rows.
    Tag(Cell),
}

impl<'a> SeriesCursor<'a> {
    /// A cursor before the first row; `None`: the series has nothing that the query needs.
    ///
    /// # Errors
    /// When a regular expression of the condition cannot be run.
    pub(super) fn new(
        query: &Query,
        env: &'a Env<'a>,
        (table, series, rest): (&'a Table, &Series, &Rest),
        times: Times,
        sub: u32,
    ) -> Result<Option<Self>, QueryError> {
        let mut fields: Vec<Arc<str>> = Vec::new();
        let needs = query.needs.iter();
        let mut origins: Vec<Origin> = needs.map(|need| origin(need, table, series, &mut fields)).collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let condition = match rest {
            Rest::None => return Ok(None),
            Rest::All => None,
            Rest::Rows(expr) => Some(condition(expr, (table, series), &mut origins, &mut fields)?),
        };
        let descending = !query.ascending;
        Ok(Some(Self {
            env,
            pieces: env.source.rows(table.place(), series, &fields, times, descending),
            piece: Rows::default(),
            read: 0,
            descending,
            sub,
            origins,
            needs: query.needs.len(),
            condition,
        }))
    }

    fn advance(&mut self, sample: &mut Sample) -> Result<bool, QueryError> {
        loop {
            let Some(&time) = self.next_time() else {
                let Some(piece) = self.pieces.next() else {
                    return Ok(false);
                };
                self.piece = piece?;
                self.read = 0;
                self.env
                    .count_points(u64::try_from(self.piece.times.len()).unwrap_or(u64::MAX))?;
                continue;
            };
            let row = self.row();
            self.read += 1;
            sample.cells.clear();
            let cells = self.origins.iter().map(|origin| origin.cell(&self.piece, row));
            sample.cells.extend(cells);
            let is_field = |origin: &Origin| matches!(origin, Origin::Field(..));
            let needed = self.origins.iter().zip(&sample.cells).take(self.needs);
            let has_value = needed
                .into_iter()
                .any(|(origin, cell)| is_field(origin) && cell.is_some());
            if has_value
                && self
                    .condition
                    .as_ref()
                    .is_none_or(|condition| condition.holds(&sample.cells, Use::Stored))
            {
                sample.time = time;
                sample.sub = self.sub;
                return Ok(true);
            }
        }
    }

    fn row(&self) -> usize {
        if self.descending {
            self.piece.times.len() - 1 - self.read
        } else {
            self.read
        }
    }

    fn next_time(&self) -> Option<&i64> {
        (self.read < self.piece.times.len()).then(|| self.piece.times.get(self.row()))?
    }
}

impl Origin {
    fn cell(&self, rows: &Rows, row: usize) -> Cell {
        match self {
            Self::Field(column, to) => {
                let value = value(rows.columns.get(*column)?, row)?;
                match to {
                    Some(to) => cast(&value, *to),
                    None => Some(value),
                }
            }
            Self::Tag(cell) => cell.clone(),
        }
    }
}

/// The value of a column in that row.
fn value(column: &Column, row: usize) -> Cell {
    if let Some(valid) = &column.valid
        && !*valid.get(row)?
    {
        return None;
    }
    Some(match &column.values {
        Values::Float(values) => Scalar::Float(*values.get(row)?),
        Values::Integer(values) => Scalar::Integer(*values.get(row)?),
        Values::Unsigned(values) => Scalar::Unsigned(*values.get(row)?),
        Values::String(values) => Scalar::String(Arc::clone(values.get(row)?)),
        Values::Boolean(values) => Scalar::Boolean(*values.get(row)?),
        Values::Absent(_) => return None,
    })
}

fn origin(need: &Need, table: &Table, series: &Series, fields: &mut Vec<Arc<str>>) -> Origin {
    match field(&need.reference, table, fields) {
        Some(origin) => origin,
        None if need.drives || !matches!(need.reference.cast, Some(DataType::Tag) | None) => Origin::Tag(None),
        None => {
            let value = tag_value(series, &need.reference.name);
            Origin::Tag((!value.is_empty()).then(|| Scalar::String(value.into())))
        }
    }
}

/// The column of a field, which is added to those read.
fn field(reference: &VarRef, table: &Table, fields: &mut Vec<Arc<str>>) -> Option<Origin> {
    if reference.cast == Some(DataType::Tag) {
        return None;
    }
    let (name, stored) = table.fields.get_key_value(reference.name.as_str())?;
    let wanted = reference
        .cast
        .filter(|kind| *kind != data_type(*stored))
        .and_then(field_type);
    let at = fields.iter().position(|known| known == name).unwrap_or_else(|| {
        fields.push(Arc::clone(name));
        fields.len() - 1
    });
    Some(Origin::Field(at, wanted))
}

/// Compiles what is left of a condition; tags that the series does not have are empty text next to other text.
fn condition(
    expr: &Expr,
    (table, series): (&Table, &Series),
    origins: &mut Vec<Origin>,
    fields: &mut Vec<Arc<str>>,
) -> Result<Program, QueryError> {
    Program::compile(expr, &mut |expr| {
        let Expr::Ref(reference) = expr else {
            return None;
        };
        let tag = || {
            let is_tag = reference.cast == Some(DataType::Tag);
            Origin::Tag(is_tag.then(|| Scalar::String(tag_value(series, &reference.name).into())))
        };
        origins.push(field(reference, table, fields).unwrap_or_else(tag));
        Some(origins.len() - 1)
    })
}

/// Reads several cursors in order of time.
pub(super) struct Merge<'a> {
    cursors: Vec<(Cursor<'a>, Sample)>,
    /// The next time of each cursor, and its number.
    heads: BinaryHeap<Reverse<(i64, usize)>>,
    descending: bool,
    current: Option<usize>,
}

impl<'a> Merge<'a> {
    /// Begins to read.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn new(mut cursors: Vec<Cursor<'a>>, descending: bool) -> Result<Self, QueryError> {
        if descending {
            cursors.reverse();
        }
        let mut merge = Self {
            cursors: cursors.into_iter().map(|cursor| (cursor, Sample::default())).collect(),
            heads: BinaryHeap::new(),
            descending,
            current: None,
        };
        for at in 0..merge.cursors.len() {
            merge.refill(at)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, at: usize) -> Result<(), QueryError> {
        if let Some((cursor, sample)) = self.cursors.get_mut(at)
            && cursor.advance(sample)?
        {
            let time = if self.descending { !sample.time } else { sample.time };
            self.heads.push(Reverse((time, at)));
        }
        Ok(())
    }

    /// The next sample.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn next(&mut self) -> Result<Option<&Sample>, QueryError> {
        if let Some(at) = self.current.take() {
            self.refill(at)?;
        }
        let Some(Reverse((_, at))) = self.heads.pop() else {
            return Ok(None);
        };
        self.current = Some(at);
        Ok(self.cursors.get(at).map(|(_, sample)| sample))
    }
}

//! From a resolved query to one that can be run: positions instead of names, functions instead of calls.
//!
//! A query reads *samples*: a time, tags, and a cell for each of its *needs*. Its needs are what its columns show as it
//! is (*aux*), then the fields that drive its functions. A *row* of it is computed from the aux cells and the result of
//! each call.

mod calls;
mod nested;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::env::Context;
use super::error::QueryError;
use super::expr::Program;
use super::filter::Filter;
use super::functions::Scalar;
use super::resolve::{Input, Resolved, Table, typed};
use super::window::Windows;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::{Fill, FillNumber, Page, Select, VarRef};
use crate::influx::influxql::timestamp::zone;
use crate::influx::influxql::validate::Checked;
use crate::query::source::{FieldType, Times};
use jiff::tz::TimeZone;

pub(super) use calls::{Function, Operand, Step};
pub(super) use nested::{Mapping, Nested};

/// A query that can be run.
#[derive(Debug)]
pub(super) struct Query {
    /// What is read.
    pub(super) readers: Vec<Reader>,
    /// The name of the time column.
    pub(super) time_name: String,
    /// The other columns.
    pub(super) columns: Vec<Column>,
    /// The cells of a sample.
    pub(super) needs: Vec<Need>,
    /// How many of the needs are aux, the first ones.
    pub(super) aux: usize,
    /// The functions; `None`: of something that does not exist.
    pub(super) calls: Vec<Option<Step>>,
    /// The types of aux cells and calls, in the order of a row.
    pub(super) kinds: Vec<Option<FieldType>>,
    /// Whether the only function picks points, which are then shown with their own time and other columns.
    pub(super) is_selector: bool,
    /// The times.
    pub(super) windows: Windows,
    /// The times of points that are read: functions such as `derivative` need some before the first window.
    pub(super) read: Times,
    /// Where windows end that are filled in a query without an end.
    pub(super) now: i64,
    /// Whether rows come oldest first.
    pub(super) ascending: bool,
    /// What stands in windows without points.
    pub(super) fill: Fill,
    /// The tags that rows carry, sorted.
    pub(super) group_by: Vec<Arc<str>>,
    /// The tags by which the outermost query groups, sorted: rows of one such group are in order of time.
    pub(super) dimensions: Vec<Arc<str>>,
    /// `LIMIT` and `OFFSET`
    pub(super) rows: Page,
    /// `SLIMIT` and `SOFFSET`
    pub(super) series: Page,
}

/// One column of the result.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) program: Program,
}

/// A cell of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) reference: VarRef,
    /// Whether the cell drives a function, for which tags of a measurement do not count.
    pub(super) drives: bool,
}

/// A source with what is to be read from it.
#[derive(Debug)]
pub(super) enum Reader {
    /// A measurement.
    Table(Table, Filter),
    /// A subquery.
    Nested(Box<Nested>),
}

/// What a query hands down to its subqueries.
struct Outer<'a> {
    windows: &'a Windows,
    read: Times,
    ascending: bool,
    group_by: &'a [Arc<str>],
    dimensions: &'a [Arc<str>],
    series: Page,
}

/// Makes the query runnable.
///
/// # Errors
/// When the statement, its types or its size are not as they should be.
pub(super) fn plan(resolved: Resolved, checked: Checked, context: &Context<'_>) -> Result<Query, QueryError> {
    let query = build(resolved, checked, None, context)?;
    check_buckets(&query.windows, context.limits.buckets)?;
    Ok(query)
}

fn check_buckets(windows: &Windows, limit: u64) -> Result<(), QueryError> {
    let Some(interval) = windows
        .interval
        .filter(|_| limit > 0 && windows.start > TimestampNs::MIN.0)
    else {
        return Ok(());
    };
    let (first, last) = (windows.of(windows.start).0, windows.of(windows.end.saturating_sub(1)).0);
    let buckets = last.saturating_sub(first).saturating_add(interval) / interval;
    match u64::try_from(buckets) {
        Ok(found) if found > limit => Err(QueryError::TooManyBuckets { found, limit }),
        _ => Ok(()),
    }
}

fn build(
    resolved: Resolved,
    checked: Checked,
    outer: Option<&Outer<'_>>,
    context: &Context<'_>,
) -> Result<Query, QueryError> {
    let names = resolved.select.column_names();
    let own: BTreeSet<Arc<str>> = resolved.dimensions().map(Arc::from).collect();
    let Resolved {
        select,
        sources,
        time_name,
    } = resolved;
    let windows = windows(&select, &checked, outer);
    let mut group_by = own;
    group_by.extend(outer.into_iter().flat_map(|outer| outer.group_by.iter().cloned()));
    let group_by: Vec<Arc<str>> = group_by.into_iter().collect();
    let ascending = outer.map_or(select.is_ascending(), |outer| outer.ascending);
    let has_nested = sources.iter().any(|source| matches!(source, Input::Nested(_)));
    let parts = calls::collect(&select, windows.interval, has_nested)?;
    let columns = names.into_iter().zip(calls::programs(&select, &parts)?);
    let columns = columns.map(|(name, program)| Column { name, program }).collect();
    let is_selector = matches!(parts.steps.as_slice(), [Some(step)] if step.picks_points());
    let mut query = Query {
        readers: Vec::new(),
        time_name,
        columns,
        aux: parts.refs.len(),
        is_selector,
        ascending,
        read: read_times(&parts.steps, &windows, ascending),
        now: context.now.0,
        fill: fill(&select, checked.interval.is_some(), outer.is_some()),
        dimensions: outer.map_or_else(|| group_by.clone(), |outer| outer.dimensions.to_vec()),
        group_by,
        rows: select.rows,
        series: Page {
            limit: select.series.limit + outer.map_or(0, |outer| outer.series.limit),
            offset: select.series.offset + outer.map_or(0, |outer| outer.series.offset),
        },
        windows,
        kinds: parts.kinds,
        needs: parts.needs,
        calls: parts.steps,
    };
    let condition = checked
        .condition
        .map(|condition| typed(&condition, &sources))
        .transpose()?;
    for source in sources {
        let reader = match source {
            Input::Table(table) => {
                let filter = Filter::new(condition.as_ref(), &table)?;
                Reader::Table(table, filter)
            }
            Input::Nested(inner) => {
                Reader::Nested(Box::new(nested::build(*inner, &query, condition.as_ref(), context)?))
            }
        };
        query.readers.push(reader);
    }
    Ok(query)
}

fn windows(select: &Select, checked: &Checked, outer: Option<&Outer<'_>>) -> Windows {
    let (min, max) = checked.time_range.bounds();
    let own = checked
        .interval
        .map(|interval| (interval.duration.0, interval.offset.0));
    let inherited = outer.and_then(|outer| Some((outer.windows.interval?, outer.windows.offset)));
    let (interval, offset) = own.or(inherited).unzip();
    Windows {
        start: outer.map_or(min.0, |outer| outer.read.min.max(min.0)),
        end: outer.map_or(max.0, |outer| outer.read.max.min(max.0)),
        interval,
        offset: offset.unwrap_or(0),
        zone: select
            .time_zone
            .as_deref()
            .map(|name| zone(Some(name)))
            .filter(|zone| *zone != TimeZone::UTC),
    }
}

/// The times that the functions look at, together.
fn read_times(steps: &[Option<Step>], windows: &Windows, ascending: bool) -> Times {
    let reach = steps.iter().flatten().map(|step| step.reach(windows, ascending));
    reach.fold(
        Times {
            min: windows.start,
            max: windows.end,
        },
        |all, times| Times {
            min: all.min.min(times.min),
            max: all.max.max(times.max),
        },
    )
}

fn fill(select: &Select, has_interval: bool, is_nested: bool) -> Fill {
    match select.fill {
        Fill::Null if select.target.is_some() || (is_nested && has_interval) => Fill::None,
        other => other,
    }
}

/// The number of `fill(number)`.
pub(super) fn fill_number(fill: Fill) -> Option<Scalar> {
    match fill {
        Fill::Number(FillNumber::Integer(number)) => Some(Scalar::Integer(number)),
        Fill::Number(FillNumber::Float(number)) => Some(Scalar::Float(number)),
        _ => None,
    }
}

//! The fast path: functions that need one pass, over the columns of the source, without points.
//!
//! It is taken when every function of the query is one of `count`, `sum`, `mean`, `min`, `max`, `first` and `last` of a
//! field, or of a whole series of such results as `derivative(mean(x))` is, no other column is shown, and no row is left
//! out by the condition. Blocks that the source has summed up and that lie in one window are not read at all.

use std::ops::Range;
use std::sync::Arc;

use super::aggregate::{Output, Outputs, finished, points_of, transformed};
use super::cast::field_type;
use super::env::Env;
use super::error::QueryError;
use super::filter::Rest;
use super::functions::{Accumulator, Transform, Window};
use super::group::{Group, Member, SeriesMember};
use super::plan::{Function, Operand, Query, Step};
use super::window::Windows;
use crate::query::source::{Column, Piece, Rows, Summary, Times, Values};

/// The results of the query's functions for a group; `None`: the fast path cannot be taken.
///
/// # Errors
/// Those of the source.
pub(super) fn results<'a>(
    query: &'a Query,
    group: &Group<'_>,
    env: &Env<'_>,
) -> Result<Option<Vec<Option<Outputs<'a>>>>, QueryError> {
    let Some(tasks) = tasks(query, group) else {
        return Ok(None);
    };
    let mut totals: Vec<Totals> = tasks.iter().map(|task| Totals::new(task)).collect();
    for member in &group.members {
        let Member::Series(member) = member else {
            return Ok(None);
        };
        let reader = SeriesReader { query, env, member };
        match (tasks.as_slice(), totals.as_mut_slice()) {
            ([task], [totals]) => reader.one(task, totals)?,
            (tasks, totals) => reader.rows(tasks, totals)?,
        }
        totals.iter_mut().for_each(Totals::end_series);
    }
    let mut results = Vec::new();
    for (task, totals) in tasks.iter().zip(totals) {
        let mut outputs = totals.outputs();
        if !query.ascending {
            outputs.reverse();
        }
        let mut outputs = finished(query, task.step, &task.windows, outputs);
        for transform in task.outer.iter().rev() {
            outputs = Box::new(transformed(*transform, points_of(outputs, env)?).into_iter());
        }
        results.push(Some(outputs));
    }
    Ok(Some(results))
}

/// One function of one field, and functions of its results.
struct Task<'a> {
    step: &'a Step,
    /// Of the function of the field.
    windows: Windows,
    /// The functions around it, outermost first.
    outer: Vec<Transform>,
    field: &'a str,
    empty: Accumulator,
}

fn tasks<'a>(query: &'a Query, group: &Group<'_>) -> Option<Vec<Task<'a>>> {
    let is_plain = |member: &Member<'_>| matches!(member, Member::Series(member) if member.rest == Rest::All);
    if query.aux > 0 || group.subs.len() != 1 || !group.members.iter().all(is_plain) {
        return None;
    }
    query
        .calls
        .iter()
        .map(|step| task(query, step.as_ref()?, group))
        .collect()
}

fn task<'a>(query: &'a Query, step: &'a Step, group: &Group<'_>) -> Option<Task<'a>> {
    let (mut step, mut windows, mut outer) = (step, query.windows.clone(), Vec::new());
    while let (Function::Transform(transform), Operand::Step(inner)) = (&step.function, &step.input) {
        if matches!(transform, Transform::HoltWinters { .. }) {
            // It may find nothing, which counts.
            return None;
        }
        windows = step.input_windows(&windows, query.ascending);
        outer.push(*transform);
        step = inner;
    }
    if (windows.start, windows.end) != (query.read.min, query.read.max) {
        return None;
    }
    let (Function::Window(window), Operand::Need(need, Some(kind))) = (&step.function, &step.input) else {
        return None;
    };
    let need = query.needs.get(*need).filter(|need| !need.drives)?;
    let field = need.reference.name.as_str();
    let is_stored_so = |member: &Member<'_>| match member {
        Member::Series(member) => member.table.fields.get(field).is_none_or(|stored| stored == kind),
        Member::Rows(..) => false,
    };
    (need.reference.cast.and_then(field_type) == Some(*kind) && group.members.iter().all(is_stored_so)).then_some(())?;
    let empty = Accumulator::new(*window, *kind)?;
    Some(Task {
        step,
        windows,
        outer,
        field,
        empty,
    })
}

/// The windows of one function, ascending.
struct Totals {
    empty: Accumulator,
    windows: Vec<(i64, Accumulator)>,
    /// Windows that only the series at hand has.
    fresh: Vec<(i64, Accumulator)>,
    /// Where the window that was met last stands.
    at: usize,
}

impl Totals {
    fn new(task: &Task<'_>) -> Self {
        Self {
            empty: task.empty.clone(),
            windows: Vec::new(),
            fresh: Vec::new(),
            at: 0,
        }
    }

    /// The accumulator of a window; starts ascend within a series.
    fn window(&mut self, start: i64) -> &mut Accumulator {
        let is_at =
            |windows: &[(i64, Accumulator)], at: usize| windows.get(at).is_some_and(|(known, _)| *known == start);
        if !is_at(&self.windows, self.at) {
            self.at += usize::from(is_at(&self.windows, self.at + 1));
        }
        if !is_at(&self.windows, self.at) {
            self.at = self.windows.partition_point(|(known, _)| *known < start);
        }
        if is_at(&self.windows, self.at) {
            return &mut self.windows[self.at].1;
        }
        if self.fresh.last().is_none_or(|(last, _)| *last != start) {
            self.fresh.push((start, self.empty.clone()));
        }
        let last = self.fresh.len() - 1;
        &mut self.fresh[last].1
    }

    /// Files the windows of a series.
    fn end_series(&mut self) {
        self.at = 0;
        if self.fresh.is_empty() {
            return;
        }
        self.windows.append(&mut self.fresh);
        self.windows.sort_by_key(|(start, _)| *start);
    }

    fn outputs(self) -> Vec<Output> {
        let point = |(start, total): (i64, Accumulator)| {
            let point = total.finish(start)?;
            Some(Output {
                time: point.time,
                sub: 0,
                value: Some(point.value),
                row: None,
            })
        };
        self.windows.into_iter().filter_map(point).collect()
    }
}

/// Reads one series.
struct SeriesReader<'a> {
    query: &'a Query,
    env: &'a Env<'a>,
    member: &'a SeriesMember<'a>,
}

impl SeriesReader<'_> {
    /// One function, from summaries where there are any.
    fn one(&self, task: &Task<'_>, totals: &mut Totals) -> Result<(), QueryError> {
        let place = self.member.table.place();
        let field: Arc<str> = task.field.into();
        let pieces = match task.step.function {
            Function::Window(Window::First | Window::Last) => None,
            _ => self
                .env
                .source
                .summaries(place, &self.member.series, &field, self.query.read),
        };
        let Some(pieces) = pieces else {
            return self.rows(std::slice::from_ref(task), std::slice::from_mut(totals));
        };
        for piece in pieces {
            match piece? {
                Piece::Rows(rows) => self.add(&rows, std::slice::from_mut(totals))?,
                Piece::Summary(summary) => {
                    if !self.add_summary(&summary, totals) {
                        let times = Times {
                            min: summary.first_time,
                            max: summary.last_time,
                        };
                        self.read(std::slice::from_ref(&field), times, std::slice::from_mut(totals))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_summary(&self, summary: &Summary, totals: &mut Totals) -> bool {
        let (start, end) = self.query.windows.of(summary.first_time);
        summary.last_time < end && totals.window(start).add_summary(summary)
    }

    fn rows(&self, tasks: &[Task<'_>], totals: &mut [Totals]) -> Result<(), QueryError> {
        let fields: Vec<Arc<str>> = tasks.iter().map(|task| task.field.into()).collect();
        self.read(&fields, self.query.read, totals)
    }

    fn read(&self, fields: &[Arc<str>], times: Times, totals: &mut [Totals]) -> Result<(), QueryError> {
        let place = self.member.table.place();
        for rows in self.env.source.rows(place, &self.member.series, fields, times, false) {
            self.add(&rows?, totals)?;
        }
        Ok(())
    }

    fn add(&self, rows: &Rows, totals: &mut [Totals]) -> Result<(), QueryError> {
        self.env
            .count_points(u64::try_from(rows.times.len()).unwrap_or(u64::MAX))?;
        let mut from = 0;
        while let Some(&time) = rows.times.get(from) {
            let (start, end) = self.query.windows.of(time);
            let to = from + count_before(rows.times.get(from..).unwrap_or_default(), end);
            // A time outside of its window cannot be; going on makes sure that the loop ends.
            let to = to.max(from + 1);
            for (totals, column) in totals.iter_mut().zip(&rows.columns) {
                if has_value(column, from..to) {
                    add(totals.window(start), &rows.times, column, from..to);
                }
            }
            from = to;
        }
        Ok(())
    }
}

/// How many of the times, which ascend, are before `end`: looked for in growing steps, as windows are mostly short.
fn count_before(times: &[i64], end: i64) -> usize {
    let mut step = 8;
    while times.get(step).is_some_and(|time| *time < end) {
        step *= 2;
    }
    let upper = times.len().min(step + 1);
    let lower = (step / 2).min(upper) * usize::from(step > 8);
    lower
        + times
            .get(lower..upper)
            .unwrap_or_default()
            .partition_point(|time| *time < end)
}

fn has_value(column: &Column, rows: Range<usize>) -> bool {
    match (&column.values, &column.valid) {
        (Values::Absent(_), _) => false,
        (_, None) => true,
        (_, Some(valid)) => valid.get(rows).is_some_and(|valid| valid.contains(&true)),
    }
}

fn add(total: &mut Accumulator, times: &[i64], column: &Column, rows: Range<usize>) {
    let valid = column.valid.as_ref().and_then(|valid| valid.get(rows.clone()));
    let times = times.get(rows.clone()).unwrap_or_default();
    match &column.values {
        Values::Float(values) => total.add_f64(times, values.get(rows).unwrap_or_default(), valid),
        Values::Integer(values) => total.add_i64(times, values.get(rows).unwrap_or_default(), valid),
        Values::Unsigned(values) => total.add_u64(times, values.get(rows).unwrap_or_default(), valid),
        Values::String(values) => total.add_str(times, values.get(rows).unwrap_or_default(), valid),
        Values::Boolean(values) => total.add_bool(times, values.get(rows).unwrap_or_default(), valid),
        Values::Absent(_) => {}
    }
}

//! Queries with functions: windows, `fill`, functions of functions, and the columns joined.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;

use super::columnar;
use super::env::Env;
use super::error::QueryError;
use super::expr;
use super::fill::{Filled, Filling};
use super::frame::{Frame, TaggedPoint};
use super::functions::{self, Point, Scalar, Transform, Window, integral};
use super::group::{Group, Key};
use super::plan::{Function, Operand, Query, Step};
use super::run::{Limiter, Row, RowIter, RowMaker};
use super::window::Windows;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::{Fill, FillNumber};

/// Rows between two looks at whether the answer is still wanted.
const ROWS_BETWEEN_CHECKS: u64 = 4096;

/// A result of a function.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Output {
    /// As it is shown.
    pub(super) time: i64,
    /// Which of the group's tag sets it has.
    pub(super) sub: u32,
    /// `None`: a window without a value.
    pub(super) value: expr::Cell,
    /// The sample that a selector picked.
    pub(super) row: Option<u32>,
}

/// The results of a function, in order.
pub(super) type Outputs<'a> = Box<dyn Iterator<Item = Output> + Send + 'a>;

/// What a query with functions found in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No points.
    NoPoints,
    /// Rows.
    Rows,
    /// Points without a result, such as a season that is not whole for `holt_winters`. InfluxDB takes that for the end
    /// of its answer when it happens at first or twice running.
    Nothing,
    /// A point outside of the query's times, which only a subquery can yield, and at which InfluxDB stops.
    End,
}

/// The rows of a group.
///
/// # Errors
/// Those of the source.
pub(super) fn rows<'a>(
    query: &'a Query,
    group: Group<'a>,
    env: &'a Env<'a>,
) -> Result<(RowIter<'a>, Found), QueryError> {
    let subs = group.subs.clone();
    let (frame, results, found) = match columnar::results(query, &group, env)? {
        Some(results) => (Frame::default(), results, Found::Rows),
        None => {
            let frame = Frame::read(group.samples(query, env, query.read)?, query.needs.len())?;
            let found = Cell::new(Found::NoPoints);
            let run = Run {
                query,
                env,
                frame: &frame,
                found: &found,
            };
            let result = |step: &'a Option<Step>| step.as_ref().map(|step| run.step(step, &query.windows)).transpose();
            let results = query.calls.iter().map(result).collect::<Result<_, _>>()?;
            (frame, results, found.get())
        }
    };
    let shown = |outputs: Outputs<'a>| {
        let mut limiter = Limiter::new(query.rows);
        let shown: Outputs<'a> = Box::new(outputs.filter(move |output| limiter.admits(output.sub)));
        shown.peekable()
    };
    let joined = Joined {
        query,
        env,
        subs,
        frame,
        results: results.into_iter().map(|outputs| outputs.map(shown)).collect(),
        maker: RowMaker::new(query),
        made: 0,
    };
    Ok((Box::new(joined), found))
}

/// The results of a function as they are shown: stamped with the start of their window, and filled.
pub(super) fn finished<'a>(query: &'a Query, step: &Step, windows: &Windows, outputs: Vec<Output>) -> Outputs<'a> {
    let Function::Window(window) = &step.function else {
        return Box::new(outputs.into_iter());
    };
    if window.keeps_time() || matches!(window, Window::Integral { .. }) {
        return Box::new(outputs.into_iter());
    }
    let shows_window = windows.interval.is_some() || !query.is_selector;
    let mut outputs = outputs;
    if shows_window {
        for output in &mut outputs {
            output.time = windows.shown_start(output.time);
        }
    }
    let fill = match query.fill {
        Fill::Null if step.name == "count" => Fill::Number(FillNumber::Integer(0)),
        other => other,
    };
    match windows.interval {
        Some(interval) if fill != Fill::None && *window != Window::Distinct => {
            let mut windows = windows.clone();
            if windows.end >= TimestampNs::MAX.0 {
                windows.end = query.now;
            }
            let filling = Filling {
                windows,
                ascending: query.ascending,
                fill,
                kind: step.output,
            };
            Box::new(Filled::new(outputs.into_iter(), filling, interval))
        }
        _ => Box::new(outputs.into_iter()),
    }
}

/// Computes the functions of one group.
#[derive(Clone, Copy)]
struct Run<'q, 'f> {
    query: &'q Query,
    env: &'f Env<'f>,
    frame: &'f Frame,
    /// By the last function.
    found: &'f Cell<Found>,
}

impl<'q> Run<'q, '_> {
    fn step(self, step: &Step, windows: &Windows) -> Result<Outputs<'q>, QueryError> {
        let input_windows = step.input_windows(windows, self.query.ascending);
        let points = self.points(step, &input_windows)?;
        let outputs = match &step.function {
            Function::Transform(transform) => {
                let is_empty = points.is_empty();
                let outputs = transformed(*transform, points);
                if matches!(transform, Transform::HoltWinters { .. }) && !is_empty {
                    self.note(&outputs, false);
                }
                outputs
            }
            Function::Window(Window::Integral { unit_ns }) => {
                let cut = functions::Windows {
                    of: &|time| windows.of(time),
                    grouped: windows.interval.is_some(),
                    descending: !self.query.ascending,
                };
                let mut outputs = by_sub(points, |points| integral(points, *unit_ns, cut));
                self.sort_by_time(&mut outputs);
                outputs
            }
            Function::Window(window) => self.windowed(*window, points, windows, None),
            Function::BestOf(window, tags) => {
                let best = match window {
                    Window::Bottom(_) => Window::Min,
                    _ => Window::Max,
                };
                let mut picked = self.windowed(best, points, windows, Some(tags));
                self.sort_by_time(&mut picked);
                let points = picked.into_iter().filter_map(Output::into_point).collect();
                self.windowed(*window, points, windows, None)
            }
        };
        Ok(finished(self.query, step, windows, outputs))
    }

    /// The points that a function is computed of.
    fn points(self, step: &Step, windows: &Windows) -> Result<Vec<TaggedPoint>, QueryError> {
        match &step.input {
            Operand::Need(need, _) => {
                let mut points = self.frame.points(*need);
                let is_wider = self.query.read.min < windows.start || self.query.read.max > windows.end;
                points.retain(|tagged| !is_wider || (windows.start..=windows.end).contains(&tagged.point.time));
                Ok(points)
            }
            Operand::Step(inner) => points_of(self.step(inner, windows)?, self.env),
        }
    }

    fn sort_by_time(self, outputs: &mut [Output]) {
        let ascending = self.query.ascending;
        outputs.sort_by(|a, b| {
            if ascending {
                a.time.cmp(&b.time)
            } else {
                b.time.cmp(&a.time)
            }
        });
    }

    /// Applies a function to each window of each tag set and, if given, combination of tags.
    fn windowed(
        self,
        window: Window,
        points: Vec<TaggedPoint>,
        windows: &Windows,
        tags: Option<&[usize]>,
    ) -> Vec<Output> {
        let mut outputs = Vec::new();
        if points.is_empty() {
            return outputs;
        }
        let mut points = points.into_iter().peekable();
        while let Some(first) = points.peek() {
            let (start, end) = windows.of(first.point.time);
            let mut of_window = Vec::new();
            while let Some(next) = points.next_if(|next| (start..end).contains(&next.point.time)) {
                of_window.push(next);
            }
            if of_window.is_empty() {
                self.found.set(Found::End);
                return outputs;
            }
            for (sub, points) in split(of_window) {
                for points in self.split_by_tags(points, tags) {
                    let results = window.apply(&points, start, end).into_iter();
                    outputs.extend(results.map(|point| Output::new(sub, point)));
                }
            }
        }
        self.note(&outputs, windows.interval.is_some() && self.query.fill != Fill::None);
        outputs
    }

    /// Notes what has come of the points, if there are any. Beside other functions, or where windows are filled, nothing
    /// is a result, too.
    fn note(self, outputs: &[Output], is_filled: bool) {
        let is_result = !outputs.is_empty() || is_filled || self.query.calls.len() > 1;
        self.found.set(if is_result { Found::Rows } else { Found::Nothing });
    }

    fn split_by_tags(self, points: Vec<Point>, tags: Option<&[usize]>) -> Vec<Vec<Point>> {
        let Some(tags) = tags else {
            return vec![points];
        };
        let mut sets: BTreeMap<Vec<Option<Arc<str>>>, Vec<Point>> = BTreeMap::new();
        for point in points {
            let text = |need: &usize| match self.frame.cell(point.row, *need) {
                Some(Scalar::String(text)) => Some(text),
                _ => None,
            };
            sets.entry(tags.iter().map(text).collect()).or_default().push(point);
        }
        sets.into_values().collect()
    }
}

impl Output {
    fn new(sub: u32, point: Point) -> Self {
        Self {
            time: point.time,
            sub,
            value: Some(point.value),
            row: Some(point.row),
        }
    }

    fn into_point(self) -> Option<TaggedPoint> {
        let (time, row) = (self.time, self.row.unwrap_or(u32::MAX));
        let point = Point {
            time,
            value: self.value?,
            row,
        };
        Some(TaggedPoint { sub: self.sub, point })
    }
}

/// The results of a function as points for another; windows without a value are left out.
pub(super) fn points_of(outputs: Outputs<'_>, env: &Env<'_>) -> Result<Vec<TaggedPoint>, QueryError> {
    let mut points = Vec::new();
    for (made, output) in (1_u64..).zip(outputs) {
        if made.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            env.check()?;
        }
        points.extend(output.into_point());
    }
    Ok(points)
}

/// Applies a function to the points of each tag set; results come in the order of the points that complete them.
pub(super) fn transformed(transform: Transform, mut points: Vec<TaggedPoint>) -> Vec<Output> {
    for (at, tagged) in (0..).zip(&mut points) {
        tagged.point.row = at;
    }
    let mut outputs = by_sub(points, |points| transform.apply(points));
    outputs.sort_by_key(|output| output.row);
    outputs
}

fn by_sub(points: Vec<TaggedPoint>, apply: impl Fn(&[Point]) -> Vec<Point>) -> Vec<Output> {
    let mut outputs = Vec::new();
    for (sub, points) in split(points) {
        outputs.extend(apply(&points).into_iter().map(|point| Output::new(sub, point)));
    }
    outputs
}

/// The points of each tag set, tag sets in order.
fn split(points: Vec<TaggedPoint>) -> Vec<(u32, Vec<Point>)> {
    let mut sets: BTreeMap<u32, Vec<Point>> = BTreeMap::new();
    for tagged in points {
        sets.entry(tagged.sub).or_default().push(tagged.point);
    }
    sets.into_iter().collect()
}

/// Joins the results of several functions: what has the same tags and time makes one row.
struct Joined<'a> {
    query: &'a Query,
    env: &'a Env<'a>,
    subs: Vec<Arc<Key>>,
    frame: Frame,
    results: Vec<Option<Peekable<Outputs<'a>>>>,
    maker: RowMaker<'a>,
    made: u64,
}

impl Joined<'_> {
    /// The tags and time of the next row: least tags first, in a descending query greatest.
    fn next_key(&mut self) -> Option<(u32, i64)> {
        let heads = self.results.iter_mut().flatten().filter_map(Peekable::peek);
        let keys = heads.map(|output| (output.sub, output.time));
        if self.query.ascending { keys.min() } else { keys.max() }
    }

    fn next_row(&mut self, (sub, time): (u32, i64)) -> Result<Option<Row>, QueryError> {
        self.made += 1;
        if self.made.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            self.env.check()?;
        }
        self.maker.begin(sub);
        for (at, outputs) in self.results.iter_mut().enumerate() {
            let Some(outputs) = outputs else {
                continue;
            };
            let matching = outputs.next_if(|next| (next.sub, next.time) == (sub, time));
            let (value, row) = matching.map_or((None, None), |output| (output.value, output.row));
            self.maker.set(self.query.aux + at, value);
            for need in 0..self.query.aux {
                self.maker.set(need, row.and_then(|row| self.frame.cell(row, need)));
            }
        }
        let key = usize::try_from(sub).ok().and_then(|sub| self.subs.get(sub));
        Ok(key.map(|key| self.maker.row(time, key)))
    }
}

impl Iterator for Joined<'_> {
    type Item = Result<Row, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.next_key()?;
        self.next_row(key).transpose()
    }
}

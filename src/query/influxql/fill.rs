//! `fill(...)`: what stands in windows without points.
//!
//! This follows InfluxDB's fill iterator step by step, because its behaviour shows where points of several tag sets
//! alternate, as in a subquery that groups by more tags than the query around it: each change begins the windows anew.

use std::iter::Peekable;

use super::aggregate::Output;
use super::cast::{cast_or_empty, whole, whole_unsigned};
use super::functions::Scalar;
use super::plan::fill_number;
use super::window::Windows;
use crate::base::TimestampNs;
use crate::influx::influxql::ast::Fill;
use crate::query::source::FieldType;

/// How windows are filled.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    pub(super) windows: Windows,
    pub(super) ascending: bool,
    pub(super) fill: Fill,
    /// The type of the values.
    pub(super) kind: FieldType,
}

/// Adds the missing windows to points that are in order.
pub(super) struct Filled<I: Iterator<Item = Output>> {
    input: Peekable<I>,
    filling: Filling,
    interval: i64,
    /// Where the windows of a tag set begin and end.
    first: i64,
    last: i64,
    /// The tag set at hand; `None` before the first point.
    sub: Option<u32>,
    /// The window expected next.
    time: i64,
    zone_offset: i64,
    previous: Option<Output>,
}

impl<I: Iterator<Item = Output>> Filled<I> {
    pub(super) fn new(input: I, filling: Filling, interval: i64) -> Self {
        let (start, end) = (filling.windows.start, filling.windows.end);
        let (first, last) = if filling.ascending { (start, end) } else { (end, start) };
        Self {
            input: input.peekable(),
            first: filling.windows.of(first).0,
            last: filling.windows.of(last).0,
            interval,
            filling,
            sub: None,
            time: 0,
            zone_offset: 0,
            previous: None,
        }
    }

    /// Begins the windows of a tag set.
    fn begin(&mut self, sub: u32, time: i64) {
        self.sub = Some(sub);
        self.time = self.first;
        if self.first == TimestampNs::MIN.0 {
            self.time = self.filling.windows.of(time).0;
        }
        self.previous = None;
    }

    fn has_more_windows(&self) -> bool {
        if self.filling.ascending {
            self.time <= self.last
        } else {
            self.time >= self.last && self.last != TimestampNs::MIN.0
        }
    }

    /// The value of an empty window.
    fn value(&mut self, sub: u32) -> Option<Scalar> {
        let previous = self.previous.as_ref();
        match self.filling.fill {
            Fill::Null | Fill::None => None,
            Fill::Number(_) => {
                let number = fill_number(self.filling.fill)?;
                Some(cast_or_empty(&number, self.filling.kind))
            }
            Fill::Previous => previous?.value.clone(),
            Fill::Linear => {
                let next = self.input.peek().filter(|next| next.sub == sub)?;
                let at = |time: i64| time / self.interval;
                let (from, to) = (previous?, next);
                linear(
                    at(self.time),
                    (at(from.time), from.value.as_ref()?),
                    (at(to.time), to.value.as_ref()?),
                )
            }
        }
    }

    fn step(&mut self) {
        let by = if self.filling.ascending {
            self.interval
        } else {
            -self.interval
        };
        self.time = self.time.saturating_add(by);
        if self.filling.windows.zone.is_some() {
            let offset = self.filling.windows.zone_offset(self.time.saturating_sub(1));
            let change = self.zone_offset - offset;
            if change != 0 {
                if change.abs() < self.interval {
                    self.time = self.time.saturating_add(change);
                }
                self.zone_offset = offset;
            }
        }
    }
}

impl<I: Iterator<Item = Output>> Iterator for Filled<I> {
    type Item = Output;

    fn next(&mut self) -> Option<Output> {
        if self.sub.is_none() {
            let (sub, time) = self.input.peek().map(|first| (first.sub, first.time))?;
            self.begin(sub, time);
            self.zone_offset = self.filling.windows.zone_offset(self.time);
        }
        let is_same = |next: Option<&Output>, sub: Option<u32>| next.is_some_and(|next| Some(next.sub) == sub);
        let mut is_empty = false;
        if !is_same(self.input.peek(), self.sub) {
            if self.has_more_windows() {
                is_empty = true;
            } else {
                let (sub, time) = self.input.peek().map(|first| (first.sub, first.time))?;
                self.begin(sub, time);
            }
        }
        let sub = self.sub?;
        let ascending = self.filling.ascending;
        is_empty = is_empty
            || self
                .input
                .peek()
                .is_none_or(|next| (ascending && next.time > self.time) || (!ascending && next.time < self.time));
        let output = if is_empty {
            Output {
                time: self.time,
                sub,
                value: self.value(sub),
                row: None,
            }
        } else {
            let next = self.input.next()?;
            self.previous = Some(next.clone());
            next
        };
        self.step();
        Some(output)
    }
}

/// The value at `time` on the line through two points, times counted in windows.
#[expect(clippy::cast_precision_loss, reason = "InfluxDB computes with floats, too")]
fn linear(time: i64, (t0, v0): (i64, &Scalar), (t1, v1): (i64, &Scalar)) -> Option<Scalar> {
    let elapsed = |from: i64, to: i64| to.wrapping_sub(from) as f64;
    let on_line = |rise: f64, from: f64| rise / elapsed(t0, t1) * elapsed(t0, time) + from;
    match (v0, v1) {
        (Scalar::Float(a), Scalar::Float(b)) => Some(Scalar::Float(on_line(b - a, *a))),
        (Scalar::Integer(a), Scalar::Integer(b)) => {
            Some(Scalar::Integer(whole(on_line(b.wrapping_sub(*a) as f64, *a as f64))))
        }
        (Scalar::Unsigned(a), Scalar::Unsigned(b)) => Some(Scalar::Unsigned(whole_unsigned(on_line(
            *b as f64 - *a as f64,
            *a as f64,
        )))),
        _ => None,
    }
}

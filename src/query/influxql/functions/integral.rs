//! `integral`: the area under the curve, cut at the edges of windows.

use std::fmt;

use super::number::floats;
use super::{Point, Scalar};
use crate::base::TimestampNs;

/// How a query cuts a series into windows.
#[derive(Clone, Copy)]
pub struct Windows<'a> {
    /// The window `[start, end)` that a time lies in: that of `GROUP BY time`, else the whole range of the query.
    pub of: &'a dyn Fn(i64) -> (i64, i64),
    /// Whether the query has `GROUP BY time`.
    pub grouped: bool,
    /// Whether points come in descending order of time.
    pub descending: bool,
}

impl fmt::Debug for Windows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windows")
            .field("grouped", &self.grouped)
            .field("descending", &self.descending)
            .finish_non_exhaustive()
    }
}

impl Windows<'_> {
    /// The edges of a window in order of the query.
    fn edges(&self, time: i64) -> (i64, i64) {
        let (start, end) = (self.of)(time);
        if self.descending { (end, start) } else { (start, end) }
    }
}

/// The integral of a whole series: a point per window that has an area.
///
/// Points come in order of the query. An area between two points belongs to the window of the first of them up to that
/// window's edge, where the curve is interpolated; the rest belongs to the window of the other point, however far.
/// Results are stamped with the edge at which their window begins: in a descending query its end.
///
/// InfluxDB's peculiarities are kept:
/// * For integers, the value at an edge counts only as the right end of the first area in the new window, whose left end
///   stays the last point before the edge; InfluxDB forgets to carry it over.
/// * Without `GROUP BY time` floats are stamped 0, other numbers with the start of the range, or 0 when it has none.
/// * A series whose last point is exactly where its last window begins yields nothing there.
#[must_use]
pub fn integral(points: &[Point], unit_ns: i64, windows: Windows<'_>) -> Vec<Point> {
    let (Some(first), Some(values)) = (points.first(), floats(points)) else {
        return Vec::new();
    };
    let is_float = matches!(first.value, Scalar::Float(_));
    let (start, end) = windows.edges(first.time);
    let is_stamped_zero = is_float && !windows.grouped || start == TimestampNs::MIN.0;
    let mut area = Area {
        unit: as_float(unit_ns),
        is_float,
        windows,
        start: if is_stamped_zero { 0 } else { start },
        end: (windows.grouped || !is_float).then_some(end),
        sum: 0.0,
        held: (first.time, values.first().copied().unwrap_or_default()),
        row: first.row,
        done: Vec::new(),
    };
    for (point, value) in points.iter().zip(values).skip(1) {
        area.add(point, value);
    }
    area.finish()
}

struct Area<'a> {
    unit: f64,
    is_float: bool,
    windows: Windows<'a>,
    /// Where the window begins in order of the query.
    start: i64,
    /// Where it ends; without an end nothing leaves it.
    end: Option<i64>,
    sum: f64,
    /// The point up to which the area has been summed.
    held: (i64, f64),
    row: u32,
    done: Vec<Point>,
}

impl Area<'_> {
    fn add(&mut self, point: &Point, value: f64) {
        if point.time == self.held.0 {
            self.held.1 = value;
            return;
        }
        let mut right = value;
        if let Some(edge) = self.end.filter(|edge| self.is_past(point.time, *edge)) {
            if self.held.0 != edge {
                let at_edge = interpolate(edge, self.held, (point.time, value));
                self.trapezium(edge, at_edge);
                self.held.0 = edge;
                let carried = if self.is_float { &mut self.held.1 } else { &mut right };
                *carried = at_edge;
            }
            self.emit();
            let (start, end) = self.windows.edges(point.time);
            (self.start, self.end) = (start, Some(end));
            (self.sum, self.row) = (0.0, point.row);
        }
        self.trapezium(point.time, right);
        self.held = (point.time, value);
    }

    fn is_past(&self, time: i64, edge: i64) -> bool {
        if self.windows.descending {
            time <= edge
        } else {
            time >= edge
        }
    }

    fn trapezium(&mut self, time: i64, value: f64) {
        let elapsed = as_float(time.wrapping_sub(self.held.0)) / self.unit;
        self.sum += 0.5 * (value + self.held.1) * elapsed;
    }

    fn emit(&mut self) {
        self.done.push(Point {
            time: self.start,
            value: Scalar::Float(self.sum),
            row: self.row,
        });
    }

    fn finish(mut self) -> Vec<Point> {
        if self.held.0 != self.start {
            self.emit();
        }
        self.done
    }
}

/// The value at `time` of the line through two points.
fn interpolate(time: i64, (t0, v0): (i64, f64), (t1, v1): (i64, f64)) -> f64 {
    let slope = (v1 - v0) / as_float(t1.wrapping_sub(t0));
    slope * as_float(time.wrapping_sub(t0)) + v0
}

#[expect(clippy::cast_precision_loss, reason = "InfluxDB computes with floats, too")]
fn as_float(ns: i64) -> f64 {
    ns as f64
}

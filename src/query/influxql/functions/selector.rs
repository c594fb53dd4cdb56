//! Functions that pick points.

use std::cmp::Ordering;

use super::number::compare;
use super::{Point, Scalar, Window};

/// The first, last, greatest or least point; `None` for other functions and values that have no order.
pub(super) fn best(function: Window, points: &[Point]) -> Option<Point> {
    let first = points.first()?;
    function.output_type(first.value.field_type())?;
    let better =
        |held: &'_ Point, point: &'_ Point| wins(function, (point.time, &point.value), (held.time, &held.value));
    let mut held = first;
    for point in points {
        if better(held, point) {
            held = point;
        }
    }
    Some(held.clone())
}

/// Whether a point replaces the one held so far.
///
/// `first` and `last` take the greater value at one time (but `first` takes false), `min` and `max` the earlier time
/// at one value.
pub(super) fn wins(function: Window, (time, value): (i64, &Scalar), (held_time, held): (i64, &Scalar)) -> bool {
    let (by_time, by_value) = (time.cmp(&held_time), compare(value, held));
    let first_at_one_time = match value {
        Scalar::Boolean(_) => Ordering::Less,
        _ => Ordering::Greater,
    };
    match function {
        Window::First => by_time.is_lt() || by_time.is_eq() && by_value == first_at_one_time,
        Window::Last => by_time.is_gt() || by_time.is_eq() && by_value.is_gt(),
        Window::Min => by_value.is_lt() || by_value.is_eq() && by_time.is_lt(),
        Window::Max => by_value.is_gt() || by_value.is_eq() && by_time.is_lt(),
        _ => false,
    }
}

/// The point of the nearest rank, `floor(n * percent / 100 + 0.5)` counted from 1; `None` when there is none such.
pub(super) fn percentile(points: &[Point], percent: f64) -> Option<Point> {
    Window::Percentile(percent).output_type(points.first()?.value.field_type())?;
    let rank = rank(points.len(), percent)?;
    let mut order: Vec<usize> = (0..points.len()).collect();
    let value = |at: &usize| points.get(*at).map(|point| &point.value);
    let by_value = |a: &usize, b: &usize| match (value(a), value(b)) {
        (Some(x), Some(y)) => compare(x, y).then(a.cmp(b)),
        _ => a.cmp(b),
    };
    let (_, at, _) = order.select_nth_unstable_by(rank, by_value);
    points.get(*at).cloned()
}

/// The rank counted from 0.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "nobody holds 2^53 points; a rank beyond them is refused"
)]
fn rank(count: usize, percent: f64) -> Option<usize> {
    let rank = (count as f64 * percent / 100.0 + 0.5).floor() as i64;
    let rank = usize::try_from(rank.checked_sub(1)?).ok()?;
    (rank < count).then_some(rank)
}

/// The `n` greatest points in order of time; of equal values the earlier are greater.
pub(super) fn top(points: &[Point], n: usize) -> Vec<Point> {
    foremost(points, n, |a, b| compare(&b.value, &a.value))
}

/// The `n` least points in order of time; of equal values the earlier are less.
pub(super) fn bottom(points: &[Point], n: usize) -> Vec<Point> {
    foremost(points, n, |a, b| compare(&a.value, &b.value))
}

/// The first `n` of the order, then put in order of time; at one time the order's.
fn foremost(points: &[Point], n: usize, order: impl Fn(&Point, &Point) -> Ordering) -> Vec<Point> {
    let is_number = points.iter().all(|point| point.value.as_f64().is_some());
    if !is_number {
        return Vec::new();
    }
    let mut found: Vec<&Point> = points.iter().collect();
    found.sort_by(|a, b| order(a, b).then(a.time.cmp(&b.time)));
    found.truncate(n);
    found.sort_by_key(|point| point.time);
    found.into_iter().cloned().collect()
}

/// `n` points evenly spread over the window, or all when there are no more, in order of time. InfluxDB draws lots.
pub(super) fn sample(points: &[Point], n: usize) -> Vec<Point> {
    let chosen = |i: usize| i as u128 * points.len() as u128 / n.max(1) as u128;
    let mut sample: Vec<Point> = (0..n.min(points.len()))
        .map(|i| if points.len() <= n { i as u128 } else { chosen(i) })
        .filter_map(|at| points.get(usize::try_from(at).ok()?).cloned())
        .collect();
    sample.sort_by_key(|point| point.time);
    sample
}

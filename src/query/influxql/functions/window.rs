//! Functions of the points of one window: aggregates here, selectors in [`super::selector`].

use super::number::{Number, compare, compare_floats, values};
use super::{Point, Scalar, Window, Windows, integral, selector};
use crate::query::source::FieldType;

impl Window {
    /// Whether the function picks points, which keep their time and row, instead of making a new one at the start of
    /// the window. `distinct` and `mode` make new ones.
    #[must_use]
    pub fn is_selector(&self) -> bool {
        match self {
            Self::First
            | Self::Last
            | Self::Max
            | Self::Min
            | Self::Percentile(_)
            | Self::Top(_)
            | Self::Bottom(_)
            | Self::Sample(_) => true,
            Self::Count
            | Self::Distinct
            | Self::Mean
            | Self::Median
            | Self::Mode
            | Self::Spread
            | Self::Stddev
            | Self::Sum
            | Self::Integral { .. } => false,
        }
    }

    /// Whether the points picked keep their time even with `GROUP BY time`, where those of the other selectors are
    /// shown at the start of their window.
    #[must_use]
    pub fn keeps_time(&self) -> bool {
        matches!(self, Self::Top(_) | Self::Bottom(_) | Self::Sample(_))
    }

    /// The type of the results for a field of that type; `None`: not defined.
    #[must_use]
    pub fn output_type(&self, input: FieldType) -> Option<FieldType> {
        let is_number = matches!(input, FieldType::Float | FieldType::Integer | FieldType::Unsigned);
        match self {
            Self::Count => Some(FieldType::Integer),
            Self::Distinct | Self::Mode | Self::First | Self::Last | Self::Sample(_) => Some(input),
            Self::Max | Self::Min => (input != FieldType::String).then_some(input),
            Self::Mean | Self::Median | Self::Stddev | Self::Integral { .. } => is_number.then_some(FieldType::Float),
            Self::Spread | Self::Sum | Self::Percentile(_) | Self::Top(_) | Self::Bottom(_) => {
                is_number.then_some(input)
            }
        }
    }

    /// The function of the points of one window, none of none.
    ///
    /// Points come in order of time, either direction. Aggregates are stamped with `window_start`, points that
    /// selectors pick keep their time; the window ends before `window_end`. Several results are in the order of output
    /// of an ascending query: `distinct` by first occurrence, `top`, `bottom` and `sample` by time.
    ///
    /// Only a `percentile` without a point of that rank has points but no result. Without windows to fill, InfluxDB's
    /// answer then ends, for all series that follow, too, if that was the first window or the one before had no result
    /// either; that is the caller's to imitate.
    ///
    /// `integral` looks at this window alone; see [`super::integral`] for what InfluxDB does with several.
    #[must_use]
    pub fn apply(&self, points: &[Point], window_start: i64, window_end: i64) -> Vec<Point> {
        let Some(first) = points.first() else {
            return Vec::new();
        };
        let aggregate = |value| Point {
            time: window_start,
            value,
            row: first.row,
        };
        match self {
            Self::Distinct => distinct(points).into_iter().map(aggregate).collect(),
            Self::Integral { unit_ns } => {
                let windows = Windows {
                    of: &|_| (window_start, window_end),
                    grouped: true,
                    descending: points.last().is_some_and(|last| last.time < first.time),
                };
                integral(points, *unit_ns, windows)
            }
            Self::Count | Self::Mean | Self::Median | Self::Mode | Self::Spread | Self::Stddev | Self::Sum => {
                self.value(points).map(aggregate).into_iter().collect()
            }
            Self::First | Self::Last | Self::Max | Self::Min => selector::best(*self, points).into_iter().collect(),
            Self::Percentile(percent) => selector::percentile(points, *percent).into_iter().collect(),
            Self::Top(n) => selector::top(points, *n),
            Self::Bottom(n) => selector::bottom(points, *n),
            Self::Sample(n) => selector::sample(points, *n),
        }
    }

    /// The one value of an aggregate over at least one point.
    fn value(self, points: &[Point]) -> Option<Scalar> {
        let first = points.first()?;
        self.output_type(first.value.field_type())?;
        match (self, &first.value) {
            (Self::Count, _) => i64::try_from(points.len()).ok().map(Scalar::Integer),
            (Self::Mode, _) => Some(mode(points)),
            (_, Scalar::Float(_)) => self.number(&values::<f64>(points)?),
            (_, Scalar::Integer(_)) => self.number(&values::<i64>(points)?),
            (_, Scalar::Unsigned(_)) => self.number(&values::<u64>(points)?),
            (_, Scalar::String(_) | Scalar::Boolean(_)) => None,
        }
    }

    /// The one value of an aggregate over at least one number.
    fn number<N: Number>(self, values: &[N]) -> Option<Scalar> {
        let sum = || values.iter().copied().fold(N::ZERO, N::plus);
        match self {
            Self::Sum => Some(sum().scalar()),
            Self::Mean => Some(Scalar::Float(sum().as_f64() / count(values))),
            Self::Median => median(values.to_vec()).map(Scalar::Float),
            Self::Spread => spread(values).map(N::scalar),
            Self::Stddev => Some(Scalar::Float(stddev(values))),
            _ => None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody holds 2^53 values")]
fn count<T>(values: &[T]) -> f64 {
    values.len() as f64
}

/// The middle value, or the mean of the two in the middle.
fn median<N: Number>(mut values: Vec<N>) -> Option<f64> {
    let by_size = |a: &N, b: &N| {
        a.partial_cmp(b)
            .unwrap_or_else(|| compare_floats(a.as_f64(), b.as_f64()))
    };
    let middle = values.len() / 2;
    if middle >= values.len() {
        return None;
    }
    let is_even = values.len().is_multiple_of(2);
    let (below, high, _) = values.select_nth_unstable_by(middle, by_size);
    let high = *high;
    if !is_even {
        return Some(high.as_f64());
    }
    let low = below.iter().copied().max_by(by_size)?;
    Some(low.as_f64() + high.minus(low).as_f64() / 2.0)
}

/// The greatest less the least.
fn spread<N: Number>(values: &[N]) -> Option<N> {
    let (first, rest) = values.split_first()?;
    let (least, greatest) = rest.iter().fold((*first, *first), |(least, greatest), value| {
        let least = if *value < least { *value } else { least };
        let greatest = if *value > greatest { *value } else { greatest };
        (least, greatest)
    });
    Some(greatest.minus(least))
}

/// The standard deviation of a sample (divided by n - 1); NaN of one value. The mean is a running one.
fn stddev<N: Number>(values: &[N]) -> f64 {
    let (mut mean, mut seen) = (0.0, 0.0);
    for value in values {
        seen += 1.0;
        mean += (value.as_f64() - mean) / seen;
    }
    let squares = values.iter().map(|value| value.as_f64() - mean).map(|d| d * d);
    let sum = squares.fold(0.0, |sum, square| sum + square);
    (sum / (seen - 1.0)).sqrt()
}

/// Each value once, in order of the time at which it was met first; at one time by size.
fn distinct(points: &[Point]) -> Vec<Scalar> {
    let mut found: Vec<&Point> = points.iter().collect();
    found.sort_by(|a, b| compare(&a.value, &b.value));
    found.dedup_by(|b, a| compare(&a.value, &b.value).is_eq());
    found.sort_by_key(|point| point.time);
    found.into_iter().map(|point| point.value.clone()).collect()
}

/// The most frequent value of at least one point.
///
/// Of booleans that are equally frequent true wins. Otherwise values are taken in ascending order, and one that is as
/// frequent as the best so far (but more than once) replaces it unless it begins later than the best one ends.
fn mode(points: &[Point]) -> Scalar {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|a, b| compare(&a.value, &b.value));
    let mut runs = sorted.chunk_by(|a, b| compare(&a.value, &b.value).is_eq());
    let Some(mut best) = runs.next() else {
        return Scalar::Boolean(false);
    };
    let time = |point: Option<&&Point>| point.map_or(0, |point| point.time);
    for run in runs {
        let is_boolean = matches!(run.first().map(|point| &point.value), Some(Scalar::Boolean(_)));
        let wins_tie = is_boolean || run.len() > 1 && time(run.first()) <= time(best.last());
        if run.len() > best.len() || run.len() == best.len() && wins_tie {
            best = run;
        }
    }
    best.first().map_or(Scalar::Boolean(false), |point| point.value.clone())
}

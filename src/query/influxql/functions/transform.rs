//! Functions of a whole series: those over neighbouring points here, others in [`super::indicators`] and
//! [`super::holt_winters`].

use super::number::{Number, floats, values};
use super::{Point, Scalar, Transform, holt_winters, indicators};
use crate::query::source::FieldType;

impl Transform {
    /// The type of the results for values of that type; `None`: not defined.
    #[must_use]
    pub fn output_type(&self, input: FieldType) -> Option<FieldType> {
        let is_number = matches!(input, FieldType::Float | FieldType::Integer | FieldType::Unsigned);
        match self {
            Self::Elapsed { .. } => Some(FieldType::Integer),
            Self::Difference { .. } | Self::CumulativeSum => is_number.then_some(input),
            // InfluxDB never wrote the variant for unsigned integers.
            Self::HoltWinters { .. } => (is_number && input != FieldType::Unsigned).then_some(FieldType::Float),
            Self::Derivative { .. }
            | Self::MovingAverage(_)
            | Self::ExponentialMovingAverage(_)
            | Self::DoubleExponentialMovingAverage(_)
            | Self::TripleExponentialMovingAverage(_)
            | Self::TripleExponentialDerivative(_)
            | Self::RelativeStrengthIndex(_)
            | Self::KaufmansEfficiencyRatio(_)
            | Self::KaufmansAdaptiveMovingAverage(_)
            | Self::ChandeMomentumOscillator(_) => is_number.then_some(FieldType::Float),
        }
    }

    /// The function of the points of one series in order of output, ascending or descending. Windows without a value
    /// are left out beforehand.
    #[must_use]
    pub fn apply(&self, points: &[Point]) -> Vec<Point> {
        let Some(first) = points.first() else {
            return Vec::new();
        };
        if self.output_type(first.value.field_type()).is_none() {
            return Vec::new();
        }
        match self {
            Self::Elapsed { unit_ns } => elapsed(points, *unit_ns),
            Self::HoltWinters {
                n,
                season,
                with_fit,
                interval_ns,
            } => holt_winters::forecast(points, *n, *season, *with_fit, *interval_ns),
            Self::Derivative { .. } | Self::Difference { .. } | Self::MovingAverage(_) | Self::CumulativeSum => {
                match first.value {
                    Scalar::Float(_) => self.neighbours::<f64>(points),
                    Scalar::Integer(_) => self.neighbours::<i64>(points),
                    Scalar::Unsigned(_) => self.neighbours::<u64>(points),
                    Scalar::String(_) | Scalar::Boolean(_) => Vec::new(),
                }
            }
            _ => self.indicator(points),
        }
    }

    fn neighbours<N: Number>(self, points: &[Point]) -> Vec<Point> {
        let Some(values) = values::<N>(points) else {
            return Vec::new();
        };
        let series: Vec<(&Point, N)> = points.iter().zip(values).collect();
        match self {
            Self::Derivative { unit_ns, non_negative } => derivative(&series, unit_ns, non_negative),
            Self::Difference { non_negative } => difference(&series, non_negative),
            Self::MovingAverage(n) => moving_average(&series, n),
            Self::CumulativeSum => cumulative_sum(&series),
            _ => Vec::new(),
        }
    }

    fn indicator(self, points: &[Point]) -> Vec<Point> {
        let Some(values) = floats(points) else {
            return Vec::new();
        };
        let results = indicators::apply(self, &values);
        let with_result = points.iter().zip(results);
        with_result
            .filter_map(|(point, result)| Some(stamped(point, Scalar::Float(result?))))
            .collect()
    }
}

/// A result at the time and row of `point`.
fn stamped(point: &Point, value: Scalar) -> Point {
    Point {
        time: point.time,
        value,
        row: point.row,
    }
}

/// The results for each point and the one before it; of several points at one time only the first counts.
fn by_pairs<N: Number>(
    series: &[(&Point, N)],
    result: impl Fn((&Point, N), (&Point, N)) -> Option<Scalar>,
) -> Vec<Point> {
    let mut distinct = series.to_vec();
    distinct.dedup_by_key(|(point, _)| point.time);
    let of_pair = |pair: &[(&Point, N)]| match pair {
        [before, after] => Some(stamped(after.0, result(*before, *after)?)),
        _ => None,
    };
    distinct.windows(2).filter_map(of_pair).collect()
}

/// The change from point to point per unit of time. In a descending series time runs backwards, too, so that the sign
/// is that of the difference.
fn derivative<N: Number>(series: &[(&Point, N)], unit_ns: i64, non_negative: bool) -> Vec<Point> {
    by_pairs(series, |(before, left), (point, right)| {
        let change = right.signed_minus(left);
        let elapsed = point.time.abs_diff(before.time).as_f64() / unit_ns.as_f64();
        let is_negative = change < 0.0;
        (!non_negative || !is_negative).then_some(Scalar::Float(change / elapsed))
    })
}

fn difference<N: Number>(series: &[(&Point, N)], non_negative: bool) -> Vec<Point> {
    by_pairs(series, |(_, left), (_, right)| {
        let is_negative = right.signed_minus(left) < 0.0;
        (!non_negative || !is_negative).then_some(right.minus(left).scalar())
    })
}

/// The mean of the last `n` points, from a running sum.
fn moving_average<N: Number>(series: &[(&Point, N)], n: usize) -> Vec<Point> {
    let mut found = Vec::new();
    let mut sum = N::ZERO;
    for (i, (point, value)) in series.iter().enumerate() {
        if let Some((_, oldest)) = i.checked_sub(n).and_then(|oldest| series.get(oldest)) {
            sum = sum.minus(*oldest);
        }
        sum = sum.plus(*value);
        if i + 1 >= n {
            found.push(stamped(point, Scalar::Float(sum.as_f64() / (n as u64).as_f64())));
        }
    }
    found
}

fn cumulative_sum<N: Number>(series: &[(&Point, N)]) -> Vec<Point> {
    let mut sum = N::ZERO;
    let mut add = |value: N| {
        sum = sum.plus(value);
        sum.scalar()
    };
    series
        .iter()
        .map(|(point, value)| stamped(point, add(*value)))
        .collect()
}

/// Whole units of time from point to point, cut off towards zero; negative in a descending series.
fn elapsed(points: &[Point], unit_ns: i64) -> Vec<Point> {
    let units = |pair: &[Point]| match pair {
        [before, point] => {
            let ns = point.time.wrapping_sub(before.time);
            Some(stamped(point, Scalar::Integer(ns.checked_div(unit_ns)?)))
        }
        _ => None,
    };
    points.windows(2).filter_map(units).collect()
}

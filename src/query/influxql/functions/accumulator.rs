//! The functions that need no more than one pass, over columns instead of points.
//!
//! An [`Accumulator`] takes columns of the same window in any order, from one series or from many, and gives the result
//! of [`Window::apply`] over the same points in that order. Float sums depend on the order in their last digits;
//! everything else does not.

use std::sync::Arc;

use super::number::Number;
use super::selector::wins;
use super::{Point, Scalar, Window};
use crate::query::source::{FieldType, Summary};

/// From here on a float does not name one integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `count`, `sum`, `mean`, `min`, `max`, `first` or `last` of what has been added.
#[derive(Debug, Clone, PartialEq)]
pub struct Accumulator {
    function: Window,
    input: FieldType,
    count: u64,
    /// Of a sum or mean: 0 in the type of the field at first.
    sum: Scalar,
    /// Of a selector.
    held: Option<(i64, Scalar)>,
}

impl Accumulator {
    /// An empty one; `None`: the function needs all points at once, or is not defined for fields of that type.
    #[must_use]
    pub fn new(function: Window, input: FieldType) -> Option<Self> {
        function.output_type(input)?;
        let is_one_pass = matches!(
            function,
            Window::Count | Window::Sum | Window::Mean | Window::Min | Window::Max | Window::First | Window::Last
        );
        let sum = match input {
            FieldType::Integer => Scalar::Integer(0),
            FieldType::Unsigned => Scalar::Unsigned(0),
            FieldType::Float | FieldType::String | FieldType::Boolean => Scalar::Float(0.0),
        };
        is_one_pass.then_some(Self {
            function,
            input,
            count: 0,
            sum,
            held: None,
        })
    }

    /// Adds floats; `times` ascend and are as many; `valid` says which values count, `None`: all. Here and below,
    /// columns of another type than the field's are ignored.
    pub fn add_f64(&mut self, times: &[i64], values: &[f64], valid: Option<&[bool]>) {
        if self.input == FieldType::Float {
            self.add_numbers(times, values, valid);
        }
    }

    /// As [`Accumulator::add_f64`].
    pub fn add_i64(&mut self, times: &[i64], values: &[i64], valid: Option<&[bool]>) {
        if self.input == FieldType::Integer {
            self.add_numbers(times, values, valid);
        }
    }

    /// As [`Accumulator::add_f64`].
    pub fn add_u64(&mut self, times: &[i64], values: &[u64], valid: Option<&[bool]>) {
        if self.input == FieldType::Unsigned {
            self.add_numbers(times, values, valid);
        }
    }

    /// As [`Accumulator::add_f64`].
    pub fn add_bool(&mut self, times: &[i64], values: &[bool], valid: Option<&[bool]>) {
        if self.input == FieldType::Boolean {
            self.count += counted(values, valid);
            self.pick(times, values, valid, |value| Scalar::Boolean(*value));
        }
    }

    /// As [`Accumulator::add_f64`].
    pub fn add_str(&mut self, times: &[i64], values: &[Arc<str>], valid: Option<&[bool]>) {
        if self.input == FieldType::String {
            self.count += counted(values, valid);
            self.pick(times, values, valid, |value| Scalar::String(Arc::clone(value)));
        }
    }

    /// Adds a block that has been summed up; `false`: its summary does not tell enough, add its rows instead.
    ///
    /// Never enough for `first` and `last`; for `min` and `max` of integers up to 2^53.
    #[must_use]
    pub fn add_summary(&mut self, summary: &Summary) -> bool {
        if summary.count == 0 {
            return true;
        }
        let added = match self.function {
            Window::Count => true,
            Window::Sum | Window::Mean => self.add_sum(summary),
            Window::Min => self.add_extreme(summary.min),
            Window::Max => self.add_extreme(summary.max),
            _ => false,
        };
        if added {
            self.count += summary.count;
        }
        added
    }

    /// Adds what another accumulator of the same function and type has; one of another is ignored.
    pub fn merge(&mut self, other: &Self) {
        if self.function != other.function || self.input != other.input {
            return;
        }
        self.count += other.count;
        self.sum = match (&self.sum, &other.sum) {
            (Scalar::Integer(a), Scalar::Integer(b)) => a.plus(*b).scalar(),
            (Scalar::Unsigned(a), Scalar::Unsigned(b)) => a.plus(*b).scalar(),
            (Scalar::Float(a), Scalar::Float(b)) => a.plus(*b).scalar(),
            (sum, _) => sum.clone(),
        };
        if let Some((time, value)) = &other.held {
            self.offer(*time, value.clone());
        }
    }

    /// The result, at `window_start` or the time of the value picked, and with row 0; `None`: nothing was added.
    #[must_use]
    pub fn finish(&self, window_start: i64) -> Option<Point> {
        let aggregate = |value| Point {
            time: window_start,
            value,
            row: 0,
        };
        match self.function {
            _ if self.count == 0 => None,
            Window::Count => i64::try_from(self.count).ok().map(Scalar::Integer).map(aggregate),
            Window::Sum => Some(aggregate(self.sum.clone())),
            Window::Mean => {
                let mean = self.sum.as_f64()? / self.count.as_f64();
                Some(aggregate(Scalar::Float(mean)))
            }
            _ => {
                let (time, value) = self.held.clone()?;
                Some(Point { time, value, row: 0 })
            }
        }
    }

    fn add_numbers<N: Number>(&mut self, times: &[i64], values: &[N], valid: Option<&[bool]>) {
        match self.function {
            Window::Sum | Window::Mean => {
                let start = N::of(&self.sum).unwrap_or(N::ZERO);
                self.sum = sum(start, values, valid).scalar();
            }
            Window::Count => {}
            _ => self.pick(times, values, valid, |value| value.scalar()),
        }
        self.count += counted(values, valid);
    }

    /// Offers the best of a column; being in order of time, it has its first and last at its ends.
    fn pick<T: PartialOrd>(
        &mut self,
        times: &[i64],
        values: &[T],
        valid: Option<&[bool]>,
        scalar: impl Fn(&T) -> Scalar,
    ) {
        let is_valid = |at: &usize| valid.is_none_or(|valid| valid.get(*at) == Some(&true));
        let mut rows = (0..times.len().min(values.len())).filter(is_valid);
        let best = |rows: &mut dyn Iterator<Item = usize>, replaces: fn(&T, &T) -> bool| {
            rows.reduce(|held, at| {
                let (value, best) = (values.get(at), values.get(held));
                let wins = value.zip(best).is_some_and(|(value, best)| replaces(value, best));
                if wins { at } else { held }
            })
        };
        let at = match self.function {
            Window::First => rows.next(),
            Window::Last => rows.next_back(),
            Window::Min => best(&mut rows, |value, best| value < best),
            Window::Max => best(&mut rows, |value, best| value > best),
            _ => None,
        };
        if let Some((time, value)) = at.and_then(|at| Some((*times.get(at)?, values.get(at)?))) {
            self.offer(time, scalar(value));
        }
    }

    fn offer(&mut self, time: i64, value: Scalar) {
        let replaces = match &self.held {
            None => true,
            Some((held_time, held)) => wins(self.function, (time, &value), (*held_time, held)),
        };
        if replaces {
            self.held = Some((time, value));
        }
    }

    fn add_sum(&mut self, summary: &Summary) -> bool {
        let sum = match (&self.sum, summary.sum, summary.integer_sum) {
            (Scalar::Float(held), Some(sum), _) => Some(held.plus(sum).scalar()),
            (Scalar::Integer(held), _, Some(sum)) => Some(held.plus(sum).scalar()),
            // Both wrap around at 2^64, so that the bits are the same.
            (Scalar::Unsigned(held), _, Some(sum)) => Some(held.plus(sum.cast_unsigned()).scalar()),
            _ => None,
        };
        let added = sum.is_some();
        self.sum = sum.unwrap_or_else(|| self.sum.clone());
        added
    }

    fn add_extreme(&mut self, extreme: Option<(f64, i64)>) -> bool {
        let Some((value, time)) = extreme else {
            return false;
        };
        let Some(value) = exact(value, self.input) else {
            return false;
        };
        self.offer(time, value);
        true
    }
}

/// The value as one of the field's type, if the float tells it exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers below 2^53 are cast without loss, and negative ones are no unsigned field's"
)]
fn exact(value: f64, input: FieldType) -> Option<Scalar> {
    match input {
        FieldType::Float => Some(Scalar::Float(value)),
        FieldType::Integer => (value.abs() < EXACT).then_some(Scalar::Integer(value as i64)),
        FieldType::Unsigned => (0.0..EXACT).contains(&value).then_some(Scalar::Unsigned(value as u64)),
        FieldType::String | FieldType::Boolean => None,
    }
}

/// How many values count.
fn counted<T>(values: &[T], valid: Option<&[bool]>) -> u64 {
    let count = match valid {
        None => values.len(),
        Some(valid) => values.iter().zip(valid).filter(|(_, valid)| **valid).count(),
    };
    count as u64
}

/// The sum after `start`, value by value so that floats round as in a loop over points.
fn sum<N: Number>(start: N, values: &[N], valid: Option<&[bool]>) -> N {
    match valid {
        None => values.iter().fold(start, |sum, value| sum.plus(*value)),
        Some(valid) => {
            let pairs = values.iter().zip(valid);
            pairs.fold(start, |sum, (value, valid)| if *valid { sum.plus(*value) } else { sum })
        }
    }
}

#[cfg(test)]
mod tests;

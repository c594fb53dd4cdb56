//! The functions of InfluxQL 1.8 over slices of points.
//!
//! ```text
//! points of one window ── Window::apply ──▶ points ─┐
//! typed columns ──────── Accumulator ───▶ a point ──┤
//! points of a series across windows ─ integral ─────┴─▶ fill, by the caller ──▶ Transform::apply ──▶ points
//! ```
//!
//! * Everything is a function of its arguments: no clock, no randomness, no I/O.
//! * Types: `mean`, `median`, `stddev`, `integral`, `derivative`, `moving_average` and the indicators yield floats;
//!   `count` and `elapsed` integers; the others keep the type of the field. Integers wrap around as Go's do.
//! * Ties are InfluxDB's where it is deterministic. Where its unstable sort decides (the time of a `percentile`, the
//!   `mode` of values that are equally frequent, both in windows of more than a dozen points), the earlier point wins.
//! * A value for which a function is not defined (text for `sum`) is a mistake of the caller, who asks
//!   [`Window::output_type`] and [`Transform::output_type`] first; the answer is then empty.
//!
//! The semantics are InfluxDB's, compared with a live server.

mod accumulator;
mod call;
mod holt_winters;
mod indicators;
mod integral;
mod nelder_mead;
mod number;
mod selector;
mod transform;
mod window;

use std::sync::Arc;

use crate::influx::result::Value;
use crate::query::source::FieldType;

pub use accumulator::Accumulator;
pub use integral::{Windows, integral};

/// One value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A 64-bit float.
    Float(f64),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// Text.
    String(Arc<str>),
    /// True or false.
    Boolean(bool),
}

/// A value at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The value.
    pub value: Scalar,
    /// The caller's handle of the row that the point came from. Selectors keep it; a transform's result has that of
    /// the last point that went into it; an aggregate that of the first point of its window.
    pub row: u32,
}

/// A function of the points of one window of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    /// `count(x)`
    Count,
    /// `distinct(x)`: each value once.
    Distinct,
    /// `mean(x)`
    Mean,
    /// `median(x)`
    Median,
    /// `mode(x)`
    Mode,
    /// `spread(x)`: greatest less least.
    Spread,
    /// `stddev(x)` of the sample.
    Stddev,
    /// `sum(x)`
    Sum,
    /// `first(x)`
    First,
    /// `last(x)`
    Last,
    /// `max(x)`
    Max,
    /// `min(x)`
    Min,
    /// `percentile(x, n)`
    Percentile(f64),
    /// `top(x, n)`; the variant with tags is the caller's, who applies `Max` to each combination first.
    Top(usize),
    /// `bottom(x, n)`; see `Top`.
    Bottom(usize),
    /// `sample(x, n)`
    Sample(usize),
    /// `integral(x, unit)`; across windows: [`integral`].
    Integral {
        /// Nanoseconds.
        unit_ns: i64,
    },
}

/// A function of a whole series of points in order of output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// `derivative`, `non_negative_derivative`
    Derivative {
        /// The unit of time, nanoseconds.
        unit_ns: i64,
        /// Negative results are dropped.
        non_negative: bool,
    },
    /// `difference`, `non_negative_difference`
    Difference {
        /// Negative results are dropped.
        non_negative: bool,
    },
    /// `moving_average(x, n)`
    MovingAverage(usize),
    /// `cumulative_sum(x)`
    CumulativeSum,
    /// `elapsed(x, unit)`
    Elapsed {
        /// The unit of time, nanoseconds.
        unit_ns: i64,
    },
    /// `exponential_moving_average(x, period, hold, warmup)`
    ExponentialMovingAverage(Smoothing),
    /// `double_exponential_moving_average(x, period, hold, warmup)`
    DoubleExponentialMovingAverage(Smoothing),
    /// `triple_exponential_moving_average(x, period, hold, warmup)`
    TripleExponentialMovingAverage(Smoothing),
    /// `triple_exponential_derivative(x, period, hold, warmup)`
    TripleExponentialDerivative(Smoothing),
    /// `relative_strength_index(x, period, hold, warmup)`
    RelativeStrengthIndex(Smoothing),
    /// `kaufmans_efficiency_ratio(x, period, hold)`
    KaufmansEfficiencyRatio(Smoothing),
    /// `kaufmans_adaptive_moving_average(x, period, hold)`
    KaufmansAdaptiveMovingAverage(Smoothing),
    /// `chande_momentum_oscillator(x, period, hold, warmup)`
    ChandeMomentumOscillator(Smoothing),
    /// `holt_winters`, `holt_winters_with_fit`
    HoltWinters {
        /// Values to predict.
        n: usize,
        /// Points of a season; less than 2: none.
        season: usize,
        /// Whether the fitted values come before the predicted ones.
        with_fit: bool,
        /// The interval of `GROUP BY time`, nanoseconds.
        interval_ns: i64,
    },
}

/// The options of the technical indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Smoothing {
    /// Points that the indicator looks back on, at least 1.
    pub period: usize,
    /// Points at the beginning without a result; `None`: as many as the indicator needs to be warm.
    pub hold: Option<usize>,
    /// How the first averages are made.
    pub warmup: Warmup,
}

/// How an average begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmup {
    /// Like all others.
    Exponential,
    /// As the plain average of the points so far.
    Simple,
    /// Not at all: sums over the last points, for `chande_momentum_oscillator` only.
    None,
}

impl Scalar {
    /// The type.
    #[must_use]
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::String(_) => FieldType::String,
            Self::Boolean(_) => FieldType::Boolean,
        }
    }

    /// The nearest float of a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            Self::Unsigned(value) => Some(*value as f64),
            Self::String(_) | Self::Boolean(_) => None,
        }
    }
}

impl From<Scalar> for Value {
    fn from(value: Scalar) -> Self {
        match value {
            Scalar::Float(value) => Self::Float(value),
            Scalar::Integer(value) => Self::Integer(value),
            Scalar::Unsigned(value) => Self::Unsigned(value),
            Scalar::String(value) => Self::String(value.as_ref().to_owned()),
            Scalar::Boolean(value) => Self::Bool(value),
        }
    }
}

#[cfg(test)]
mod tests;

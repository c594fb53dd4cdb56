//! From a call to the function: names, options and defaults.

use super::{Smoothing, Transform, Warmup, Window};
use crate::influx::influxql::ast::{Call, Expr};

/// The unit of time of `derivative` and `integral` when nothing else says it.
const SECOND_NS: i64 = 1_000_000_000;

impl Window {
    /// The function that a call names; `None`: it is none of these, or its options are not as validation wants them.
    ///
    /// The first argument is not looked at: `count(distinct(x))` is `Count`. The tags between the field and the limit of
    /// `top` and `bottom` are the caller's.
    #[must_use]
    pub fn from_call(call: &Call) -> Option<Self> {
        let last = || call.args.last();
        Some(match call.name.as_str() {
            "count" => Self::Count,
            "distinct" => Self::Distinct,
            "mean" => Self::Mean,
            "median" => Self::Median,
            "mode" => Self::Mode,
            "spread" => Self::Spread,
            "stddev" => Self::Stddev,
            "sum" => Self::Sum,
            "first" => Self::First,
            "last" => Self::Last,
            "max" => Self::Max,
            "min" => Self::Min,
            "percentile" => Self::Percentile(number(last()?)?),
            "top" => Self::Top(size(last()?)?),
            "bottom" => Self::Bottom(size(last()?)?),
            "sample" => Self::Sample(size(last()?)?),
            "integral" => Self::Integral {
                unit_ns: unit(call, SECOND_NS)?,
            },
            _ => return None,
        })
    }
}

impl Transform {
    /// The function that a call names; `None`: it is none of these, or its options are not as validation wants them.
    ///
    /// `interval_ns` is that of `GROUP BY time`, if there is one: the default unit of derivatives and the step of
    /// `holt_winters`, which cannot be without.
    #[must_use]
    pub fn from_call(call: &Call, interval_ns: Option<i64>) -> Option<Self> {
        let name = call.name.as_str();
        let non_negative = name.starts_with("non_negative_");
        Some(match name {
            "derivative" | "non_negative_derivative" => Self::Derivative {
                unit_ns: unit(call, interval_ns.unwrap_or(SECOND_NS))?,
                non_negative,
            },
            "difference" | "non_negative_difference" => Self::Difference { non_negative },
            "moving_average" => Self::MovingAverage(size(call.args.get(1)?)?),
            "cumulative_sum" => Self::CumulativeSum,
            "elapsed" => Self::Elapsed {
                unit_ns: unit(call, 1)?,
            },
            "exponential_moving_average" => Self::ExponentialMovingAverage(smoothing(call)?),
            "double_exponential_moving_average" => Self::DoubleExponentialMovingAverage(smoothing(call)?),
            "triple_exponential_moving_average" => Self::TripleExponentialMovingAverage(smoothing(call)?),
            "triple_exponential_derivative" => Self::TripleExponentialDerivative(smoothing(call)?),
            "relative_strength_index" => Self::RelativeStrengthIndex(smoothing(call)?),
            "kaufmans_efficiency_ratio" => Self::KaufmansEfficiencyRatio(smoothing(call)?),
            "kaufmans_adaptive_moving_average" => Self::KaufmansAdaptiveMovingAverage(smoothing(call)?),
            "chande_momentum_oscillator" => Self::ChandeMomentumOscillator(smoothing(call)?),
            "holt_winters" | "holt_winters_with_fit" => Self::HoltWinters {
                n: size(call.args.get(1)?)?,
                season: size(call.args.get(2)?)?,
                with_fit: name == "holt_winters_with_fit",
                interval_ns: interval_ns?,
            },
            _ => return None,
        })
    }
}

fn smoothing(call: &Call) -> Option<Smoothing> {
    let hold = match call.args.get(2) {
        None | Some(Expr::Integer(-1)) => None,
        Some(hold) => Some(size(hold)?),
    };
    let warmup = match call.args.get(3) {
        None if call.name == "chande_momentum_oscillator" => Warmup::None,
        None => Warmup::Exponential,
        Some(Expr::String(kind)) => match kind.as_str() {
            "exponential" => Warmup::Exponential,
            "simple" => Warmup::Simple,
            "none" => Warmup::None,
            _ => return None,
        },
        Some(_) => return None,
    };
    let period = size(call.args.get(1)?)?.max(1);
    Some(Smoothing { period, hold, warmup })
}

/// The unit of time that may follow the field.
fn unit(call: &Call, default_ns: i64) -> Option<i64> {
    match call.args.get(1) {
        None => Some(default_ns),
        Some(Expr::Duration(unit)) if unit.0 > 0 => Some(unit.0),
        Some(_) => None,
    }
}

fn size(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Integer(size) => usize::try_from(*size).ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage beyond 2^53 selects nothing anyway"
)]
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(number) => Some(*number),
        Expr::Integer(number) => Some(*number as f64),
        _ => None,
    }
}

//! Folding of constants: `now() - 1h`, `'2000-01-01' + 1d`, `1 + 2`.
//!
//! The rules are InfluxDB's: integers wrap around and divide to a float, division by zero is 0, a text becomes a point
//! in time only next to a time, duration or integer, and what cannot be folded stays as it is.

mod literals;
mod math;

use jiff::tz::TimeZone;

use super::ast::{Call, Chain, Expr, Op, WideTime};
use crate::base::TimestampNs;

pub(super) use math::is_math_function;

/// What is known while folding.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The value of `now()`; without one `now()` stays a call.
    pub now: Option<TimestampNs>,
    /// The zone of times without one.
    pub zone: TimeZone,
    /// Whether functions such as `abs` are computed when their arguments are constants.
    pub math: bool,
}

impl Scope {
    /// Nothing is known: only operators are folded.
    #[must_use]
    pub fn none() -> Self {
        Self {
            now: None,
            zone: TimeZone::UTC,
            math: false,
        }
    }

    /// The current time and the zone of the query.
    #[must_use]
    pub fn at(now: TimestampNs, zone: TimeZone) -> Self {
        Self {
            now: Some(now),
            zone,
            math: false,
        }
    }

    /// Math functions only.
    #[must_use]
    pub fn math() -> Self {
        Self {
            math: true,
            ..Self::none()
        }
    }
}

/// Folds what can be folded, and drops parentheses around the whole.
#[must_use]
pub fn reduce(expr: &Expr, scope: &Scope) -> Expr {
    match fold(expr, scope) {
        Expr::Paren(inner) => *inner,
        other => other,
    }
}

/// Folds what can be folded.
pub(super) fn fold(expr: &Expr, scope: &Scope) -> Expr {
    match expr {
        Expr::Binary(chain) => fold_chain(chain, scope),
        Expr::Call(call) => fold_call(call, scope),
        Expr::Paren(inner) => match fold(inner, scope) {
            binary @ Expr::Binary(_) => Expr::Paren(Box::new(binary)),
            other => other,
        },
        other => other.clone(),
    }
}

fn fold_chain(chain: &Chain, scope: &Scope) -> Expr {
    let first = fold(chain.first(), scope);
    let append = |left, (op, right): &(Op, Expr)| binary(*op, left, fold(right, scope), &scope.zone);
    chain.rest().iter().fold(first, append)
}

/// `left op right`, folded if both are constants or one of them decides.
pub(super) fn binary(op: Op, left: Expr, right: Expr, zone: &TimeZone) -> Expr {
    let (is_false, is_true) = (
        |e: &Expr| *e == Expr::Boolean(false),
        |e: &Expr| *e == Expr::Boolean(true),
    );
    match op {
        Op::And if is_false(&left) || is_false(&right) => return Expr::Boolean(false),
        Op::Or if is_true(&left) || is_true(&right) => return Expr::Boolean(true),
        Op::And if is_true(&left) => return right,
        Op::And if is_true(&right) => return left,
        Op::Or if is_false(&left) => return right,
        Op::Or if is_false(&right) => return left,
        _ => {}
    }
    literals::fold(op, &left, &right, zone).unwrap_or_else(|| Expr::binary(op, left, right))
}

fn fold_call(call: &Call, scope: &Scope) -> Expr {
    let args: Vec<Expr> = call.args.iter().map(|arg| fold(arg, scope)).collect();
    if let (Some(now), "now", []) = (scope.now, call.name.as_str(), args.as_slice()) {
        return Expr::Time(WideTime(now.0.into()));
    }
    if scope.math
        && args.iter().all(Expr::is_literal)
        && let Some(value) = math::call(&call.name, &args)
    {
        return value;
    }
    let name = call.name.clone();
    Expr::Call(Call { name, args })
}

#[cfg(test)]
mod tests;

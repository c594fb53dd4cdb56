//! `WHERE` is a range of time and a condition on tags and fields.
//!
//! Comparisons of `time` are taken out and intersected, wherever they stand: InfluxDB knows no `OR` of times. What is
//! left keeps its structure, with constants folded.

use super::ast::{Chain, Expr, Op};
use super::reduce::{Scope, binary, fold, reduce};
use super::timestamp::{looks_like_time, parse};
use super::validate::{InvalidStatement, go_type};
use crate::base::TimestampNs;

/// From when to when, both included; `None` is no bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The earliest nanosecond.
    pub min: Option<i64>,
    /// The latest nanosecond.
    pub max: Option<i64>,
}

impl TimeRange {
    /// What lies in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self {
            min: self.min.max(other.min),
            max: [self.max, other.max].into_iter().flatten().min(),
        }
    }

    /// The bounds, with InfluxDB's least and greatest time where there are none.
    #[must_use]
    pub fn bounds(self) -> (TimestampNs, TimestampNs) {
        let min = self.min.map_or(TimestampNs::MIN, TimestampNs);
        let max = self.max.map_or(TimestampNs::MAX, TimestampNs);
        (min, max)
    }
}

/// Splits a condition; `None` is left when nothing but time was compared, or all of it is true.
///
/// # Errors
/// When it is no condition (`WHERE x`), or time is compared with what is no time.
pub fn split(condition: Option<&Expr>, scope: &Scope) -> Result<(Option<Expr>, TimeRange), InvalidStatement> {
    let Some(condition) = condition else {
        return Ok((None, TimeRange::default()));
    };
    let (rest, range) = split_expr(condition, scope)?;
    let rest = match rest {
        Some(Expr::Paren(inner)) => Some(*inner),
        other => other,
    };
    Ok((rest.filter(|rest| *rest != Expr::Boolean(true)), range))
}

type Split = (Option<Expr>, TimeRange);

fn split_expr(condition: &Expr, scope: &Scope) -> Result<Split, InvalidStatement> {
    match condition {
        Expr::Binary(chain) if chain.precedence() <= Op::And.precedence() => split_logic(chain, scope),
        Expr::Binary(chain) => split_comparison(chain, scope),
        Expr::Paren(inner) => {
            let (rest, range) = split_expr(inner, scope)?;
            let rest = rest.map(|rest| fold(&Expr::Paren(Box::new(rest)), &Scope::none()));
            Ok((rest, range))
        }
        Expr::Boolean(_) => Ok((Some(condition.clone()), TimeRange::default())),
        other => Err(InvalidStatement::new(format!("invalid condition expression: {other}"))),
    }
}

fn split_logic(chain: &Chain, scope: &Scope) -> Result<Split, InvalidStatement> {
    let none = Scope::none();
    let (mut rest, mut range) = split_expr(chain.first(), scope)?;
    for (op, operand) in chain.rest() {
        let (right, right_range) = split_expr(operand, scope)?;
        range = range.intersect(right_range);
        rest = match (rest, right) {
            (Some(left), Some(right)) => Some(binary(*op, left, fold(&right, &none), &none.zone)),
            (left, right) => left.or(right),
        };
    }
    Ok((rest, range))
}

fn split_comparison(chain: &Chain, scope: &Scope) -> Result<Split, InvalidStatement> {
    let (left, op, right) = chain.split_last();
    if is_time(&left) {
        return Ok((None, time_range(op, right, scope)?));
    }
    if is_time(right) {
        return Ok((None, time_range(mirrored(op), &left, scope)?));
    }
    let whole = Expr::Binary(chain.clone());
    Ok((Some(fold(&whole, scope)), TimeRange::default()))
}

fn is_time(expr: &Expr) -> bool {
    matches!(expr, Expr::Ref(reference) if reference.is_time())
}

/// The operator that says the same with its operands exchanged.
fn mirrored(op: Op) -> Op {
    match op {
        Op::Gt => Op::Lt,
        Op::Lt => Op::Gt,
        Op::Gte => Op::Lte,
        Op::Lte => Op::Gte,
        other => other,
    }
}

/// The range that `time op value` describes.
fn time_range(op: Op, value: &Expr, scope: &Scope) -> Result<TimeRange, InvalidStatement> {
    let ns = nanoseconds(value, scope)?;
    let (min, max) = match op {
        Op::Gt => (Some(ns.saturating_add(1)), None),
        Op::Gte => (Some(ns), None),
        Op::Lt => (None, Some(ns.saturating_sub(1))),
        Op::Lte => (None, Some(ns)),
        Op::Eq => (Some(ns), Some(ns)),
        other => {
            let message = format!("invalid time comparison operator: {}", other.text());
            return Err(InvalidStatement::new(message));
        }
    };
    Ok(TimeRange { min, max })
}

fn nanoseconds(value: &Expr, scope: &Scope) -> Result<i64, InvalidStatement> {
    let value = match value {
        Expr::String(text) if looks_like_time(text) => {
            let time = parse(text, &scope.zone).ok_or_else(|| InvalidStatement::new("invalid timestamp string"))?;
            Expr::Time(time)
        }
        other => reduce(other, scope),
    };
    match value {
        Expr::Time(time) if time.0 > TimestampNs::MAX.0.into() => {
            let shown = time.to_seconds_string();
            Err(InvalidStatement::new(format!("time {shown} overflows time literal")))
        }
        Expr::Time(time) if time.0 <= TimestampNs::MIN.0.into() => {
            let shown = time.to_seconds_string();
            Err(InvalidStatement::new(format!("time {shown} underflows time literal")))
        }
        Expr::Time(time) => Ok(time.saturating_ns()),
        Expr::Duration(since_epoch) => Ok(since_epoch.0),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a time with a fraction of a nanosecond is cut"
        )]
        Expr::Number(value) => Ok(value as i64),
        Expr::Integer(value) => Ok(value),
        other => {
            let kind = go_type(&other);
            Err(InvalidStatement::new(format!(
                "invalid operation: time and {kind} are not compatible"
            )))
        }
    }
}

#[cfg(test)]
mod tests;

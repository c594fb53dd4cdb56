//! Operators between two constants.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::super::ast::{Expr, Op, WideTime};
use super::super::duration::DurationNs;
use super::super::timestamp::{looks_like_time, parse};

/// The value of `left op right`; `None` when InfluxDB leaves it as it is.
pub(super) fn fold(op: Op, left: &Expr, right: &Expr, zone: &TimeZone) -> Option<Expr> {
    match (left, right) {
        (Expr::Boolean(a), Expr::Boolean(b)) => booleans(op, *a, *b),
        (Expr::Integer(a), Expr::Integer(b)) => integers(op, *a, *b),
        (Expr::Integer(_) | Expr::Unsigned(_), Expr::Integer(_) | Expr::Unsigned(_)) => unsigned(op, left, right),
        (
            Expr::Number(_) | Expr::Integer(_) | Expr::Unsigned(_),
            Expr::Number(_) | Expr::Integer(_) | Expr::Unsigned(_),
        ) => numbers(op, as_float(left)?, as_float(right)?),
        (Expr::Duration(a), _) => duration(op, *a, right, zone),
        (Expr::Integer(a), _) => integer(op, *a, right, zone),
        (Expr::String(a), _) => string(op, a, right, zone),
        (Expr::Time(a), _) => time(op, *a, right, zone),
        (Expr::Boolean(_) | Expr::Number(_), Expr::Nil) => Some(Expr::Boolean(false)),
        (Expr::Nil, _) => nil(op),
        _ => None,
    }
}

fn booleans(op: Op, a: bool, b: bool) -> Option<Expr> {
    let value = match op {
        Op::Eq => a == b,
        Op::Neq | Op::BitXor => a != b,
        Op::And | Op::BitAnd => a && b,
        Op::Or | Op::BitOr => a || b,
        _ => return None,
    };
    Some(Expr::Boolean(value))
}

fn nil(op: Op) -> Option<Expr> {
    matches!(op, Op::Eq | Op::Neq).then_some(Expr::Boolean(false))
}

/// What a comparison says of two values in that order; a NaN has no order.
fn compare(op: Op, order: Option<Ordering>) -> Option<Expr> {
    let value = match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Neq => order != Some(Ordering::Equal),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Gte => order.is_some_and(Ordering::is_ge),
        Op::Lt => order == Some(Ordering::Less),
        Op::Lte => order.is_some_and(Ordering::is_le),
        _ => return None,
    };
    Some(Expr::Boolean(value))
}

fn numbers(op: Op, a: f64, b: f64) -> Option<Expr> {
    let value = match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div if b == 0.0 => 0.0,
        Op::Div => a / b,
        Op::Mod => a % b,
        _ => return compare(op, a.partial_cmp(&b)),
    };
    Some(Expr::Number(value))
}

fn integers(op: Op, a: i64, b: i64) -> Option<Expr> {
    let value = match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Div => return numbers(op, a as f64, b as f64),
        Op::Mod if b == 0 => 0,
        Op::Mod => a.wrapping_rem(b),
        Op::BitAnd => a & b,
        Op::BitOr => a | b,
        Op::BitXor => a ^ b,
        _ => return compare(op, Some(a.cmp(&b))),
    };
    Some(Expr::Integer(value))
}

/// At least one side is unsigned. A negative integer is less than any; otherwise its bits count.
fn unsigned(op: Op, left: &Expr, right: &Expr) -> Option<Expr> {
    let ordering = matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte);
    match (left, right) {
        (Expr::Integer(..0), _) if ordering => compare(op, Some(Ordering::Less)),
        (_, Expr::Integer(..0)) if ordering => compare(op, Some(Ordering::Greater)),
        _ => {
            let (a, b) = (bits(left)?, bits(right)?);
            let value = match op {
                Op::Add => a.wrapping_add(b),
                Op::Sub => a.wrapping_sub(b),
                Op::Mul => a.wrapping_mul(b),
                Op::Div => a.checked_div(b).unwrap_or(0),
                Op::Mod => a.checked_rem(b).unwrap_or(0),
                _ => return compare(op, Some(a.cmp(&b))),
            };
            Some(Expr::Unsigned(value))
        }
    }
}

fn bits(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Integer(value) => Some(value.cast_unsigned()),
        Expr::Unsigned(value) => Some(*value),
        _ => None,
    }
}

fn as_float(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(value) => Some(*value),
        Expr::Integer(value) => Some(*value as f64),
        Expr::Unsigned(value) => Some(*value as f64),
        _ => None,
    }
}

fn duration(op: Op, a: DurationNs, right: &Expr, zone: &TimeZone) -> Option<Expr> {
    let scaled = |by: i64| {
        let ns = match op {
            Op::Mul => a.0.wrapping_mul(by),
            Op::Div if by == 0 => 0,
            Op::Div => a.0.wrapping_div(by),
            _ => return None,
        };
        Some(Expr::Duration(DurationNs(ns)))
    };
    match right {
        Expr::Duration(b) => match op {
            Op::Add => Some(Expr::Duration(DurationNs(a.0.wrapping_add(b.0)))),
            Op::Sub => Some(Expr::Duration(DurationNs(a.0.wrapping_sub(b.0)))),
            _ => compare(op, Some(a.cmp(b))),
        },
        #[expect(clippy::cast_possible_truncation, reason = "InfluxDB cuts the fraction off as well")]
        Expr::Number(by) => scaled(*by as i64),
        Expr::Integer(by) => scaled(*by),
        Expr::Time(b) if op == Op::Add => Some(later(*b, a.0)),
        Expr::String(b) => duration(op, a, &as_time(b, zone)?, zone),
        Expr::Nil => Some(Expr::Boolean(false)),
        _ => None,
    }
}

/// An integer next to a time is a duration in nanoseconds; next to a duration it is a time.
fn integer(op: Op, a: i64, right: &Expr, zone: &TimeZone) -> Option<Expr> {
    match right {
        Expr::Duration(b) => shifted(op, WideTime(a.into()), *b),
        Expr::Time(_) => duration(op, DurationNs(a), right, zone),
        Expr::String(b) => duration(op, DurationNs(a), &as_time(b, zone)?, zone),
        Expr::Nil => Some(Expr::Boolean(false)),
        _ => None,
    }
}

fn string(op: Op, a: &str, right: &Expr, zone: &TimeZone) -> Option<Expr> {
    match (op, right) {
        (Op::Eq | Op::Neq, Expr::String(b)) => {
            let times = (looks_like_time(a) && looks_like_time(b))
                .then(|| Some((parse(a, zone)?, parse(b, zone)?)))
                .flatten();
            let order = times.map_or_else(|| a.cmp(b), |(a, b)| a.cmp(&b));
            compare(op, Some(order))
        }
        (Op::Add, Expr::String(b)) => Some(Expr::String(format!("{a}{b}"))),
        (_, Expr::String(_) | Expr::Duration(_) | Expr::Time(_) | Expr::Integer(_)) => {
            time(op, parse(a, zone)?, right, zone)
        }
        (_, Expr::Nil) => nil(op),
        _ => None,
    }
}

fn time(op: Op, a: WideTime, right: &Expr, zone: &TimeZone) -> Option<Expr> {
    match right {
        Expr::Duration(b) => shifted(op, a, *b),
        Expr::Integer(b) => shifted(op, a, DurationNs(*b)),
        Expr::Time(b) if op == Op::Sub => {
            let difference = WideTime(a.0.saturating_sub(b.0)).saturating_ns();
            Some(Expr::Duration(DurationNs(difference)))
        }
        Expr::Time(b) => compare(op, Some(a.cmp(b))),
        Expr::String(b) => time(op, a, &as_time(b, zone)?, zone),
        Expr::Nil => Some(Expr::Boolean(false)),
        _ => None,
    }
}

fn as_time(text: &str, zone: &TimeZone) -> Option<Expr> {
    parse(text, zone).map(Expr::Time)
}

fn shifted(op: Op, time: WideTime, by: DurationNs) -> Option<Expr> {
    match op {
        Op::Add => Some(later(time, by.0)),
        Op::Sub => Some(later(time, by.0.wrapping_neg())),
        _ => None,
    }
}

fn later(time: WideTime, ns: i64) -> Expr {
    Expr::Time(WideTime(time.0.saturating_add(ns.into())))
}

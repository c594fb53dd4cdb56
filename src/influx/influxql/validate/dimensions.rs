//! `GROUP BY`.

use jiff::tz::TimeZone;

use super::super::ast::{Call, Expr, Select, WideTime};
use super::super::duration::DurationNs;
use super::super::reduce::{Scope, reduce};
use super::super::timestamp::{looks_like_time, parse};
use super::InvalidStatement;
use crate::base::TimestampNs;

/// Nanoseconds from Go's zero time, 0001-01-01, to 1970; intervals are counted from there when an offset is a time.
const ZERO_TIME_NS: i128 = -62_135_596_800_000_000_000;

const BAD_OFFSET: &str = "time dimension offset must be duration or now()";

/// `GROUP BY time(duration, offset)`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The length of a window.
    pub duration: DurationNs,
    /// How far windows are moved; less than the length.
    pub offset: DurationNs,
}

/// The interval of the query; `None` without one or with one that is not longer than 0.
pub(super) fn check(
    dimensions: &[Expr],
    zone: &TimeZone,
    now: TimestampNs,
) -> Result<Option<Interval>, InvalidStatement> {
    let mut interval: Option<Interval> = None;
    for dimension in dimensions {
        match reduce(dimension, &Scope::none()) {
            Expr::Ref(reference) if reference.is_time() => {
                return fault("time() is a function and expects at least one argument");
            }
            Expr::Ref(_) | Expr::Wildcard(_) | Expr::Regex(_) => {}
            Expr::Call(call) => {
                let duration = window(&call)?;
                if interval.is_some_and(|interval| interval.duration != DurationNs(0)) {
                    return fault("multiple time dimensions not allowed");
                }
                let offset = match call.args.get(1) {
                    Some(arg) => offset(arg, duration, zone, now)?,
                    None => DurationNs(0),
                };
                interval = Some(Interval { duration, offset });
            }
            _ => return fault("only time and tag dimensions allowed"),
        }
    }
    Ok(interval.filter(|interval| interval.duration > DurationNs(0)))
}

fn window(call: &Call) -> Result<DurationNs, InvalidStatement> {
    if call.name != "time" {
        return fault("only time() calls allowed in dimensions");
    }
    match call.args.as_slice() {
        [Expr::Duration(duration)] | [Expr::Duration(duration), _] => Ok(*duration),
        [_] | [_, _] => fault("time dimension must have duration argument"),
        _ => fault("time dimension expected 1 or 2 arguments"),
    }
}

fn offset(arg: &Expr, window: DurationNs, zone: &TimeZone, now: TimestampNs) -> Result<DurationNs, InvalidStatement> {
    match arg {
        Expr::Duration(offset) => Ok(DurationNs(offset.0.checked_rem(window.0).unwrap_or(0))),
        Expr::Time(time) => Ok(since_window_start(*time, window)),
        Expr::Call(call) if call.name != "now" => fault("time dimension offset function must be now()"),
        Expr::Call(call) if !call.args.is_empty() => {
            fault("time dimension offset now() function requires no arguments")
        }
        Expr::Call(_) => Ok(since_window_start(WideTime(now.0.into()), window)),
        Expr::String(text) if looks_like_time(text) => {
            let Some(time) = parse(text, zone) else {
                return fault("invalid timestamp string");
            };
            Ok(since_window_start(time, window))
        }
        _ => fault(BAD_OFFSET),
    }
}

/// InfluxDB understands a time as an offset, and then fails on it when it runs the query.
pub(super) fn check_offsets(select: &Select) -> Result<(), InvalidStatement> {
    for dimension in &select.dimensions {
        if let Expr::Call(Call { args, .. }) = dimension
            && let [_, offset @ Expr::String(_)] = args.as_slice()
        {
            return fault(&format!("invalid time dimension offset: {offset}"));
        }
    }
    Ok(())
}

fn since_window_start(time: WideTime, window: DurationNs) -> DurationNs {
    let offset = (time.0 - ZERO_TIME_NS).checked_rem_euclid(window.0.into()).unwrap_or(0);
    DurationNs(WideTime(offset).saturating_ns())
}

fn fault<T>(message: &str) -> Result<T, InvalidStatement> {
    Err(InvalidStatement::new(message))
}

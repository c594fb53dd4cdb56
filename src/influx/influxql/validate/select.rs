//! The checks of a `SELECT` in InfluxDB's order, outer query before its subqueries.

use super::super::ast::{Expr, Fill, Select, Source, Wildcard};
use super::super::condition::{TimeRange, split};
use super::super::reduce::Scope;
use super::super::timestamp::zone;
use super::fields::Fields;
use super::{Interval, InvalidStatement, condition, dimensions};
use crate::base::TimestampNs;

/// The interval of one query, without those around and inside it; `None` without one or with one that is
/// not longer than 0.
///
/// # Errors
/// When `GROUP BY` has what does not belong there.
pub fn interval(select: &Select, now: TimestampNs) -> Result<Option<Interval>, InvalidStatement> {
    dimensions::check(&select.dimensions, &zone(select.time_zone.as_deref()), now)
}

/// What the checks found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The condition without time, constants folded.
    pub condition: Option<Expr>,
    /// The times asked for; an aggregation over intervals ends now when it does not say otherwise.
    pub time_range: TimeRange,
    /// `GROUP BY time(...)`
    pub interval: Option<Interval>,
}

/// Checks a query with all its subqueries.
///
/// # Errors
/// The first fault that InfluxDB would report.
pub fn check_select(select: &Select, now: TimestampNs) -> Result<Checked, InvalidStatement> {
    let mut checked = preprocess(select, now)?;
    check_fields(select, select.fill, &checked, false)?;
    check_subqueries(select, &checked, select.is_ascending(), now)?;
    check_tag_wildcards(select)?;
    // InfluxDB splits the condition again before it runs the query. What only now looks like a comparison of time,
    // as "(time) > 5" does without its parentheses, is checked and then ignored.
    (checked.condition, _) = split(checked.condition.as_ref(), &scope(select, now))?;
    dimensions::check_offsets(select)?;
    Ok(checked)
}

fn scope(select: &Select, now: TimestampNs) -> Scope {
    Scope::at(now, zone(select.time_zone.as_deref()))
}

fn preprocess(select: &Select, now: TimestampNs) -> Result<Checked, InvalidStatement> {
    let known = scope(select, now);
    let (condition, mut time_range) = split(select.condition.as_ref(), &known)?;
    if let Some(condition) = &condition {
        condition::check(condition)?;
    }
    let interval = dimensions::check(&select.dimensions, &known.zone, now)?;
    if interval.is_some() {
        time_range.max = time_range.max.or(Some(now.0));
    }
    Ok(Checked {
        condition,
        time_range,
        interval,
    })
}

/// `inherited` when the interval is the outer query's.
fn check_fields(select: &Select, fill: Fill, checked: &Checked, inherited: bool) -> Result<(), InvalidStatement> {
    let needs_function = match fill {
        Fill::None => Some("none"),
        Fill::Linear => Some("linear"),
        _ => None,
    };
    Fields::check(select, checked.interval.is_some(), inherited)?.check_together(needs_function)
}

fn check_subqueries(
    select: &Select,
    outer: &Checked,
    ascending: bool,
    now: TimestampNs,
) -> Result<(), InvalidStatement> {
    for source in &select.sources {
        let Source::Subquery(inner) = source else {
            continue;
        };
        let mut checked = preprocess(inner, now)?;
        if inner.order.is_some() && inner.is_ascending() != ascending {
            return Err(InvalidStatement::new(
                "subqueries must be ordered in the same direction as the query itself",
            ));
        }
        let fill = match inner.fill {
            // InfluxDB leaves empty windows of a subquery out, as if fill(none) were said.
            Fill::Null if checked.interval.is_some() => Fill::None,
            other => other,
        };
        let inherited = checked.interval.is_none() && outer.interval.is_some();
        checked.interval = checked.interval.or(outer.interval);
        check_fields(inner, fill, &checked, inherited)?;
        check_subqueries(inner, &checked, ascending, now)?;
    }
    Ok(())
}

/// A function takes no tags, innermost queries first.
fn check_tag_wildcards(select: &Select) -> Result<(), InvalidStatement> {
    for source in &select.sources {
        if let Source::Subquery(inner) = source {
            check_tag_wildcards(inner)?;
        }
    }
    for field in &select.fields {
        let mut expr = &field.expr;
        while let Expr::Call(call) = expr {
            let Some(first) = call.args.first() else {
                break;
            };
            if *first == Expr::Wildcard(Wildcard::Tags) {
                let name = &call.name;
                return Err(InvalidStatement::new(format!("unable to use tag wildcard in {name}()")));
            }
            expr = first;
        }
    }
    Ok(())
}

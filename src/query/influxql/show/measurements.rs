//! `SHOW MEASUREMENTS`.
//!
//! Its `WHERE` asks of a measurement, not of its series: `tag = 'x'` whether any series has that value, `tag != 'x'`
//! whether none has it. Either way the measurement must have the tag at all.

use super::condition::go_syntax;
use super::places::matching;
use super::{ShowError, filled_table, paged};
use crate::influx::influxql::ast::{Expr, Op, ShowMeasurements, VarRef};
use crate::influx::result::{Series, Value};
use crate::query::source::SeriesSource;

pub(super) fn list(source: &dyn SeriesSource, show: &ShowMeasurements, db: &str) -> Result<Vec<Series>, ShowError> {
    if let Some(condition) = &show.condition {
        check(condition)?;
    }
    let all = source.measurements(db);
    let named = match &show.with {
        Some(with) => matching(&all, &with.name)?,
        None => all,
    };
    let mut found = Vec::new();
    for name in named {
        let matches = match &show.condition {
            Some(condition) => holds(source, db, &name, condition)?,
            None => true,
        };
        if matches {
            found.push(vec![Value::from(name.as_ref())]);
        }
    }
    let rows = paged(found, show.page);
    Ok(filled_table("measurements", &["name"], rows).into_iter().collect())
}

/// A tag, an operator, a text or regular expression; nothing else.
fn check(condition: &Expr) -> Result<(), ShowError> {
    let chain = match condition {
        Expr::Paren(inner) => return check(inner),
        Expr::Binary(chain) => chain,
        other => return Err(ShowError::Condition(go_syntax(other))),
    };
    if chain.precedence() <= Op::And.precedence() {
        return chain.operands().try_for_each(check);
    }
    let (left, op, right) = chain.split_last();
    let refused = |side: &str, wanted: &str| {
        let op = op.text();
        Err(ShowError::Condition(format!(
            "{side} side of '{op}' must be a {wanted}"
        )))
    };
    match (op, &left, right) {
        (Op::Eq | Op::Neq, Expr::Ref(_), Expr::String(_)) => Ok(()),
        (Op::EqRegex | Op::NeqRegex, Expr::Ref(_), Expr::Regex(_)) => Ok(()),
        (Op::Eq | Op::Neq, Expr::Ref(_), _) => refused("right", "tag value string"),
        (Op::EqRegex | Op::NeqRegex, Expr::Ref(_), _) => refused("right", "regular expression"),
        (Op::Eq | Op::Neq | Op::EqRegex | Op::NeqRegex, _, _) => refused("left", "tag key"),
        _ => Err(ShowError::Condition("invalid tag comparison operator".to_owned())),
    }
}

/// Whether a checked condition holds of a measurement.
fn holds(source: &dyn SeriesSource, db: &str, name: &str, condition: &Expr) -> Result<bool, ShowError> {
    let chain = match condition {
        Expr::Paren(inner) => return holds(source, db, name, inner),
        Expr::Binary(chain) => chain,
        _ => return Ok(false),
    };
    if chain.precedence() <= Op::And.precedence() {
        let is_and = chain.precedence() == Op::And.precedence();
        for operand in chain.operands() {
            if holds(source, db, name, operand)? != is_and {
                return Ok(!is_and);
            }
        }
        return Ok(is_and);
    }
    match chain.split_last() {
        (Expr::Ref(key), op, value) => compare(source, db, name, &key, op, value),
        _ => Ok(false),
    }
}

fn compare(
    source: &dyn SeriesSource,
    db: &str,
    name: &str,
    key: &VarRef,
    op: Op,
    value: &Expr,
) -> Result<bool, ShowError> {
    let matches: Box<dyn Fn(&str) -> bool> = match value {
        Expr::String(text) => Box::new(move |other| other == text),
        Expr::Regex(pattern) => {
            let regex = pattern.compile()?;
            Box::new(move |other| regex.is_match(other))
        }
        _ => return Ok(false),
    };
    let is_positive = matches!(op, Op::Eq | Op::EqRegex);
    if key.name == "_name" {
        return Ok(matches(name) == is_positive);
    }
    let values = source.tag_values(db, name, &key.name);
    let any = values.iter().any(|value| matches(value));
    Ok(!values.is_empty() && any == is_positive)
}

//! `WHERE` of a `SHOW`, as a filter on the series of one measurement.
//!
//! Time is left out, see [`super`]. What InfluxDB makes of the rest depends on the statement:
//!
//! | | series | tag keys | tag values | cardinality | cardinality of tag values |
//! |---|---|---|---|---|---|
//! | `tag = 'x'`, `!=`, `=~`, `!~` | as it says | as it says | as it says | as it says | as it says |
//! | `'x' = tag` | as it says | everything | an error | as it says | as it says |
//! | a series without the tag | has the empty text | so here | so here | so here | does not match |
//! | `_name = 'x'` | the measurement | so here | so here | so here | nothing |
//! | `tag = tag` | both are there | so here | so here | nothing | nothing |
//! | `tag != tag` | only the left is there | so here | so here | nothing | nothing |
//! | of a field, with a number or boolean | everything | everything | everything | nothing | nothing |
//! | `<` and the like | an error | an error | an error | nothing | nothing |
//! | `+` and the like | an error | everything | an error | nothing | nothing |

use std::sync::Arc;

use crate::base::TimestampNs;
use crate::influx::influxql::ast::{Expr, Op, VarRef};
use crate::influx::influxql::condition::{TimeRange, split};
use crate::influx::influxql::reduce::Scope;
use crate::query::influxql::tag_filter::comparison;
use crate::query::source::TagFilter;

use super::ShowError;

/// A time that is later than any other in the statement is meant to be: 2116. The lists do not know when it is now, and
/// no more than whether 1970 is in a range is ever asked.
const NOW: TimestampNs = TimestampNs(1 << 62);

/// Which column of the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    Series,
    TagKeys,
    TagValues,
    Cardinality,
    TagValueCardinality,
}

/// What is known of the measurement.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) is_field: &'a dyn Fn(&str) -> bool,
}

/// The condition without time, and the time.
pub(super) fn without_time(condition: Option<&Expr>) -> Result<(Option<Expr>, TimeRange), ShowError> {
    let scope = Scope {
        now: Some(NOW),
        ..Scope::none()
    };
    split(condition, &scope).map_err(|error| ShowError::Condition(error.to_string()))
}

/// Refuses what the table calls an error.
pub(super) fn check(condition: &Expr, rules: Rules) -> Result<(), ShowError> {
    match rules {
        Rules::Series => check_operators(condition),
        Rules::TagKeys | Rules::TagValues => check_operands(condition, rules),
        Rules::Cardinality | Rules::TagValueCardinality => Ok(()),
    }
}

/// Operators must be answerable wherever they stand.
fn check_operators(condition: &Expr) -> Result<(), ShowError> {
    let mut is_good = true;
    condition.walk(&mut |expr| {
        if let Expr::Binary(chain) = expr {
            let is_known = |op: Op| matches!(op, Op::And | Op::Or) || is_comparison(op);
            is_good &= chain.rest().iter().all(|(op, _)| is_known(*op));
        }
        is_good
    });
    if is_good { Ok(()) } else { Err(bad_operator()) }
}

/// Every operand of `AND` and `OR` must be a comparison.
fn check_operands(condition: &Expr, rules: Rules) -> Result<(), ShowError> {
    match condition {
        Expr::Paren(inner) => check_operands(inner, rules),
        Expr::Binary(chain) if chain.precedence() <= Op::And.precedence() => {
            chain.operands().try_for_each(|operand| check_operands(operand, rules))
        }
        Expr::Binary(chain) => match chain.split_last() {
            (_, op, _) if !is_comparison(op) => Err(bad_operator()),
            (Expr::Ref(_), _, _) => Ok(()),
            (_, op, _) if rules == Rules::TagValues => {
                let op = op.text();
                Err(ShowError::Condition(format!("left side of '{op}' must be a tag key")))
            }
            _ => Ok(()),
        },
        other => Err(ShowError::Condition(go_syntax(other))),
    }
}

fn is_comparison(op: Op) -> bool {
    matches!(op, Op::Eq | Op::Neq | Op::EqRegex | Op::NeqRegex)
}

fn bad_operator() -> ShowError {
    ShowError::Condition("invalid tag comparison operator".to_owned())
}

/// How Go prints the syntax tree of an operand.
pub(super) fn go_syntax(expr: &Expr) -> String {
    match expr {
        Expr::Ref(reference) => format!("&influxql.VarRef{{Val:{:?}, Type:0}}", reference.name),
        Expr::Boolean(value) => format!("&influxql.BooleanLiteral{{Val:{value}}}"),
        Expr::Integer(value) => format!("&influxql.IntegerLiteral{{Val:{value}}}"),
        Expr::Number(value) => format!("&influxql.NumberLiteral{{Val:{value}}}"),
        Expr::String(value) => format!("&influxql.StringLiteral{{Val:{value:?}}}"),
        other => format!("invalid condition expression: {other}"),
    }
}

/// The filter of a condition without time; of none, everything.
pub(super) fn filter(condition: Option<&Expr>, subject: &Subject<'_>, rules: Rules) -> Result<TagFilter, ShowError> {
    let Some(condition) = condition else {
        return Ok(TagFilter::All);
    };
    match condition {
        Expr::Paren(inner) => filter(Some(inner), subject, rules),
        Expr::Boolean(true) => Ok(TagFilter::All),
        Expr::Boolean(false) => Ok(TagFilter::None),
        Expr::Binary(chain) if chain.precedence() <= Op::And.precedence() => {
            let operands = chain.operands().map(|operand| filter(Some(operand), subject, rules));
            let operands = operands.collect::<Result<Vec<_>, _>>()?;
            Ok(if chain.precedence() == Op::And.precedence() {
                TagFilter::And(operands)
            } else {
                TagFilter::Or(operands)
            })
        }
        Expr::Binary(chain) => {
            let (left, op, right) = chain.split_last();
            compared(&left, op, right, subject, rules)
        }
        _ => Ok(rules.unknown()),
    }
}

fn compared(left: &Expr, op: Op, right: &Expr, subject: &Subject<'_>, rules: Rules) -> Result<TagFilter, ShowError> {
    let (key, value) = match (left, right) {
        (Expr::Ref(key), value) => (key, value),
        (value, Expr::Ref(key)) if rules != Rules::TagKeys => (key, value),
        _ => return Ok(rules.unknown()),
    };
    if key.name == "_name" && rules != Rules::TagValueCardinality {
        return named(op, value, subject.name);
    }
    let is_tag = |reference: &VarRef| !(subject.is_field)(&reference.name);
    if let Expr::Ref(other) = value
        && rules.is_list()
        && is_tag(key)
        && is_tag(other)
    {
        return Ok(both(op, key, other));
    }
    let Some(found) = comparison(left, op, right, &is_tag)? else {
        return Ok(rules.unknown());
    };
    Ok(match rules {
        Rules::TagValueCardinality => TagFilter::And(vec![has(&key.name), found]),
        _ => found,
    })
}

/// Whether the measurement has the name, for all its series.
fn named(op: Op, value: &Expr, name: &str) -> Result<TagFilter, ShowError> {
    let matches = match (op, value) {
        (Op::Eq, Expr::String(text)) => name == text,
        (Op::Neq, Expr::String(text)) => name != text,
        (Op::EqRegex, Expr::Regex(pattern)) => pattern.compile()?.is_match(name),
        (Op::NeqRegex, Expr::Regex(pattern)) => !pattern.compile()?.is_match(name),
        _ => false,
    };
    Ok(if matches { TagFilter::All } else { TagFilter::None })
}

/// InfluxDB's indexes compare two tags by whether they are there.
fn both(op: Op, left: &VarRef, right: &VarRef) -> TagFilter {
    let right = match op {
        Op::Eq => has(&right.name),
        _ => TagFilter::Equal(Arc::from(right.name.as_str()), Arc::from("")),
    };
    TagFilter::And(vec![has(&left.name), right])
}

fn has(key: &str) -> TagFilter {
    TagFilter::NotEqual(Arc::from(key), Arc::from(""))
}

impl Rules {
    fn is_list(self) -> bool {
        match self {
            Self::Series | Self::TagKeys | Self::TagValues => true,
            Self::Cardinality | Self::TagValueCardinality => false,
        }
    }

    /// What a comparison selects that tags do not answer.
    fn unknown(self) -> TagFilter {
        if self.is_list() {
            TagFilter::All
        } else {
            TagFilter::None
        }
    }
}

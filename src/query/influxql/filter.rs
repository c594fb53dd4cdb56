//! `WHERE` over one measurement: what tags decide, and what is left for each row.
//!
//! A comparison of a tag with a text or regular expression holds for a whole series, where a tag that the series does
//! not have counts as the empty text. So does that of a name that is neither field nor tag. Everything else is computed
//! for each row. Both may be mixed in any way: the source is asked for a superset by tags, and what is then left of the
//! condition differs from series to series.

use std::sync::Arc;

use super::error::QueryError;
use super::resolve::Table;
use crate::influx::influxql::ast::{Chain, DataType, Expr, Op};
use crate::query::source::{Series, TagFilter};

/// A condition taken apart.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    /// Decided by the tags of a series.
    Tag(TagFilter),
    /// To be computed for each row.
    Row(Expr),
    /// All of these.
    And(Vec<Filter>),
    /// One of these.
    Or(Vec<Filter>),
}

/// What is left of a condition for one series.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rest {
    /// Every row.
    All,
    /// No row.
    None,
    /// The rows for which this is true.
    Rows(Expr),
}

impl Filter {
    /// Takes a typed condition apart.
    ///
    /// # Errors
    /// When a regular expression cannot be run.
    pub(super) fn new(condition: Option<&Expr>, table: &Table) -> Result<Self, QueryError> {
        match condition {
            None => Ok(Self::Tag(TagFilter::All)),
            Some(Expr::Paren(inner)) => Self::new(Some(inner), table),
            Some(Expr::Boolean(true)) => Ok(Self::Tag(TagFilter::All)),
            Some(Expr::Binary(chain)) if chain.precedence() <= Op::And.precedence() => {
                let parts = chain.operands().map(|operand| Self::new(Some(operand), table));
                let parts = parts.collect::<Result<_, _>>()?;
                let is_and = chain.precedence() == Op::And.precedence();
                Ok(if is_and { Self::And(parts) } else { Self::Or(parts) })
            }
            Some(Expr::Binary(chain)) => Self::comparison(chain, table),
            Some(_) => Ok(Self::Tag(TagFilter::None)),
        }
    }

    fn comparison(chain: &Chain, table: &Table) -> Result<Self, QueryError> {
        let row = || Ok(Self::Row(Expr::Binary(chain.clone())));
        let [(op, right)] = chain.rest() else {
            return row();
        };
        let (key, value) = match (chain.first(), right) {
            (Expr::Binary(_), _) | (_, Expr::Binary(_)) => return row(),
            (Expr::Ref(key), value) | (value, Expr::Ref(key)) => (key, value),
            _ => return row(),
        };
        if !matches!(key.cast, Some(DataType::Tag) | None) {
            return row();
        }
        let name: Arc<str> = key.name.as_str().into();
        let filter = match (op, value) {
            (op, Expr::String(text)) if key.name == "_name" => named(*op, text == &*table.name),
            (Op::Eq, Expr::String(text)) => TagFilter::Equal(name, text.as_str().into()),
            (Op::Neq, Expr::String(text)) => TagFilter::NotEqual(name, text.as_str().into()),
            (Op::EqRegex, Expr::Regex(pattern)) => TagFilter::Matches(name, Arc::new(pattern.compile()?)),
            (Op::NeqRegex, Expr::Regex(pattern)) => TagFilter::MatchesNot(name, Arc::new(pattern.compile()?)),
            (_, Expr::String(_)) => TagFilter::None,
            _ => return row(),
        };
        Ok(Self::Tag(filter))
    }

    /// Selects at least the series that have rows.
    pub(super) fn superset(&self) -> TagFilter {
        match self {
            Self::Tag(filter) => filter.clone(),
            Self::Row(_) => TagFilter::All,
            Self::And(parts) => TagFilter::And(parts.iter().map(Self::superset).collect()),
            Self::Or(parts) => TagFilter::Or(parts.iter().map(Self::superset).collect()),
        }
    }

    /// What is left for that series.
    pub(super) fn rest(&self, series: &Series) -> Rest {
        match self {
            Self::Tag(filter) if selects(filter, series) => Rest::All,
            Self::Tag(_) => Rest::None,
            Self::Row(expr) => Rest::Rows(expr.clone()),
            Self::And(parts) => {
                let rests = parts.iter().map(|part| part.rest(series));
                rests.fold(Rest::All, |left, right| match (left, right) {
                    (Rest::None, _) | (_, Rest::None) => Rest::None,
                    (Rest::All, other) | (other, Rest::All) => other,
                    (Rest::Rows(left), Rest::Rows(right)) => Rest::Rows(Expr::binary(Op::And, left, right)),
                })
            }
            Self::Or(parts) => {
                let rests = parts.iter().map(|part| part.rest(series));
                rests.fold(Rest::None, |left, right| match (left, right) {
                    (Rest::All, _) | (_, Rest::All) => Rest::All,
                    (Rest::None, other) | (other, Rest::None) => other,
                    (Rest::Rows(left), Rest::Rows(right)) => Rest::Rows(Expr::binary(Op::Or, left, right)),
                })
            }
        }
    }
}

fn named(op: Op, is_name: bool) -> TagFilter {
    match (op, is_name) {
        (Op::Eq, true) | (Op::Neq, false) => TagFilter::All,
        _ => TagFilter::None,
    }
}

/// The value of a tag, empty if the series does not have it.
pub(super) fn tag_value<'a>(series: &'a Series, key: &str) -> &'a str {
    let found = series.tags.binary_search_by(|(known, _)| (**known).cmp(key));
    found
        .ok()
        .and_then(|at| series.tags.get(at))
        .map_or("", |(_, value)| value)
}

/// Whether a filter selects a series.
pub(super) fn selects(filter: &TagFilter, series: &Series) -> bool {
    match filter {
        TagFilter::All => true,
        TagFilter::None => false,
        TagFilter::Equal(key, value) => tag_value(series, key) == &**value,
        TagFilter::NotEqual(key, value) => tag_value(series, key) != &**value,
        TagFilter::Matches(key, regex) => regex.is_match(tag_value(series, key)),
        TagFilter::MatchesNot(key, regex) => !regex.is_match(tag_value(series, key)),
        TagFilter::And(parts) => parts.iter().all(|part| selects(part, series)),
        TagFilter::Or(parts) => parts.iter().any(|part| selects(part, series)),
    }
}

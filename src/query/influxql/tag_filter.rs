//! The part of a condition that selects series, as an index can answer it.

use std::sync::Arc;

use crate::influx::influxql::InvalidRegex;
use crate::influx::influxql::ast::{Chain, DataType, Expr, Op, VarRef};
use crate::query::source::TagFilter;

/// A condition in two parts. A row matches the condition if and only if `filter` selects its series and `rest`, if there
/// is one, is true of it.
#[derive(Debug, Clone)]
pub struct TagCondition {
    /// Selects series. A series that it does not select has no row that matches.
    pub filter: TagFilter,
    /// What is left to ask of each row of the series selected. It may name tags, too: of `host = 'a' OR v > 1` all is
    /// left. `None`: every row matches.
    pub rest: Option<Expr>,
}

/// Splits a condition without time (see [`crate::influx::influxql::condition::split`]) by what can be asked of tags.
///
/// `is_tag` says of a name without a cast whether it is a tag, not a field; one that is neither is best called a tag,
/// which InfluxDB takes it for. `::tag` decides for a tag, other casts against it.
///
/// Turned into the filter are, also under `AND`, `OR` and parentheses:
/// * `tag = 'text'`, `tag != 'text'`, with sides exchanged, too; a series without the tag has the empty text;
/// * `tag =~ /re/`, `tag !~ /re/`;
/// * `true` and `false`.
///
/// Everything else is left: other operators, comparisons with numbers, of two references, with fields. The operands of
/// an `AND` are split one by one; an `OR` that is not wholly of tags is left as a whole, and narrows the filter as far
/// as each of its operands does.
///
/// # Errors
/// When a regular expression is too large to run.
pub fn tag_filter(expr: &Expr, is_tag: impl Fn(&str) -> bool) -> Result<TagCondition, InvalidRegex> {
    split(expr, &|reference| match reference.cast {
        Some(cast) => cast == DataType::Tag,
        None => is_tag(&reference.name),
    })
}

fn split(expr: &Expr, is_tag: &dyn Fn(&VarRef) -> bool) -> Result<TagCondition, InvalidRegex> {
    match expr {
        Expr::Paren(inner) => split(inner, is_tag),
        Expr::Boolean(true) => Ok(TagCondition::whole(TagFilter::All)),
        Expr::Boolean(false) => Ok(TagCondition::whole(TagFilter::None)),
        Expr::Binary(chain) if chain.precedence() == Op::And.precedence() => split_and(chain, is_tag),
        Expr::Binary(chain) if chain.precedence() == Op::Or.precedence() => split_or(expr, chain, is_tag),
        Expr::Binary(chain) => {
            let (left, op, right) = chain.split_last();
            match comparison(&left, op, right, is_tag)? {
                Some(filter) => Ok(TagCondition::whole(filter)),
                None => Ok(TagCondition::left(expr)),
            }
        }
        _ => Ok(TagCondition::left(expr)),
    }
}

fn split_and(chain: &Chain, is_tag: &dyn Fn(&VarRef) -> bool) -> Result<TagCondition, InvalidRegex> {
    let mut filters = Vec::new();
    let mut rest: Option<Expr> = None;
    for operand in chain.operands() {
        let part = split(operand, is_tag)?;
        filters.push(part.filter);
        rest = match (rest, part.rest) {
            (Some(left), Some(right)) => Some(Expr::binary(Op::And, left, right)),
            (left, right) => left.or(right),
        };
    }
    let filter = TagFilter::And(filters);
    Ok(TagCondition { filter, rest })
}

fn split_or(whole: &Expr, chain: &Chain, is_tag: &dyn Fn(&VarRef) -> bool) -> Result<TagCondition, InvalidRegex> {
    let parts: Vec<TagCondition> = chain
        .operands()
        .map(|operand| split(operand, is_tag))
        .collect::<Result<_, _>>()?;
    let is_exact = parts.iter().all(|part| part.rest.is_none());
    let filter = TagFilter::Or(parts.into_iter().map(|part| part.filter).collect());
    let rest = (!is_exact).then(|| whole.clone());
    Ok(TagCondition { filter, rest })
}

/// The filter of one comparison of a tag with a constant; `None` of any other.
pub(super) fn comparison(
    left: &Expr,
    op: Op,
    right: &Expr,
    is_tag: &dyn Fn(&VarRef) -> bool,
) -> Result<Option<TagFilter>, InvalidRegex> {
    let (tag, value) = match (left, right) {
        (Expr::Ref(tag), value) | (value, Expr::Ref(tag)) if is_tag(tag) => (tag, value),
        _ => return Ok(None),
    };
    let key = || Arc::from(tag.name.as_str());
    Ok(match (op, value) {
        (Op::Eq, Expr::String(text)) => Some(TagFilter::Equal(key(), Arc::from(text.as_str()))),
        (Op::Neq, Expr::String(text)) => Some(TagFilter::NotEqual(key(), Arc::from(text.as_str()))),
        (Op::EqRegex, Expr::Regex(pattern)) => Some(TagFilter::Matches(key(), Arc::new(pattern.compile()?))),
        (Op::NeqRegex, Expr::Regex(pattern)) => Some(TagFilter::MatchesNot(key(), Arc::new(pattern.compile()?))),
        _ => None,
    })
}

impl TagCondition {
    fn whole(filter: TagFilter) -> Self {
        Self { filter, rest: None }
    }

    fn left(expr: &Expr) -> Self {
        Self {
            filter: TagFilter::All,
            rest: Some(expr.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::influx::influxql::parse_expr;

    fn shown(filter: &TagFilter) -> String {
        let all = |filters: &[TagFilter], word: &str| {
            let parts: Vec<String> = filters.iter().map(shown).collect();
            format!("({})", parts.join(word))
        };
        match filter {
            TagFilter::All => "all".to_owned(),
            TagFilter::None => "none".to_owned(),
            TagFilter::Equal(key, value) => format!("{key}={value}"),
            TagFilter::NotEqual(key, value) => format!("{key}!={value}"),
            TagFilter::Matches(key, re) => format!("{key}~{re}"),
            TagFilter::MatchesNot(key, re) => format!("{key}!~{re}"),
            TagFilter::And(filters) => all(filters, " & "),
            TagFilter::Or(filters) => all(filters, " | "),
        }
    }

    /// Names that begin with `f` are fields.
    fn check(condition: &str, filter: &str, rest: &str) {
        let split = tag_filter(&parse_expr(condition).unwrap(), |name| !name.starts_with('f')).unwrap();
        let left = split.rest.map(|rest| rest.to_string()).unwrap_or_default();
        assert_eq!(
            (shown(&split.filter).as_str(), left.as_str()),
            (filter, rest),
            "{condition}"
        );
    }

    #[test]
    fn comparisons_of_tags_are_wholly_turned() {
        check("a = 'x'", "a=x", "");
        check("'x' != a", "a!=x", "");
        check("a =~ /x/", "a~x", "");
        check("(a !~ /x/)", "a!~x", "");
        check("a::tag = ''", "a=", "");
        check("f::tag = 'x'", "f=x", "");
        check("a = 'x' AND (b = 'y' OR c = 'z')", "(a=x & (b=y | c=z))", "");
        check("false", "none", "");
    }

    #[test]
    fn everything_else_is_left() {
        check("f = 'x'", "all", "f = 'x'");
        check("a::field = 'x'", "all", "a::field = 'x'");
        check("a > 'x'", "all", "a > 'x'");
        check("a = 1", "all", "a = 1");
        check("a = b", "all", "a = b");
        check("f + 1 = 2", "all", "f + 1 = 2");
    }

    #[test]
    fn mixed_conditions_are_split_where_they_can_be() {
        check("a = 'x' AND f > 1", "(a=x & all)", "f > 1");
        check("f > 1 AND a = 'x' AND f < 5", "(all & a=x & all)", "f > 1 AND f < 5");
        check("a = 'x' OR f > 1", "(a=x | all)", "a = 'x' OR f > 1");
        check(
            "(a = 'x' AND f > 1) OR b = 'y'",
            "((a=x & all) | b=y)",
            "(a = 'x' AND f > 1) OR b = 'y'",
        );
    }
}

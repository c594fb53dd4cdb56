//! Subqueries: what of an inner query's rows an outer one reads.

use super::super::cast::field_type;
use super::super::env::Context;
use super::super::error::QueryError;
use super::super::expr::Program;
use super::super::resolve::Resolved;
use super::calls::best_of_tags;
use super::{Outer, Query};
use crate::influx::influxql::ast::{Expr, VarRef};
use crate::influx::influxql::condition::split;
use crate::influx::influxql::reduce::Scope;
use crate::influx::influxql::timestamp::zone;
use crate::influx::influxql::validate::{Checked, interval};
use crate::query::source::FieldType;

/// An inner query and what is read of its rows.
#[derive(Debug)]
pub(in super::super) struct Nested {
    /// The inner query.
    pub(in super::super) query: Query,
    /// Where the outer query's needs come from.
    pub(in super::super) mappings: Vec<Mapping>,
    /// The outer query's condition, with where its references come from.
    pub(in super::super) condition: Option<(Program, Vec<Mapping>)>,
}

/// Where a cell comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Mapping {
    /// A column, as that type.
    Column(usize, Option<FieldType>),
    /// A tag; empty text if the row does not have it.
    Tag(String),
    /// Nowhere.
    Nothing,
}

/// Builds an inner query for an outer one.
pub(super) fn build(
    inner: Resolved,
    outer: &Query,
    condition: Option<&Expr>,
    context: &Context<'_>,
) -> Result<Nested, QueryError> {
    let mappings = outer
        .needs
        .iter()
        .map(|need| mapping(&inner, &need.reference))
        .collect();
    let condition = condition.map(|condition| filter(&inner, condition)).transpose()?;
    let scope = Scope::at(context.now, zone(inner.select.time_zone.as_deref()));
    let (own_condition, time_range) = split(inner.select.condition.as_ref(), &scope)?;
    let checked = Checked {
        condition: own_condition,
        time_range,
        interval: interval(&inner.select, context.now)?,
    };
    let handed_down = Outer {
        windows: &outer.windows,
        read: outer.read,
        ascending: outer.ascending,
        group_by: &outer.group_by,
        dimensions: &outer.dimensions,
        series: outer.series,
    };
    let query = super::build(inner, checked, Some(&handed_down), context)?;
    Ok(Nested {
        query,
        mappings,
        condition,
    })
}

/// A column is found by the name that its expression suggests, else a tag by which the inner query groups.
fn mapping(inner: &Resolved, reference: &VarRef) -> Mapping {
    let kind = reference.cast.and_then(field_type);
    let mut at = 0;
    for field in &inner.select.fields {
        if field.name() == reference.name {
            return Mapping::Column(at, kind);
        }
        at += 1;
        if let Expr::Call(call) = &field.expr {
            for tag in best_of_tags(call) {
                if tag.name == reference.name {
                    return Mapping::Column(at, Some(FieldType::String));
                }
                at += 1;
            }
        }
    }
    if inner.dimensions().any(|dimension| dimension == reference.name) {
        return Mapping::Tag(reference.name.clone());
    }
    Mapping::Nothing
}

/// In a condition a column is found by the name under which it would be shown, and everything else is taken for a tag.
fn filter(inner: &Resolved, condition: &Expr) -> Result<(Program, Vec<Mapping>), QueryError> {
    let columns = inner.select.column_names();
    let mut refs: Vec<VarRef> = Vec::new();
    let program = Program::compile(condition, &mut |expr| {
        let Expr::Ref(reference) = expr else {
            return None;
        };
        let known = refs.iter().position(|known| known == reference);
        Some(known.unwrap_or_else(|| {
            refs.push(reference.clone());
            refs.len() - 1
        }))
    })?;
    let mapping = |reference: &VarRef| match columns.iter().position(|column| *column == reference.name) {
        Some(at) => Mapping::Column(at, reference.cast.and_then(field_type)),
        None => Mapping::Tag(reference.name.clone()),
    };
    let mappings = refs.iter().map(mapping).collect();
    Ok((program, mappings))
}

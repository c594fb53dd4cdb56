//! `*`, `*::field`, `/regex/` and `mean(*)` replaced by what they stand for.

use std::collections::BTreeSet;

use regex::Regex;

use super::error::QueryError;
use super::resolve::{Input, Schema};
use crate::influx::influxql::ast::{Call, DataType, Expr, Field, Select, VarRef, Wildcard};

/// Replaces the wildcards of a query.
///
/// # Errors
/// When a regular expression cannot be run, or the schema of a subquery has types that do not go together.
pub(super) fn expand(select: &mut Select, sources: &[Input]) -> Result<(), QueryError> {
    let in_dimensions = select.has_dimension_wildcard();
    if !in_dimensions && !select.has_field_wildcard() {
        return Ok(());
    }
    let mut schema = Schema::default();
    for source in sources {
        source.add_schema(&mut schema)?;
    }
    if select.has_field_wildcard() {
        let names = column_names(select, &schema, in_dimensions);
        let mut fields = Vec::new();
        for field in &select.fields {
            expand_field(field, &names, &mut fields)?;
        }
        select.fields = fields;
    }
    if in_dimensions {
        select.dimensions = expand_dimensions(&select.dimensions, &schema.tags)?;
    }
    Ok(())
}

/// What `*` among the fields stands for: all fields and, if `GROUP BY` has no wildcard, those tags that it does not
/// name; nothing without fields.
fn column_names(select: &Select, schema: &Schema, in_dimensions: bool) -> Vec<VarRef> {
    let named = |name: &String| {
        let is_it = |dimension: &Expr| matches!(dimension, Expr::Ref(reference) if reference.name == *name);
        select.dimensions.iter().any(is_it)
    };
    let mut names: Vec<VarRef> = Vec::new();
    for (name, kind) in &schema.fields {
        let name = name.clone();
        names.push(VarRef { name, cast: *kind });
    }
    if !in_dimensions && !names.is_empty() {
        for name in schema.tags.iter().filter(|name| !named(name)) {
            let cast = Some(DataType::Tag);
            names.push(VarRef {
                name: name.clone(),
                cast,
            });
        }
    }
    names.sort_by(|a, b| a.name.cmp(&b.name));
    names
}

fn expand_field(field: &Field, names: &[VarRef], fields: &mut Vec<Field>) -> Result<(), QueryError> {
    let column = |name: &VarRef| Field {
        expr: Expr::Ref(name.clone()),
        alias: None,
    };
    match &field.expr {
        Expr::Wildcard(which) => {
            let is_meant = |name: &&VarRef| match which {
                Wildcard::Any => true,
                Wildcard::Fields => name.cast != Some(DataType::Tag),
                Wildcard::Tags => name.cast == Some(DataType::Tag),
            };
            fields.extend(names.iter().filter(is_meant).map(column));
        }
        Expr::Regex(pattern) => {
            let regex = pattern.compile()?;
            fields.extend(names.iter().filter(|name| regex.is_match(&name.name)).map(column));
        }
        Expr::Call(call) => expand_call(field, call, names, fields)?,
        _ => fields.push(field.clone()),
    }
    Ok(())
}

/// `mean(*)`, `derivative(mean(/regex/))`: a column per field of a type that the innermost function takes.
fn expand_call(field: &Field, call: &Call, names: &[VarRef], fields: &mut Vec<Field>) -> Result<(), QueryError> {
    let mut innermost = call;
    while let Some(Expr::Call(inner)) = innermost.args.first() {
        innermost = inner;
    }
    let regex: Option<Regex> = match innermost.args.first() {
        Some(Expr::Wildcard(_)) => None,
        Some(Expr::Regex(pattern)) => Some(pattern.compile()?),
        _ => {
            fields.push(field.clone());
            return Ok(());
        }
    };
    for name in names {
        let is_meant = regex.as_ref().is_none_or(|regex| regex.is_match(&name.name));
        if is_meant && takes(&innermost.name, name.cast) {
            fields.push(Field {
                expr: Expr::Call(with_argument(call, name)),
                alias: Some(format!("{}_{}", field.name(), name.name)),
            });
        }
    }
    Ok(())
}

/// Whether `function(*)` includes fields of that type.
fn takes(function: &str, kind: Option<DataType>) -> bool {
    match kind {
        Some(DataType::Float | DataType::Integer) => true,
        Some(DataType::Unsigned) => !function.starts_with("holt_winters"),
        Some(DataType::Boolean) => takes(function, Some(DataType::String)) || matches!(function, "min" | "max"),
        Some(DataType::String) => {
            matches!(
                function,
                "count" | "first" | "last" | "distinct" | "elapsed" | "mode" | "sample"
            )
        }
        Some(DataType::Tag | DataType::AnyField) | None => false,
    }
}

/// The call with the first argument of the innermost call replaced.
fn with_argument(call: &Call, name: &VarRef) -> Call {
    let mut call = call.clone();
    if let Some(first) = call.args.first_mut() {
        *first = match &first {
            Expr::Call(inner) => Expr::Call(with_argument(inner, name)),
            _ => Expr::Ref(name.clone()),
        };
    }
    call
}

fn expand_dimensions(dimensions: &[Expr], tags: &BTreeSet<String>) -> Result<Vec<Expr>, QueryError> {
    let mut expanded = Vec::new();
    for dimension in dimensions {
        match dimension {
            Expr::Wildcard(_) => expanded.extend(tags.iter().map(Expr::name)),
            Expr::Regex(pattern) => {
                let regex = pattern.compile()?;
                expanded.extend(tags.iter().filter(|tag| regex.is_match(tag)).map(Expr::name));
            }
            other => expanded.push(other.clone()),
        }
    }
    Ok(expanded)
}

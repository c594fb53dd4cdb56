//! The `spec` form of a request: the query as operations in JSON instead of a script.
//!
//! ```text
//! {"operations": [{"kind": "from",   "id": "from0",   "spec": {"bucket": "db/rp"}},
//!                 {"kind": "filter", "id": "filter1", "spec": {"fn": {"fn": <function expression>}}}],
//!  "edges": [{"parent": "from0", "child": "filter1"}]}
//! ```
//!
//! Only a straight line of operations from one source is understood: in it a filter holds for everything that is read.

use std::collections::HashSet;

use serde_json::Value;

use super::{Bucket, FluxError, FluxTarget, Restriction};

/// The bucket and the measurement that the spec reads. The value must be a parsed one: `serde_json` bounds its depth.
///
/// # Errors
/// Any [`FluxError`] but [`FluxError::Illegal`]; the bucket's comes first.
pub fn spec_target(spec: &Value) -> Result<FluxTarget, FluxError> {
    Ok(FluxTarget {
        bucket: spec_bucket(spec)?,
        measurement: spec_measurement(spec)?,
    })
}

/// The bucket that the spec, or a part of one, reads.
///
/// # Errors
/// [`FluxError::NoBucket`].
pub fn spec_bucket(spec: &Value) -> Result<Bucket, FluxError> {
    let mut found = Vec::new();
    collect(spec, "bucket", &mut found);
    Bucket::only(found.into_iter().map(Value::as_str))
}

/// The measurement that the spec, or a part of one, reads.
///
/// # Errors
/// Any [`FluxError`] but [`FluxError::Illegal`] and [`FluxError::NoBucket`].
pub fn spec_measurement(spec: &Value) -> Result<String, FluxError> {
    let mut functions = Vec::new();
    match spec["operations"].as_array() {
        Some(operations) => operations
            .iter()
            .filter(|operation| operation["kind"] == "filter")
            .for_each(|operation| collect(operation, "fn", &mut functions)),
        None => collect(spec, "fn", &mut functions),
    }
    let name = Restriction::all_of(functions.into_iter().map(restriction_of_function)).single()?;
    if is_straight(spec) {
        Ok(name)
    } else {
        Err(FluxError::NoMeasurement)
    }
}

/// Whether one source feeds one line of operations.
fn is_straight(spec: &Value) -> bool {
    let mut sources = Vec::new();
    collect(spec, "bucket", &mut sources);
    let edges = spec["edges"].as_array().map_or(&[][..], Vec::as_slice);
    let mut parents = HashSet::new();
    let mut has_one_child = |edge: &Value| parents.insert(edge["parent"].as_str().map(str::to_owned));
    sources.len() <= 1 && edges.iter().all(&mut has_one_child)
}

/// All values under this key, outermost first.
fn collect<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == key {
                    found.push(member);
                }
                collect(member, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        _ => {}
    }
}

fn restriction_of_function(function: &Value) -> Restriction {
    let block = &function["block"];
    match block["parameters"]["list"][0]["key"]["name"].as_str() {
        Some(row) if function["type"] == "FunctionExpression" => restriction(&block["body"], row),
        _ => Restriction::Open,
    }
}

fn restriction(expression: &Value, row: &str) -> Restriction {
    let (left, right) = (&expression["left"], &expression["right"]);
    let sides = || [left, right].map(|side| restriction(side, row));
    match (expression["type"].as_str(), expression["operator"].as_str()) {
        (Some("LogicalExpression"), Some("and")) => Restriction::all_of(sides()),
        (Some("LogicalExpression"), Some("or")) => Restriction::any_of(sides()),
        (Some("BinaryExpression"), Some(operator)) if is_measurement_of(row, left) => {
            Restriction::of_comparison(operator, literal(right))
        }
        (Some("BinaryExpression"), Some(operator)) if is_measurement_of(row, right) => {
            Restriction::of_comparison(operator, literal(left))
        }
        _ => Restriction::Open,
    }
}

fn literal(expression: &Value) -> Option<&str> {
    expression["value"]
        .as_str()
        .filter(|_| expression["type"] == "StringLiteral")
}

fn is_measurement_of(row: &str, expression: &Value) -> bool {
    expression["type"] == "MemberExpression"
        && expression["object"]["name"] == row
        && expression["property"] == "_measurement"
}

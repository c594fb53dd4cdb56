//! Types of expressions whose references carry theirs.
//!
//! Unknown (`None`) is what does not exist: it takes part in any operation.

use super::cast::{data_type, field_type};
use super::error::QueryError;
use super::expr::{Use, binary};
use super::functions::Scalar;
use super::math::MathFunction;
use crate::influx::influxql::ast::{Call, Chain, DataType, Expr, Op};
use crate::query::source::FieldType;

/// The type of an expression.
///
/// # Errors
/// When operands do not go together.
pub(super) fn of(expr: &Expr) -> Result<Option<DataType>, QueryError> {
    Ok(match expr {
        Expr::Ref(reference) => reference.cast.filter(|kind| *kind != DataType::AnyField),
        Expr::Number(_) => Some(DataType::Float),
        Expr::Integer(_) => Some(DataType::Integer),
        Expr::Unsigned(_) => Some(DataType::Unsigned),
        Expr::String(_) => Some(DataType::String),
        Expr::Boolean(_) => Some(DataType::Boolean),
        Expr::Paren(inner) => of(inner)?,
        Expr::Call(call) => of_call(call)?,
        Expr::Binary(chain) => of_chain(chain)?,
        _ => None,
    })
}

/// The type that wins when several sources have the same name: numbers, floats first, before text before booleans
/// before tags.
pub(super) fn stronger(a: Option<DataType>, b: Option<DataType>) -> Option<DataType> {
    let rank = |kind: Option<DataType>| match kind {
        Some(DataType::Float) => 0,
        Some(DataType::Integer) => 1,
        Some(DataType::Unsigned) => 2,
        Some(DataType::String) => 3,
        Some(DataType::Boolean) => 4,
        Some(DataType::Tag) => 5,
        Some(DataType::AnyField) => 6,
        None => 7,
    };
    if rank(b) < rank(a) { b } else { a }
}

fn of_call(call: &Call) -> Result<Option<DataType>, QueryError> {
    let mut args = call.args.iter().map(of).collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = args.next().flatten();
    if let Some(function) = MathFunction::from_name(&call.name) {
        let is_number = matches!(first, Some(DataType::Integer | DataType::Unsigned));
        let kept = first.filter(|_| function.keeps_type() && is_number);
        return Ok(kept.or(Some(DataType::Float)));
    }
    Ok(match call.name.as_str() {
        "count" | "elapsed" => Some(DataType::Integer),
        "sum"
        | "min"
        | "max"
        | "first"
        | "last"
        | "distinct"
        | "mode"
        | "sample"
        | "top"
        | "bottom"
        | "percentile"
        | "spread"
        | "difference"
        | "non_negative_difference"
        | "cumulative_sum" => first,
        _ => Some(DataType::Float),
    })
}

fn of_chain(chain: &Chain) -> Result<Option<DataType>, QueryError> {
    let mut left = of(chain.first())?;
    for (at, (op, operand)) in chain.rest().iter().enumerate() {
        let right = of(operand)?;
        let is_left_literal = at == 0 && chain.first().is_literal();
        left = of_operation(*op, (left, is_left_literal), (right, operand.is_literal())).map_err(|message| {
            let expr = prefix(chain, at + 1).to_string();
            QueryError::Type { expr, message }
        })?;
    }
    Ok(left)
}

/// The first `count` operations of a chain.
fn prefix(chain: &Chain, count: usize) -> Expr {
    let operations = chain.rest().iter().take(count);
    operations.fold(chain.first().clone(), |left, (op, right)| {
        Expr::binary(*op, left, right.clone())
    })
}

type Operand = (Option<DataType>, bool);

fn of_operation(
    op: Op,
    (left, left_literal): Operand,
    (right, right_literal): Operand,
) -> Result<Option<DataType>, String> {
    let literal_is_integer = match (left, right) {
        (Some(DataType::Unsigned), Some(DataType::Integer)) => Some((left_literal, right_literal)),
        (Some(DataType::Integer), Some(DataType::Unsigned)) => Some((right_literal, left_literal)),
        _ => None,
    };
    match literal_is_integer {
        Some((true, _)) => return Err(format!("cannot use {} with an integer and unsigned literal", op.text())),
        Some((false, false)) => {
            let op = op.text();
            return Err(format!(
                "cannot use {op} between an integer and unsigned, an explicit cast is required"
            ));
        }
        _ => {}
    }
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(left.or(right));
    };
    // The result for the zero values of both types shows the type, if there is one.
    match binary(op, zero(left), zero(right), Use::Stored) {
        Some(value) => Ok(Some(data_type(value.field_type()))),
        None => Err(format!("incompatible types: {} and {}", left.text(), right.text())),
    }
}

fn zero(kind: DataType) -> Option<Scalar> {
    Some(match field_type(kind)? {
        FieldType::Float => Scalar::Float(0.0),
        FieldType::Integer => Scalar::Integer(0),
        FieldType::Unsigned => Scalar::Unsigned(0),
        FieldType::String => Scalar::String("".into()),
        FieldType::Boolean => Scalar::Boolean(false),
    })
}

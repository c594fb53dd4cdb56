//! Values as another type.

use super::expr::Cell;
use super::functions::Scalar;
use crate::influx::influxql::ast::DataType;
use crate::query::source::FieldType;

/// The type that a reference has after `::`.
pub(super) fn data_type(field: FieldType) -> DataType {
    match field {
        FieldType::Float => DataType::Float,
        FieldType::Integer => DataType::Integer,
        FieldType::Unsigned => DataType::Unsigned,
        FieldType::String => DataType::String,
        FieldType::Boolean => DataType::Boolean,
    }
}

/// The type of the values of a reference; those of tags are text.
pub(super) fn field_type(kind: DataType) -> Option<FieldType> {
    match kind {
        DataType::Float => Some(FieldType::Float),
        DataType::Integer => Some(FieldType::Integer),
        DataType::Unsigned => Some(FieldType::Unsigned),
        DataType::String | DataType::Tag => Some(FieldType::String),
        DataType::Boolean => Some(FieldType::Boolean),
        DataType::AnyField => None,
    }
}

/// The value as that type: numbers are converted to each other, fractions cut off; `None` where that is not possible.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fractions are cut off, and what is too great becomes the greatest"
)]
pub(super) fn cast(value: &Scalar, to: FieldType) -> Cell {
    Some(match (value, to) {
        (Scalar::Integer(value), FieldType::Float) => Scalar::Float(*value as f64),
        (Scalar::Unsigned(value), FieldType::Float) => Scalar::Float(*value as f64),
        (Scalar::Float(value), FieldType::Integer) => Scalar::Integer(*value as i64),
        (Scalar::Unsigned(value), FieldType::Integer) => Scalar::Integer(value.cast_signed()),
        (Scalar::Float(value), FieldType::Unsigned) => Scalar::Unsigned(*value as u64),
        (Scalar::Integer(value), FieldType::Unsigned) => Scalar::Unsigned(value.cast_unsigned()),
        (value, to) if value.field_type() == to => value.clone(),
        _ => return None,
    })
}

/// The number of `fill(number)` in the place of a value of that type; text and booleans have no such value.
pub(super) fn cast_or_empty(value: &Scalar, to: FieldType) -> Scalar {
    cast(value, to).unwrap_or_else(|| match to {
        FieldType::String => Scalar::String("".into()),
        _ => Scalar::Boolean(false),
    })
}

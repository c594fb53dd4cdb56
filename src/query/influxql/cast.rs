//! Values as another type.

use super::expr::Cell;
use super::functions::Scalar;
use crate::influx::influxql::ast::DataType;
use crate::query::source::FieldType;

/// The first float beyond the signed integers.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

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
pub(super) fn cast(value: &Scalar, to: FieldType) -> Cell {
    Some(match (value, to) {
        (Scalar::Integer(value), FieldType::Float) => Scalar::Float(*value as f64),
        (Scalar::Unsigned(value), FieldType::Float) => Scalar::Float(*value as f64),
        (Scalar::Float(value), FieldType::Integer) => Scalar::Integer(whole(*value)),
        (Scalar::Unsigned(value), FieldType::Integer) => Scalar::Integer(value.cast_signed()),
        (Scalar::Float(value), FieldType::Unsigned) => Scalar::Unsigned(whole_unsigned(*value)),
        (Scalar::Integer(value), FieldType::Unsigned) => Scalar::Unsigned(value.cast_unsigned()),
        (value, to) if value.field_type() == to => value.clone(),
        _ => return None,
    })
}

/// The float without its fraction; beyond the integers the least one, as on the processors that InfluxDB is built for.
#[expect(clippy::cast_possible_truncation, reason = "it is within the integers")]
pub(super) fn whole(value: f64) -> i64 {
    let is_within = (-TWO_TO_63..TWO_TO_63).contains(&value);
    if is_within { value as i64 } else { i64::MIN }
}

/// As [`whole`]; a negative one has the bits of the signed integer.
pub(super) fn whole_unsigned(value: f64) -> u64 {
    if value < TWO_TO_63 {
        whole(value).cast_unsigned()
    } else {
        whole(value - TWO_TO_63).cast_unsigned() ^ (1 << 63)
    }
}

/// The number of `fill(number)` in the place of a value of that type; text and booleans have no such value.
pub(super) fn cast_or_empty(value: &Scalar, to: FieldType) -> Scalar {
    cast(value, to).unwrap_or_else(|| match to {
        FieldType::String => Scalar::String("".into()),
        _ => Scalar::Boolean(false),
    })
}

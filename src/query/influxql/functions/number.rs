//! What the functions need of a number, so that each is written once for the three types of numbers.

use std::cmp::Ordering;

use super::{Point, Scalar};

/// A float, an integer or an unsigned integer.
pub(super) trait Number: Copy + PartialOrd {
    /// Nothing.
    const ZERO: Self;

    /// The number in a scalar of this type.
    fn of(scalar: &Scalar) -> Option<Self>;

    /// The scalar of this number.
    fn scalar(self) -> Scalar;

    /// The nearest float.
    fn as_f64(self) -> f64;

    /// The sum; integers wrap around.
    fn plus(self, other: Self) -> Self;

    /// The difference; integers wrap around.
    fn minus(self, other: Self) -> Self;

    /// The difference as a float, negative when `other` is greater (of signed integers: when it wraps to that).
    fn signed_minus(self, other: Self) -> f64;
}

impl Number for f64 {
    const ZERO: Self = 0.0;

    fn of(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Float(value) => Some(*value),
            _ => None,
        }
    }

    fn scalar(self) -> Scalar {
        Scalar::Float(self)
    }

    fn as_f64(self) -> f64 {
        self
    }

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn minus(self, other: Self) -> Self {
        self - other
    }

    fn signed_minus(self, other: Self) -> f64 {
        self - other
    }
}

impl Number for i64 {
    const ZERO: Self = 0;

    fn of(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Integer(value) => Some(*value),
            _ => None,
        }
    }

    fn scalar(self) -> Scalar {
        Scalar::Integer(self)
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    fn as_f64(self) -> f64 {
        self as f64
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn signed_minus(self, other: Self) -> f64 {
        self.wrapping_sub(other).as_f64()
    }
}

impl Number for u64 {
    const ZERO: Self = 0;

    fn of(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Unsigned(value) => Some(*value),
            _ => None,
        }
    }

    fn scalar(self) -> Scalar {
        Scalar::Unsigned(self)
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    fn as_f64(self) -> f64 {
        self as f64
    }

    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn minus(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }

    fn signed_minus(self, other: Self) -> f64 {
        if self > other {
            (self - other).as_f64()
        } else {
            -(other - self).as_f64()
        }
    }
}

/// The values of points that all have that type; `None` when one has another.
pub(super) fn values<N: Number>(points: &[Point]) -> Option<Vec<N>> {
    points.iter().map(|point| N::of(&point.value)).collect()
}

/// The values of numbers of any type as floats; `None` when one is no number.
pub(super) fn floats(points: &[Point]) -> Option<Vec<f64>> {
    points.iter().map(|point| point.value.as_f64()).collect()
}

/// The order of values of one type: numbers by size, text by bytes, false before true. NaN, which InfluxDB does not
/// store, comes last.
pub(super) fn compare(a: &Scalar, b: &Scalar) -> Ordering {
    match (a, b) {
        (Scalar::Float(a), Scalar::Float(b)) => compare_floats(*a, *b),
        (Scalar::Integer(a), Scalar::Integer(b)) => a.cmp(b),
        (Scalar::Unsigned(a), Scalar::Unsigned(b)) => a.cmp(b),
        (Scalar::String(a), Scalar::String(b)) => a.cmp(b),
        (Scalar::Boolean(a), Scalar::Boolean(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// As [`compare`]; the two zeros are equal.
pub(super) fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

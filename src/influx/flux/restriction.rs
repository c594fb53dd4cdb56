//! To which measurements a predicate over rows confines a stream, and how that combines.

use std::collections::BTreeSet;

use super::FluxError;

/// What must be true of `_measurement` in every row for which a predicate holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Restriction {
    /// Nothing that can be read off.
    Open,
    /// Nothing, though the measurement is compared: by another operator than `==`.
    OtherOperator,
    /// It is one of these.
    Only(BTreeSet<String>),
}

impl Restriction {
    /// Of `_measurement <operator> <literal>`; `None` stands for anything but a string literal.
    pub(super) fn of_comparison(operator: &str, literal: Option<&str>) -> Self {
        match (operator, literal) {
            ("==", Some(name)) => Self::Only(BTreeSet::from([name.to_owned()])),
            ("!=" | "=~" | "!~" | "<" | "<=" | ">" | ">=", _) => Self::OtherOperator,
            _ => Self::Open,
        }
    }

    /// Of predicates joined by `and`: one that restricts is enough.
    ///
    /// Names of several are united, not intersected: who names two measurements is told so.
    pub(super) fn all_of(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::Open, |all, part| match (all, part) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.into_iter().chain(b).collect()),
            (Self::Only(names), _) | (_, Self::Only(names)) => Self::Only(names),
            (Self::OtherOperator, _) | (_, Self::OtherOperator) => Self::OtherOperator,
            (Self::Open, Self::Open) => Self::Open,
        })
    }

    /// Of predicates joined by `or`: each must restrict.
    pub(super) fn any_of(parts: impl IntoIterator<Item = Self>) -> Self {
        let either = |any, part| match (any, part) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.into_iter().chain(b).collect()),
            (Self::OtherOperator, _) | (_, Self::OtherOperator) => Self::OtherOperator,
            _ => Self::Open,
        };
        parts.into_iter().reduce(either).unwrap_or(Self::Open)
    }

    /// The error to give when this is all that is known of a stream.
    pub(super) fn fault(&self) -> FluxError {
        match self {
            Self::OtherOperator => FluxError::NotByEquality,
            Self::Open | Self::Only(_) => FluxError::NoMeasurement,
        }
    }

    /// The one measurement named.
    pub(super) fn single(self) -> Result<String, FluxError> {
        let fault = self.fault();
        let Self::Only(mut names) = self else {
            return Err(fault);
        };
        match (names.pop_first(), names.is_empty()) {
            (Some(name), true) => Ok(name),
            (Some(_), false) => Err(FluxError::SeveralMeasurements),
            (None, _) => Err(fault),
        }
    }
}

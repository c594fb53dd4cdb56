//! The unit in which a client counts its timestamps.

use crate::base::{ErrorKind, TimestampNs};

/// The unit of the timestamps in a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 10⁻⁹ s; what a client means that names no unit.
    #[default]
    Nanoseconds,
    /// 10⁻⁶ s.
    Microseconds,
    /// 10⁻³ s.
    Milliseconds,
    /// 1 s.
    Seconds,
    /// 60 s.
    Minutes,
    /// 3600 s.
    Hours,
}

/// The `precision` parameter names no unit; the text is InfluxDB's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid precision {name:?} (use {known})")]
pub struct InvalidPrecision {
    name: String,
    known: &'static str,
}

impl InvalidPrecision {
    /// Always the client's fault.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

impl Precision {
    /// The `precision` of `/write`: empty, `n`, `ns`, `u`, `ms`, `s`, `m` or `h`, as InfluxDB 1.8 reads it (`us` is refused).
    ///
    /// # Errors
    /// When the name is none of these.
    pub fn from_v1(name: &str) -> Result<Self, InvalidPrecision> {
        match name {
            "" | "n" | "ns" => Ok(Self::Nanoseconds),
            "u" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            "m" => Ok(Self::Minutes),
            "h" => Ok(Self::Hours),
            _ => Err(InvalidPrecision {
                name: name.to_owned(),
                known: "n, u, ms, s, m or h",
            }),
        }
    }

    /// The `precision` of `/api/v2/write`: empty, `ns`, `us`, `ms` or `s`.
    ///
    /// # Errors
    /// When the name is none of these.
    pub fn from_v2(name: &str) -> Result<Self, InvalidPrecision> {
        match name {
            "" | "ns" => Ok(Self::Nanoseconds),
            "us" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            _ => Err(InvalidPrecision {
                name: name.to_owned(),
                known: "ns, us, ms or s",
            }),
        }
    }

    /// Nanoseconds in one unit.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
            Self::Minutes => 60_000_000_000,
            Self::Hours => 3_600_000_000_000,
        }
    }

    /// The time `count` units after the epoch, or nothing when InfluxDB does not store such a time.
    #[must_use]
    #[inline]
    pub fn time(self, count: i64) -> Option<TimestampNs> {
        let time = TimestampNs(count.checked_mul(self.nanoseconds())?);
        (TimestampNs::MIN..=TimestampNs::MAX).contains(&time).then_some(time)
    }

    /// The last whole unit at or before `time`; what InfluxDB gives to a line without a timestamp.
    #[must_use]
    pub fn truncate(self, time: TimestampNs) -> TimestampNs {
        TimestampNs(time.0.saturating_sub(time.0.rem_euclid(self.nanoseconds())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_interfaces() {
        for (name, v1, v2) in [
            ("", Some(1), Some(1)),
            ("n", Some(1), None),
            ("ns", Some(1), Some(1)),
            ("u", Some(1_000), None),
            ("us", None, Some(1_000)),
            ("ms", Some(1_000_000), Some(1_000_000)),
            ("s", Some(1_000_000_000), Some(1_000_000_000)),
            ("m", Some(60_000_000_000), None),
            ("h", Some(3_600_000_000_000), None),
            ("S", None, None),
        ] {
            assert_eq!(Precision::from_v1(name).ok().map(Precision::nanoseconds), v1, "{name}");
            assert_eq!(Precision::from_v2(name).ok().map(Precision::nanoseconds), v2, "{name}");
        }
        let message = |refused: Result<Precision, InvalidPrecision>| refused.unwrap_err().to_string();
        assert_eq!(
            message(Precision::from_v1("us")),
            r#"invalid precision "us" (use n, u, ms, s, m or h)"#
        );
        assert_eq!(
            message(Precision::from_v2("n")),
            r#"invalid precision "n" (use ns, us, ms or s)"#
        );
    }

    #[test]
    fn times_have_a_range_and_now_is_cut_down() {
        assert_eq!(Precision::Nanoseconds.time(i64::MAX - 1), Some(TimestampNs::MAX));
        assert_eq!(Precision::Nanoseconds.time(i64::MAX), None);
        assert_eq!(Precision::Nanoseconds.time(i64::MIN + 2), Some(TimestampNs::MIN));
        assert_eq!(Precision::Nanoseconds.time(i64::MIN + 1), None);
        assert_eq!(Precision::Hours.time(-2), Some(TimestampNs(-7_200_000_000_000)));
        assert_eq!(Precision::Seconds.time(9_223_372_037), None);
        assert_eq!(
            Precision::Seconds.truncate(TimestampNs(1_999_999_999)),
            TimestampNs(1_000_000_000)
        );
        assert_eq!(
            Precision::Seconds.truncate(TimestampNs(-1)),
            TimestampNs(-1_000_000_000)
        );
        assert_eq!(Precision::Nanoseconds.truncate(TimestampNs(7)), TimestampNs(7));
    }
}

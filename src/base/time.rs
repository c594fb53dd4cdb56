//! Points in time: to the nanosecond as InfluxDB counts and prints them, to the microsecond as Scale does.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::iso8601;

/// Nanoseconds since the Unix epoch; negative before 1970. Documents hold it as that number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimestampNs(pub i64);

impl TimestampNs {
    /// The least time that InfluxDB stores: `i64::MIN + 2` (its `models.MinNanoTime`).
    pub const MIN: Self = Self(i64::MIN + 2);
    /// The greatest time that InfluxDB stores: `i64::MAX - 1` (its `models.MaxNanoTime`).
    pub const MAX: Self = Self(i64::MAX - 1);
}

/// Microseconds since the Unix epoch: the years 1 to 9999 that Python's `datetime` knows fit, with room to spare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampUs(pub i64);

impl From<TimestampNs> for TimestampUs {
    /// The microsecond that this nanosecond lies in.
    fn from(time: TimestampNs) -> Self {
        Self(time.0.div_euclid(1000))
    }
}

impl fmt::Display for TimestampNs {
    /// RFC 3339 in UTC with as many fraction digits as needed (Go's `RFC3339Nano`): `2000-01-01T00:00:00.5Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_seconds(self.0.div_euclid(1_000_000_000), f)?;
        let nanos = self.0.rem_euclid(1_000_000_000);
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Display for TimestampUs {
    /// RFC 3339 in UTC with six fraction digits, or none for a whole second, as Django REST framework prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_seconds(self.0.div_euclid(1_000_000), f)?;
        match self.0.rem_euclid(1_000_000) {
            0 => f.write_str("Z"),
            micros => write!(f, ".{micros:06}Z"),
        }
    }
}

impl Serialize for TimestampUs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimestampUs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        iso8601::parse_datetime(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a point in time")))
    }
}

/// Date and time of day in UTC of a second counted from the epoch.
fn print_seconds(seconds: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// The era arithmetic of <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go_does() {
        let check = |ns: i64, expect: &str| assert_eq!(TimestampNs(ns).to_string(), expect);
        check(0, "1970-01-01T00:00:00Z");
        check(946_684_800_000_000_000, "2000-01-01T00:00:00Z");
        check(951_782_400_500_000_000, "2000-02-29T00:00:00.5Z");
        check(1_709_251_199_999_999_999, "2024-02-29T23:59:59.999999999Z");
        check(-1, "1969-12-31T23:59:59.999999999Z");
        check(TimestampNs::MIN.0, "1677-09-21T00:12:43.145224194Z");
        check(TimestampNs::MAX.0, "2262-04-11T23:47:16.854775806Z");
    }

    #[test]
    fn microseconds_have_six_digits_or_none() {
        let check = |us: i64, expect: &str| {
            assert_eq!(TimestampUs(us).to_string(), expect);
            let document = serde_json::to_string(&TimestampUs(us)).unwrap();
            assert_eq!(document, format!("{expect:?}"));
            assert_eq!(serde_json::from_str::<TimestampUs>(&document).unwrap(), TimestampUs(us));
        };
        check(0, "1970-01-01T00:00:00Z");
        check(1_500_000, "1970-01-01T00:00:01.500000Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
        check(253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z");
        assert_eq!(TimestampUs::from(TimestampNs(-1)), TimestampUs(-1));
        assert_eq!(TimestampUs::from(TimestampNs(1_999)), TimestampUs(1));
        assert!(serde_json::from_str::<TimestampUs>("\"yesterday\"").is_err());
    }
}

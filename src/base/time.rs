//! Points in time, as InfluxDB counts and prints them.

use std::fmt;

use serde::{Deserialize, Serialize};

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

impl fmt::Display for TimestampNs {
    /// RFC 3339 in UTC with as many fraction digits as needed (Go's `RFC3339Nano`): `2000-01-01T00:00:00.5Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000_000);
        let nanos = self.0.rem_euclid(1_000_000_000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
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
}

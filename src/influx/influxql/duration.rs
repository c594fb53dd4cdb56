//! Durations as InfluxQL writes them: `1h30m`, `10u`, `2w`.
//!
//! Sums wrap around like Go's; a negative sum of a duration without sign is refused.

use std::fmt;

const US: i64 = 1_000;
const MS: i64 = 1_000 * US;
const SECOND: i64 = 1_000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// A span of time in nanoseconds; may be negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationNs(pub i64);

impl fmt::Display for DurationNs {
    /// The greatest single unit that divides it, as InfluxDB prints durations in statements: `90m`, `1w`, `10u`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let units = [
            ("w", WEEK),
            ("d", DAY),
            ("h", HOUR),
            ("m", MINUTE),
            ("s", SECOND),
            ("ms", MS),
            ("u", US),
        ];
        let (unit, size) = units
            .into_iter()
            .find(|(_, size)| self.0 % size == 0)
            .unwrap_or(("ns", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl DurationNs {
    /// The duration as Go prints one: `25h0m0s`, `1.5s`. InfluxDB uses it in `CREATE DATABASE`.
    #[must_use]
    pub fn to_go_string(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let ns = self.0.unsigned_abs();
        let fraction = |whole: u64, rest: u64, width: usize, unit: &str| {
            let digits = format!("{rest:0width$}");
            let digits = digits.trim_end_matches('0');
            let point = if digits.is_empty() { "" } else { "." };
            format!("{sign}{whole}{point}{digits}{unit}")
        };
        match ns {
            0 => "0s".to_owned(),
            1..1_000 => format!("{sign}{ns}ns"),
            1_000..1_000_000 => fraction(ns / 1_000, ns % 1_000, 3, "µs"),
            1_000_000..1_000_000_000 => fraction(ns / 1_000_000, ns % 1_000_000, 6, "ms"),
            _ => {
                let seconds = ns / 1_000_000_000;
                let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
                let rest = fraction(seconds % 60, ns % 1_000_000_000, 9, "s");
                let rest = rest.trim_start_matches('-');
                match (hours, minutes) {
                    (0, 0) => format!("{sign}{rest}"),
                    (0, _) => format!("{sign}{minutes}m{rest}"),
                    _ => format!("{sign}{hours}h{minutes}m{rest}"),
                }
            }
        }
    }
}

/// The text is not a duration, or too long a one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// Not numbers with units.
    #[error("invalid duration")]
    Syntax,
    /// More than `i64` nanoseconds; the last part is named.
    #[error("overflowed duration {measure}{unit}: choose a smaller duration or INF")]
    Overflow {
        /// The number of the last part.
        measure: i64,
        /// The unit of the last part.
        unit: String,
    },
}

/// Reads `<number><unit>` parts and adds them up; a leading `-` negates the sum. Units: `ns u µ ms s m h d w`.
///
/// # Errors
/// When a part lacks its number or unit, or the sum passes `i64` nanoseconds (292 years).
pub fn parse(text: &str) -> Result<DurationNs, InvalidDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if text.len() < 2 {
        return Err(InvalidDuration::Syntax);
    }
    let mut sum: i64 = 0;
    let mut last = (0, "");
    while !rest.is_empty() {
        let (measure, unit, size, after) = part(rest)?;
        sum = sum.wrapping_add(measure.wrapping_mul(size));
        last = (measure, unit);
        rest = after;
    }
    if sum < 0 && !negative {
        let (measure, unit) = last;
        let unit = unit.to_owned();
        return Err(InvalidDuration::Overflow { measure, unit });
    }
    Ok(DurationNs(if negative { sum.wrapping_neg() } else { sum }))
}

/// The first part of `text`: its number, unit, the unit's nanoseconds, and what follows.
fn part(text: &str) -> Result<(i64, &str, i64, &str), InvalidDuration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or(InvalidDuration::Syntax)?;
    let (number, rest) = text.split_at(digits);
    let measure = number.parse().map_err(|_| InvalidDuration::Syntax)?;
    let units = [
        ("ns", 1),
        ("ms", MS),
        ("u", US),
        ("µ", US),
        ("m", MINUTE),
        ("s", SECOND),
        ("h", HOUR),
        ("d", DAY),
        ("w", WEEK),
    ];
    let (unit, size) = units
        .into_iter()
        .find(|(unit, _)| rest.starts_with(unit))
        .ok_or(InvalidDuration::Syntax)?;
    let (_, after) = rest.split_at(unit.len());
    Ok((measure, unit, size, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        let check = |text: &str, printed: &str, go: &str| {
            let duration = parse(text).unwrap();
            assert_eq!(
                (duration.to_string().as_str(), duration.to_go_string().as_str()),
                (printed, go),
                "{text}"
            );
            assert_eq!(parse(printed), Ok(duration), "{text}");
        };
        check("1h30m", "90m", "1h30m0s");
        check("7d", "1w", "168h0m0s");
        check("10u", "10u", "10µs");
        check("10µ", "10u", "10µs");
        check("1500ms", "1500ms", "1.5s");
        check("1ns", "1ns", "1ns");
        check("-1h", "-1h", "-1h0m0s");
        check("-90s", "-90s", "-1m30s");
        check("0s", "0s", "0s");
        check("61s5ms", "61005ms", "1m1.005s");
        check("1m1ms1u", "60001001u", "1m0.001001s");
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "5",
            "s",
            "5x",
            "5m6",
            "1.5h",
            "m5",
            "99999999999999999999s",
            "5n",
            "-",
        ] {
            assert_eq!(parse(text), Err(InvalidDuration::Syntax), "{text}");
        }
        assert_eq!(
            parse("16000w").unwrap_err().to_string(),
            "overflowed duration 16000w: choose a smaller duration or INF"
        );
    }
}

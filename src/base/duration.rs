//! Durations as the configuration writes them: `"15s"`, `"1m30s"`, `"500ms"`.

use std::time::Duration;

/// The text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write numbers with ns, us, ms, s, m, h, d or w, such as \"15s\" or \"1m30s\"")]
pub struct InvalidDuration(String);

const NS_PER: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// Reads one or more `<number><unit>` parts and adds them up. `"0"` alone is allowed.
///
/// # Errors
/// When a part has no number, no unit or an unknown one, or the sum exceeds `u64` nanoseconds (584 years).
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let per = NS_PER.iter().find(|(name, _)| *name == unit).ok_or_else(invalid)?.1;
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(per))
            .ok_or_else(invalid)?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = after;
    }
    if text.trim().is_empty() {
        Err(invalid())
    } else {
        Ok(Duration::from_nanos(total))
    }
}

/// Prints a duration so that [`parse`] reads the same one back: `90s` becomes `1m30s`.
#[must_use]
pub fn print(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, per) in NS_PER.iter().rev() {
        if left >= *per {
            text.push_str(&format!("{}{unit}", left / per));
            left %= per;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for ns in [0, 1, 999, 1_000, 15_000_000_000, 90_000_000_000, 604_800_000_000_001] {
            let duration = Duration::from_nanos(ns);
            assert_eq!(parse(&print(duration)), Ok(duration));
        }
        assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn refuses_what_is_unclear() {
        for text in ["", "5", "s", "1 s", "-1s", "1.5s", "1y", "99999999999w"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

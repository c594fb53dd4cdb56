//! PURE. Reading cron expressions, with robfig's error texts.

use super::{Expression, Fields};
use crate::workflow::godur;

/// A text that is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It has too many or too few fields.
    #[error("Expected 5 or 6 fields, found {found}: {text}")]
    Fields {
        /// How many.
        found: usize,
        /// All of it.
        text: String,
    },
    /// There is no such descriptor.
    #[error("Unrecognized descriptor: {0}")]
    Descriptor(String),
    /// `@every` without a duration.
    #[error("Failed to parse duration {text}: {reason}")]
    Every {
        /// All of it.
        text: String,
        /// What Go says.
        reason: godur::Invalid,
    },
    /// Neither a number nor a name.
    #[error("Failed to parse int from {text}: strconv.Atoi: parsing {text:?}: {reason}")]
    Number {
        /// What was to be a number.
        text: String,
        /// What Go says.
        reason: &'static str,
    },
    /// An item of a field that does not work out.
    #[error("{what}: {item}")]
    Item {
        /// Why.
        what: String,
        /// The item.
        item: String,
    },
}

/// The range of a field, and the names of its values from the first on.
struct Bounds {
    min: u64,
    max: u64,
    names: &'static [&'static str],
}

const SECONDS: Bounds = Bounds::numbers(0, 59);
const MINUTES: Bounds = Bounds::numbers(0, 59);
const HOURS: Bounds = Bounds::numbers(0, 23);
const DAYS: Bounds = Bounds::numbers(1, 31);
const MONTHS: Bounds = Bounds {
    min: 1,
    max: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAYS: Bounds = Bounds {
    min: 0,
    max: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// What the descriptors stand for.
const DESCRIPTORS: [(&str, &str); 7] = [
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
];

impl Bounds {
    const fn numbers(min: u64, max: u64) -> Self {
        Self { min, max, names: &[] }
    }
}

/// Reads an expression or a descriptor.
pub(super) fn expression(text: &str) -> Result<Expression, Invalid> {
    if let Some(duration) = text.strip_prefix("@every ") {
        return every(duration, text);
    }
    if text.starts_with('@') {
        let stands_for = DESCRIPTORS.iter().find(|(name, _)| *name == text);
        let (_, meaning) = stands_for.ok_or_else(|| Invalid::Descriptor(text.to_owned()))?;
        return expression(meaning);
    }
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() == 5 {
        fields.push("*");
    }
    let [second, minute, hour, day, month, weekday] = *fields.as_slice() else {
        return Err(Invalid::Fields {
            found: fields.len(),
            text: text.to_owned(),
        });
    };
    let second = field(second, &SECONDS)?;
    let minute = field(minute, &MINUTES)?;
    let hour = field(hour, &HOURS)?;
    let day = field(day, &DAYS)?;
    let month = field(month, &MONTHS)?;
    let weekday = field(weekday, &WEEKDAYS)?;
    Ok(Expression::At(Fields {
        second: second.bits,
        minute: minute.bits,
        hour: hour.bits,
        day: day.bits,
        month: month.bits,
        weekday: weekday.bits,
        both_days: day.has_star || weekday.has_star,
    }))
}

/// Whole seconds, at least one.
fn every(duration: &str, text: &str) -> Result<Expression, Invalid> {
    let nanos = godur::parse(duration).map_err(|reason| Invalid::Every {
        text: text.to_owned(),
        reason,
    })?;
    Ok(Expression::Every((nanos / super::NS_PER_SECOND).max(1)))
}

/// The values that match, a bit each, and whether a star was among them.
#[derive(Default)]
struct Matches {
    bits: u64,
    has_star: bool,
}

fn field(text: &str, bounds: &Bounds) -> Result<Matches, Invalid> {
    let mut all = Matches::default();
    for item in text.split(',').filter(|item| !item.is_empty()) {
        let matches = parse_item(item, bounds)?;
        all.bits |= matches.bits;
        all.has_star |= matches.has_star;
    }
    Ok(all)
}

fn parse_item(item: &str, bounds: &Bounds) -> Result<Matches, Invalid> {
    let wrong = |what: String| Invalid::Item {
        what,
        item: item.to_owned(),
    };
    let parts: Vec<&str> = item.split('/').collect();
    let ends: Vec<&str> = parts.first().copied().unwrap_or_default().split('-').collect();
    let (has_star, start, mut end) = match *ends.as_slice() {
        ["*" | "?", ..] => (true, bounds.min, bounds.max),
        [only] => {
            let value = number_or_name(only, bounds)?;
            (false, value, value)
        }
        [start, end] => (false, number_or_name(start, bounds)?, number_or_name(end, bounds)?),
        _ => return Err(wrong("Too many hyphens".to_owned())),
    };
    let step = match *parts.as_slice() {
        [_] => 1,
        [_, step] => {
            if ends.len() == 1 {
                end = bounds.max;
            }
            number(step)?
        }
        _ => return Err(wrong("Too many slashes".to_owned())),
    };
    let (min, max) = (bounds.min, bounds.max);
    if start < min {
        return Err(wrong(format!("Beginning of range ({start}) below minimum ({min})")));
    }
    if end > max {
        return Err(wrong(format!("End of range ({end}) above maximum ({max})")));
    }
    if start > end {
        return Err(wrong(format!(
            "Beginning of range ({start}) beyond end of range ({end})"
        )));
    }
    let step = usize::try_from(step).ok().filter(|step| *step > 0);
    let step = step.ok_or_else(|| wrong("Step of range should be a positive number".to_owned()))?;
    let bits = (start..=end).step_by(step).fold(0, |bits, value| bits | 1 << value);
    Ok(Matches { bits, has_star })
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, Invalid> {
    let named = (bounds.min..)
        .zip(bounds.names)
        .find(|(_, name)| name.eq_ignore_ascii_case(text));
    named.map_or_else(|| number(text), |(value, _)| Ok(value))
}

/// As Go's `strconv.Atoi` reads it: with a sign, if need be.
fn number(text: &str) -> Result<u64, Invalid> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Invalid::Number {
            text: text.to_owned(),
            reason: "invalid syntax",
        });
    }
    let number: i64 = text.parse().map_err(|_| Invalid::Number {
        text: text.to_owned(),
        reason: "value out of range",
    })?;
    u64::try_from(number).map_err(|_| Invalid::Item {
        what: format!("Negative number ({number}) not allowed"),
        item: text.to_owned(),
    })
}

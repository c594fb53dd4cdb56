//! PURE. Durations as Go's `time` reads and prints them: `1m30s`, `1.5h`, `-300ms`.
//!
//! They are signed nanoseconds in 64 bits, up to 292 years. The error texts are Go's, which clients see.

use super::gotime::quote;

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is not made of numbers and units, or is too much.
    #[error("time: invalid duration {}", quote(.0))]
    Form(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {}", quote(.0))]
    NoUnit(String),
    /// A unit that there is not.
    #[error("time: unknown unit {} in duration {}", quote(.unit), quote(.text))]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// One more than the most: the size of the least.
const LIMIT: u64 = 1 << 63;

const NS_PER: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    // The sign for micro, and the Greek letter.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration, in nanoseconds: a sign, then numbers, with fractions or not, each with its unit. `0` needs none.
///
/// # Errors
/// When the text is none, or is more than 64 bits hold.
pub fn parse(text: &str) -> Result<i64, Invalid> {
    let invalid = || Invalid::Form(text.to_owned());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut rest = unsigned;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let part;
        (part, rest) = parse_part(rest, text)?;
        total = total
            .checked_add(part)
            .filter(|sum| *sum <= LIMIT)
            .ok_or_else(invalid)?;
    }
    if text.starts_with('-') {
        0_i64.checked_sub_unsigned(total).ok_or_else(invalid)
    } else {
        i64::try_from(total).map_err(|_| invalid())
    }
}

/// Nanoseconds of the first number with its unit, and what follows it.
fn parse_part<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), Invalid> {
    let invalid = || Invalid::Form(text.to_owned());
    let (whole, after) = split_digits(rest);
    let (fraction, after) = after.strip_prefix('.').map_or(("", after), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| invalid())?
    };
    let end = after.find(|c: char| c == '.' || c.is_ascii_digit());
    let (unit, after) = after.split_at(end.unwrap_or(after.len()));
    if unit.is_empty() && whole <= LIMIT {
        return Err(Invalid::NoUnit(text.to_owned()));
    }
    let per = NS_PER.iter().find(|(name, _)| *name == unit);
    let (_, per) = per.ok_or_else(|| Invalid::UnknownUnit {
        unit: unit.to_owned(),
        text: text.to_owned(),
    })?;
    let nanos = whole
        .checked_mul(*per)
        .and_then(|nanos| nanos.checked_add(fraction_of(fraction, *per)));
    Ok((nanos.filter(|nanos| *nanos <= LIMIT).ok_or_else(invalid)?, after))
}

/// The fraction of a unit, rounded down as Go does, through a float; digits that 63 bits do not hold do not count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
fn fraction_of(digits: &str, per: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0);
    for digit in digits.bytes() {
        let next = value.checked_mul(10).map(|tens| tens + u64::from(digit - b'0'));
        let Some(next) = next.filter(|next| *next < LIMIT) else {
            break;
        };
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (per as f64 / scale)) as u64
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Prints nanoseconds: hours, minutes and seconds from one second on, else the greatest unit that needs no leading zero.
#[must_use]
pub fn print(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => decimal(size, 1_000, "\u{b5}s"),
        1_000_000..1_000_000_000 => decimal(size, 1_000_000, "ms"),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = decimal(size % 60_000_000_000, 1_000_000_000, "s");
            match (minutes / 60, minutes % 60) {
                (0, 0) => seconds,
                (0, minutes) => format!("{minutes}m{seconds}"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
            }
        }
    };
    format!("{sign}{text}")
}

/// A number of units with as many digits of the fraction as it has.
fn decimal(nanos: u64, per: u64, unit: &str) -> String {
    let whole = nanos / per;
    // A digit more than the fraction has, so that its leading zeros stay.
    let fraction = (per + nanos % per).to_string();
    match fraction.trim_end_matches('0').strip_prefix('1') {
        Some(digits) if !digits.is_empty() => format!("{whole}.{digits}{unit}"),
        _ => format!("{whole}{unit}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn reads_as_go_does() {
        let check = |text: &str, expect: i64| assert_eq!(parse(text), Ok(expect), "{text}");
        check("0", 0);
        check("-0", 0);
        check("0s", 0);
        check("5s", 5 * SECOND);
        check("+5s", 5 * SECOND);
        check("-5s", -5 * SECOND);
        check("300ms", 300_000_000);
        check("1.5h", 5400 * SECOND);
        check("1m30s", 90 * SECOND);
        check("1h2m3s4ms5us6ns", 3_723_004_005_006);
        check("3h30m", 12_600 * SECOND);
        check("1s1s", 2 * SECOND);
        check(".5s", SECOND / 2);
        check("5.s", 5 * SECOND);
        check("-.5s", -SECOND / 2);
        check("12\u{b5}s", 12_000);
        check("12\u{3bc}s", 12_000);
        check("0.3333333333333333333h", 1_200 * SECOND);
        check("0.9223372036854775807h", 3_320_413_933_267);
        check("0.100000000000000000000h", 360 * SECOND);
        check("9223372036854775807ns", i64::MAX);
        check("-9223372036854775808ns", i64::MIN);
        check("2540400h10m10.000000000s", 9_145_440_610 * SECOND / 1_000 * 1_000);
    }

    #[test]
    fn refuses_in_the_words_of_go() {
        let check = |text: &str, expect: &str| assert_eq!(parse(text).unwrap_err().to_string(), expect);
        for text in ["", "-", "+", "abc", "s", ".", ".s", "-.s", "+-5s", "1s.", " 5s", "soon"] {
            check(text, &format!("time: invalid duration \"{text}\""));
        }
        for text in [
            "9223372036854775808ns",
            "9223372036854775.808us",
            "3000000h",
            "99999999999999999999s",
        ] {
            check(text, &format!("time: invalid duration \"{text}\""));
        }
        for text in ["5", "1.5", "1h5"] {
            check(text, &format!("time: missing unit in duration \"{text}\""));
        }
        check("1d", "time: unknown unit \"d\" in duration \"1d\"");
        check("1m 30s", "time: unknown unit \"m \" in duration \"1m 30s\"");
        check("1S", "time: unknown unit \"S\" in duration \"1S\"");
        check("\"\u{e4}\n", "time: invalid duration \"\\\"\\xc3\\xa4\\x0a\"");
    }

    #[test]
    fn prints_as_go_does() {
        let check = |nanos: i64, expect: &str| assert_eq!(print(nanos), expect);
        check(0, "0s");
        check(1, "1ns");
        check(1_100, "1.1\u{b5}s");
        check(2_200_000, "2.2ms");
        check(300_000_000, "300ms");
        check(SECOND, "1s");
        check(3_300_000_000, "3.3s");
        check(1_000_000_001, "1.000000001s");
        check(60 * SECOND, "1m0s");
        check(90 * SECOND, "1m30s");
        check(245 * SECOND, "4m5s");
        check(245_001_000_000, "4m5.001s");
        check(3600 * SECOND, "1h0m0s");
        check(18_367_001_000_000, "5h6m7.001s");
        check(-1_500_000_000, "-1.5s");
        check(i64::MAX, "2562047h47m16.854775807s");
        check(i64::MIN, "-2562047h47m16.854775808s");
    }

    proptest! {
        #[test]
        fn reads_what_it_prints(nanos: i64) {
            prop_assert_eq!(parse(&print(nanos)), Ok(nanos));
        }

        #[test]
        fn reads_small_ones_that_it_prints(nanos in -10_000_000_000_i64..10_000_000_000) {
            prop_assert_eq!(parse(&print(nanos)), Ok(nanos));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _is_duration = parse(&text).is_ok();
        }
    }
}

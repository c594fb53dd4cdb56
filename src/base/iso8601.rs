//! ISO 8601 as Scale's query strings write it: points in time with a zone, and durations of days and smaller.
//!
//! The grammar of Django's `parse_datetime`, but for one addition: offsets west of Greenwich are read too, which Scale
//! refuses only because it looks for a `+`.

use jiff::civil::{Date, DateTime, Time};

use super::TimestampUs;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const US_PER_SECOND: i64 = 1_000_000;

/// Reads `2015-1-31T9:30[:05[.123456]]Z`: month, day and hour may have one digit, the `T` may be a blank, digits beyond
/// microseconds are cut, the zone is `Z`, `+HH`, `+HHMM` or `+HH:MM`, or the same with `-`.
///
/// `None` when it is written otherwise, has no zone, or there is no such day or hour in the years 1 to 9999.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<TimestampUs> {
    let mut scan = Scan(text);
    let date = scan.date()?;
    scan.sign("T").or_else(|| scan.sign(" "))?;
    let (time, micros) = scan.time_of_day()?;
    let offset = scan.offset()?;
    let shown = DateTime::from_parts(date, time).duration_since(EPOCH).as_secs();
    scan.0
        .is_empty()
        .then_some(TimestampUs((shown - offset) * US_PER_SECOND + micros))
}

/// Microseconds of `P[nD][T[nH][nM][nS]]`, where each `n` may have decimals. Parts that are missing are zero, even all.
///
/// `None` when it is written otherwise or too long to count.
#[must_use]
pub fn parse_duration(text: &str) -> Option<i64> {
    let mut scan = Scan(text);
    scan.sign("P")?;
    let mut seconds = scan.amount("D") * 86_400.0;
    if scan.sign("T").is_some() {
        for (unit, length) in [("H", 3600.0), ("M", 60.0), ("S", 1.0)] {
            seconds += scan.amount(unit) * length;
        }
    }
    let micros = (seconds * 1e6).round();
    let countable = scan.0.is_empty() && micros < 9e18;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 9e18")]
    countable.then_some(micros as i64)
}

/// What is still to be read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn date(&mut self) -> Option<Date> {
        let year = self.number(4, 4)?;
        self.sign("-")?;
        let month = self.number(1, 2)?;
        self.sign("-")?;
        let day = self.number(1, 2)?;
        let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?);
        date.ok().filter(|_| year > 0)
    }

    /// A time of day and its microseconds.
    fn time_of_day(&mut self) -> Option<(Time, i64)> {
        let hour = self.number(1, 2)?;
        self.sign(":")?;
        let minute = self.number(2, 2)?;
        let (mut second, mut micros) = (0, 0);
        if self.sign(":").is_some() {
            second = self.number(2, 2)?;
            if self.sign(".").is_some() {
                micros = self.fraction()?;
            }
        }
        let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
        (second < 60).then_some((time, micros))
    }

    /// Decimals of a second, in microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.digits(usize::MAX);
        let kept = digits.get(..digits.len().min(6)).filter(|kept| !kept.is_empty())?;
        format!("{kept:0<6}").parse().ok()
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Option<i64> {
        if self.sign("Z").is_some() {
            return Some(0);
        }
        let east = if self.sign("+").is_some() {
            1
        } else {
            self.sign("-").map(|()| -1)?
        };
        let hours = self.number(2, 2)?;
        let has_colon = self.sign(":").is_some();
        let minutes = if has_colon || !self.0.is_empty() {
            self.number(2, 2)?
        } else {
            0
        };
        (hours < 24 && minutes < 60).then_some(east * (hours * 3600 + minutes * 60))
    }

    /// A decimal number before `unit`, or zero and nothing read.
    fn amount(&mut self, unit: &str) -> f64 {
        let before = self.0;
        let whole = self.digits(usize::MAX);
        let fraction = if !whole.is_empty() && self.sign(".").is_some() {
            Some(self.digits(usize::MAX))
        } else {
            None
        };
        let written = !whole.is_empty() && fraction != Some("") && self.sign(unit).is_some();
        if !written {
            self.0 = before;
            return 0.0;
        }
        format!("{whole}.{}", fraction.unwrap_or("0"))
            .parse()
            .unwrap_or(f64::INFINITY)
    }

    fn sign(&mut self, sign: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }

    /// A number of at least `least` and at most `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let digits = self.digits(most);
        if digits.len() < least {
            return None;
        }
        digits.parse().ok()
    }
}

impl<'a> Scan<'a> {
    fn digits(&mut self, most: usize) -> &'a str {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count).unwrap_or(("", self.0));
        self.0 = rest;
        digits
    }
}

fn small(number: i64) -> Option<i8> {
    i8::try_from(number).ok()
}

#[cfg(test)]
mod tests;

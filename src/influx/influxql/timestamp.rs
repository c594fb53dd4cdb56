//! Points in time as InfluxQL writes them: `'2000-01-01'`, `'2000-01-01 12:30:00.5'`, `'2000-01-01T12:30:00+02:00'`.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::ast::WideTime;

const NS_PER_SECOND: i128 = 1_000_000_000;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The zone of a query: what `tz()` names, else UTC. `Local` is UTC too, because the answer must not depend on which
/// machine gives it.
#[must_use]
pub fn zone(name: Option<&str>) -> TimeZone {
    match name {
        None | Some("" | "UTC" | "Local") => TimeZone::UTC,
        Some(name) => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// Whether a text compared with time is meant as a date, right or wrong.
#[must_use]
pub fn looks_like_time(text: &str) -> bool {
    let shape = b"dddd-dd-dd";
    let bytes = text.as_bytes();
    bytes.len() >= shape.len()
        && bytes.iter().zip(shape).all(|(byte, kind)| match kind {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        })
        && bytes.get(shape.len()) != Some(&b'\n')
}

/// Reads a date, a date with a time of day in `zone`, or an RFC 3339 time.
///
/// `None` when it is none of them, or no such day or hour exists.
#[must_use]
pub fn parse(text: &str, zone: &TimeZone) -> Option<WideTime> {
    let mut scan = Scan(text);
    let date = scan.date()?;
    if scan.0.is_empty() {
        return Some(local(DateTime::from_parts(date, Time::midnight()), zone));
    }
    if scan.0.starts_with(' ') {
        scan.0 = scan.0.trim_start_matches(' ');
        let time = scan.time_of_day()?;
        return scan.0.is_empty().then(|| local(DateTime::from_parts(date, time), zone));
    }
    scan.sign('T')?;
    let time = scan.time_of_day()?;
    let offset = scan.offset()?;
    let utc = local(DateTime::from_parts(date, time), &TimeZone::UTC);
    scan.0
        .is_empty()
        .then_some(WideTime(utc.0 - i128::from(offset) * NS_PER_SECOND))
}

/// The point in time at which clocks in `zone` show `shown`. Where they show it twice or never, Go's choice: the
/// offset is looked up as if `shown` were UTC, and once more at the time so found.
fn local(shown: DateTime, zone: &TimeZone) -> WideTime {
    let offset_at = |ns: i128| i128::from(zone.to_offset(WideTime(ns).timestamp()).seconds()) * NS_PER_SECOND;
    let shown = shown.duration_since(EPOCH).as_nanos();
    let first = shown - offset_at(shown);
    WideTime(shown - offset_at(first))
}

impl fmt::Display for WideTime {
    /// RFC 3339 in UTC with as many fraction digits as needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

impl WideTime {
    /// RFC 3339 in UTC to whole seconds.
    #[must_use]
    pub fn to_seconds_string(self) -> String {
        let seconds = SignedDuration::from_secs(i64::try_from(self.0.div_euclid(NS_PER_SECOND)).unwrap_or(i64::MAX));
        match EPOCH.checked_add(seconds) {
            Ok(shown) => format!("{shown}Z"),
            Err(_) => format!("{:.0}", self.timestamp()),
        }
    }

    /// Nanoseconds since 1970, cut to what `i64` holds.
    #[must_use]
    pub fn saturating_ns(self) -> i64 {
        i64::try_from(self.0).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }

    fn timestamp(self) -> Timestamp {
        let limit = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_nanosecond(self.0).unwrap_or(limit)
    }
}

/// What is still to be read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn date(&mut self) -> Option<Date> {
        let year = self.digits(4, 4)?;
        self.sign('-')?;
        let month = self.digits(2, 2)?;
        self.sign('-')?;
        let day = self.digits(2, 2)?;
        Date::new(
            i16::try_from(year).ok()?,
            i8::try_from(month).ok()?,
            i8::try_from(day).ok()?,
        )
        .ok()
    }

    /// `15:04:05` with an optional fraction of up to nine digits; the hour may have one digit.
    fn time_of_day(&mut self) -> Option<Time> {
        let hour = self.digits(1, 2)?;
        self.sign(':')?;
        let minute = self.digits(2, 2)?;
        self.sign(':')?;
        let second = self.digits(2, 2)?;
        let mut nanosecond = 0;
        if self.0.starts_with('.') {
            self.sign('.')?;
            let before = self.0.len();
            nanosecond = self.digits(1, 9)?;
            let digits = u32::try_from(before - self.0.len()).ok()?;
            nanosecond *= 10_i32.pow(9 - digits);
        }
        let small = |n: i32| i8::try_from(n).ok();
        Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond)
            .ok()
            .filter(|_| second < 60)
    }

    /// `Z` or `+07:00`, in seconds.
    fn offset(&mut self) -> Option<i32> {
        if self.sign('Z').is_some() {
            return Some(0);
        }
        let sign = if self.0.starts_with('-') { -1 } else { 1 };
        self.sign(if sign < 0 { '-' } else { '+' })?;
        let hours = self.digits(2, 2)?;
        self.sign(':')?;
        let minutes = self.digits(2, 2)?;
        (hours <= 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }

    /// A number of at least `least` and at most `most` (no more than nine) digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<i32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        if count < least { None } else { digits.parse().ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_influxdb_reads() {
        let check = |text: &str, tz: &str, expect: &str| {
            let read = parse(text, &zone(Some(tz))).map(|time| time.to_string());
            assert_eq!(read.as_deref().unwrap_or("none"), expect, "{text} in {tz}");
        };
        check("2000-01-01", "UTC", "2000-01-01T00:00:00Z");
        check("2000-01-01", "Europe/Berlin", "1999-12-31T23:00:00Z");
        check("2000-01-01 12:30:00.5", "UTC", "2000-01-01T12:30:00.5Z");
        check("2000-01-01 2:30:00", "UTC", "2000-01-01T02:30:00Z");
        check("2000-01-01   02:30:00", "UTC", "2000-01-01T02:30:00Z");
        check("2000-01-01T12:30:00Z", "Europe/Berlin", "2000-01-01T12:30:00Z");
        check(
            "2000-01-01T12:30:00.123456789+02:00",
            "UTC",
            "2000-01-01T10:30:00.123456789Z",
        );
        check("0001-01-01", "UTC", "0001-01-01T00:00:00Z");
        check("2024-03-31 02:30:00", "Europe/Berlin", "2024-03-31T01:30:00Z");
        check("2024-10-27 02:30:00", "Europe/Berlin", "2024-10-27T01:30:00Z");
        for text in [
            "2000-13-01",
            "2000-01-32",
            "2000-01-01 25:00:00",
            "2000-01-01T12:30:00",
            "2000-1-1",
            "now",
        ] {
            check(text, "UTC", "none");
        }
    }

    #[test]
    fn knows_what_is_meant_as_time() {
        let check = |text: &str, expect: bool| assert_eq!(looks_like_time(text), expect, "{text:?}");
        check("2000-01-01", true);
        check("2000-01-01 whatever", true);
        check("2000-99-99", true);
        check("2000-01-01\n", false);
        check("2000-1-01", false);
        check("hello", false);
        check("", false);
    }
}

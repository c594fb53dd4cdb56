//! PURE. Points in time as Go's `time` reads and prints them: RFC 3339 with the offset that the author wrote.
//!
//! The error texts are those of Go 1.15 to 1.19, which parse the JSON text of a time with its quotes on:
//!
//! ```text
//! parsing time "\"2046-1\"" as "\"2006-01-02T15:04:05Z07:00\"": cannot parse "1\"" as "01"
//!              the JSON text    the expected form                 from here      this part
//! ```

use std::fmt;

use jiff::civil::DateTime;

use crate::base::TimestampNs;

/// The form, as Go writes it.
const LAYOUT: &str = "\"2006-01-02T15:04:05Z07:00\"";

/// A point in time and the offset from UTC that it was written with, and is printed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What clocks showed there.
    pub local: DateTime,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A part of it has another form.
    #[error("parsing time {} as {}: cannot parse {} as {}", quote(.text), quote(LAYOUT), quote(.rest), quote(.part))]
    Form {
        /// The text, as JSON.
        text: String,
        /// What could not be read.
        rest: String,
        /// What it was to be, as [`LAYOUT`] has it.
        part: &'static str,
    },
    /// There is no such day, hour, ...
    #[error("parsing time {}: {part} out of range", quote(.text))]
    OutOfRange {
        /// The text, as JSON.
        text: String,
        /// Its name.
        part: &'static str,
    },
    /// It goes on.
    #[error("parsing time {}: extra text: {}", quote(.text), quote(.rest))]
    Extra {
        /// The text, as JSON.
        text: String,
        /// What is too much.
        rest: String,
    },
}

/// Reads the JSON text of a time: RFC 3339 in quotes.
///
/// # Errors
/// When it is none, with Go's text.
pub fn parse_json(text: &str) -> Result<Moment, Invalid> {
    let mut reader = Reader { text, rest: text };
    reader.skip("\"")?;
    let year = reader.year()?;
    reader.skip("-")?;
    let month = reader.two_digits("01", Digits::Two, 1..=12, "month")?;
    reader.skip("-")?;
    // Which days there are depends on the month: that is looked at last.
    let day = reader.two_digits("02", Digits::Two, 0..=99, "day")?;
    reader.skip("T")?;
    let hour = reader.two_digits("15", Digits::OneOrTwo, 0..=23, "hour")?;
    reader.skip(":")?;
    let minute = reader.two_digits("04", Digits::Two, 0..=59, "minute")?;
    reader.skip(":")?;
    let second = reader.two_digits("05", Digits::Two, 0..=59, "second")?;
    let nanos = reader.fraction();
    let offset = reader.offset()?;
    reader.skip("\"")?;
    reader.end()?;
    let local = DateTime::new(year, month, day, hour, minute, second, nanos);
    let local = local.map_err(|_| reader.out_of_range("day"))?;
    Ok(Moment { local, offset })
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

#[derive(Clone, Copy, PartialEq)]
enum Digits {
    Two,
    OneOrTwo,
}

impl Reader<'_> {
    fn skip(&mut self, part: &'static str) -> Result<(), Invalid> {
        self.rest = self.rest.strip_prefix(part).ok_or_else(|| self.unfit(part))?;
        Ok(())
    }

    fn year(&mut self) -> Result<i16, Invalid> {
        let part = "2006";
        let is_long = self.rest.len() >= 4 && self.digit(0).is_some();
        let (digits, rest) = self
            .rest
            .split_at_checked(4)
            .filter(|_| is_long)
            .ok_or_else(|| self.unfit(part))?;
        self.rest = rest;
        digits.parse().map_err(|_| self.unfit(part))
    }

    fn two_digits(
        &mut self,
        part: &'static str,
        digits: Digits,
        range: std::ops::RangeInclusive<i8>,
        name: &'static str,
    ) -> Result<i8, Invalid> {
        let (number, length) = match (self.digit(0), self.digit(1)) {
            (Some(tens), Some(ones)) => (tens * 10 + ones, 2),
            (Some(ones), None) if digits == Digits::OneOrTwo => (ones, 1),
            _ => return Err(self.unfit(part)),
        };
        self.advance(length);
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.out_of_range(name))
        }
    }

    /// Nanoseconds behind a point or comma; digits after the ninth do not count.
    fn fraction(&mut self) -> i32 {
        if !self.rest.starts_with(['.', ',']) || self.digit(1).is_none() {
            return 0;
        }
        self.advance(1);
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let digits = self.rest.get(..end.min(9)).unwrap_or_default();
        let nanos = format!("{digits:0<9}").parse().unwrap_or(0);
        self.advance(end);
        nanos
    }

    fn offset(&mut self) -> Result<i32, Invalid> {
        let part = "Z07:00";
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let (offset, rest) = self.rest.split_at_checked(6).ok_or_else(|| self.unfit(part))?;
        if !offset.get(3..).is_some_and(|minutes| minutes.starts_with(':')) {
            return Err(self.unfit(part));
        }
        self.rest = rest;
        let number = |from: usize| offset.get(from..from + 2).and_then(|digits| digits.parse::<u8>().ok());
        let (Some(hours), Some(minutes)) = (number(1), number(4)) else {
            return Err(self.unfit(part));
        };
        let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
        match offset.chars().next() {
            Some('+') => Ok(seconds),
            Some('-') => Ok(-seconds),
            _ => Err(self.unfit(part)),
        }
    }

    fn end(&self) -> Result<(), Invalid> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(Invalid::Extra {
            text: self.text.to_owned(),
            rest: self.rest.to_owned(),
        })
    }

    fn digit(&self, at: usize) -> Option<i8> {
        let digit = self.rest.as_bytes().get(at).filter(|byte| byte.is_ascii_digit())?;
        i8::try_from(digit - b'0').ok()
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn unfit(&self, part: &'static str) -> Invalid {
        Invalid::Form {
            text: self.text.to_owned(),
            rest: self.rest.to_owned(),
            part,
        }
    }

    fn out_of_range(&self, part: &'static str) -> Invalid {
        Invalid::OutOfRange {
            text: self.text.to_owned(),
            part,
        }
    }
}

impl Moment {
    /// Nanoseconds since the epoch.
    #[must_use]
    pub fn as_nanos(self) -> i128 {
        let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        self.local.duration_since(epoch).as_nanos() - i128::from(self.offset) * 1_000_000_000
    }

    /// The same, as near as 64 bits can tell: the years 1677 to 2262.
    #[must_use]
    pub fn timestamp(self) -> TimestampNs {
        let nearest = self.as_nanos().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        TimestampNs(i64::try_from(nearest).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Moment {
    /// Go's `RFC3339Nano`: the digits of the fraction that are needed, and `Z` for no offset.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local;
        write!(f, "{:04}-{:02}-{:02}T", local.year(), local.month(), local.day())?;
        write!(f, "{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())?;
        if local.subsec_nanosecond() != 0 {
            let digits = format!("{:09}", local.subsec_nanosecond());
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        match self.offset {
            0 => f.write_str("Z"),
            offset => {
                let sign = if offset < 0 { '-' } else { '+' };
                let minutes = offset.abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// A text in quotes as Go's `time` shows it: what is not ASCII, and control characters, byte by byte.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            0..0x20 | 0x80.. => quoted.push_str(&format!("\\x{byte:02x}")),
            _ => quoted.push(char::from(byte)),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_reads() {
        let check = |text: &str, expect: &str| {
            let moment = parse_json(&format!("\"{text}\"")).unwrap();
            assert_eq!(moment.to_string(), expect);
            assert_eq!(parse_json(&format!("\"{moment}\"")), Ok(moment));
        };
        for text in [
            "2046-10-27T16:00:00+01:00",
            "2046-10-28T16:30:00.5+01:00",
            "2046-10-28T16:30:00Z",
            "2046-10-28T16:30:00.000000001-09:30",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            check(text, text);
        }
        check("2046-10-28T16:30:00+00:00", "2046-10-28T16:30:00Z");
        check("2046-10-28T16:30:00.500Z", "2046-10-28T16:30:00.5Z");
        check("2046-10-28T16:30:00,25Z", "2046-10-28T16:30:00.25Z");
        check("2046-10-28T6:30:00Z", "2046-10-28T06:30:00Z");
        check("2046-10-28T16:30:00.1234567899Z", "2046-10-28T16:30:00.123456789Z");
        let moment = parse_json("\"2046-10-27T16:00:00+01:00\"").unwrap();
        assert_eq!(moment.timestamp().to_string(), "2046-10-27T15:00:00Z");
        let far = parse_json("\"9999-12-31T00:00:00Z\"").unwrap();
        assert_eq!(far.timestamp(), TimestampNs(i64::MAX));
    }

    #[test]
    fn refuses_in_the_words_of_go() {
        let check = |text: &str, rest: &str, part: &str| {
            let expect = format!(
                "parsing time {} as \"\\\"2006-01-02T15:04:05Z07:00\\\"\": cannot parse {} as {}",
                quote(text),
                quote(rest),
                quote(part),
            );
            assert_eq!(parse_json(text).unwrap_err().to_string(), expect);
        };
        assert_eq!(
            parse_json("\"yesterday\"").unwrap_err().to_string(),
            r#"parsing time "\"yesterday\"" as "\"2006-01-02T15:04:05Z07:00\"": cannot parse "yesterday\"" as "2006""#
        );
        check("5", "5", "\"");
        check("{}", "{}", "\"");
        check("\"\"", "\"", "2006");
        check("\"20a6-10-28T16:30:00Z\"", "-10-28T16:30:00Z\"", "2006");
        check("\"2046\"", "\"", "-");
        check("\"2046-1-28T16:30:00Z\"", "1-28T16:30:00Z\"", "01");
        check("\"2046-10-8T16:30:00Z\"", "8T16:30:00Z\"", "02");
        check("\"2046-10-28\"", "\"", "T");
        check("\"2046-10-28 16:30:00Z\"", " 16:30:00Z\"", "T");
        check("\"2046-10-28Tx\"", "x\"", "15");
        check("\"2046-10-28T16:3:00Z\"", "3:00Z\"", "04");
        check("\"2046-10-28T16:30Z\"", "Z\"", ":");
        check("\"2046-10-28T16:30:00\"", "\"", "Z07:00");
        check("\"2046-10-28T16:30:00+0100\"", "+0100\"", "Z07:00");
        check("\"2046-10-28T16:30:00.Z\"", ".Z\"", "Z07:00");
        check("\"2046-10-28T16:30:00Zx\"", "x\"", "\"");
    }

    #[test]
    fn ranges_are_checked() {
        let check = |text: &str, part: &str| {
            let text = format!("\"{text}\"");
            let expect = format!("parsing time {}: {part} out of range", quote(&text));
            assert_eq!(parse_json(&text).unwrap_err().to_string(), expect);
        };
        check("2046-13-28T16:30:00Z", "month");
        check("2046-00-28T16:30:00Z", "month");
        check("2046-02-30T16:30:00Z", "day");
        check("2046-02-00T16:30:00Z", "day");
        check("2046-10-28T24:30:00Z", "hour");
        check("2046-10-28T16:60:00Z", "minute");
        check("2046-10-28T16:30:60Z", "second");
    }
}

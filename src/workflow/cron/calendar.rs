//! PURE. Where the ticks of an expression are: by civil arithmetic in each stretch of time without a clock change.
//!
//! Nothing is walked second by second. The next tick is found by looking for a day and then for a time of day; ticks are
//! counted day by day.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Fields;

const SECONDS_PER_DAY: i64 = 86_400;

/// How far a tick is looked for.
const HORIZON: i64 = 5 * 366 * SECONDS_PER_DAY;

/// A stretch of time with one offset from UTC, seconds since the epoch, without the last one.
#[derive(Clone, Copy)]
struct Stretch {
    begin: i64,
    end: i64,
    offset: i64,
}

/// The first matching second after `after`, seconds since the epoch.
pub(super) fn next(fields: &Fields, after: i64, zone: &TimeZone) -> Option<i64> {
    let begin = after.checked_add(1)?;
    let end = begin.checked_add(HORIZON)?;
    stretches(begin, end, zone).find_map(|stretch| {
        let local = next_local(fields, stretch.begin + stretch.offset, stretch.end + stretch.offset)?;
        Some(local - stretch.offset)
    })
}

/// How many seconds after `after` up to `until` match.
pub(super) fn count(fields: &Fields, after: i64, until: i64, zone: &TimeZone) -> u64 {
    let counts = stretches(after.saturating_add(1), until.saturating_add(1), zone).map(|stretch| {
        let (begin, end) = (stretch.begin + stretch.offset, stretch.end + stretch.offset);
        let days = begin.div_euclid(SECONDS_PER_DAY)..=(end - 1).div_euclid(SECONDS_PER_DAY);
        let of_day = |day: i64| {
            let midnight = day * SECONDS_PER_DAY;
            let until = |second: i64| fields.matches_until((second - midnight).clamp(0, SECONDS_PER_DAY));
            until(end) - until(begin)
        };
        days.filter(|day| fields.has_day(*day)).map(of_day).sum::<u64>()
    });
    counts.sum()
}

/// The stretches from `begin` to `end`; none when that is no time.
fn stretches(begin: i64, end: i64, zone: &TimeZone) -> impl Iterator<Item = Stretch> {
    let mut from = begin;
    std::iter::from_fn(move || {
        if from >= end {
            return None;
        }
        let begin = from;
        let at = Timestamp::from_second(begin).ok()?;
        let change = zone.following(at).next().map(|change| change.timestamp().as_second());
        from = change
            .filter(|change| *change > begin)
            .map_or(end, |change| change.min(end));
        Some(Stretch {
            begin,
            end: from,
            offset: zone.to_offset(at).seconds().into(),
        })
    })
}

/// The first matching second of a clock that never changes.
fn next_local(fields: &Fields, begin: i64, end: i64) -> Option<i64> {
    let (first, last) = (begin.div_euclid(SECONDS_PER_DAY), (end - 1).div_euclid(SECONDS_PER_DAY));
    (first..=last).filter(|day| fields.has_day(*day)).find_map(|day| {
        let midnight = day * SECONDS_PER_DAY;
        let second = midnight + fields.next_in_day((begin - midnight).max(0))?;
        (second < end).then_some(second)
    })
}

impl Fields {
    /// Whether the day, counted from 1970-01-01, matches.
    fn has_day(&self, day: i64) -> bool {
        let Some(date) = date(day) else { return false };
        let has_number = has(self.day, date.day());
        let has_weekday = has(self.weekday, date.weekday().to_sunday_zero_offset());
        let is_day = if self.both_days {
            has_number && has_weekday
        } else {
            has_number || has_weekday
        };
        has(self.month, date.month()) && is_day
    }

    /// The first matching second of a day from that one on.
    fn next_in_day(&self, from: i64) -> Option<i64> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        let first = |hour: i64| Some(hour * 3600 + first_from(self.minute, 0)? * 60 + first_from(self.second, 0)?);
        let in_minute = || Some(hour * 3600 + minute * 60 + first_from(self.second, second)?);
        let in_hour = || Some(hour * 3600 + first_from(self.minute, minute + 1)? * 60 + first_from(self.second, 0)?);
        if has(self.hour, hour) {
            let now = if has(self.minute, minute) { in_minute() } else { None };
            if let Some(found) = now.or_else(in_hour) {
                return Some(found);
            }
        }
        first(first_from(self.hour, hour + 1)?)
    }

    /// How many seconds of a matching day match before that one.
    fn matches_until(&self, second: i64) -> u64 {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let per_minute = below(self.second, 60);
        let mut matches = below(self.hour, hour) * below(self.minute, 60) * per_minute;
        if has(self.hour, hour) {
            matches += below(self.minute, minute) * per_minute;
            if has(self.minute, minute) {
                matches += below(self.second, second);
            }
        }
        matches
    }
}

/// The day so many days after 1970-01-01.
fn date(day: i64) -> Option<Date> {
    let midnight = Timestamp::from_second(day.checked_mul(SECONDS_PER_DAY)?).ok()?;
    Some(TimeZone::UTC.to_datetime(midnight).date())
}

fn has(bits: u64, value: impl Into<i64>) -> bool {
    bits >> value.into() & 1 == 1
}

/// The first value from that one on.
fn first_from(bits: u64, value: i64) -> Option<i64> {
    let rest = bits >> value << value;
    (rest != 0).then(|| rest.trailing_zeros().into())
}

/// How many values are less.
fn below(bits: u64, value: i64) -> u64 {
    (bits & !(u64::MAX << value)).count_ones().into()
}

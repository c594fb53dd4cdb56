//! Windows of time: `GROUP BY time(interval, offset)` in the zone of `tz()`.
//!
//! Windows are counted from 1970 in local time. Where clocks change within a window, its edges move so that windows
//! stay aligned with the local clock; that is InfluxDB's `IteratorOptions.Window`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::TimestampNs;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// The times of a query and how they are cut into windows.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// The earliest time of the query.
    pub(super) start: i64,
    /// The latest time of the query.
    pub(super) end: i64,
    /// The length of a window, nanoseconds, more than 0; `None`: one window.
    pub(super) interval: Option<i64>,
    /// How far windows are moved, nanoseconds.
    pub(super) offset: i64,
    /// The zone, if it is not UTC.
    pub(super) zone: Option<TimeZone>,
}

impl Windows {
    /// The start of the window in which `time` lies, and its end, which is not part of it.
    pub(super) fn of(&self, time: i64) -> (i64, i64) {
        let Some(interval) = self.interval else {
            return (self.start, self.end.saturating_add(1));
        };
        let time = time.saturating_sub(self.offset);
        let zone = self.zone_offset(time);
        let since = time.saturating_add(zone).rem_euclid(interval);
        let mut start = if TimestampNs::MIN.0.saturating_add(since) >= time {
            TimestampNs::MIN.0
        } else {
            time - since
        };
        let rest = interval - since;
        let mut end = if TimestampNs::MAX.0.saturating_sub(rest) <= time {
            TimestampNs::MAX.0
        } else {
            time + rest
        };
        if self.zone.is_some() {
            let change = zone - self.zone_offset(start);
            if change.abs() < interval {
                start += change;
            }
            let end_zone = self.zone_offset(end);
            let change = zone - end_zone;
            // Hours that are shown twice belong to the window in which clocks go back; hours that are left out, to the next.
            if change.abs() < interval && (change > 0 || self.zone_offset(end.saturating_add(change)) == end_zone) {
                end = end.saturating_add(change);
            }
        }
        (start.saturating_add(self.offset), end.saturating_add(self.offset))
    }

    /// Nanoseconds east of UTC at that time.
    pub(super) fn zone_offset(&self, time: i64) -> i64 {
        let Some(zone) = &self.zone else {
            return 0;
        };
        i64::from(offset_seconds(zone, time)) * NS_PER_SECOND
    }

    /// The start of the window as it is shown: 0 when the query has no earliest time.
    pub(super) fn shown_start(&self, time: i64) -> i64 {
        match self.of(time).0 {
            start if start == TimestampNs::MIN.0 => 0,
            start => start,
        }
    }
}

/// Seconds east of UTC in that zone at that time.
pub(super) fn offset_seconds(zone: &TimeZone, time: i64) -> i32 {
    Timestamp::from_nanosecond(time.into()).map_or(0, |at| zone.to_offset(at).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(interval: i64, offset: i64, zone: Option<&str>) -> Windows {
        Windows {
            start: TimestampNs::MIN.0,
            end: TimestampNs::MAX.0,
            interval: Some(interval),
            offset,
            zone: zone.map(|name| TimeZone::get(name).unwrap()),
        }
    }

    #[test]
    fn windows_are_counted_from_1970() {
        let check = |windows: Windows, time: i64, expect: (i64, i64)| assert_eq!(windows.of(time), expect, "{time}");
        check(windows(10, 0, None), 25, (20, 30));
        check(windows(10, 0, None), 20, (20, 30));
        check(windows(10, 0, None), -1, (-10, 0));
        check(windows(10, 3, None), 22, (13, 23));
        check(windows(10, 3, None), 23, (23, 33));
        check(
            windows(10, 0, None),
            TimestampNs::MIN.0,
            (TimestampNs::MIN.0, -9_223_372_036_854_775_800),
        );
        let whole = Windows {
            interval: None,
            start: 5,
            end: 9,
            ..windows(1, 0, None)
        };
        check(whole, 7, (5, 10));
    }

    #[test]
    fn days_follow_the_local_clock() {
        let second = NS_PER_SECOND;
        let hour = 3600 * second;
        let day = 24 * hour;
        let berlin = windows(day, 0, Some("Europe/Berlin"));
        // 2024-03-31 has 23 hours in Berlin, 2024-10-27 has 25.
        let spring = 1_711_839_600 * second;
        assert_eq!(berlin.of(spring + 12 * hour), (spring, spring + 23 * hour));
        let autumn = 1_729_980_000 * second;
        assert_eq!(berlin.of(autumn + 12 * hour), (autumn, autumn + 25 * hour));
    }
}

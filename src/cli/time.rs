//! Times for the eye, and as people write them.

use anyhow::{Context as _, bail};
use jiff::{
    Timestamp, Zoned,
    civil::{Date, Time},
    tz::TimeZone,
};

/// A Unix time in seconds as `Fri, 20 Nov 2026 12:59:10 UTC`.
pub(crate) fn rfc1123(seconds: i64) -> String {
    formatted(seconds, "%a, %d %b %Y %H:%M:%S UTC", TimeZone::UTC)
}

/// A Unix time in seconds as `12:59PM 11-20-2026`, where this process is.
pub(crate) fn local(seconds: i64) -> String {
    formatted(seconds, "%-I:%M%p %-m-%d-%Y", TimeZone::system())
}

fn formatted(seconds: i64, format: &str, zone: TimeZone) -> String {
    Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |time| time.to_zoned(zone).strftime(format).to_string(),
    )
}

/// A date and a time of day as given, today and now when not; RFC 3339 with this process's offset. `None` when neither
/// was given.
pub(crate) fn timestamp(date: Option<&str>, time: Option<&str>, now: &Zoned) -> anyhow::Result<Option<String>> {
    if date.is_none() && time.is_none() {
        return Ok(None);
    }
    let date = date.map_or(Ok(now.date()), parse_date)?;
    let time = time.map_or(Ok(now.time()), parse_time)?;
    let moment = date.to_datetime(time).to_zoned(now.time_zone().clone())?;
    Ok(Some(moment.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()))
}

fn parse_date(text: &str) -> anyhow::Result<Date> {
    let formats = ["%m-%d-%Y", "%Y-%m-%d"];
    let parsed = formats.iter().find_map(|format| Date::strptime(format, text).ok());
    parsed.with_context(|| format!("{text:?} is no date: write 11-20-2026 or 2026-11-20"))
}

fn parse_time(text: &str) -> anyhow::Result<Time> {
    let formats = ["%I:%M%p", "%H:%M:%S", "%H:%M"];
    let parsed = formats.iter().find_map(|format| Time::strptime(format, text).ok());
    let Some(parsed) = parsed else {
        bail!("{text:?} is no time of day: write 3:04PM or 15:04");
    };
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-20T12:59:10+01:00[Europe/Berlin]".parse().unwrap()
    }

    #[test]
    fn prints_as_snap_does() {
        assert_eq!(rfc1123(1_795_179_550), "Fri, 20 Nov 2026 12:59:10 UTC");
        let local = formatted(1_795_179_550, "%-I:%M%p %-m-%d-%Y", TimeZone::UTC);
        assert_eq!(local, "12:59PM 11-20-2026");
    }

    #[test]
    fn dates_and_times_complete_each_other() {
        let check = |date, time, expect: &str| {
            assert_eq!(timestamp(date, time, &now()).unwrap().as_deref(), Some(expect));
        };
        check(Some("11-21-2026"), None, "2026-11-21T12:59:10+01:00");
        check(None, Some("3:04PM"), "2026-11-20T15:04:00+01:00");
        check(Some("2026-07-01"), Some("15:04"), "2026-07-01T15:04:00+02:00");
        assert_eq!(timestamp(None, None, &now()).unwrap(), None);
        assert!(timestamp(Some("tomorrow"), None, &now()).is_err());
        assert!(timestamp(None, Some("noon"), &now()).is_err());
    }
}

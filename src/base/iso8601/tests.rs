use proptest::prelude::*;

use super::*;

const YEAR_1: i64 = -62_135_596_800_000_000;
const YEAR_9999: i64 = 253_402_300_799_999_999;

#[test]
fn reads_points_in_time() {
    let check = |text: &str, expect: &str| {
        let read = parse_datetime(text).map(|time| time.to_string());
        assert_eq!(read.as_deref().unwrap_or("none"), expect, "{text:?}");
    };
    check("2015-01-01T00:00:00Z", "2015-01-01T00:00:00Z");
    check("2015-01-01 00:00:00Z", "2015-01-01T00:00:00Z");
    check("2015-1-2T3:04Z", "2015-01-02T03:04:00Z");
    check("2015-01-01T00:00:00.5Z", "2015-01-01T00:00:00.500000Z");
    check("2015-01-01T00:00:00.000000Z", "2015-01-01T00:00:00Z");
    check("2015-01-01T00:00:00.123456789Z", "2015-01-01T00:00:00.123456Z");
    check("2015-01-01T00:00:00+01:30", "2014-12-31T22:30:00Z");
    check("2015-01-01T00:00:00+0130", "2014-12-31T22:30:00Z");
    check("2015-01-01T00:00:00+01", "2014-12-31T23:00:00Z");
    check("2015-01-01T00:00:00-05:00", "2015-01-01T05:00:00Z");
    check("2016-02-29T00:00Z", "2016-02-29T00:00:00Z");
    check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
    check("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
    for wrong in [
        "",
        "2015",
        "2015-01-01",
        "2015-01-01T00:00:00",
        "2015-01-01T00:00:00 01:00",
        "2015-01-01T00:00:00z",
        "2015-01-01t00:00:00Z",
        "2015-01-01T00:00:00ZZ",
        "2015-01-01T00:00:00+1",
        "2015-01-01T00:00:00+01:",
        "2015-01-01T00:00:00+01:3",
        "2015-01-01T00:00:00+24:00",
        "2015-01-01T00:00:00.Z",
        "2015-01-01T00:00.5Z",
        "2015-01-01T00Z",
        "2015-01-01T0:0:0Z",
        "2015-01-01T24:00:00Z",
        "2015-01-01T00:60:00Z",
        "2015-01-01T00:00:60Z",
        "2015-02-30T00:00:00Z",
        "2015-13-01T00:00:00Z",
        "2015-001-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "15-01-01T00:00:00Z",
        " 2015-01-01T00:00:00Z",
        "२०१५-01-01T00:00:00Z",
    ] {
        check(wrong, "none");
    }
}

#[test]
fn reads_durations() {
    let check = |text: &str, micros: Option<i64>| assert_eq!(parse_duration(text), micros, "{text:?}");
    check("P", Some(0));
    check("PT", Some(0));
    check("P1DT", Some(86_400_000_000));
    check("P1.5D", Some(129_600_000_000));
    check("PT3H0M0S", Some(10_800_000_000));
    check("P1DT2H3M4.5S", Some(93_784_500_000));
    check("PT0.000001S", Some(1));
    check("PT90M", Some(5_400_000_000));
    for wrong in [
        "", "1D", "P1Y", "P1M", "P1W", "-P1D", "P-1D", "P+1D", "p1d", "P1d", "P1", "P1H", "PT1D", "PT1M1H", "P1,5D",
        "P1.D", "P.5D", "P1.5.5D", "P1D ", "P1DT1", "PP1D", "PTT", "P١D",
    ] {
        check(wrong, None);
    }
    check(&format!("P{}D", "9".repeat(400)), None);
    check("PT99999999999999S", None);
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(us in YEAR_1..=YEAR_9999) {
        prop_assert_eq!(parse_datetime(&TimestampUs(us).to_string()), Some(TimestampUs(us)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[-0-9TZPDHMS:.+ é]{0,40}") {
        prop_assert!(parse_datetime(&text).is_none() || text.contains(['Z', '+', '-']));
        prop_assert!(parse_duration(&text).is_none_or(|micros| micros >= 0 && text.starts_with('P')));
    }
}

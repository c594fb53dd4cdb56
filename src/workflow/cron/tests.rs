use jiff::{Timestamp, civil::DateTime};
use proptest::prelude::*;

use super::*;

/// Central Europe, without the need for a database: forward on the last Sunday of March at 2, back in October at 3.
fn europe() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn at(text: &str) -> TimestampNs {
    let nanos = text.parse::<Timestamp>().unwrap().as_nanosecond();
    TimestampNs(i64::try_from(nanos).unwrap())
}

#[test]
fn refuses_in_the_words_of_the_original() {
    let check = |text: &str, expect: &str| {
        assert_eq!(Expression::parse(text).unwrap_err().to_string(), expect, "{text}");
    };
    check("1 2 3", "Expected 5 or 6 fields, found 3: 1 2 3");
    check("1 2 3 4 5 6 7", "Expected 5 or 6 fields, found 7: 1 2 3 4 5 6 7");
    check("  ", "Expected 5 or 6 fields, found 0:   ");
    check(
        "invalid cron entry",
        "Expected 5 or 6 fields, found 3: invalid cron entry",
    );
    check(
        "a b c d e f",
        "Failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax",
    );
    check(
        "-1 -2 -3 -4 -5 -6",
        "Failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax",
    );
    check(
        "99999999999999999999 * * * *",
        "Failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
    );
    check("61 * * * * *", "End of range (61) above maximum (59): 61");
    check("0 * 24 * * *", "End of range (24) above maximum (23): 24");
    check("0 0 0 0 * *", "Beginning of range (0) below minimum (1): 0");
    check("0 0 0 * 13 *", "End of range (13) above maximum (12): 13");
    check("0 0 0 * * 7", "End of range (7) above maximum (6): 7");
    check(
        "0 30-10 * * * *",
        "Beginning of range (30) beyond end of range (10): 30-10",
    );
    check("0 1-2-3 * * * *", "Too many hyphens: 1-2-3");
    check("0 */2/3 * * * *", "Too many slashes: */2/3");
    check("0 */0 * * * *", "Step of range should be a positive number: */0");
    check(
        "0 */x * * * *",
        "Failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
    );
    check("0 */-2 * * * *", "Negative number (-2) not allowed: -2");
    check(
        "mon * * * * *",
        "Failed to parse int from mon: strconv.Atoi: parsing \"mon\": invalid syntax",
    );
    check(
        "0 0 0 * * monday",
        "Failed to parse int from monday: strconv.Atoi: parsing \"monday\": invalid syntax",
    );
    check("@often", "Unrecognized descriptor: @often");
    check("@", "Unrecognized descriptor: @");
    check("@every", "Unrecognized descriptor: @every");
    check("@Daily", "Unrecognized descriptor: @Daily");
    check(
        "@every x",
        "Failed to parse duration @every x: time: invalid duration \"x\"",
    );
}

#[test]
fn ways_to_say_the_same() {
    let check = |one: &str, other: &str| assert_eq!(Expression::parse(one), Expression::parse(other));
    check("1 2 3 4 5", "1 2 3 4 5 *");
    check("0 * * * * *", "  0\t*  * * * ?");
    check("@hourly", "0 0 * * * *");
    check("@midnight", "@daily");
    check("@annually", "@yearly");
    check("0 0 0 * Jan,MAR sun-TUE", "0 0 0 * 1,3 0-2");
    check("0 5/15 * * * *", "0 5,20,35,50 * * * *");
    check("0 10-30/10 * * * *", "0 10,20,30 * * * *");
    check("0 +5 * * * *", "0 5 * * * *");
    check("0 1,,2 * * * *", "0 1,2 * * * *");
    check("@every 1h30m", "@every 5400s");
    check("@every 1ms", "@every 1s");
    check("@every 1.9s", "@every 1s");
    check("@every -5s", "@every 1s");
}

#[test]
fn next_ticks() {
    let check = |text: &str, now: &str, expect: &str| {
        let expression = Expression::parse(text).unwrap();
        let next = expression.next_after(at(now), at(now), &TimeZone::UTC).unwrap();
        assert_eq!(next.to_string(), expect, "{text} after {now}");
    };
    check("0 30 * * * *", "2026-11-20T13:00:00Z", "2026-11-20T13:30:00Z");
    check("0 30 * * * *", "2026-11-20T13:30:00Z", "2026-11-20T14:30:00Z");
    check("* * * * * *", "2026-11-20T13:30:00.25Z", "2026-11-20T13:30:01Z");
    check("0 0 0 1 1 *", "2026-11-20T13:30:00Z", "2027-01-01T00:00:00Z");
    check("0 0 0 29 2 *", "2026-11-20T13:30:00Z", "2028-02-29T00:00:00Z");
    check("15/35 20-35/15 * * * *", "2012-07-09T15:20:50Z", "2012-07-09T15:35:15Z");
    check("0 0 12 * * mon", "2026-11-20T13:30:00Z", "2026-11-23T12:00:00Z");
    check("@weekly", "2026-11-20T13:30:00Z", "2026-11-22T00:00:00Z");
    check("@every 90s", "2026-11-20T13:30:00.7Z", "2026-11-20T13:31:30Z");
    // Both days restricted: either does. One with a star, even a stepped one: both must.
    check("0 0 0 1,15 * sun", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z");
    check("0 0 0 1,15 * */6", "2026-11-20T00:00:00Z", "2027-05-01T00:00:00Z");
    check("0 0 0 */10 * sun", "2026-11-20T00:00:00Z", "2027-01-31T00:00:00Z");
    let never = Expression::parse("0 0 0 30 2 *").unwrap();
    let now = at("2026-11-20T13:30:00Z");
    assert_eq!(never.next_after(now, now, &TimeZone::UTC), None);
    let nothing = Expression::parse(", * * * * *").unwrap();
    assert_eq!(nothing.next_after(now, now, &TimeZone::UTC), None);
    assert_eq!(nothing.ticks(at("2000-01-01T00:00:00Z"), now, &TimeZone::UTC), 0);
}

#[test]
fn clock_changes_skip_and_repeat() {
    let expression = Expression::parse("0 30 2 * * *").unwrap();
    let (begin, end) = (at("2026-03-27T12:00:00Z"), at("2026-03-31T12:00:00Z"));
    let next = |now| expression.next_after(now, now, &europe()).unwrap();
    assert_eq!(next(begin).to_string(), "2026-03-28T01:30:00Z");
    // There was no 02:30 on the 29th.
    assert_eq!(next(next(begin)).to_string(), "2026-03-30T00:30:00Z");
    assert_eq!(expression.ticks(begin, end, &europe()), 3);
    let first = next(at("2026-10-24T12:00:00Z"));
    assert_eq!(first.to_string(), "2026-10-25T00:30:00Z");
    assert_eq!(next(first).to_string(), "2026-10-25T01:30:00Z");
}

#[test]
fn counting_does_not_walk() {
    let ticks = |text: &str, from: &str, to: &str| {
        let expression = Expression::parse(text).unwrap();
        expression.ticks(at(from), at(to), &europe())
    };
    let (from, to) = ("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z");
    assert_eq!(ticks("* * * * * *", from, to), 7_258_118_400);
    assert_eq!(ticks("@every 1s", from, to), 7_258_118_400);
    assert_eq!(
        ticks("@every 1s", "2026-11-20T13:00:00.9Z", "2026-11-20T13:00:10.1Z"),
        10
    );
    assert_eq!(
        ticks("* * * * * *", "2026-11-20T13:00:00Z", "2026-11-20T13:00:00.9Z"),
        0
    );
    assert_eq!(ticks("* * * * * *", "2026-11-20T13:00:05Z", "2026-11-20T13:00:00Z"), 0);
}

/// Whether an expression of that form matches a local time, read anew and field by field.
fn matches(text: &str, time: DateTime) -> bool {
    let fields: Vec<&str> = text.split(' ').collect();
    let is_in = |field: usize, value: i8| {
        fields[field].split(',').any(|item| {
            let (range, step) = item.split_once('/').unwrap_or((item, "1"));
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            let low: i8 = if low == "*" {
                [0, 0, 0, 1, 1, 0][field]
            } else {
                low.parse().unwrap()
            };
            let high: i8 = high.parse().unwrap_or(99);
            let high = if item.contains('/') && !range.contains('-') {
                99
            } else {
                high
            };
            (low..=high).contains(&value) && (value - low) % step.parse::<i8>().unwrap() == 0
        })
    };
    let (number, weekday) = (is_in(3, time.day()), is_in(5, time.weekday().to_sunday_zero_offset()));
    let has_star = |field: usize| fields[field].split(',').any(|item| item.starts_with('*'));
    let is_day = if has_star(3) || has_star(5) {
        number && weekday
    } else {
        number || weekday
    };
    is_in(0, time.second()) && is_in(1, time.minute()) && is_in(2, time.hour()) && is_in(4, time.month()) && is_day
}

fn item(min: i8, max: i8) -> impl Strategy<Value = String> {
    let range = (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    prop_oneof![
        3 => Just("*".to_owned()),
        1 => (1..20_i8).prop_map(|step| format!("*/{step}")),
        2 => (min..=max).prop_map(|value| value.to_string()),
        1 => (min..=max, 1..20_i8).prop_map(|(value, step)| format!("{value}/{step}")),
        1 => range.clone(),
        1 => (range, 1..20_i8).prop_map(|(range, step)| format!("{range}/{step}")),
    ]
}

fn list(min: i8, max: i8) -> impl Strategy<Value = String> {
    prop::collection::vec(item(min, max), 1..3).prop_map(|items| items.join(","))
}

prop_compose! {
    fn expression()(
        second in list(0, 59), minute in list(0, 59), hour in list(0, 23),
        day in list(1, 31), month in list(1, 12), weekday in list(0, 6),
    ) -> String {
        [second, minute, hour, day, month, weekday].join(" ")
    }
}

/// The seconds after `begin` up to `end` that match, one by one.
fn brute_force(text: &str, begin: i64, end: i64, zone: &TimeZone) -> Vec<i64> {
    let is_tick = |second: &i64| matches(text, zone.to_datetime(Timestamp::from_second(*second).unwrap()));
    (begin + 1..=end).filter(is_tick).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn next_and_count_agree_with_brute_force(
        text in expression(),
        // Around the clock changes of 2026, and at the end of a year.
        day in prop_oneof![Just("2026-03-28T23:00:00Z"), Just("2026-10-24T22:00:00Z"), Just("2027-12-31T20:00:00Z")],
        from in 0..10_800_i64,
        length in 1..10_800_i64,
    ) {
        let zone = europe();
        let begin = seconds(at(day)) + from;
        let end = begin + length;
        let ticks = brute_force(&text, begin, end, &zone);
        let parsed = Expression::parse(&text).unwrap();
        let time = |second: i64| TimestampNs(second * NS_PER_SECOND);
        prop_assert_eq!(parsed.ticks(time(begin), time(end), &zone), ticks.len() as u64, "{}", text);
        let next = parsed.next_after(time(begin), time(begin), &zone);
        let within = next.filter(|next| *next <= time(end));
        prop_assert_eq!(within, ticks.first().map(|tick| time(*tick)), "{}", text);
    }

    #[test]
    fn days_agree_with_brute_force(day in list(1, 31), month in list(1, 12), weekday in list(0, 6), from in 0..4000_i64) {
        let text = format!("0 0 12 {day} {month} {weekday}");
        let begin = from * 86_400;
        let noon = |day: i64| begin + day * 86_400 + 43_200;
        let is_tick = |second: &i64| {
            matches(&text, TimeZone::UTC.to_datetime(Timestamp::from_second(*second).unwrap()))
        };
        let expect = (0..4 * 365).map(noon).find(is_tick);
        let parsed = Expression::parse(&text).unwrap();
        let begin = TimestampNs(begin * NS_PER_SECOND);
        let next = parsed.next_after(begin, begin, &TimeZone::UTC);
        let within = next.map(seconds).filter(|next| *next <= noon(4 * 365 - 1));
        prop_assert_eq!(within, expect, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9*/?, @a-z-]{0,20}") {
        let _is_expression = Expression::parse(&text).is_ok();
    }
}

use proptest::prelude::*;

use super::*;
use crate::workflow::gotime::parse_json;

const NOW: i64 = 1_795_179_600_000_000_000;

/// So many milliseconds after 2026-11-20T13:00:00Z.
fn at(millis: i64) -> TimestampNs {
    TimestampNs(NOW + millis * 1_000_000)
}

fn moment(millis: i64) -> Moment {
    parse_json(&format!("\"{}\"", at(millis))).unwrap()
}

fn every(millis: u64) -> Window {
    Window {
        interval: Duration::from_millis(millis),
        start: None,
        stop: None,
        count: 0,
    }
}

fn begin(window: Window) -> Timing {
    Timing::begin(&Schedule::Windowed(window), at(0), &TimeZone::UTC).unwrap()
}

fn fires(millis: i64, missed: u64) -> Next {
    Next::Fire { at: at(millis), missed }
}

#[test]
fn windows_are_checked() {
    let check = |start: Option<i64>, stop: Option<i64>, expect: Result<(), Invalid>| {
        let window = Window {
            start: start.map(moment),
            stop: stop.map(moment),
            ..every(1000)
        };
        assert_eq!(Schedule::Windowed(window).validate(at(0)), expect);
    };
    check(None, None, Ok(()));
    check(None, Some(0), Ok(()));
    check(None, Some(-1), Err(Invalid::StopInThePast));
    check(Some(-120_000), Some(60_000), Ok(()));
    check(Some(60_000), Some(-1), Err(Invalid::StopInThePast));
    check(Some(2), Some(1), Err(Invalid::StopBeforeStart));
    check(Some(1), Some(1), Ok(()));
    let nothing = Schedule::Windowed(every(0));
    assert_eq!(nothing.validate(at(0)), Err(Invalid::NoInterval));
    assert!(Timing::begin(&nothing, at(0), &TimeZone::UTC).is_err());
    let far = Window {
        stop: Some(parse_json("\"9999-12-31T23:59:59Z\"").unwrap()),
        ..every(1000)
    };
    assert_eq!(begin(far).next(at(0), None), fires(0, 0));
}

#[test]
fn intervals_that_pass_are_missed() {
    let timing = begin(every(100));
    assert_eq!(timing.next(at(0), None), fires(0, 0));
    assert_eq!(timing.next(at(30), Some(at(0))), fires(100, 0));
    assert_eq!(timing.next(at(467), Some(at(0))), fires(500, 4));
    assert_eq!(timing.next(at(100), Some(at(0))), fires(200, 1));
    // The clock went back.
    assert_eq!(timing.next(at(-50), Some(at(0))), fires(100, 0));
}

#[test]
fn a_window_opens_and_closes() {
    let timing = begin(Window {
        start: Some(moment(50)),
        stop: Some(moment(175)),
        ..every(50)
    });
    assert_eq!(timing.next(at(0), None), fires(50, 0));
    assert_eq!(timing.next(at(60), None), fires(60, 0));
    assert_eq!(timing.next(at(50), Some(at(50))), fires(100, 0));
    assert_eq!(timing.next(at(100), Some(at(100))), fires(150, 0));
    assert_eq!(timing.next(at(150), Some(at(150))), Next::End { at: at(175) });
    assert_eq!(timing.next(at(500), Some(at(150))), Next::End { at: at(500) });
    let past = begin(Window {
        start: Some(moment(-200)),
        ..every(50)
    });
    assert_eq!(past.next(at(0), None), fires(0, 0));
}

/// Fires until the end, each fire lasting as told, and then none; how many fires there were, and how many were missed.
fn run(timing: &Timing, lasting: &[i64]) -> (u64, u64) {
    let (mut now, mut last) = (at(0), None);
    let (mut fires, mut missed) = (0, 0);
    let mut lasting = lasting.iter().copied().chain(std::iter::repeat(0));
    loop {
        let Next::Fire { at, missed: more } = timing.next(now, last) else {
            return (fires, missed);
        };
        assert!(at >= now);
        (fires, missed) = (fires + 1, missed + more);
        last = Some(at);
        now = TimestampNs(at.0 + lasting.next().unwrap_or(0) * 1_000_000);
    }
}

#[test]
fn counts_are_intervals() {
    let check = |count: u64, start: Option<i64>, lasting: &[i64], expect: (u64, u64)| {
        let start = start.map(moment);
        let timing = begin(Window {
            start,
            count,
            ..every(1000)
        });
        assert_eq!(run(&timing, lasting), expect);
    };
    check(1, None, &[], (1, 0));
    check(10, None, &[], (10, 0));
    check(10, None, &[0, 1500, 0, 1500], (8, 2));
    check(10, Some(5000), &[], (10, 0));
    check(10, Some(-5000), &[], (10, 0));
    let stops = begin(Window {
        stop: Some(moment(3000)),
        count: 10,
        ..every(1000)
    });
    assert_eq!(run(&stops, &[]), (3, 0));
}

#[test]
fn cron_waits_for_the_next_tick() {
    let begin = |text: &str| Timing::begin(&Schedule::Cron(text.to_owned()), at(0), &TimeZone::UTC);
    let timing = begin("*/10 * * * * *").unwrap();
    assert_eq!(timing.next(at(0), None), fires(10_000, 0));
    assert_eq!(timing.next(at(10_500), Some(at(10_000))), fires(20_000, 0));
    assert_eq!(timing.next(at(45_000), Some(at(10_000))), fires(50_000, 3));
    let timing = begin("@every 1s").unwrap();
    assert_eq!(timing.next(at(0), None), fires(1000, 0));
    assert_eq!(timing.next(at(0), Some(at(-10_000))), fires(1000, 10));
    assert_eq!(
        begin("0 0 0 30 2 *").unwrap().next(at(0), None),
        Next::End { at: at(0) }
    );
    assert!(begin("x").is_err());
}

proptest! {
    #[test]
    fn fires_and_misses_fill_the_count(count in 1..40_u64, lasting in prop::collection::vec(0..4000_i64, 0..40)) {
        let timing = begin(Window { count, ..every(1000) });
        let (fires, missed) = run(&timing, &lasting);
        prop_assert!(fires >= 1 && fires + missed <= count);
    }

    #[test]
    fn fires_stay_on_the_grid(interval in 1..10_000_u64, last in 0..10_000_i64, passed in 0..1_000_000_i64) {
        let timing = begin(every(interval));
        let now = at(last + passed);
        let Next::Fire { at: next, missed } = timing.next(now, Some(at(last))) else {
            return Err(TestCaseError::fail("no fire"));
        };
        let step = i64::try_from(interval).unwrap() * 1_000_000;
        let steps = i64::try_from(missed).unwrap() + 1;
        prop_assert_eq!(next.0, at(last).0 + steps * step);
        prop_assert!(next > now && next.0 - step <= now.0);
    }
}

use super::super::{Params, parse, testdata};
use super::*;

const NOW: TimestampNs = TimestampNs(1_750_000_000_000_000_000);

fn outcome(text: &str) -> String {
    let statements = parse(text, &Params::new()).unwrap();
    let errors = statements.iter().filter_map(|statement| check(statement, NOW).err());
    errors.map(|error| error.to_string()).next().unwrap_or_default()
}

#[test]
fn errors_are_those_of_a_live_server() {
    for (text, expect) in testdata::errors(testdata::STATEMENT_ERRORS) {
        assert_eq!(outcome(text), expect, "{text}");
    }
}

#[test]
fn what_a_live_server_runs_is_valid() {
    for text in testdata::lines(testdata::ACCEPTED) {
        assert_eq!(outcome(text), "", "{text}");
    }
}

#[test]
fn cardinalities_are_checked_like_queries() {
    let check = |text: &str, expect: &str| assert_eq!(outcome(text), expect, "{text}");
    check("SHOW SERIES CARDINALITY WHERE x", "invalid condition expression: x");
    check(
        "SHOW TAG VALUES CARDINALITY WITH KEY = t WHERE x",
        "invalid condition expression: x",
    );
    check(
        "SHOW MEASUREMENT EXACT CARDINALITY GROUP BY 5",
        "only time and tag dimensions allowed",
    );
    check("SHOW FIELD KEY CARDINALITY WHERE t = 'a' GROUP BY t", "");
}

#[test]
fn finds_the_interval_and_the_times() {
    let check = |text: &str, interval: Option<(i64, i64)>, times: (Option<i64>, Option<i64>)| {
        let statements = parse(text, &Params::new()).unwrap();
        let [Statement::Select(select)] = statements.as_slice() else {
            panic!("{text} is one query");
        };
        let checked = check_select(select, NOW).unwrap();
        let found = checked
            .interval
            .map(|interval| (interval.duration.0, interval.offset.0));
        assert_eq!(found, interval, "{text}");
        assert_eq!((checked.time_range.min, checked.time_range.max), times, "{text}");
    };
    let minute = 60_000_000_000;
    check("SELECT x FROM m", None, (None, None));
    check(
        "SELECT x FROM m WHERE time >= 5 AND time < 10",
        None,
        (Some(5), Some(9)),
    );
    check(
        "SELECT max(x) FROM m GROUP BY time(1m)",
        Some((minute, 0)),
        (None, Some(NOW.0)),
    );
    check(
        "SELECT max(x) FROM m WHERE time < 9 GROUP BY time(1m, 90s)",
        Some((minute, minute / 2)),
        (None, Some(8)),
    );
    check(
        "SELECT max(x) FROM m GROUP BY time(1m, now())",
        Some((minute, NOW.0 % minute)),
        (None, Some(NOW.0)),
    );
}

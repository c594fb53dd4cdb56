use super::super::parse_expr;
use super::super::timestamp::zone;
use super::*;

/// 2000-01-01T00:00:00Z
const NOW: TimestampNs = TimestampNs(946_684_800_000_000_000);

fn shown(text: &str, tz: &str) -> String {
    let condition = parse_expr(text).unwrap();
    match split(Some(&condition), &Scope::at(NOW, zone(Some(tz)))) {
        Err(error) => error.to_string(),
        Ok((rest, range)) => {
            let rest = rest.map_or_else(|| "-".to_owned(), |rest| rest.to_string());
            let bound = |ns: Option<i64>| ns.map_or_else(|| "-".to_owned(), |ns| TimestampNs(ns).to_string());
            format!("{} .. {} | {rest}", bound(range.min), bound(range.max))
        }
    }
}

#[test]
fn takes_time_out_of_the_condition() {
    let check = |text: &str, expect: &str| assert_eq!(shown(text, "UTC"), expect, "{text}");
    check("time > now() - 1h", "1999-12-31T23:00:00.000000001Z .. - | -");
    check(
        "now() - 1h <= time AND time < now()",
        "1999-12-31T23:00:00Z .. 1999-12-31T23:59:59.999999999Z | -",
    );
    check(
        "time = '2000-01-01'",
        "2000-01-01T00:00:00Z .. 2000-01-01T00:00:00Z | -",
    );
    check(
        "a = 1 AND time >= 5 AND b = 2",
        "1970-01-01T00:00:00.000000005Z .. - | a = 1 AND b = 2",
    );
    check(
        "(a = 1 AND time >= 5) OR b = 2",
        "1970-01-01T00:00:00.000000005Z .. - | (a = 1) OR b = 2",
    );
    check(
        "(a = 1 OR b = 2) AND time <= 0",
        "- .. 1970-01-01T00:00:00Z | a = 1 OR b = 2",
    );
    check(
        "time > 5 AND time > 7 AND time < 9 AND time <= 8",
        "1970-01-01T00:00:00.000000008Z .. 1970-01-01T00:00:00.000000008Z | -",
    );
    check("TIME >= 1s", "1970-01-01T00:00:01Z .. - | -");
    check("true", "- .. - | -");
    check("false", "- .. - | false");
    check("a = 1 + 2", "- .. - | a = 3");
    check("a = 1 AND true", "- .. - | a = 1");
}

#[test]
fn dates_without_zone_are_in_the_zone_of_the_query() {
    let check = |text: &str, expect: &str| assert_eq!(shown(text, "Europe/Berlin"), expect, "{text}");
    check("time >= '2000-01-01'", "1999-12-31T23:00:00Z .. - | -");
    check("time >= '2000-07-01 12:00:00'", "2000-07-01T10:00:00Z .. - | -");
    check("time >= '2000-01-01T00:00:00Z'", "2000-01-01T00:00:00Z .. - | -");
    check("time >= '2000-01-01' + 1d", "2000-01-01T23:00:00Z .. - | -");
}

#[test]
fn refuses_what_is_no_condition() {
    let check = |text: &str, expect: &str| assert_eq!(shown(text, "UTC"), expect, "{text}");
    check("x", "invalid condition expression: x");
    check("a = 1 AND 5", "invalid condition expression: 5");
    check(
        "time > 'yesterday'",
        "invalid operation: time and *influxql.StringLiteral are not compatible",
    );
    check("time > '2000-13-01'", "invalid timestamp string");
    check("time != 5", "invalid time comparison operator: !=");
    check(
        "time > '9999-01-01'",
        "time 9999-01-01T00:00:00Z overflows time literal",
    );
    check(
        "time > '9999-12-31T23:59:59.5Z'",
        "time 9999-12-31T23:59:59Z overflows time literal",
    );
}

#[test]
fn ranges_intersect() {
    let range = |min, max| TimeRange { min, max };
    let both = range(Some(1), None)
        .intersect(range(Some(3), Some(9)))
        .intersect(range(None, Some(7)));
    assert_eq!(both, range(Some(3), Some(7)));
    assert_eq!(TimeRange::default().bounds(), (TimestampNs::MIN, TimestampNs::MAX));
}

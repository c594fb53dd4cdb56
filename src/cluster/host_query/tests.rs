use proptest::prelude::*;

use super::*;

/// 2015-06-01T12:00:00Z.
const NOW: TimestampNs = TimestampNs(1_433_160_000_000_000_000);
const HOUR: i64 = 3_600_000_000;

fn params(query: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = query.iter();
    pairs.map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn parse(query: &[(&str, &str)]) -> Result<HostQuery, String> {
    HostQuery::parse(&params(query), NOW).map_err(|error| error.to_string())
}

/// Hosts of these names; ids from 1.
fn hosts(names: &[&str]) -> Vec<Host> {
    let named = (1..).zip(names);
    named.map(|(id, name)| Host::new(id, *name, NOW)).collect()
}

fn ids(query: &[(&str, &str)], hosts: &[Host]) -> Vec<u64> {
    let query = parse(query).unwrap();
    query.select(hosts.iter()).iter().map(|host| host.id).collect()
}

#[test]
fn errors_are_told_in_scales_order() {
    let check = |query: &[(&str, &str)], expect: &str| assert_eq!(parse(query), Err(expect.to_owned()), "{query:?}");
    let (early, late) = ("2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z");
    let (no_start, no_end) = (
        "Invalid ISO timestamp format for parameter: started",
        "Invalid ISO timestamp format for parameter: ended",
    );
    check(
        &[("order", "x"), ("is_active", "x"), ("ended", "x"), ("started", "x")],
        no_start,
    );
    check(&[("order", "x"), ("is_active", "x"), ("ended", "x")], no_end);
    check(&[("started", "")], no_start);
    check(&[("ended", "P1Y")], no_end);
    check(&[("ended", "P1W")], no_end);
    check(&[("ended", "P999999999D")], no_end);
    check(&[("ended", "P736500D")], no_end);
    check(&[("started", early), ("started", "x")], no_start);
    check(
        &[("started", early), ("ended", early), ("is_active", "x")],
        "Start and end values must be different",
    );
    check(
        &[("started", late), ("ended", early)],
        "Start time must come before end time",
    );
    check(
        &[("started", "PT1H"), ("ended", "PT3H")],
        "Start time must come before end time",
    );
    check(
        &[("is_active", ""), ("order", "x")],
        "Parameter must be a valid boolean: \"is_active\"",
    );
    check(&[("order", "id"), ("order", "x")], "Invalid order field: \"x\"");
    for wrong in ["", "-", "--id", "id,hostname", "Hostname", "last_offer_received"] {
        check(&[("order", wrong)], &format!("Invalid order field: \"{wrong}\""));
    }
}

#[test]
fn booleans_are_words() {
    let check = |text: &str, expect: Option<bool>| {
        let read = parse(&[("is_active", text)]).map(|query| query.is_active);
        assert_eq!(read.ok().flatten(), expect, "{text:?}");
    };
    for yes in ["true", "TRUE", " t ", "1", "T"] {
        check(yes, Some(true));
    }
    for no in ["false", "False", "f", "0"] {
        check(no, Some(false));
    }
    for wrong in ["yes", "", "2", "tr ue", "on", "none"] {
        check(wrong, None);
    }
}

#[test]
fn both_ends_of_a_range_belong_to_it() {
    let mut host = Host::new(1, "a", NOW);
    host.last_modified = TimestampUs(host.last_modified.0 - 2 * HOUR);
    let shown = |name: &str, value: &str| !ids(&[(name, value)], std::slice::from_ref(&host)).is_empty();
    let check = |value: &str, since: bool, until: bool| {
        assert_eq!(
            (shown("started", value), shown("ended", value)),
            (since, until),
            "{value}"
        );
    };
    check("2015-06-01T10:00:00Z", true, true);
    check("2015-06-01T10:00:00.000001Z", false, true);
    check("2015-06-01T09:59:59.999999Z", true, false);
    check("PT2H", true, true);
    check("PT3H", true, false);
    check("PT1H", false, true);
    check("PT", false, true);
    check("0001-01-01T00:00:00Z", true, false);
    check("9999-12-31T23:59:59Z", false, true);
    assert!(parse(&[("started", "0001-01-01T00:00:00Z"), ("ended", "0002-01-01T00:00:00Z")]).is_ok());
}

#[test]
fn names_are_ordered_ignoring_case() {
    let hosts = hosts(&["b", "A", "c", "B"]);
    assert_eq!(ids(&[("order", "hostname")], &hosts), [2, 1, 4, 3]);
    assert_eq!(ids(&[("order", "host_name")], &hosts), [2, 1, 4, 3]);
    assert_eq!(ids(&[("order", "-hostname")], &hosts), [3, 1, 4, 2]);
    assert_eq!(ids(&[("order", "-host_name"), ("order", "-id")], &hosts), [3, 4, 1, 2]);
}

#[test]
fn what_is_not_there_is_the_greatest() {
    let mut hosts = hosts(&["a", "b", "c"]);
    hosts[0].deprecated = Some(TimestampUs(2));
    hosts[2].deprecated = Some(TimestampUs(1));
    hosts[1].pause_reason = Some("disk".into());
    hosts[2].pause_reason = Some("CPU".into());
    assert_eq!(ids(&[("order", "deprecated")], &hosts), [3, 1, 2]);
    assert_eq!(ids(&[("order", "-deprecated")], &hosts), [2, 1, 3]);
    assert_eq!(ids(&[("order", "pause_reason")], &hosts), [3, 2, 1]);
    assert_eq!(ids(&[("order", "-pause_reason")], &hosts), [1, 2, 3]);
}

#[test]
fn later_keys_decide_what_earlier_ones_leave() {
    let mut hosts = hosts(&["a", "b", "c", "d"]);
    for (host, created) in hosts.iter_mut().zip([1, 2, 3, 4]) {
        host.is_active = host.id % 2 == 0;
        host.created = TimestampUs(created);
    }
    assert_eq!(
        ids(&[("order", "is_active"), ("order", "-created")], &hosts),
        [3, 1, 4, 2]
    );
    assert_eq!(ids(&[("is_active", "t"), ("order", "-id")], &hosts), [4, 2]);
}

#[test]
fn the_longest_unchanged_comes_first() {
    let mut hosts = hosts(&["a", "b", "c"]);
    hosts[0].last_modified = TimestampUs(9);
    hosts[1].last_modified = TimestampUs(3);
    hosts[2].last_modified = TimestampUs(3);
    assert_eq!(ids(&[("page", "x"), ("foo", "bar")], &hosts), [2, 3, 1]);
}

proptest! {
    #[test]
    fn a_reversed_order_is_the_order_reversed(
        names in proptest::collection::vec("[abAB]{1,2}", 1..8),
        field in prop_oneof![Just("hostname"), Just("deprecated"), Just("is_active"), Just("created")],
    ) {
        let mut hosts = hosts(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for host in &mut hosts {
            host.is_active = host.hostname.len() == 1;
            host.deprecated = (!host.is_active).then_some(TimestampUs(host.id as i64 % 3));
        }
        let forward = ids(&[("order", field), ("order", "id")], &hosts);
        let mut backward = ids(&[("order", &format!("-{field}")), ("order", "-id")], &hosts);
        backward.reverse();
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn any_parameters_are_read_or_refused(name in "started|ended|is_active|order", value in "\\PC{0,20}") {
        let hosts = hosts(&["a", "b"]);
        let shown = parse(&[(&name, &value)]).map(|query| query.select(hosts.iter()).len());
        prop_assert!(shown.is_err() || shown.is_ok_and(|count| count <= 2));
    }
}

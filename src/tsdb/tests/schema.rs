//! Statements about databases and policies: in InfluxDB's words, as influxd 1.6 was seen to answer.

use super::*;
use crate::query::source::SeriesSource;

fn spec(name: &str, hours: Option<i64>) -> PolicySpec {
    PolicySpec {
        name: name.to_owned(),
        duration_ns: hours.map(|hours| hours * HOUR),
        ..PolicySpec::default()
    }
}

fn text<T>(result: Result<T, Error>) -> String {
    result.map_or_else(|error| error.to_string(), |_| "ok".to_owned())
}

#[test]
fn databases_are_created_and_dropped() {
    let engine = engine().0;
    let create = |name: &str, with: Option<PolicySpec>| text(engine.create_database(2, name, with.as_ref()));
    let conflict = "retention policy conflicts with an existing policy";
    assert_eq!(create("db", None), "ok");
    assert_eq!(create("b", Some(spec("foo", Some(24)))), "ok");
    assert_eq!(create("b", None), "ok");
    assert_eq!(create("b", Some(spec("", Some(24)))), conflict);
    assert_eq!(create("b", Some(spec("foo", Some(24)))), "ok");
    assert_eq!(create("b", Some(spec("foo", Some(48)))), conflict);
    assert_eq!(create("b", Some(spec("foo", None))), "ok");
    assert_eq!(create("d", Some(spec("", Some(0)))), "ok");
    let low = PolicySpec {
        duration_ns: Some(1),
        ..PolicySpec::default()
    };
    assert_eq!(
        create("e", Some(low)),
        "retention policy duration must be at least 1h0m0s"
    );
    assert_eq!(create("", None), "database name required");
    assert_eq!(engine.databases(), ["db", "b", "d"]);
    assert_eq!(engine.default_policy("b").unwrap(), "foo");
    engine.drop_database(3, "b");
    engine.drop_database(4, "nodb");
    assert_eq!(engine.databases(), ["db", "d"]);
    assert_eq!((engine.policies("b"), engine.default_policy("b")), (None, None));
}

#[test]
fn policies_are_created() {
    let engine = engine().0;
    let check = |db: &str, name: &str, hours: i64, make_default: bool, expect: &str| {
        let spec = PolicySpec {
            make_default,
            ..spec(name, Some(hours))
        };
        assert_eq!(text(engine.create_policy(2, db, &spec)), expect);
    };
    check("nodb", "r", 1, false, "database not found: nodb");
    check("db", "r", 1, false, "ok");
    check("db", "r", 1, false, "ok");
    check("db", "r", 2, false, "retention policy already exists");
    check("db", "r", 1, true, "retention policy conflicts with an existing policy");
    check("db", "s", 0, true, "ok");
    assert_eq!(engine.default_policy("db").unwrap(), "s");
    assert_eq!(engine.policies("db").unwrap().len(), 3);
}

#[test]
fn policies_are_altered_and_dropped() {
    let engine = engine().0;
    engine.create_policy(2, "db", &spec("r", Some(1))).unwrap();
    let change = PolicyChange {
        duration_ns: Some(72 * HOUR),
        replication: Some(3),
        make_default: true,
        shard_duration_ns: None,
    };
    let alter = |db: &str, name: &str| text(engine.alter_policy(3, db, name, &change));
    assert_eq!(alter("nodb", "r"), "database not found: nodb");
    assert_eq!(alter("db", "nope"), "retention policy not found: nope");
    assert_eq!(alter("db", "r"), "ok");
    let altered = crate::query::source::Policy {
        name: "r".to_owned(),
        duration_ns: 72 * HOUR,
        shard_duration_ns: HOUR,
        replication: 3,
        is_default: true,
    };
    let policies = engine.policies("db").unwrap();
    assert!(policies[1] == altered && !policies[0].is_default);
    engine.drop_policy(4, "db", "r");
    engine.drop_policy(5, "nodb", "r");
    assert_eq!(engine.default_policy("db").unwrap(), "r");
    assert_eq!(engine.policies("db").unwrap().len(), 1);
}

#[test]
fn statements_about_points_need_a_database() {
    let engine = engine().0;
    let filter = crate::query::source::TagFilter::All;
    assert_eq!(
        text(engine.drop_measurement(2, "nodb", "m")),
        "database not found: nodb"
    );
    assert_eq!(
        text(engine.drop_series(2, "nodb", &|_| true, &filter)),
        "database not found: nodb"
    );
    assert_eq!(text(engine.drop_measurement(2, "db", "nope")), "ok");
}

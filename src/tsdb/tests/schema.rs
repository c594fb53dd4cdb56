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
fn policies_are_created_altered_and_dropped() {
    let engine = engine().0;
    let create = |db: &str, spec: PolicySpec| text(engine.create_policy(2, db, &spec));
    let conflict = "retention policy conflicts with an existing policy";
    assert_eq!(create("nodb", spec("r", Some(1))), "database not found: nodb");
    assert_eq!(create("db", spec("r", Some(1))), "ok");
    assert_eq!(create("db", spec("r", Some(1))), "ok");
    assert_eq!(create("db", spec("r", Some(2))), "retention policy already exists");
    assert_eq!(
        create(
            "db",
            PolicySpec {
                make_default: true,
                ..spec("r", Some(1))
            }
        ),
        conflict
    );
    assert_eq!(
        create(
            "db",
            PolicySpec {
                make_default: true,
                ..spec("s", Some(0))
            }
        ),
        "ok"
    );
    let alter = |db: &str, name: &str, change: PolicyChange| text(engine.alter_policy(3, db, name, &change));
    assert_eq!(alter("nodb", "r", PolicyChange::default()), "database not found: nodb");
    assert_eq!(
        alter("db", "nope", PolicyChange::default()),
        "retention policy not found: nope"
    );
    let change = PolicyChange {
        duration_ns: Some(72 * HOUR),
        replication: Some(3),
        make_default: true,
        shard_duration_ns: None,
    };
    assert_eq!(alter("db", "r", change), "ok");
    let found: Vec<_> = engine
        .policies("db")
        .unwrap()
        .into_iter()
        .map(|policy| {
            (
                policy.name,
                policy.duration_ns / HOUR,
                policy.shard_duration_ns / HOUR,
                policy.replication,
                policy.is_default,
            )
        })
        .collect();
    let expect = [
        ("autogen", 0, 168, 1, false),
        ("r", 72, 1, 3, true),
        ("s", 0, 168, 1, false),
    ];
    assert_eq!(
        found,
        expect.map(|(name, duration, shard, copies, is_default)| (
            name.to_owned(),
            duration,
            shard,
            copies,
            is_default
        ))
    );
    engine.drop_policy(4, "db", "r");
    engine.drop_policy(5, "nodb", "r");
    assert_eq!(engine.default_policy("db").unwrap(), "r");
    assert_eq!(engine.policies("db").unwrap().len(), 2);
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

//! What a write answers: in InfluxDB's words, as influxd 1.6 and 1.8 were seen to answer.

use std::collections::BTreeMap;

use super::{dump::dump, *};
use crate::{
    base::ErrorKind,
    query::source::{FieldType, SeriesSource, TagFilter},
};

fn keys(engine: &Engine, measurement: &str) -> Vec<String> {
    let series = engine.series("db", measurement, &TagFilter::All);
    series
        .iter()
        .map(|one| one.tags.iter().map(|(key, value)| format!("{key}={value}")).collect())
        .collect()
}

#[test]
fn types_that_conflict_are_refused() {
    let engine = engine().0;
    let check = |lines: &str, expect: Option<&str>| {
        assert_eq!(write(&engine, 2, lines).as_deref(), expect, "{lines}");
    };
    let conflict = |field: &str, given: &str, existing: &str, dropped: u32| {
        format!(
            "partial write: field type conflict: input field \"{field}\" on measurement \"m\" is type {given}, already exists as type {existing} dropped={dropped}"
        )
    };
    check("m v=1i 1", None);
    check("m v=1 1", Some(&conflict("v", "float", "integer", 1)));
    check("m v=1,x=2i 5", Some(&conflict("v", "float", "integer", 1)));
    check("m x=2i,v=1 5", Some(&conflict("v", "float", "integer", 1)));
    check(
        "m v=\"s\" 6\nm v=2 7\nm v=4i 8",
        Some(&conflict("v", "string", "integer", 2)),
    );
    check("m a=1,a=2i 9", Some(&conflict("a", "integer", "float", 1)));
    check("m a=1u,a=2u,b=t 9", None);
    check("m,t=new v=true 9", Some(&conflict("v", "boolean", "integer", 1)));
    let dump = dump(&engine);
    let fields = &dump.fields[&("db".into(), "autogen".into(), "m".into())];
    let expect = [
        ("a", FieldType::Unsigned),
        ("b", FieldType::Boolean),
        ("v", FieldType::Integer),
    ];
    assert_eq!(fields[..], expect.map(|(name, of)| (name.to_owned(), of)));
    let points = &dump.points[&("db".into(), "autogen".into(), "m".into(), String::new())];
    assert_eq!(
        points[&9],
        BTreeMap::from([("a".into(), "2u".into()), ("b".into(), "true".into())])
    );
    assert_eq!(keys(&engine, "m"), [""]);
}

#[test]
fn time_is_no_name() {
    let engine = engine().0;
    let check = |lines: &str, expect: Option<&str>| assert_eq!(write(&engine, 2, lines).as_deref(), expect, "{lines}");
    let field = "partial write: invalid field name: input field \"time\" on measurement \"m\" is invalid dropped=1";
    let tag = "partial write: invalid tag key: input tag \"time\" on measurement \"m\" is invalid dropped=1";
    check("m time=1 1", Some(field));
    check("m time=\"x\",v=2 2\nm time=3 2", Some(field));
    check("m,time=x,a=b v=2 2", Some(tag));
    check("m time=1,v=5 2", None);
    let dump = dump(&engine);
    assert_eq!(
        dump.fields.values().next().unwrap()[..],
        [("v".to_owned(), FieldType::Float)]
    );
    assert_eq!(
        dump.points.values().next().unwrap()[&2],
        BTreeMap::from([("v".into(), "5".into())])
    );
}

#[test]
fn old_points_are_refused() {
    let engine = engine().0;
    let spec = PolicySpec {
        name: "hour".to_owned(),
        duration_ns: Some(HOUR),
        ..PolicySpec::default()
    };
    engine.create_policy(2, "db", &spec).unwrap();
    let lines = format!("m v=1 1\nm v=2 2\nm v=1 {NOW}\nm v=3 {}", NOW - HOUR);
    let outcome = engine.write(3, "db", "hour", lines.as_bytes()).unwrap();
    assert_eq!((outcome.written, outcome.dropped, outcome.too_old), (2, 2, 2));
    assert_eq!(
        outcome.partial_write().unwrap(),
        "partial write: points beyond retention policy dropped=2"
    );
    let lines = format!("m v=1 1\nm v=2i {NOW}");
    let outcome = engine.write(4, "db", "hour", lines.as_bytes()).unwrap();
    assert!(
        outcome
            .partial_write()
            .unwrap()
            .ends_with("already exists as type float dropped=1")
    );
}

#[test]
fn unknown_places_are_errors() {
    let engine = engine().0;
    let check = |db: &str, policy: &str, expect: &str| {
        let error = engine.write(2, db, policy, b"m v=1 1").unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::NotFound, expect)
        );
    };
    check("nodb", "", "database not found: \"nodb\"");
    check("db", "nope", "retention policy not found: nope");
    engine.drop_policy(3, "db", "autogen");
    check("db", "", "retention policy not found: autogen");
}

#[test]
fn series_and_tag_values_are_limited() {
    let (fs, clock) = (MemFs::new(), ManualClock::at(TimestampNs(NOW)));
    let options = Options {
        max_series_per_database: 3,
        max_values_per_tag: 2,
        ..options()
    };
    let engine = open_with(&fs, &clock, options).unwrap().0;
    engine.create_database(1, "db", None).unwrap();
    assert_eq!(write(&engine, 2, "m,t=1 v=1 1\nm,t=2 v=1 1"), None);
    let text =
        "partial write: max-values-per-tag limit exceeded (2/2): measurement=\"m\" tag=\"t\" value=\"3\" dropped=1";
    assert_eq!(write(&engine, 3, "m,t=3 v=1 1\nm,t=2 v=1 2").as_deref(), Some(text));
    let text = "partial write: max-series-per-database limit exceeded: (3) dropped=2";
    assert_eq!(
        write(&engine, 4, "n v=1 1\no v=1 1\np v=1 1\nn v=2 2").as_deref(),
        Some(text)
    );
    assert_eq!(engine.stats().series, 3);
    assert_eq!(
        engine.measurements("db").iter().map(|name| &**name).collect::<Vec<_>>(),
        ["m", "n"]
    );
}

#[test]
fn names_are_unescaped_and_sorted() {
    let engine = engine().0;
    let lines = "m\\ x,b=2,a=1\\,1 f\\ 1=\"say \\\"hi\\\" \\\\\" 1\nm\\ x,a=1\\,1,b=2 f\\ 1=\"2\" 2\nm\\ x,a=1 v=1 1\n";
    assert_eq!(write(&engine, 2, lines), None);
    let dump = dump(&engine);
    assert_eq!(dump.series[&("db".into(), "m x".into())], ["a=1", "a=1,1,b=2"]);
    let points = &dump.points[&("db".into(), "autogen".into(), "m x".into(), "a=1,1,b=2".into())];
    assert_eq!(points[&1]["f 1"], r#""say \"hi\" \\""#);
    assert_eq!(points.len(), 2);
}

#[test]
fn a_dropped_field_may_come_back_with_another_type() {
    let (engine, fs, clock) = engine();
    write(&engine, 2, "m,t=1 v=1 1\nm,t=2 v=1 1");
    engine.flush().unwrap();
    engine.drop_measurement(3, "db", "m").unwrap();
    assert_eq!(write(&engine, 4, "m,t=1 v=\"s\" 1"), None);
    let check = |engine: &Engine| {
        let dump = dump(engine);
        assert_eq!(dump.points.len(), 1);
        assert_eq!(dump.points.values().next().unwrap()[&1]["v"], "\"s\"");
    };
    check(&engine);
    engine.flush().unwrap();
    clock.advance(std::time::Duration::from_hours(5));
    while engine.compact_once().unwrap() {}
    check(&engine);
    drop(engine);
    check(&open(&fs, &clock).0);
}

#[test]
fn records_applied_again_are_judged_by_their_own_time() {
    let (engine, fs, clock) = engine();
    let hours = |hours: i64| Some(hours * HOUR);
    let spec = PolicySpec {
        name: "short".to_owned(),
        duration_ns: hours(3),
        ..PolicySpec::default()
    };
    engine.create_policy(2, "db", &spec).unwrap();
    engine.flush().unwrap();
    let line = format!("m v=1 {}", NOW - 3 * HOUR);
    let prolonged = PolicyChange {
        duration_ns: hours(4),
        ..PolicyChange::default()
    };
    let apply = |engine: &Engine| {
        let outcome = engine
            .write_at(3, TimestampNs(NOW), "db", "short", line.as_bytes())
            .unwrap();
        assert_eq!(outcome.written, 1);
        engine.alter_policy(4, "db", "short", &prolonged).unwrap();
        assert_eq!(engine.enforce_retention(clock.now()).unwrap(), 0);
        assert_eq!(dump(engine).points.len(), 1);
    };
    apply(&engine);
    clock.advance(std::time::Duration::from_hours(1));
    drop(engine);
    let again = open(&fs.after_crash(0), &clock).0;
    assert_eq!(again.checkpoint(), 2);
    apply(&again);
    clock.advance(std::time::Duration::from_hours(2));
    assert_eq!(again.enforce_retention(clock.now()).unwrap(), 1);
    assert!(dump(&again).series.is_empty());
}

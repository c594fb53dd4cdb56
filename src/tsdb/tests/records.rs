//! Any records: few names and times, so that they meet.

use proptest::prelude::*;

use super::{
    HOUR, NOW,
    model::{Point, Record},
};

/// The point as a line.
pub(crate) fn line(point: &Point) -> String {
    let fields: Vec<String> = point
        .fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let tags = if point.tags.is_empty() {
        String::new()
    } else {
        format!(",{}", point.tags)
    };
    format!("{}{tags} {} {}\n", point.measurement, fields.join(","), point.time)
}

fn any_db() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just("a".to_owned()), 1 => Just("b".to_owned())]
}

/// Times of a few hours around the start of the clock.
pub(super) fn any_time() -> impl Strategy<Value = i64> {
    (-3_i64..3, 0_i64..12).prop_map(|(hour, tick)| NOW + hour * HOUR + tick * 1_000_000)
}

fn any_point() -> impl Strategy<Value = Point> {
    let field = (0_usize..5, 0_u8..20, 0_u8..20).prop_map(|(name, value, odd)| {
        let of = if odd == 0 { (name + 1) % 5 } else { name };
        let value = match of {
            0 => format!("{value}.5"),
            1 => format!("{value}i"),
            2 => format!("\"text {}\"", value % 3),
            3 => format!("{value}u"),
            _ => format!("{}", value % 2 == 0),
        };
        (format!("f{name}"), value)
    });
    let tags = prop::sample::select(vec!["", "t=x", "t=y", "s=1,t=x", "s=2"]);
    let measurement = prop::sample::select(vec!["m", "n"]);
    (
        measurement,
        tags,
        prop::collection::btree_map(0_u8..5, field, 1..4),
        any_time(),
    )
        .prop_map(|(measurement, tags, fields, time)| {
            let mut fields: Vec<(String, String)> = fields.into_values().collect();
            let mut seen = std::collections::BTreeSet::new();
            fields.retain(|(name, _)| seen.insert(name.clone()));
            Point {
                measurement: measurement.to_owned(),
                tags: tags.to_owned(),
                fields,
                time,
            }
        })
}

fn any_write() -> impl Strategy<Value = Record> {
    (any_db(), any::<bool>()).prop_flat_map(|(db, short)| {
        let points = prop::collection::vec(any_point(), 1..12);
        let policy = if short { "short" } else { "" };
        points.prop_map(move |points| Record::Write {
            db: db.clone(),
            policy: policy.to_owned(),
            points,
        })
    })
}

/// Any record for one of the databases `a` and `b`.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let measurement = || prop::sample::select(vec!["m".to_owned(), "n".to_owned()]);
    let tag = prop::option::of(prop::sample::select(vec!["x".to_owned(), "y".to_owned()]));
    let times = prop::option::weighted(
        0.8,
        (any_time(), 0_i64..2, 0_i64..8).prop_map(|(min, hours, ticks)| (min, min + hours * HOUR + ticks * 1_000_000)),
    );
    prop_oneof![
        30 => any_write(),
        6 => (any_db(), prop::option::of(measurement()), tag, times)
            .prop_map(|(db, measurement, tag, times)| Record::Delete { db, measurement, tag, times }),
        1 => (any_db(), measurement()).prop_map(|(db, measurement)| Record::DropMeasurement { db, measurement }),
        2 => any_db().prop_map(Record::CreateDatabase),
        1 => any_db().prop_map(Record::DropDatabase),
        3 => (any_db(), 1_i64..6).prop_map(|(db, hours)| Record::CreatePolicy { db, name: "short".to_owned(), hours }),
        1 => (any_db(), 1_i64..6).prop_map(|(db, hours)| Record::AlterPolicy { db, name: "short".to_owned(), hours }),
        1 => any_db().prop_map(|db| Record::DropPolicy { db, name: "short".to_owned() }),
    ]
}

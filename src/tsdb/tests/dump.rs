//! Everything that a source can tell, in a form that can be compared.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    query::source::{Column, FieldType, Piece, Place, Policy, Rows, Series, SeriesSource, TagFilter, Times, Values},
    tsdb::{Engine, columns::has_value},
};

/// Time to field to value.
pub(crate) type Points = BTreeMap<i64, BTreeMap<String, String>>;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Dump {
    pub(crate) databases: Vec<(String, Vec<Policy>, String)>,
    /// By database and measurement: the tags of its series.
    pub(crate) series: BTreeMap<(String, String), Vec<String>>,
    /// By database, policy and measurement.
    pub(crate) fields: BTreeMap<(String, String, String), Vec<(String, FieldType)>>,
    /// By database, policy, measurement and tags.
    pub(crate) points: BTreeMap<(String, String, String, String), Points>,
}

const ALL: Times = Times {
    min: i64::MIN,
    max: i64::MAX,
};

pub(crate) fn dump(engine: &Engine) -> Dump {
    let mut dump = Dump::default();
    for db in engine.databases() {
        let policies = engine.policies(&db).unwrap();
        for measurement in engine.measurements(&db) {
            let series = engine.series(&db, &measurement, &TagFilter::All);
            check_tags(engine, &db, &measurement, &series);
            let key = (db.clone(), measurement.to_string());
            dump.series.insert(key, series.iter().map(tags_of).collect());
            for policy in &policies {
                let place = Place {
                    db: &db,
                    policy: &policy.name,
                    measurement: &measurement,
                };
                dump_place(engine, place, &series, &mut dump);
            }
        }
        let default = engine.default_policy(&db).unwrap();
        dump.databases.push((db, policies, default));
    }
    dump
}

fn dump_place(engine: &Engine, place: Place<'_>, series: &[Series], dump: &mut Dump) {
    let fields = engine.fields(place);
    if fields.is_empty() {
        return;
    }
    let names: Vec<Arc<str>> = fields.iter().map(|(name, _)| Arc::clone(name)).collect();
    let (db, policy, measurement) = (
        place.db.to_owned(),
        place.policy.to_owned(),
        place.measurement.to_owned(),
    );
    for one in series {
        let points = points(engine, place, one, &names);
        for (name, of) in &fields {
            check_summaries(engine, place, one, name, *of);
        }
        if !points.is_empty() {
            dump.points
                .insert((db.clone(), policy.clone(), measurement.clone(), tags_of(one)), points);
        }
    }
    dump.fields.insert(
        (db, policy, measurement),
        fields.into_iter().map(|(name, of)| (name.to_string(), of)).collect(),
    );
}

/// Ascending, descending and in two halves: always the same.
fn points(engine: &Engine, place: Place<'_>, series: &Series, names: &[Arc<str>]) -> Points {
    let read = |times: Times, descending: bool| -> Vec<Rows> {
        engine
            .rows(place, series, names, times, descending)
            .collect::<Result<_, _>>()
            .unwrap()
    };
    let pieces = read(ALL, false);
    let mut reversed = read(ALL, true);
    reversed.reverse();
    assert_eq!(pieces, reversed);
    let times: Vec<i64> = pieces.iter().flat_map(|rows| rows.times.iter().copied()).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    let all = collect(&pieces, names);
    if let Some(middle) = times.get(times.len() / 2) {
        let mut halves = collect(
            &read(
                Times {
                    min: i64::MIN,
                    max: *middle,
                },
                true,
            ),
            names,
        );
        halves.extend(collect(
            &read(
                Times {
                    min: middle + 1,
                    max: i64::MAX,
                },
                false,
            ),
            names,
        ));
        assert_eq!(all, halves);
    }
    all
}

/// By time: the values of the fields that were asked for.
pub(super) fn collect(pieces: &[Rows], names: &[Arc<str>]) -> Points {
    let mut points = Points::new();
    for rows in pieces {
        for (at, time) in rows.times.iter().enumerate() {
            let values = names
                .iter()
                .zip(&rows.columns)
                .filter(|(_, column)| has_value(column, at));
            let row: BTreeMap<_, _> = values
                .map(|(name, column)| (name.to_string(), text(column, at)))
                .collect();
            assert!(!row.is_empty());
            assert!(points.insert(*time, row).is_none());
        }
    }
    points
}

fn text(column: &Column, at: usize) -> String {
    match &column.values {
        Values::Float(values) => format!("{}", values[at]),
        Values::Integer(values) => format!("{}i", values[at]),
        Values::Unsigned(values) => format!("{}u", values[at]),
        Values::String(values) => format!("{:?}", values[at]),
        Values::Boolean(values) => format!("{}", values[at]),
        Values::Absent(_) => String::new(),
    }
}

/// Summaries and rows say the same as rows alone.
fn check_summaries(engine: &Engine, place: Place<'_>, series: &Series, name: &Arc<str>, of: FieldType) {
    let names = std::slice::from_ref(name);
    let rows: Vec<Rows> = engine
        .rows(place, series, names, ALL, false)
        .collect::<Result<_, _>>()
        .unwrap();
    let expect = figures(rows.iter());
    let (mut count, mut sum, mut first, mut last) = (0, 0.0, None, None);
    for piece in engine.summaries(place, series, name, ALL).unwrap() {
        let (piece_count, piece_sum, piece_first, piece_last) = match piece.unwrap() {
            Piece::Summary(summary) => {
                assert_eq!(
                    summary.sum.is_some(),
                    matches!(of, FieldType::Float | FieldType::Integer | FieldType::Unsigned)
                );
                (
                    summary.count,
                    summary.sum.unwrap_or(0.0),
                    Some(summary.first_time),
                    Some(summary.last_time),
                )
            }
            Piece::Rows(rows) => figures([&rows].into_iter()),
        };
        count += piece_count;
        sum += piece_sum;
        first = first.or(piece_first);
        last = piece_last.or(last);
    }
    assert_eq!((count, sum, first, last), expect);
}

fn figures<'a>(pieces: impl Iterator<Item = &'a Rows>) -> (u64, f64, Option<i64>, Option<i64>) {
    let (mut count, mut sum, mut first, mut last) = (0, 0.0, None, None);
    for rows in pieces {
        for (at, time) in rows.times.iter().enumerate() {
            count += 1;
            first = first.or(Some(*time));
            last = Some(*time);
            sum += match &rows.columns[0].values {
                Values::Float(values) => values[at],
                #[expect(clippy::cast_precision_loss, reason = "the numbers of these tests are small")]
                Values::Integer(values) => values[at] as f64,
                #[expect(clippy::cast_precision_loss, reason = "the numbers of these tests are small")]
                Values::Unsigned(values) => values[at] as f64,
                _ => 0.0,
            };
        }
    }
    (count, sum, first, last)
}

pub(super) fn tags_of(series: &Series) -> String {
    let tags: Vec<String> = series
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    tags.join(",")
}

/// Tag keys and values are those of the series.
fn check_tags(engine: &Engine, db: &str, measurement: &str, series: &[Series]) {
    let mut expect: BTreeMap<&Arc<str>, std::collections::BTreeSet<&Arc<str>>> = BTreeMap::new();
    for (key, value) in series.iter().flat_map(|one| one.tags.iter()) {
        expect.entry(key).or_default().insert(value);
    }
    assert!(engine.tag_keys(db, measurement).iter().eq(expect.keys().copied()));
    for (key, values) in expect {
        assert!(engine.tag_values(db, measurement, key).iter().eq(values));
    }
}

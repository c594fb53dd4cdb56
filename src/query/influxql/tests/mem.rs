//! Points in memory, sorted: the simplest source that keeps the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::TimestampNs;
use crate::influx::line::{
    FieldValue, Limits, Precision, scan, unescape_field_key, unescape_measurement, unescape_string, unescape_tag,
};
use crate::query::influxql::filter::selects;
use crate::query::influxql::functions::Scalar;
use crate::query::source::{
    Column, FieldType, Piece, Place, Policy, Rows, RowsIter, Series, SeriesSource, SourceError, Summary, TagFilter,
    Times, Values,
};

/// Rows of a piece: few, so that tests cross the borders of pieces.
const PIECE: usize = 3;

type TagSet = Vec<(Arc<str>, Arc<str>)>;
type Points = BTreeMap<i64, BTreeMap<Arc<str>, Scalar>>;

#[derive(Debug, Default)]
struct Measurement {
    fields: BTreeMap<Arc<str>, FieldType>,
    series: BTreeMap<TagSet, Points>,
}

#[derive(Debug, Default)]
struct Database {
    policies: Vec<Policy>,
    /// By policy and name.
    measurements: BTreeMap<(String, Arc<str>), Measurement>,
}

/// Points in memory.
#[derive(Debug, Default)]
pub(super) struct MemSource {
    databases: Vec<(String, Database)>,
}

impl MemSource {
    /// Creates a database with one policy, which is its default, or adds the policy.
    pub(super) fn create(&mut self, db: &str, policy: &str) {
        if self.database(db).is_none() {
            self.databases.push((db.to_owned(), Database::default()));
        }
        let Some((_, database)) = self.databases.iter_mut().find(|(name, _)| name == db) else {
            return;
        };
        if database.policies.iter().any(|known| known.name == policy) {
            return;
        }
        let is_default = database.policies.is_empty();
        database.policies.push(Policy {
            name: policy.to_owned(),
            duration_ns: 0,
            shard_duration_ns: 0,
            replication: 1,
            is_default,
        });
    }

    /// Stores lines; points whose field has another type are left out.
    pub(super) fn write(&mut self, db: &str, policy: &str, lines: &str, precision: Precision) {
        let policy = match policy {
            "" => self.default_policy(db).unwrap_or_default(),
            policy => policy.to_owned(),
        };
        let Some((_, database)) = self.databases.iter_mut().find(|(name, _)| name == db) else {
            return;
        };
        let limits = Limits {
            max_line: 1 << 20,
            max_errors: 100,
        };
        scan(lines.as_bytes(), precision, TimestampNs(0), &limits, |line| {
            let name = text(&unescape_measurement(line.measurement));
            let measurement = database.measurements.entry((policy.clone(), name)).or_default();
            let mut tags: TagSet = line
                .tags()
                .map(|(key, value)| (text(&unescape_tag(key)), text(&unescape_tag(value))))
                .collect();
            tags.sort();
            for (key, value) in line.fields() {
                let (key, value) = (text(&unescape_field_key(key)), scalar(value));
                if *measurement.fields.entry(Arc::clone(&key)).or_insert(value.field_type()) == value.field_type() {
                    let points = measurement.series.entry(tags.clone()).or_default();
                    points.entry(line.time.0).or_default().insert(key, value);
                }
            }
        });
    }

    fn database(&self, db: &str) -> Option<&Database> {
        self.databases
            .iter()
            .find(|(name, _)| name == db)
            .map(|(_, database)| database)
    }

    fn measurement(&self, place: Place<'_>) -> Option<&Measurement> {
        let key = (place.policy.to_owned(), Arc::from(place.measurement));
        self.database(place.db)?.measurements.get(&key)
    }

    /// A measurement under each of its policies.
    fn everywhere(&self, db: &str, name: &str) -> impl Iterator<Item = &Measurement> {
        let all = self
            .database(db)
            .into_iter()
            .flat_map(|database| &database.measurements);
        all.filter(move |((_, known), _)| **known == *name)
            .map(|(_, measurement)| measurement)
    }

    fn tag_sets(&self, db: &str, name: &str) -> BTreeSet<&TagSet> {
        self.everywhere(db, name)
            .flat_map(|measurement| measurement.series.keys())
            .collect()
    }
}

impl SeriesSource for MemSource {
    fn databases(&self) -> Vec<String> {
        self.databases.iter().map(|(name, _)| name.clone()).collect()
    }

    fn policies(&self, db: &str) -> Option<Vec<Policy>> {
        self.database(db).map(|database| database.policies.clone())
    }

    fn default_policy(&self, db: &str) -> Option<String> {
        let policies = self.policies(db)?;
        policies
            .into_iter()
            .find(|policy| policy.is_default)
            .map(|policy| policy.name)
    }

    fn measurements(&self, db: &str) -> Vec<Arc<str>> {
        let all = self
            .database(db)
            .into_iter()
            .flat_map(|database| database.measurements.keys());
        let names: BTreeSet<Arc<str>> = all.map(|(_, name)| Arc::clone(name)).collect();
        names.into_iter().collect()
    }

    fn fields(&self, place: Place<'_>) -> Vec<(Arc<str>, FieldType)> {
        let fields = self
            .measurement(place)
            .into_iter()
            .flat_map(|measurement| &measurement.fields);
        fields.map(|(name, kind)| (Arc::clone(name), *kind)).collect()
    }

    fn tag_keys(&self, db: &str, measurement: &str) -> Vec<Arc<str>> {
        let tags = self.tag_sets(db, measurement).into_iter().flatten();
        let keys: BTreeSet<Arc<str>> = tags.map(|(key, _)| Arc::clone(key)).collect();
        keys.into_iter().collect()
    }

    fn tag_values(&self, db: &str, measurement: &str, key: &str) -> Vec<Arc<str>> {
        let tags = self.tag_sets(db, measurement).into_iter().flatten();
        let values: BTreeSet<Arc<str>> = tags
            .filter(|(known, _)| **known == *key)
            .map(|(_, value)| Arc::clone(value))
            .collect();
        values.into_iter().collect()
    }

    fn series(&self, db: &str, measurement: &str, filter: &TagFilter) -> Vec<Series> {
        let numbered = (0..).zip(self.tag_sets(db, measurement));
        let all = numbered.map(|(id, tags)| Series {
            id,
            tags: tags.as_slice().into(),
        });
        all.filter(|series| selects(filter, series)).collect()
    }

    fn rows<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        fields: &[Arc<str>],
        times: Times,
        descending: bool,
    ) -> RowsIter<'a> {
        let points = self
            .measurement(place)
            .and_then(|measurement| measurement.series.get(&series.tags.to_vec()));
        if times.min > times.max {
            return Box::new(std::iter::empty());
        }
        let range = points
            .into_iter()
            .flat_map(|points| points.range(times.min..=times.max));
        let found: Vec<_> = range
            .filter(|(_, row)| fields.iter().any(|field| row.contains_key(field)))
            .collect();
        let mut pieces: Vec<Rows> = found.chunks(PIECE).map(|rows| piece(rows, fields)).collect();
        if descending {
            pieces.reverse();
        }
        Box::new(pieces.into_iter().map(Ok))
    }
}

/// The same points, every second piece summed up.
#[derive(Debug)]
pub(super) struct Summed(pub(super) MemSource);

impl SeriesSource for Summed {
    fn databases(&self) -> Vec<String> {
        self.0.databases()
    }

    fn policies(&self, db: &str) -> Option<Vec<Policy>> {
        self.0.policies(db)
    }

    fn default_policy(&self, db: &str) -> Option<String> {
        self.0.default_policy(db)
    }

    fn measurements(&self, db: &str) -> Vec<Arc<str>> {
        self.0.measurements(db)
    }

    fn fields(&self, place: Place<'_>) -> Vec<(Arc<str>, FieldType)> {
        self.0.fields(place)
    }

    fn tag_keys(&self, db: &str, measurement: &str) -> Vec<Arc<str>> {
        self.0.tag_keys(db, measurement)
    }

    fn tag_values(&self, db: &str, measurement: &str, key: &str) -> Vec<Arc<str>> {
        self.0.tag_values(db, measurement, key)
    }

    fn series(&self, db: &str, measurement: &str, filter: &TagFilter) -> Vec<Series> {
        self.0.series(db, measurement, filter)
    }

    fn rows<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        fields: &[Arc<str>],
        times: Times,
        descending: bool,
    ) -> RowsIter<'a> {
        self.0.rows(place, series, fields, times, descending)
    }

    fn summaries<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        field: &Arc<str>,
        times: Times,
    ) -> Option<Box<dyn Iterator<Item = Result<Piece, SourceError>> + Send + 'a>> {
        let rows = self.0.rows(place, series, std::slice::from_ref(field), times, false);
        let pieces = rows.enumerate().map(|(at, rows)| {
            let rows = rows?;
            let summary = summary(&rows).filter(|_| at.is_multiple_of(2));
            Ok(summary.map_or(Piece::Rows(rows), Piece::Summary))
        });
        Some(Box::new(pieces))
    }
}

/// The sums of rows of one column of numbers, all of them there.
fn summary(rows: &Rows) -> Option<Summary> {
    let (values, integer_sum): (Vec<f64>, _) = match &rows.columns.first()?.values {
        Values::Float(values) => (values.clone(), None),
        Values::Integer(values) => (
            values.iter().map(|value| *value as f64).collect(),
            Some(values.iter().sum()),
        ),
        _ => return None,
    };
    let timed = || values.iter().copied().zip(rows.times.iter().copied());
    Some(Summary {
        count: values.len() as u64,
        first_time: *rows.times.first()?,
        last_time: *rows.times.last()?,
        sum: Some(values.iter().sum()),
        integer_sum,
        min: timed().min_by(|a, b| a.0.total_cmp(&b.0)),
        max: timed().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))),
    })
}

fn piece(rows: &[(&i64, &BTreeMap<Arc<str>, Scalar>)], fields: &[Arc<str>]) -> Rows {
    let column = |field: &Arc<str>| {
        let cells: Vec<Option<&Scalar>> = rows.iter().map(|(_, row)| row.get(field)).collect();
        Column {
            values: values(&cells),
            valid: Some(cells.iter().map(Option::is_some).collect()),
        }
    };
    Rows {
        times: rows.iter().map(|(time, _)| **time).collect(),
        columns: fields.iter().map(column).collect(),
    }
}

fn values(cells: &[Option<&Scalar>]) -> Values {
    macro_rules! column {
        ($kind:ident, $empty:expr) => {{
            let value = |cell: &Option<&Scalar>| match cell {
                Some(Scalar::$kind(value)) => value.clone(),
                _ => $empty,
            };
            Values::$kind(cells.iter().map(value).collect())
        }};
    }
    match cells.iter().flatten().next() {
        None => Values::Absent(cells.len()),
        Some(Scalar::Float(_)) => column!(Float, 0.0),
        Some(Scalar::Integer(_)) => column!(Integer, 0),
        Some(Scalar::Unsigned(_)) => column!(Unsigned, 0),
        Some(Scalar::String(_)) => column!(String, "".into()),
        Some(Scalar::Boolean(_)) => column!(Boolean, false),
    }
}

fn text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

fn scalar(value: FieldValue<'_>) -> Scalar {
    match value {
        FieldValue::Float(value) => Scalar::Float(value),
        FieldValue::Integer(value) => Scalar::Integer(value),
        FieldValue::Unsigned(value) => Scalar::Unsigned(value),
        FieldValue::Boolean(value) => Scalar::Boolean(value),
        FieldValue::String(value) => Scalar::String(text(&unescape_string(value))),
    }
}

//! A source in memory for tests, filled with line protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::TimestampNs;
use crate::influx::line::{
    FieldValue, Limits, Precision, scan, unescape_field_key, unescape_measurement, unescape_tag,
};
use crate::query::source::{
    Column, FieldType, Place, Policy, Rows, RowsIter, Series, SeriesSource, TagFilter, Times, Values,
};

#[derive(Debug, Default)]
pub(super) struct Double(Vec<(String, Database)>);

#[derive(Debug, Default)]
struct Database {
    policies: Vec<Policy>,
    /// By measurement and series key.
    series: BTreeMap<(Arc<str>, String), Stored>,
}

#[derive(Debug)]
struct Stored {
    series: Series,
    /// Times by policy.
    times: BTreeMap<String, Vec<i64>>,
    /// Fields by policy.
    fields: BTreeMap<(String, Arc<str>), FieldType>,
}

impl Double {
    /// A database whose first policy is the default one; a policy is a name and a duration in hours.
    pub(super) fn create(&mut self, db: &str, policies: &[(&str, i64)]) {
        let hour = 3_600_000_000_000;
        let policy = |(i, (name, hours)): (usize, &(&str, i64))| Policy {
            name: (*name).to_owned(),
            duration_ns: hours * hour,
            shard_duration_ns: 168 * hour,
            replication: 1,
            is_default: i == 0,
        };
        self.drop(db);
        let policies = policies.iter().enumerate().map(policy).collect();
        let series = BTreeMap::new();
        self.0.push((db.to_owned(), Database { policies, series }));
    }

    pub(super) fn drop(&mut self, db: &str) {
        self.0.retain(|(name, _)| name != db);
    }

    pub(super) fn write(&mut self, db: &str, policy: &str, lines: &str) {
        let text = |bytes: &[u8]| -> Arc<str> { Arc::from(std::str::from_utf8(bytes).unwrap()) };
        let limits = Limits {
            max_line: 1 << 20,
            max_errors: 0,
        };
        let database = self.0.iter_mut().find(|(name, _)| name == db);
        let series = &mut database.expect("the test has created it").1.series;
        scan(
            lines.as_bytes(),
            Precision::Nanoseconds,
            TimestampNs(0),
            &limits,
            |line| {
                let measurement = text(&unescape_measurement(line.measurement));
                let tags = line
                    .tags()
                    .map(|(k, v)| (text(&unescape_tag(k)), text(&unescape_tag(v))));
                let id = series.len() as u64;
                let key = std::str::from_utf8(line.tags).unwrap().to_owned();
                let stored = series.entry((measurement, key)).or_insert_with(|| Stored {
                    series: Series {
                        id,
                        tags: tags.collect(),
                    },
                    times: BTreeMap::new(),
                    fields: BTreeMap::new(),
                });
                stored.times.entry(policy.to_owned()).or_default().push(line.time.0);
                for (name, value) in line.fields() {
                    let key = (policy.to_owned(), text(&unescape_field_key(name)));
                    stored.fields.insert(key, type_of(&value));
                }
            },
        );
    }

    fn of<'a>(&'a self, db: &str, measurement: &'a str) -> impl Iterator<Item = &'a Stored> {
        let database = self.0.iter().find(|(name, _)| name == db);
        let series = database.into_iter().flat_map(|(_, database)| &database.series);
        series
            .filter(move |((name, _), _)| name.as_ref() == measurement)
            .map(|(_, stored)| stored)
    }
}

fn type_of(value: &FieldValue<'_>) -> FieldType {
    match value {
        FieldValue::Float(_) => FieldType::Float,
        FieldValue::Integer(_) => FieldType::Integer,
        FieldValue::Unsigned(_) => FieldType::Unsigned,
        FieldValue::String(_) => FieldType::String,
        FieldValue::Boolean(_) => FieldType::Boolean,
    }
}

fn selects(filter: &TagFilter, series: &Series) -> bool {
    let value = |key: &Arc<str>| {
        let tag = series.tags.iter().find(|(name, _)| name == key);
        tag.map_or("", |(_, value)| value)
    };
    match filter {
        TagFilter::All => true,
        TagFilter::None => false,
        TagFilter::Equal(key, wanted) => value(key) == wanted.as_ref(),
        TagFilter::NotEqual(key, wanted) => value(key) != wanted.as_ref(),
        TagFilter::Matches(key, regex) => regex.is_match(value(key)),
        TagFilter::MatchesNot(key, regex) => !regex.is_match(value(key)),
        TagFilter::And(filters) => filters.iter().all(|filter| selects(filter, series)),
        TagFilter::Or(filters) => filters.iter().any(|filter| selects(filter, series)),
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items.dedup();
    items
}

impl SeriesSource for Double {
    fn databases(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    fn policies(&self, db: &str) -> Option<Vec<Policy>> {
        let database = self.0.iter().find(|(name, _)| name == db)?;
        Some(database.1.policies.clone())
    }

    fn default_policy(&self, db: &str) -> Option<String> {
        let policies = self.policies(db)?;
        policies
            .into_iter()
            .find(|policy| policy.is_default)
            .map(|policy| policy.name)
    }

    fn measurements(&self, db: &str) -> Vec<Arc<str>> {
        let database = self.0.iter().find(|(name, _)| name == db);
        let series = database.into_iter().flat_map(|(_, database)| database.series.keys());
        sorted(series.map(|(measurement, _)| Arc::clone(measurement)))
    }

    fn fields(&self, place: Place<'_>) -> Vec<(Arc<str>, FieldType)> {
        let fields = self.of(place.db, place.measurement).flat_map(|stored| &stored.fields);
        let here = fields.filter(|((policy, _), _)| policy == place.policy);
        sorted(here.map(|((_, name), kind)| (Arc::clone(name), *kind)))
    }

    fn tag_keys(&self, db: &str, measurement: &str) -> Vec<Arc<str>> {
        let tags = self.of(db, measurement).flat_map(|stored| stored.series.tags.iter());
        sorted(tags.map(|(key, _)| Arc::clone(key)))
    }

    fn tag_values(&self, db: &str, measurement: &str, key: &str) -> Vec<Arc<str>> {
        let tags = self.of(db, measurement).flat_map(|stored| stored.series.tags.iter());
        sorted(
            tags.filter(|(name, _)| name.as_ref() == key)
                .map(|(_, value)| Arc::clone(value)),
        )
    }

    fn series(&self, db: &str, measurement: &str, filter: &TagFilter) -> Vec<Series> {
        let series = self.of(db, measurement).map(|stored| &stored.series);
        series.filter(|series| selects(filter, series)).cloned().collect()
    }

    fn rows<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        fields: &[Arc<str>],
        _times: Times,
        _descending: bool,
    ) -> RowsIter<'a> {
        let stored = self
            .of(place.db, place.measurement)
            .find(|stored| stored.series.id == series.id);
        let times = stored
            .and_then(|stored| stored.times.get(place.policy))
            .cloned()
            .unwrap_or_default();
        let absent = Column {
            values: Values::Absent(times.len()),
            valid: None,
        };
        let columns = vec![absent; fields.len()];
        Box::new(std::iter::once(Ok(Rows { times, columns })))
    }
}

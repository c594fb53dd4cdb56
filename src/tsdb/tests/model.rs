//! A naive engine: maps of points, no files.

use std::collections::{BTreeMap, BTreeSet};

use crate::query::source::{FieldType, Policy};

use super::{
    HOUR, NOW,
    dump::{Dump, Points},
};

#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) measurement: String,
    /// `k=v,k=v`, sorted.
    pub(crate) tags: String,
    /// As lines write values.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) time: i64,
}

/// What changes the state by the journal.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Write {
        db: String,
        policy: String,
        points: Vec<Point>,
    },
    /// Of one measurement, or all; of one value of tag `t`, or all.
    Delete {
        db: String,
        measurement: Option<String>,
        tag: Option<String>,
        times: Option<(i64, i64)>,
    },
    DropMeasurement {
        db: String,
        measurement: String,
    },
    CreateDatabase(String),
    DropDatabase(String),
    /// With a duration in hours.
    CreatePolicy {
        db: String,
        name: String,
        hours: i64,
    },
    AlterPolicy {
        db: String,
        name: String,
        hours: i64,
    },
    DropPolicy {
        db: String,
        name: String,
    },
}

#[derive(Debug, Clone, Default)]
struct Database {
    name: String,
    default: String,
    policies: Vec<Policy>,
    types: BTreeMap<(String, String), BTreeMap<String, FieldType>>,
    /// By policy, measurement and tags.
    points: BTreeMap<(String, String, String), Points>,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    databases: Vec<Database>,
    now: i64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            databases: Vec::new(),
            now: NOW,
        }
    }
}

impl Model {
    /// How many points were refused.
    pub(crate) fn apply(&mut self, record: &Record) -> usize {
        let now = self.now;
        match record {
            Record::CreateDatabase(name) => self.create(name),
            Record::DropDatabase(name) => self.databases.retain(|db| db.name != *name),
            Record::Write { db, policy, points } => {
                return self.find(db).map_or(0, |db| {
                    points.iter().filter(|point| !db.write(policy, point, now)).count()
                });
            }
            Record::Delete {
                db,
                measurement,
                tag,
                times,
            } => {
                self.change(db, |db| db.delete(measurement.as_deref(), tag.as_deref(), *times));
            }
            Record::DropMeasurement { db, measurement } => {
                self.change(db, |db| db.delete(Some(measurement), None, None))
            }
            Record::CreatePolicy { db, name, hours } => self.change(db, |db| db.create_policy(name, *hours)),
            Record::AlterPolicy { db, name, hours } => self.change(db, |db| {
                let found = db.policies.iter_mut().find(|policy| policy.name == *name);
                found.into_iter().for_each(|policy| policy.duration_ns = hours * HOUR);
            }),
            Record::DropPolicy { db, name } => self.change(db, |db| {
                db.policies.retain(|policy| policy.name != *name);
                db.points.retain(|(policy, ..), _| policy != name);
            }),
        }
        0
    }

    /// Whether points can be written to a policy; an empty name is the default.
    pub(crate) fn has(&self, db: &str, policy: &str) -> bool {
        let is_meant = |known: &Policy| policy.is_empty() || known.name == policy;
        let database = self.databases.iter().find(|known| known.name == db);
        database.is_some_and(|db| db.policies.iter().any(is_meant))
    }

    /// Moves the clock and enforces retention.
    pub(crate) fn advance(&mut self, hours: i64) {
        self.now += hours * HOUR;
        let now = self.now;
        for db in &mut self.databases {
            for policy in db.policies.iter().filter(|policy| policy.duration_ns > 0) {
                let oldest = now - policy.duration_ns;
                let of_policy = db.points.iter_mut().filter(|((name, ..), _)| *name == policy.name);
                of_policy.for_each(|(_, points)| points.retain(|time, _| *time >= oldest));
            }
            db.prune();
        }
    }

    pub(crate) fn dump(&self) -> Dump {
        let mut dump = Dump::default();
        for db in &self.databases {
            let policies = db.policies.iter().map(|policy| Policy {
                is_default: policy.name == db.default,
                ..policy.clone()
            });
            dump.databases
                .push((db.name.clone(), policies.collect(), db.default.clone()));
            for ((policy, measurement, tags), points) in &db.points {
                let series = dump.series.entry((db.name.clone(), measurement.clone())).or_default();
                series.push(tags.clone());
                let key = (db.name.clone(), policy.clone(), measurement.clone(), tags.clone());
                dump.points.insert(key, points.clone());
            }
            for ((policy, measurement), types) in &db.types {
                let key = (db.name.clone(), policy.clone(), measurement.clone());
                dump.fields
                    .insert(key, types.iter().map(|(name, of)| (name.clone(), *of)).collect());
            }
        }
        for series in dump.series.values_mut() {
            series.sort();
            series.dedup();
        }
        dump
    }

    fn find(&mut self, name: &str) -> Option<&mut Database> {
        self.databases.iter_mut().find(|db| db.name == name)
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Database)) {
        if let Some(db) = self.find(name) {
            change(db);
            db.prune();
        }
    }

    fn create(&mut self, name: &str) {
        if self.find(name).is_none() {
            let mut db = Database {
                name: name.to_owned(),
                default: "autogen".to_owned(),
                ..Database::default()
            };
            db.create_policy("autogen", 0);
            self.databases.push(db);
        }
    }
}

impl Database {
    fn create_policy(&mut self, name: &str, hours: i64) {
        if self.policies.iter().all(|policy| policy.name != name) {
            self.policies.push(Policy {
                name: name.to_owned(),
                duration_ns: hours * HOUR,
                shard_duration_ns: if hours == 0 { 168 * HOUR } else { HOUR },
                replication: 1,
                is_default: false,
            });
        }
    }

    fn write(&mut self, policy: &str, point: &Point, now: i64) -> bool {
        let name = if policy.is_empty() {
            self.default.as_str()
        } else {
            policy
        };
        let Some(policy) = self.policies.iter().find(|policy| policy.name == name) else {
            return true;
        };
        if policy.duration_ns > 0 && point.time < now - policy.duration_ns {
            return false;
        }
        let known = self.types.get(&(name.to_owned(), point.measurement.clone()));
        let mut types = known.cloned().unwrap_or_default();
        for (field, value) in &point.fields {
            if *types.entry(field.clone()).or_insert(type_of(value)) != type_of(value) {
                return false;
            }
        }
        self.types.insert((name.to_owned(), point.measurement.clone()), types);
        let key = (name.to_owned(), point.measurement.clone(), point.tags.clone());
        let row = self.points.entry(key).or_default().entry(point.time).or_default();
        row.extend(point.fields.iter().cloned());
        true
    }

    fn delete(&mut self, measurement: Option<&str>, tag: Option<&str>, times: Option<(i64, i64)>) {
        let wanted = tag.map(|value| format!("t={value}"));
        for ((_, name, tags), points) in &mut self.points {
            let is_meant = measurement.is_none_or(|wanted| wanted == name)
                && wanted
                    .as_ref()
                    .is_none_or(|wanted| tags.split(',').any(|tag| tag == wanted));
            if is_meant {
                points.retain(|time, _| times.is_some_and(|(min, max)| !(min..=max).contains(time)));
            }
        }
    }

    /// What has no point left does not exist.
    fn prune(&mut self) {
        self.points.retain(|_, points| !points.is_empty());
        let used: BTreeSet<_> = self
            .points
            .keys()
            .map(|(policy, measurement, _)| (policy.clone(), measurement.clone()))
            .collect();
        self.types.retain(|place, _| used.contains(place));
    }
}

fn type_of(value: &str) -> FieldType {
    match value.as_bytes() {
        [b'"', ..] => FieldType::String,
        [.., b'i'] => FieldType::Integer,
        [.., b'u'] => FieldType::Unsigned,
        [b't' | b'f', ..] => FieldType::Boolean,
        _ => FieldType::Float,
    }
}

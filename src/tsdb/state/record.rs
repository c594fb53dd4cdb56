//! The state as the manifest says it.

use std::sync::Arc;

use crate::tsdb::{
    fields::FieldSet,
    index::{Index, Measurement},
    manifest::{DatabaseRecord, FieldRecord, GroupRecord, Ids, Manifest, MeasurementRecord, PolicyRecord},
};

use super::{Database, Group, Policy, State};

impl State {
    /// The durable form of everything but points in memory, and the files of series: the caller adds both.
    pub(super) fn to_manifest(&self) -> Manifest {
        Manifest {
            version: 0,
            checkpoint: self.applied,
            stamp: self.stamp,
            next_file: 0,
            next_database: self.next_database,
            databases: self.databases.iter().map(Database::to_record).collect(),
        }
    }
}

impl Database {
    fn to_record(&self) -> DatabaseRecord {
        DatabaseRecord {
            id: self.id,
            name: self.name.clone(),
            default_policy: self.default_policy.clone(),
            next_policy: self.next_policy,
            next_series: self.next_series,
            live: Ids(self.index.live().clone()),
            nameless: Ids(self.nameless.clone()),
            series_files: Vec::new(),
            policies: self.policies.iter().map(Policy::to_record).collect(),
            measurements: self
                .index
                .measurements()
                .map(|(name, measurement)| measurement_record(name, measurement))
                .collect(),
        }
    }

    /// A database without groups, and an index without series: the caller adds both.
    pub(in crate::tsdb) fn from_record(record: &DatabaseRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.clone(),
            default_policy: record.default_policy.clone(),
            policies: record.policies.iter().map(Policy::from_record).collect(),
            next_policy: record.next_policy,
            next_series: record.next_series,
            index: Index::default(),
            fresh: Vec::new(),
            nameless: record.nameless.0.clone(),
        }
    }
}

impl Policy {
    fn to_record(&self) -> PolicyRecord {
        PolicyRecord {
            id: self.id,
            name: self.name.clone(),
            duration_ns: self.duration_ns,
            shard_duration_ns: self.shard_duration_ns,
            replication: self.replication,
            groups: self.groups.values().map(Group::to_record).collect(),
        }
    }

    fn from_record(record: &PolicyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.clone(),
            duration_ns: record.duration_ns,
            shard_duration_ns: record.shard_duration_ns,
            replication: record.replication,
            groups: std::collections::BTreeMap::new(),
        }
    }
}

impl Group {
    fn to_record(&self) -> GroupRecord {
        GroupRecord {
            first: self.first,
            last: self.last,
            runs: self.runs.iter().map(|run| run.to_record()).collect(),
            tombstones: self.tombstones.iter().map(|tombstone| tombstone.to_record()).collect(),
        }
    }
}

fn measurement_record(name: &Arc<str>, measurement: &Measurement) -> MeasurementRecord {
    let fields = measurement.fields.iter().flat_map(|(policy, set)| {
        set.iter().map(|(name, field)| FieldRecord {
            policy: *policy,
            name: name.to_string(),
            id: field.id,
            of: field.of,
        })
    });
    MeasurementRecord {
        name: name.to_string(),
        next_field: measurement.next_field,
        fields: fields.collect(),
    }
}

/// Gives a measurement the fields that the manifest knows.
pub(in crate::tsdb) fn restore_fields(measurement: &mut Measurement, record: &MeasurementRecord) {
    measurement.next_field = record.next_field;
    for field in &record.fields {
        let set: &mut FieldSet = measurement.fields.entry(field.policy).or_default();
        let known = crate::tsdb::fields::Field {
            id: field.id,
            of: field.of,
        };
        set.insert(field.name.as_str().into(), known);
    }
}

//! What the manifest says, in the types of its JSON.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{query::source::FieldType, tsdb::block::FieldId};

/// The whole manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct Manifest {
    /// Counts the replacements.
    pub(in crate::tsdb) version: u64,
    /// The last record of the journal whose effect is in here.
    pub(in crate::tsdb) checkpoint: u64,
    /// The last memtables whose points are in the files; see [`super::super::tombstone`].
    pub(in crate::tsdb) stamp: u64,
    /// Files have lesser numbers.
    pub(in crate::tsdb) next_file: u64,
    /// Databases have lesser ids.
    pub(in crate::tsdb) next_database: u32,
    /// In order of creation.
    pub(in crate::tsdb) databases: Vec<DatabaseRecord>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct DatabaseRecord {
    pub(in crate::tsdb) id: u32,
    pub(in crate::tsdb) name: String,
    pub(in crate::tsdb) default_policy: String,
    pub(in crate::tsdb) next_policy: u32,
    /// Above [`u32::MAX`]: no more series.
    pub(in crate::tsdb) next_series: u64,
    /// The series that are alive.
    pub(in crate::tsdb) live: Ids,
    /// Series whose names are lost, so that only their ids and points are left.
    pub(in crate::tsdb) nameless: Ids,
    /// Their names.
    pub(in crate::tsdb) series_files: Vec<FileRecord>,
    pub(in crate::tsdb) policies: Vec<PolicyRecord>,
    pub(in crate::tsdb) measurements: Vec<MeasurementRecord>,
}

/// A retention policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct PolicyRecord {
    pub(in crate::tsdb) id: u32,
    pub(in crate::tsdb) name: String,
    pub(in crate::tsdb) duration_ns: i64,
    pub(in crate::tsdb) shard_duration_ns: i64,
    pub(in crate::tsdb) replication: u32,
    pub(in crate::tsdb) groups: Vec<GroupRecord>,
}

/// A shard group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct GroupRecord {
    /// Its least time.
    pub(in crate::tsdb) first: i64,
    /// Its greatest time.
    pub(in crate::tsdb) last: i64,
    /// From the oldest to the newest.
    pub(in crate::tsdb) runs: Vec<RunRecord>,
    pub(in crate::tsdb) tombstones: Vec<TombstoneRecord>,
}

/// Block files that have no series in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct RunRecord {
    /// Tombstones up to this one do not concern it.
    pub(in crate::tsdb) stamp: u64,
    pub(in crate::tsdb) files: Vec<FileRecord>,
}

/// A file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tsdb) struct FileRecord {
    pub(in crate::tsdb) number: u64,
    pub(in crate::tsdb) bytes: u64,
}

/// A deletion that is not carried out in all files yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct TombstoneRecord {
    pub(in crate::tsdb) stamp: u64,
    pub(in crate::tsdb) series: Ids,
    pub(in crate::tsdb) min: i64,
    pub(in crate::tsdb) max: i64,
}

/// A measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct MeasurementRecord {
    pub(in crate::tsdb) name: String,
    pub(in crate::tsdb) next_field: u32,
    pub(in crate::tsdb) fields: Vec<FieldRecord>,
}

/// A field of a measurement under one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tsdb) struct FieldRecord {
    pub(in crate::tsdb) policy: u32,
    pub(in crate::tsdb) name: String,
    pub(in crate::tsdb) id: FieldId,
    #[serde(with = "FieldTypeName")]
    pub(in crate::tsdb) of: FieldType,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FieldType", rename_all = "lowercase")]
enum FieldTypeName {
    Float,
    Integer,
    Unsigned,
    String,
    Boolean,
}

/// A set of ids; in JSON the hexadecimal digits of Roaring's portable form.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::tsdb) struct Ids(pub(in crate::tsdb) RoaringBitmap);

impl Manifest {
    /// The numbers of all files that it names.
    pub(in crate::tsdb) fn files(&self) -> BTreeSet<u64> {
        let blocks = self
            .databases
            .iter()
            .flat_map(|database| &database.policies)
            .flat_map(|policy| &policy.groups);
        let blocks = blocks.flat_map(|group| &group.runs).flat_map(|run| &run.files);
        let series = self.databases.iter().flat_map(|database| &database.series_files);
        blocks.chain(series).map(|file| file.number).collect()
    }

    /// A database.
    pub(in crate::tsdb) fn database(&self, id: u32) -> Option<&DatabaseRecord> {
        self.databases.iter().find(|database| database.id == id)
    }

    /// A shard group.
    pub(in crate::tsdb) fn group(&self, database: u32, policy: u32, first: i64) -> Option<&GroupRecord> {
        let policy = self
            .database(database)?
            .policies
            .iter()
            .find(|known| known.id == policy)?;
        policy.groups.iter().find(|group| group.first == first)
    }

    /// A shard group.
    pub(in crate::tsdb) fn group_mut(&mut self, database: u32, policy: u32, first: i64) -> Option<&mut GroupRecord> {
        let database = self.databases.iter_mut().find(|known| known.id == database)?;
        let policy = database.policies.iter_mut().find(|known| known.id == policy)?;
        policy.groups.iter_mut().find(|group| group.first == first)
    }
}

impl GroupRecord {
    /// Forgets tombstones that no run needs.
    pub(in crate::tsdb) fn drop_spent_tombstones(&mut self) {
        let oldest = self.runs.iter().map(|run| run.stamp).min();
        self.tombstones
            .retain(|tombstone| oldest.is_some_and(|oldest| oldest < tombstone.stamp));
    }
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut ids = self.0.clone();
        ids.optimize();
        let mut bytes = Vec::with_capacity(ids.serialized_size());
        ids.serialize_into(&mut bytes).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&Hex(&bytes))
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = from_hex(&text).ok_or_else(|| D::Error::custom("a set of ids is no hexadecimal number"))?;
        RoaringBitmap::deserialize_from(&bytes[..])
            .map(Self)
            .map_err(D::Error::custom)
    }
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_written() {
        for ids in [
            RoaringBitmap::new(),
            (0..200_000).collect(),
            [5, 70_000, u32::MAX].into_iter().collect(),
        ] {
            let text = serde_json::to_string(&Ids(ids.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Ids>(&text).unwrap(), Ids(ids));
        }
        assert!(serde_json::from_str::<Ids>("\"0g\"").is_err() && serde_json::from_str::<Ids>("\"000\"").is_err());
    }
}

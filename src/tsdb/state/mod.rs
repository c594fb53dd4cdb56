//! The engine's state in memory, under one lock: databases, policies, shard groups, series, points not flushed yet.
//!
//! It changes by the journal's records in their order, and by retention. What is durable is in [`super::manifest`]; the
//! state is that, with the records behind the checkpoint applied.

mod group;
mod record;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use roaring::RoaringBitmap;

use super::{
    index::{Entry, Index, PolicyId},
    manifest::Manifest,
};

pub(super) use group::{Group, SealedTable};
pub(super) use record::restore_fields;

/// Everything.
#[derive(Debug, Default)]
pub(super) struct State {
    /// In order of creation.
    pub(super) databases: Vec<Database>,
    pub(super) next_database: u32,
    /// The last record of the journal that was applied.
    pub(super) applied: u64,
    /// Of the memtables in use; see [`super::tombstone`].
    pub(super) stamp: u64,
    /// Points that are being flushed, or wait for it after a failure.
    pub(super) sealed: Option<Sealed>,
    /// Whether there may be something that is not durable.
    pub(super) is_dirty: bool,
    /// Memory of the memtables in use, bytes.
    pub(super) active_bytes: usize,
    /// Memory of the sealed memtables, bytes.
    pub(super) sealed_bytes: usize,
}

/// What a flush makes durable: the state when the memtables were sealed.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    /// Without the sealed points themselves; files are those of that time.
    pub(super) manifest: Arc<Manifest>,
    /// By database: series that are in no series file.
    pub(super) fresh: Arc<HashMap<u32, Vec<Arc<Entry>>>>,
    /// The points.
    pub(super) groups: Arc<[SealedGroup]>,
}

/// The sealed points of a shard group.
#[derive(Debug)]
pub(super) struct SealedGroup {
    pub(super) database: u32,
    pub(super) policy: PolicyId,
    /// The group's first time.
    pub(super) first: i64,
    pub(super) table: Arc<SealedTable>,
}

/// A database.
#[derive(Debug)]
pub(super) struct Database {
    /// Never given twice, unlike its name.
    pub(super) id: u32,
    pub(super) name: String,
    /// The name of the default policy, of which there may be none.
    pub(super) default_policy: String,
    /// In order of creation.
    pub(super) policies: Vec<Policy>,
    pub(super) next_policy: PolicyId,
    pub(super) next_series: u64,
    pub(super) index: Index,
    /// Series added since the last flush.
    pub(super) fresh: Vec<Arc<Entry>>,
    /// Series whose names are lost; their points are kept.
    pub(super) nameless: RoaringBitmap,
}

/// A retention policy.
#[derive(Debug)]
pub(super) struct Policy {
    /// Never given twice in its database, unlike its name.
    pub(super) id: PolicyId,
    pub(super) name: String,
    /// 0: for ever.
    pub(super) duration_ns: i64,
    pub(super) shard_duration_ns: i64,
    pub(super) replication: u32,
    /// By first time; disjoint.
    pub(super) groups: BTreeMap<i64, Group>,
}

impl State {
    /// A database by name.
    pub(super) fn database(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name == name)
    }

    /// A database by name.
    pub(super) fn database_mut(&mut self, name: &str) -> Option<&mut Database> {
        self.databases.iter_mut().find(|database| database.name == name)
    }

    /// A shard group by ids.
    pub(super) fn group_mut(&mut self, database: u32, policy: PolicyId, first: i64) -> Option<&mut Group> {
        let database = self.databases.iter_mut().find(|known| known.id == database)?;
        let policy = database.policies.iter_mut().find(|known| known.id == policy)?;
        policy.groups.get_mut(&first)
    }

    /// All shard groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&Database, &Policy, &Group)> {
        self.databases.iter().flat_map(|database| {
            let policies = database.policies.iter();
            policies.flat_map(move |policy| policy.groups.values().map(move |group| (database, policy, group)))
        })
    }

    /// All shard groups.
    pub(super) fn groups_mut(&mut self) -> impl Iterator<Item = &mut Group> {
        let policies = self.databases.iter_mut().flat_map(|database| &mut database.policies);
        policies.flat_map(|policy| policy.groups.values_mut())
    }

    /// The stamp of the memtables that were flushed last.
    pub(super) fn durable_stamp(&self) -> u64 {
        self.stamp.saturating_sub(if self.sealed.is_some() { 2 } else { 1 })
    }

    /// Counts the memory of the memtables anew, after something was removed.
    pub(super) fn count_bytes(&mut self) {
        self.active_bytes = self.groups().map(|(.., group)| group.active.bytes()).sum();
        self.sealed_bytes = self
            .groups()
            .filter_map(|(.., group)| group.sealed.as_ref())
            .map(|sealed| sealed.table.bytes())
            .sum();
    }

    /// Seals the memtables in use and says what a flush has to make durable.
    pub(super) fn seal(&mut self) -> Sealed {
        let manifest = Arc::new(self.to_manifest());
        let stamp = self.stamp;
        self.groups_mut().for_each(|group| group.seal(stamp));
        self.stamp += 1;
        self.is_dirty = false;
        (self.sealed_bytes, self.active_bytes) = (self.active_bytes, 0);
        let fresh = self.databases.iter_mut().map(|database| {
            let mut fresh = std::mem::take(&mut database.fresh);
            fresh.retain(|entry| database.index.get(entry.id).is_some());
            (database.id, fresh)
        });
        let fresh = fresh.filter(|(_, fresh)| !fresh.is_empty()).collect();
        let sealed = Sealed {
            manifest,
            fresh: Arc::new(fresh),
            groups: self.groups().filter_map(sealed_group).collect(),
        };
        self.sealed = Some(sealed.clone());
        sealed
    }
}

fn sealed_group((database, policy, group): (&Database, &Policy, &Group)) -> Option<SealedGroup> {
    Some(SealedGroup {
        database: database.id,
        policy: policy.id,
        first: group.first,
        table: Arc::clone(group.sealed.as_ref()?),
    })
}

impl Database {
    /// A policy by name.
    pub(super) fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.name == name)
    }

    /// A policy by name.
    pub(super) fn policy_mut(&mut self, name: &str) -> Option<&mut Policy> {
        self.policies.iter_mut().find(|policy| policy.name == name)
    }
}

impl Policy {
    /// The shard group of a time, made when there is none.
    pub(super) fn group_of(&mut self, time: i64) -> &mut Group {
        let known = self
            .groups
            .range(..=time)
            .next_back()
            .filter(|(_, group)| time <= group.last);
        let first = match known {
            Some((first, _)) => *first,
            None => self.add_group(time),
        };
        self.groups.get_mut(&first).expect("it was found or added above")
    }

    fn add_group(&mut self, time: i64) -> i64 {
        let (mut first, mut last) = span(time, self.shard_duration_ns);
        // groups made when the duration was another one keep their span
        if let Some((_, before)) = self.groups.range(..=time).next_back() {
            first = first.max(before.last.saturating_add(1));
        }
        if let Some((_, after)) = self.groups.range(time..).next() {
            last = last.min(after.first.saturating_sub(1));
        }
        self.groups.insert(first, Group::new(first, last));
        first
    }
}

/// From Go's zero time, by which InfluxDB aligns shard groups, to the Unix epoch.
const GO_EPOCH_NS: i128 = 62_135_596_800 * 1_000_000_000;

/// The first and last time of the shard group of a time.
fn span(time: i64, duration_ns: i64) -> (i64, i64) {
    let duration = i128::from(duration_ns.max(1));
    let since = i128::from(time) + GO_EPOCH_NS;
    let first = since - since.rem_euclid(duration) - GO_EPOCH_NS;
    let clamped = |time: i128| i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX });
    (clamped(first), clamped(first + duration - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    #[test]
    fn groups_are_aligned_as_influxdb_aligns_them() {
        // 1970-01-01 was a Thursday, InfluxDB's weeks begin on Monday
        assert_eq!(span(0, 168 * HOUR), (-72 * HOUR, 96 * HOUR - 1));
        assert_eq!(span(HOUR, HOUR), (HOUR, 2 * HOUR - 1));
        assert_eq!(span(-1, 24 * HOUR), (-24 * HOUR, -1));
        assert_eq!(span(i64::MIN + 2, 168 * HOUR).0, i64::MIN);
        assert_eq!(span(i64::MAX - 1, 168 * HOUR).1, i64::MAX);
    }

    #[test]
    fn groups_do_not_overlap_when_the_duration_changes() {
        let mut policy = Policy {
            id: 0,
            name: "p".to_owned(),
            duration_ns: 0,
            shard_duration_ns: HOUR,
            replication: 1,
            groups: BTreeMap::new(),
        };
        policy.group_of(5 * HOUR);
        policy.group_of(7 * HOUR);
        policy.shard_duration_ns = 24 * HOUR;
        let spans = [
            (6 * HOUR, 6 * HOUR, 7 * HOUR - 1),
            (HOUR, 0, 5 * HOUR - 1),
            (9 * HOUR, 8 * HOUR, 24 * HOUR - 1),
        ];
        for (time, first, last) in spans {
            let group = policy.group_of(time);
            assert_eq!((group.first, group.last), (first, last));
        }
        assert_eq!(policy.groups.len(), 5);
    }
}

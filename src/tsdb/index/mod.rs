//! The series of one database: from the bytes of a line to a series, and from tags to series.
//!
//! ```text
//! measurement -> tag key -> tag value -> ids of series      ids -> series      key, or a line's spelling of it -> id
//! ```
//! Ids are never given twice in a database, so points of a dropped series need no mark: nobody asks for its id again.

pub(super) mod file;
mod filter;
mod key;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use roaring::RoaringBitmap;

use super::{
    block::{FieldId, SeriesId},
    fields::FieldSet,
};

pub(super) use key::{Tags, parse};

/// Spellings remembered besides the keys themselves: as many as there are series, and this many more.
const SPARE_SPELLINGS: usize = 10_000;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Names a retention policy within its database; never given twice.
pub(super) type PolicyId = u32;

/// A series.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: SeriesId,
    pub(super) measurement: Arc<str>,
    /// Sorted by key.
    pub(super) tags: Tags,
    /// `measurement,k=v,k=v` as InfluxDB escapes it: the order of series, and their identity unless that is ambiguous.
    pub(super) key: Box<[u8]>,
}

/// The series of one database.
#[derive(Debug, Default)]
pub(super) struct Index {
    measurements: BTreeMap<Arc<str>, Measurement>,
    series: Map<SeriesId, Arc<Entry>>,
    by_identity: Map<Box<[u8]>, SeriesId>,
    by_spelling: Map<Box<[u8]>, SeriesId>,
    live: RoaringBitmap,
    bytes: usize,
}

/// A measurement.
#[derive(Debug, Default)]
pub(super) struct Measurement {
    series: RoaringBitmap,
    tags: BTreeMap<Arc<str>, TagKey>,
    /// By policy; only policies under which it has points.
    pub(super) fields: BTreeMap<PolicyId, FieldSet>,
    /// The id of the next field, over all policies; none is left at [`FieldId::MAX`].
    pub(super) next_field: u32,
}

#[derive(Debug, Default)]
struct TagKey {
    /// Series that have the tag.
    present: RoaringBitmap,
    values: BTreeMap<Arc<str>, RoaringBitmap>,
}

impl Measurement {
    /// Its series.
    pub(super) fn series(&self) -> &RoaringBitmap {
        &self.series
    }

    /// Number of values of a tag key, and whether `value` is one of them.
    pub(super) fn tag_values(&self, key: &str, value: &str) -> (usize, bool) {
        self.tags
            .get(key)
            .map_or((0, false), |tag| (tag.values.len(), tag.values.contains_key(value)))
    }

    /// Whether so many fields can be added.
    pub(super) fn has_room_for(&self, fields: usize) -> bool {
        self.next_field as usize + fields <= usize::from(FieldId::MAX)
    }

    /// An id for a new field; the greatest is given to none.
    pub(super) fn take_field_id(&mut self) -> Option<FieldId> {
        let id = FieldId::try_from(self.next_field)
            .ok()
            .filter(|id| *id < FieldId::MAX)?;
        self.next_field += 1;
        Some(id)
    }

    fn insert(&mut self, entry: &Entry) {
        self.series.insert(entry.id);
        for (key, value) in entry.tags.iter() {
            let tag = self.tags.entry(Arc::clone(key)).or_default();
            tag.present.insert(entry.id);
            tag.values.entry(Arc::clone(value)).or_default().insert(entry.id);
        }
    }

    fn remove(&mut self, entry: &Entry) {
        self.series.remove(entry.id);
        for (key, value) in entry.tags.iter() {
            let Some(tag) = self.tags.get_mut(key) else { continue };
            tag.present.remove(entry.id);
            if let Some(ids) = tag.values.get_mut(value) {
                ids.remove(entry.id);
                if ids.is_empty() {
                    tag.values.remove(value);
                }
            }
            if tag.present.is_empty() {
                self.tags.remove(key);
            }
        }
    }
}

impl Index {
    /// The series of which a line spells the key like this, if it was looked up or inserted before.
    #[inline]
    pub(super) fn find_spelling(&self, written: &[u8]) -> Option<SeriesId> {
        self.by_identity
            .get(written)
            .or_else(|| self.by_spelling.get(written))
            .copied()
    }

    /// The series of a measurement and tags.
    pub(super) fn find(&self, measurement: &str, tags: &Tags) -> Option<SeriesId> {
        self.by_identity.get(&key::identity(measurement, tags)).copied()
    }

    /// Remembers how a line spells the key of a series.
    pub(super) fn remember(&mut self, written: &[u8], series: SeriesId) {
        if self.by_identity.contains_key(written) {
            return;
        }
        if self.by_spelling.len() >= self.series.len() + SPARE_SPELLINGS {
            self.by_spelling.clear();
        }
        self.by_spelling.insert(written.into(), series);
    }

    /// Adds a series that is not there yet.
    pub(super) fn insert(&mut self, id: SeriesId, measurement: &str, tags: &Tags) -> Arc<Entry> {
        let name = self.intern(measurement);
        let measurement = self.measurements.entry(Arc::clone(&name)).or_default();
        let entry = Arc::new(Entry {
            id,
            tags: measurement.intern(tags),
            key: key::display(&name, tags),
            measurement: name,
        });
        measurement.insert(&entry);
        self.bytes += entry.bytes();
        self.by_identity
            .insert(key::identity(&entry.measurement, &entry.tags), id);
        self.live.insert(id);
        self.series.insert(id, Arc::clone(&entry));
        entry
    }

    /// Removes a series; its measurement goes with its last one.
    pub(super) fn remove(&mut self, id: SeriesId) {
        let Some(entry) = self.series.remove(&id) else { return };
        self.live.remove(id);
        self.bytes -= entry.bytes();
        self.by_identity.remove(&key::identity(&entry.measurement, &entry.tags));
        self.by_spelling.clear();
        if let Some(measurement) = self.measurements.get_mut(&entry.measurement) {
            measurement.remove(&entry);
            if measurement.series.is_empty() {
                self.measurements.remove(&entry.measurement);
            }
        }
    }

    /// A series.
    pub(super) fn get(&self, id: SeriesId) -> Option<&Arc<Entry>> {
        self.series.get(&id)
    }

    /// A measurement.
    pub(super) fn measurement(&self, name: &str) -> Option<&Measurement> {
        self.measurements.get(name)
    }

    /// A measurement.
    pub(super) fn measurement_mut(&mut self, name: &str) -> Option<&mut Measurement> {
        self.measurements.get_mut(name)
    }

    /// All measurements by name.
    pub(super) fn measurements(&self) -> impl Iterator<Item = (&Arc<str>, &Measurement)> {
        self.measurements.iter()
    }

    /// The ids of all series.
    pub(super) fn live(&self) -> &RoaringBitmap {
        &self.live
    }

    /// Number of series.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// Memory in use, bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn intern(&self, measurement: &str) -> Arc<str> {
        let known = self.measurements.get_key_value(measurement);
        known.map_or_else(|| measurement.into(), |(name, _)| Arc::clone(name))
    }
}

impl Measurement {
    /// The same tags with the texts that are in the index already.
    fn intern(&self, tags: &Tags) -> Tags {
        let known = |(key, value): &(Arc<str>, Arc<str>)| {
            let Some((key, tag)) = self.tags.get_key_value(key) else {
                return (Arc::clone(key), Arc::clone(value));
            };
            let value = tag.values.get_key_value(value).map_or(value, |(value, _)| value);
            (Arc::clone(key), Arc::clone(value))
        };
        tags.iter().map(known).collect()
    }
}

impl Entry {
    /// Memory, bytes, roughly: two copies of the key, the tags, a bitmap for a value of its own, the maps' slots.
    fn bytes(&self) -> usize {
        2 * self.key.len() + 32 * self.tags.len() + 400
    }
}

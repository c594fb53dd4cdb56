//! Selecting series by their tags.

use std::sync::Arc;

use regex::Regex;
use roaring::RoaringBitmap;

use crate::query::source::TagFilter;

use super::{Entry, Index, Measurement, TagKey};

impl Index {
    /// The series of a measurement that the filter selects, by key.
    pub(in crate::tsdb) fn select(&self, measurement: &str, filter: &TagFilter) -> Vec<&Arc<Entry>> {
        let ids = self
            .measurements
            .get(measurement)
            .map(|measurement| measurement.filter(filter))
            .unwrap_or_default();
        let mut found: Vec<_> = ids.iter().filter_map(|id| self.series.get(&id)).collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found
    }
}

impl Measurement {
    /// Tag keys, sorted.
    pub(in crate::tsdb) fn tag_keys(&self) -> Vec<Arc<str>> {
        self.tags.keys().cloned().collect()
    }

    /// Values of a tag key, sorted.
    pub(in crate::tsdb) fn values_of(&self, key: &str) -> Vec<Arc<str>> {
        self.tags
            .get(key)
            .map(|tag| tag.values.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The ids of the series that the filter selects.
    pub(in crate::tsdb) fn filter(&self, filter: &TagFilter) -> RoaringBitmap {
        match filter {
            TagFilter::All => self.series.clone(),
            TagFilter::None => RoaringBitmap::new(),
            TagFilter::Equal(key, value) => self.equal(key, value),
            TagFilter::NotEqual(key, value) => &self.series - self.equal(key, value),
            TagFilter::Matches(key, regex) => self.matching(key, regex),
            TagFilter::MatchesNot(key, regex) => &self.series - self.matching(key, regex),
            TagFilter::And(parts) => parts.iter().fold(self.series.clone(), |left, part| {
                if left.is_empty() {
                    left
                } else {
                    left & self.filter(part)
                }
            }),
            TagFilter::Or(parts) => parts
                .iter()
                .fold(RoaringBitmap::new(), |found, part| found | self.filter(part)),
        }
    }

    fn equal(&self, key: &str, value: &str) -> RoaringBitmap {
        if value.is_empty() {
            return self.without(key);
        }
        self.tags
            .get(key)
            .and_then(|tag| tag.values.get(value))
            .cloned()
            .unwrap_or_default()
    }

    fn matching(&self, key: &str, regex: &Regex) -> RoaringBitmap {
        let mut found = self.tags.get(key).map(|tag| tag.matching(regex)).unwrap_or_default();
        if regex.is_match("") {
            found |= self.without(key);
        }
        found
    }

    /// Series that do not have the tag.
    fn without(&self, key: &str) -> RoaringBitmap {
        self.tags
            .get(key)
            .map_or_else(|| self.series.clone(), |tag| &self.series - &tag.present)
    }
}

impl TagKey {
    fn matching(&self, regex: &Regex) -> RoaringBitmap {
        let matching = self.values.iter().filter(|(value, _)| regex.is_match(value));
        matching.fold(RoaringBitmap::new(), |found, (_, ids)| found | ids)
    }
}

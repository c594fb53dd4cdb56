//! Reads in all forms: any filter, fields, times and order, against the whole of what the model holds.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::{
    dump::{Dump, Points, collect, tags_of},
    records::any_time,
};
use crate::{
    query::source::{Place, SeriesSource, TagFilter, Times},
    tsdb::Engine,
};

/// One read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    db: &'static str,
    policy: &'static str,
    measurement: &'static str,
    filter: TagFilter,
    fields: Vec<Arc<str>>,
    times: Times,
    descending: bool,
}

/// Any read of the places that records are written to.
pub(super) fn any_read() -> impl Strategy<Value = Read> {
    let place = (
        prop::sample::select(vec!["a", "b"]),
        prop::sample::select(vec!["autogen", "short"]),
        prop::sample::select(vec!["m", "n"]),
    );
    let fields = prop::sample::subsequence(vec!["f0", "f1", "f2", "f3", "f4", "none"], 1..4).prop_shuffle();
    let times = prop::option::weighted(0.8, (any_time(), any_time()));
    (place, any_filter(), fields, times, any::<bool>()).prop_map(
        |((db, policy, measurement), filter, fields, times, descending)| Read {
            db,
            policy,
            measurement,
            filter,
            fields: fields.into_iter().map(Arc::from).collect(),
            times: times.map_or(
                Times {
                    min: i64::MIN,
                    max: i64::MAX,
                },
                |(min, max)| Times { min, max },
            ),
            descending,
        },
    )
}

fn any_filter() -> impl Strategy<Value = TagFilter> {
    let tag = (
        prop::sample::select(vec!["t", "s", "none"]),
        prop::sample::select(vec!["x", "y", "1", ""]),
    );
    let pattern = prop::sample::select(vec!["^x$", "[xy]", "1|2", "^$", "z"]);
    let leaf = (0..6, tag, pattern).prop_map(|(kind, (key, value), pattern)| {
        let (key, value) = (Arc::from(key), Arc::from(value));
        let pattern = Arc::new(regex::Regex::new(pattern).unwrap());
        match kind {
            0 => TagFilter::All,
            1 => TagFilter::None,
            2 => TagFilter::Equal(key, value),
            3 => TagFilter::NotEqual(key, value),
            4 => TagFilter::Matches(key, pattern),
            _ => TagFilter::MatchesNot(key, pattern),
        }
    });
    leaf.prop_recursive(2, 6, 3, |inner| {
        (any::<bool>(), prop::collection::vec(inner, 1..4)).prop_map(|(all, inner)| {
            if all {
                TagFilter::And(inner)
            } else {
                TagFilter::Or(inner)
            }
        })
    })
}

impl Read {
    /// Compares the engine's answer with what follows from all that there is.
    pub(super) fn check(&self, engine: &Engine, all: &Dump) {
        let series = engine.series(self.db, self.measurement, &self.filter);
        let known = all.series.get(&(self.db.to_owned(), self.measurement.to_owned()));
        let expect: Vec<&String> = known
            .into_iter()
            .flatten()
            .filter(|tags| selects(&self.filter, tags))
            .collect();
        let found: Vec<String> = series.iter().map(tags_of).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expect, "{self:?}");
        let place = Place {
            db: self.db,
            policy: self.policy,
            measurement: self.measurement,
        };
        let mut rows: BTreeMap<String, Points> = BTreeMap::new();
        for one in &series {
            let pieces = engine.rows(place, one, &self.fields, self.times, self.descending);
            let pieces: Vec<_> = pieces.collect::<Result<_, _>>().unwrap();
            let is_ordered = if self.descending {
                pieces.is_sorted_by(|a, b| a.times.first() > b.times.last())
            } else {
                pieces.is_sorted_by(|a, b| a.times.last() < b.times.first())
            };
            assert!(is_ordered, "{self:?}");
            rows.insert(tags_of(one), collect(&pieces, &self.fields));
        }
        rows.retain(|_, points| !points.is_empty());
        assert_eq!(rows, self.expected(all), "{self:?}");
    }

    fn expected(&self, all: &Dump) -> BTreeMap<String, Points> {
        let mut expected = BTreeMap::new();
        for ((db, policy, measurement, tags), points) in &all.points {
            if (db.as_str(), policy.as_str(), measurement.as_str()) != (self.db, self.policy, self.measurement)
                || !selects(&self.filter, tags)
            {
                continue;
            }
            let mut points = points.clone();
            points.retain(|time, row| {
                row.retain(|field, _| self.fields.iter().any(|wanted| **wanted == **field));
                self.times.min <= *time && *time <= self.times.max && !row.is_empty()
            });
            if !points.is_empty() {
                expected.insert(tags.clone(), points);
            }
        }
        expected
    }
}

/// Whether a filter selects the series with these tags.
fn selects(filter: &TagFilter, tags: &str) -> bool {
    let value = |key: &str| {
        let mut pairs = tags.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == key).map_or("", |(_, value)| value)
    };
    match filter {
        TagFilter::All => true,
        TagFilter::None => false,
        TagFilter::Equal(key, wanted) => value(key) == &**wanted,
        TagFilter::NotEqual(key, unwanted) => value(key) != &**unwanted,
        TagFilter::Matches(key, pattern) => pattern.is_match(value(key)),
        TagFilter::MatchesNot(key, pattern) => !pattern.is_match(value(key)),
        TagFilter::And(all) => all.iter().all(|filter| selects(filter, tags)),
        TagFilter::Or(some) => some.iter().any(|filter| selects(filter, tags)),
    }
}

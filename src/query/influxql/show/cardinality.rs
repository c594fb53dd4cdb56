//! `SHOW ... CARDINALITY` by counting.
//!
//! InfluxDB runs these as a `SELECT count(...)` over its index: one row per measurement and group of tags, groups
//! without anything left out, `OFFSET` skipping that one row. Unlike the lists they look into one retention policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::condition::{Rules, Subject, filter, without_time};
use super::keys::{KeyFilter, has_field, wanted_tags};
use super::places::{Site, series_at, sites};
use super::{ShowError, number, table};
use crate::influx::influxql::ast::{Counted, Expr, ShowCardinality, Wildcard};
use crate::influx::result::{Series, Tags};
use crate::query::source::{self, SeriesSource};

/// What is counted in each measurement (no name when measurements are counted) and group.
type Groups = BTreeMap<(String, Tags), BTreeSet<Arc<str>>>;

pub(super) fn exact(source: &dyn SeriesSource, show: &ShowCardinality, db: &str) -> Result<Vec<Series>, ShowError> {
    let sites = sites(source, db, &show.filter.sources)?;
    let (condition, time) = without_time(show.filter.condition.as_ref())?;
    // The rows of the index are at time 0. Only for tag values is time not refused beforehand.
    if time.min.is_some_and(|min| min > 0) || time.max.is_some_and(|max| max < 0) {
        return Ok(Vec::new());
    }
    let dimensions = dimensions(source, &sites, &show.dimensions)?;
    let counter = Counter::new(&show.counted)?;
    let mut groups = Groups::new();
    for site in &sites {
        let is_field = |field: &str| has_field(source, &site.db, &site.measurement, field);
        let subject = Subject {
            name: &site.measurement,
            is_field: &is_field,
        };
        let filter = filter(condition.as_ref(), &subject, counter.rules())?;
        for series in series_at(source, site, &filter)? {
            let name = counter.group_name(&site.measurement);
            let group = groups.entry((name, group_of(&series, &dimensions))).or_default();
            counter.add(source, site, &series, group);
        }
    }
    if show.page.offset > 0 {
        return Ok(Vec::new());
    }
    let counted = groups.into_iter().filter(|(_, found)| !found.is_empty());
    let row = |((name, tags), found): ((String, Tags), BTreeSet<_>)| Series {
        tags,
        ..table(&name, &["count"], vec![vec![number(found.len())]])
    };
    Ok(counted.map(row).collect())
}

enum Counter {
    Series,
    Measurements,
    TagKeys,
    TagValues(KeyFilter),
    FieldKeys,
}

impl Counter {
    fn new(counted: &Counted) -> Result<Self, ShowError> {
        Ok(match counted {
            Counted::Series => Self::Series,
            Counted::Measurements => Self::Measurements,
            Counted::TagKeys => Self::TagKeys,
            Counted::TagValues(key) => Self::TagValues(KeyFilter::new(key)?),
            Counted::FieldKeys => Self::FieldKeys,
        })
    }

    fn rules(&self) -> Rules {
        match self {
            Self::TagValues(_) => Rules::TagValueCardinality,
            Self::Series | Self::Measurements | Self::TagKeys | Self::FieldKeys => Rules::Cardinality,
        }
    }

    fn group_name(&self, measurement: &str) -> String {
        match self {
            Self::Measurements => String::new(),
            Self::Series | Self::TagKeys | Self::TagValues(_) | Self::FieldKeys => measurement.to_owned(),
        }
    }

    /// Adds what one series contributes to its group. Tag values count once, whatever key they are of.
    fn add(&self, source: &dyn SeriesSource, site: &Site, series: &source::Series, found: &mut BTreeSet<Arc<str>>) {
        match self {
            Self::Series => {
                found.insert(Arc::from(format!("{} {}", site.db, series.id)));
            }
            Self::Measurements => {
                found.insert(Arc::clone(&site.measurement));
            }
            Self::TagKeys => found.extend(series.tags.iter().map(|(key, _)| Arc::clone(key))),
            Self::TagValues(wanted) => {
                found.extend(wanted_tags(series, wanted).map(|(_, value)| Arc::clone(value)));
            }
            Self::FieldKeys => found.extend(source.fields(site.place()).into_iter().map(|(name, _)| name)),
        }
    }
}

/// The tag keys that `GROUP BY` names; wildcards and regular expressions stand for keys of any of the measurements.
fn dimensions(
    source: &dyn SeriesSource,
    sites: &BTreeSet<Site>,
    dimensions: &[Expr],
) -> Result<BTreeSet<Arc<str>>, ShowError> {
    let all = || {
        sites
            .iter()
            .flat_map(|site| source.tag_keys(&site.db, &site.measurement))
    };
    let mut keys = BTreeSet::new();
    for dimension in dimensions {
        match dimension {
            Expr::Ref(reference) => {
                keys.insert(Arc::from(reference.name.as_str()));
            }
            Expr::Wildcard(Wildcard::Any | Wildcard::Tags) => keys.extend(all()),
            Expr::Regex(pattern) => {
                let regex = pattern.compile()?;
                keys.extend(all().filter(|key| regex.is_match(key)));
            }
            // InfluxDB answers with a row for each interval since 1677.
            _ => return Err(ShowError::Unsupported("GROUP BY time() of a cardinality")),
        }
    }
    Ok(keys)
}

fn group_of(series: &source::Series, dimensions: &BTreeSet<Arc<str>>) -> Tags {
    let value = |wanted: &Arc<str>| {
        let tag = series.tags.iter().find(|(key, _)| key == wanted);
        tag.map_or(String::new(), |(_, value)| value.as_ref().to_owned())
    };
    let tags = dimensions.iter().map(|key| (key.as_ref().to_owned(), value(key)));
    tags.collect()
}

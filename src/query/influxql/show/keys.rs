//! Lists of series, tag keys, tag values and field keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::condition::{Rules, Subject, check, filter, without_time};
use super::places::{names, series_at, sites};
use super::{ShowError, filled_table, paged};
use crate::influx::influxql::InvalidRegex;
use crate::influx::influxql::ast::{Expr, KeyMatch, ShowFieldKeys, ShowSeries, ShowTagKeys, ShowTagValues};
use crate::influx::influxql::condition::TimeRange;
use crate::influx::result::{Series, Value};
use crate::query::source::{self, FieldType, SeriesSource, TagFilter};

/// `SHOW SERIES`: the keys of all series of the measurements, in their order.
///
/// A policy counts only in that it must hold something. When time is compared InfluxDB counts the points of the policy
/// instead: then it must hold points of the series, and the condition means what it means to a cardinality.
pub(super) fn series(source: &dyn SeriesSource, show: &ShowSeries, db: &str) -> Result<Vec<Series>, ShowError> {
    let sites = sites(source, db, &show.filter.sources)?;
    let (condition, time) = without_time(show.filter.condition.as_ref())?;
    let is_timed = time != TimeRange::default();
    let rules = if is_timed { Rules::Cardinality } else { Rules::Series };
    condition.as_ref().map_or(Ok(()), |condition| check(condition, rules))?;
    let mut keys = BTreeSet::new();
    for site in sites {
        let filter = list_filter(source, &site.db, &site.measurement, condition.as_ref(), rules)?;
        let found = if is_timed {
            series_at(source, &site, &filter)?
        } else if holds_anything(source, &site.db, &site.policy) {
            source.series(&site.db, &site.measurement, &filter)
        } else {
            Vec::new()
        };
        let key = |series| (Arc::clone(&site.measurement), series_key(&site.measurement, series));
        keys.extend(found.iter().map(key));
    }
    let rows = keys.into_iter().map(|(_, key)| vec![Value::String(key)]);
    Ok(filled_table("", &["key"], paged(rows, show.page)).into_iter().collect())
}

/// `SHOW TAG KEYS`: of each measurement the keys of the series selected. `SLIMIT` and `SOFFSET` do nothing, as in
/// InfluxDB.
pub(super) fn tag_keys(source: &dyn SeriesSource, show: &ShowTagKeys, db: &str) -> Result<Vec<Series>, ShowError> {
    let condition = list_condition(show.filter.condition.as_ref(), Rules::TagKeys)?;
    let wanted = show.key.as_ref().map(KeyFilter::new).transpose()?;
    let mut answer = Vec::new();
    for name in names(source, db, &show.filter.sources)? {
        let filter = list_filter(source, db, &name, condition.as_ref(), Rules::TagKeys)?;
        let mut keys = match filter {
            TagFilter::All => source.tag_keys(db, &name),
            filter => keys_of(&source.series(db, &name, &filter)),
        };
        keys.retain(|key| wanted.as_ref().is_none_or(|wanted| wanted.matches(key)));
        let rows = keys.into_iter().map(|key| vec![Value::from(key.as_ref())]);
        answer.extend(filled_table(&name, &["tagKey"], paged(rows, show.page)));
    }
    Ok(answer)
}

/// `SHOW TAG VALUES`: of each measurement keys with values, sorted.
pub(super) fn tag_values(source: &dyn SeriesSource, show: &ShowTagValues, db: &str) -> Result<Vec<Series>, ShowError> {
    let condition = list_condition(show.filter.condition.as_ref(), Rules::TagValues)?;
    let wanted = KeyFilter::new(&show.key)?;
    let mut answer = Vec::new();
    for name in names(source, db, &show.filter.sources)? {
        let filter = list_filter(source, db, &name, condition.as_ref(), Rules::TagValues)?;
        let pairs = match filter {
            TagFilter::All => all_pairs(source, db, &name, &wanted),
            filter => pairs_of(&source.series(db, &name, &filter), &wanted),
        };
        let row = |(key, value): (Arc<str>, Arc<str>)| vec![Value::from(key.as_ref()), Value::from(value.as_ref())];
        let rows = paged(pairs.into_iter().map(row), show.page);
        answer.extend(filled_table(&name, &["key", "value"], rows));
    }
    Ok(answer)
}

/// `SHOW FIELD KEYS`: of each measurement under its policy the fields with their types.
pub(super) fn field_keys(source: &dyn SeriesSource, show: &ShowFieldKeys, db: &str) -> Result<Vec<Series>, ShowError> {
    let mut answer = Vec::new();
    for site in sites(source, db, &show.sources)? {
        let fields = source.fields(site.place());
        let row = |(name, kind): (Arc<str>, FieldType)| vec![Value::from(name.as_ref()), Value::from(type_name(kind))];
        let rows = paged(fields.into_iter().map(row), show.page);
        answer.extend(filled_table(&site.measurement, &["fieldKey", "fieldType"], rows));
    }
    Ok(answer)
}

/// The tags of a series with a key that is wanted, and its value.
pub(super) fn wanted_tags<'a>(
    series: &'a source::Series,
    wanted: &'a KeyFilter,
) -> impl Iterator<Item = &'a (Arc<str>, Arc<str>)> {
    series.tags.iter().filter(|(key, _)| wanted.matches(key))
}

/// `WITH KEY`, ready to be asked.
#[derive(Debug)]
pub(super) enum KeyFilter {
    In(Vec<String>),
    IsNot(String),
    Matches(regex::Regex),
    MatchesNot(regex::Regex),
}

impl KeyFilter {
    pub(super) fn new(key: &KeyMatch) -> Result<Self, InvalidRegex> {
        Ok(match key {
            KeyMatch::Is(name) => Self::In(vec![name.clone()]),
            KeyMatch::In(names) => Self::In(names.clone()),
            KeyMatch::IsNot(name) => Self::IsNot(name.clone()),
            KeyMatch::Matches(pattern) => Self::Matches(pattern.compile()?),
            KeyMatch::MatchesNot(pattern) => Self::MatchesNot(pattern.compile()?),
        })
    }

    fn matches(&self, key: &str) -> bool {
        match self {
            Self::In(names) => names.iter().any(|name| name == key),
            Self::IsNot(name) => name != key,
            Self::Matches(regex) => regex.is_match(key),
            Self::MatchesNot(regex) => !regex.is_match(key),
        }
    }
}

/// The condition of a list without time, checked.
fn list_condition(condition: Option<&Expr>, rules: Rules) -> Result<Option<Expr>, ShowError> {
    let (condition, _) = without_time(condition)?;
    condition.as_ref().map_or(Ok(()), |condition| check(condition, rules))?;
    Ok(condition)
}

fn list_filter(
    source: &dyn SeriesSource,
    db: &str,
    name: &str,
    condition: Option<&Expr>,
    rules: Rules,
) -> Result<TagFilter, ShowError> {
    let is_field = |field: &str| has_field(source, db, name, field);
    let subject = Subject {
        name,
        is_field: &is_field,
    };
    filter(condition, &subject, rules)
}

/// Whether a measurement has the field under any policy.
pub(super) fn has_field(source: &dyn SeriesSource, db: &str, measurement: &str, field: &str) -> bool {
    let policies = source.policies(db).unwrap_or_default();
    policies.iter().any(|policy| {
        let place = source::Place {
            db,
            policy: &policy.name,
            measurement,
        };
        source.fields(place).iter().any(|(name, _)| name.as_ref() == field)
    })
}

fn holds_anything(source: &dyn SeriesSource, db: &str, policy: &str) -> bool {
    source.measurements(db).iter().any(|measurement| {
        let place = source::Place {
            db,
            policy,
            measurement,
        };
        !source.fields(place).is_empty()
    })
}

fn keys_of(series: &[source::Series]) -> Vec<Arc<str>> {
    let tags = series.iter().flat_map(|series| series.tags.iter());
    let keys: BTreeSet<_> = tags.map(|(key, _)| Arc::clone(key)).collect();
    keys.into_iter().collect()
}

fn pairs_of(series: &[source::Series], wanted: &KeyFilter) -> Vec<(Arc<str>, Arc<str>)> {
    let tags = series.iter().flat_map(|series| wanted_tags(series, wanted));
    let pairs: BTreeSet<_> = tags.cloned().collect();
    pairs.into_iter().collect()
}

fn all_pairs(source: &dyn SeriesSource, db: &str, name: &str, wanted: &KeyFilter) -> Vec<(Arc<str>, Arc<str>)> {
    let keys = source.tag_keys(db, name).into_iter().filter(|key| wanted.matches(key));
    let of_key = |key: Arc<str>| {
        let values = source.tag_values(db, name, &key).into_iter();
        values.map(move |value| (Arc::clone(&key), value))
    };
    keys.flat_map(of_key).collect()
}

fn type_name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Float => "float",
        FieldType::Integer => "integer",
        FieldType::Unsigned => "unsigned",
        FieldType::String => "string",
        FieldType::Boolean => "boolean",
    }
}

/// `measurement,key=value,...` as line protocol writes it.
fn series_key(measurement: &str, series: &source::Series) -> String {
    let mut key = String::new();
    push_escaped(&mut key, measurement, ", ");
    for (name, value) in series.tags.iter() {
        key.push(',');
        push_escaped(&mut key, name, ",= ");
        key.push('=');
        push_escaped(&mut key, value, ",= ");
    }
    key
}

fn push_escaped(out: &mut String, text: &str, special: &str) {
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}

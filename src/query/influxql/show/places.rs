//! Which measurements a statement is about.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ShowError;
use crate::influx::influxql::ast::{Measurement, MeasurementName, Source};
use crate::query::source::{Place, Series, SeriesSource, TagFilter, Times};

/// A measurement under a retention policy of a database; ordered by measurement first, as answers are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Site {
    /// The measurement.
    pub(super) measurement: Arc<str>,
    /// The database.
    pub(super) db: String,
    /// The retention policy.
    pub(super) policy: String,
}

impl Site {
    /// The site as a source takes it.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            db: &self.db,
            policy: &self.policy,
            measurement: &self.measurement,
        }
    }
}

/// The measurements of `db` that the sources name, whatever database and policy they say; without sources all.
pub(super) fn names(source: &dyn SeriesSource, db: &str, sources: &[Source]) -> Result<Vec<Arc<str>>, ShowError> {
    exists(source, db)?;
    let all = source.measurements(db);
    if sources.is_empty() {
        return Ok(all);
    }
    let mut named = BTreeSet::new();
    for measurement in measurements(sources) {
        named.extend(matching(&all, &measurement.name)?);
    }
    Ok(named.into_iter().collect())
}

/// The measurements that the sources name, each under the database and policy that it says, else the statement's
/// database and its default policy; without sources all of those.
pub(super) fn sites(source: &dyn SeriesSource, db: &str, sources: &[Source]) -> Result<BTreeSet<Site>, ShowError> {
    let mut sites = BTreeSet::new();
    let mut add = |db: &str, policy: Option<&str>, name: Option<&MeasurementName>| {
        let policy = policy_of(source, db, policy)?;
        let all = source.measurements(db);
        let named = match name {
            Some(name) => matching(&all, name)?,
            None => all,
        };
        sites.extend(named.into_iter().map(|measurement| Site {
            measurement,
            db: db.to_owned(),
            policy: policy.clone(),
        }));
        Ok::<(), ShowError>(())
    };
    if sources.is_empty() {
        add(db, None, None)?;
    }
    for measurement in measurements(sources) {
        let db = measurement.database.as_deref().unwrap_or(db);
        add(db, measurement.policy.as_deref(), Some(&measurement.name))?;
    }
    Ok(sites)
}

/// The series of a measurement that have points under the site's policy.
pub(super) fn series_at(source: &dyn SeriesSource, site: &Site, filter: &TagFilter) -> Result<Vec<Series>, ShowError> {
    let fields: Vec<Arc<str>> = source.fields(site.place()).into_iter().map(|(name, _)| name).collect();
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let series = source.series(&site.db, &site.measurement, filter);
    if !is_elsewhere(source, site) {
        return Ok(series);
    }
    let mut found = Vec::new();
    for series in series {
        let times = Times {
            min: i64::MIN,
            max: i64::MAX,
        };
        let mut rows = source.rows(site.place(), &series, &fields, times, false);
        if rows.next().transpose()?.is_some_and(|rows| !rows.times.is_empty()) {
            found.push(series);
        }
    }
    Ok(found)
}

/// Whether the measurement has points under other policies, too.
fn is_elsewhere(source: &dyn SeriesSource, site: &Site) -> bool {
    let policies = source.policies(&site.db).unwrap_or_default();
    let others = policies.iter().filter(|policy| policy.name != site.policy);
    others.into_iter().any(|policy| {
        let place = Place {
            policy: &policy.name,
            ..site.place()
        };
        !source.fields(place).is_empty()
    })
}

fn exists(source: &dyn SeriesSource, db: &str) -> Result<(), ShowError> {
    let policies = source.policies(db);
    policies
        .map(|_| ())
        .ok_or_else(|| ShowError::DatabaseNotFound(db.to_owned()))
}

fn policy_of(source: &dyn SeriesSource, db: &str, named: Option<&str>) -> Result<String, ShowError> {
    let policies = source
        .policies(db)
        .ok_or_else(|| ShowError::DatabaseNotFound(db.to_owned()))?;
    match named {
        Some(name) if policies.iter().any(|policy| policy.name == name) => Ok(name.to_owned()),
        Some(name) => Err(ShowError::PolicyNotFound(name.to_owned())),
        None => source
            .default_policy(db)
            .ok_or_else(|| ShowError::NoDefaultPolicy(db.to_owned())),
    }
}

/// Subqueries do not occur in `SHOW`.
fn measurements(sources: &[Source]) -> impl Iterator<Item = &Measurement> {
    sources.iter().filter_map(|source| match source {
        Source::Measurement(measurement) => Some(measurement),
        Source::Subquery(_) => None,
    })
}

/// Those of `all` that have the name.
pub(super) fn matching(all: &[Arc<str>], name: &MeasurementName) -> Result<Vec<Arc<str>>, ShowError> {
    let matches: Box<dyn Fn(&str) -> bool> = match name {
        MeasurementName::Name(name) => Box::new(move |other| other == name),
        MeasurementName::Regex(pattern) => {
            let regex = pattern.compile()?;
            Box::new(move |other| regex.is_match(other))
        }
    };
    Ok(all.iter().filter(|name| matches(name)).map(Arc::clone).collect())
}

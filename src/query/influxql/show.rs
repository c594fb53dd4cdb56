//! `SHOW`: what a source holds, in the words and the order of InfluxDB.
//!
//! ```text
//! ShowSeries ... ── places    which measurements of which databases and policies
//!                ── condition WHERE as a filter on tags, by the rules of the statement
//!                ── keys      lists of series, tag keys, tag values, field keys
//!                ── cardinality
//!                ── measurements
//! ```
//!
//! * Statements have been checked ([`crate::influx::influxql::validate::check`]); what only the stored data show wrong is
//!   found here.
//! * InfluxDB answers lists from indexes that do not know times: `WHERE time` is ignored. (InfluxDB itself ignores it as
//!   far as its shards reach.) Neither do the lists of measurements, tag keys and tag values know retention policies.
//! * Estimates of cardinality are exact here, and shown under InfluxDB's heading.
//! * What an embedded engine behind [`SeriesSource`] cannot tell (shards, running queries, diagnostics) and what is not
//!   stored behind it (users, grants, continuous queries, subscriptions) is refused, never shown as empty.

mod cardinality;
mod condition;
#[cfg(test)]
mod double;
mod keys;
mod measurements;
mod places;

use crate::base::ErrorKind;
use crate::influx::influxql::ast::{Counted, Page, Show, ShowCardinality, Source};
use crate::influx::influxql::{DurationNs, InvalidRegex};
use crate::influx::result::{Series, StatementResult, Tags, Value};
use crate::query::source::{SeriesSource, SourceError, TagFilter};

/// Why a `SHOW` has no answer; InfluxDB's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShowError {
    /// Neither the statement nor the request names a database.
    #[error("database name required")]
    DatabaseNameRequired,
    /// There is no such database.
    #[error("database not found: {0}")]
    DatabaseNotFound(String),
    /// There is no such retention policy.
    #[error("retention policy not found: {0}")]
    PolicyNotFound(String),
    /// The database has no default retention policy, and the statement names none.
    #[error("default retention policy not set for: {0}")]
    NoDefaultPolicy(String),
    /// The condition cannot be answered from an index.
    #[error("{0}")]
    Condition(String),
    /// A regular expression is too large.
    #[error(transparent)]
    Regex(#[from] InvalidRegex),
    /// The source cannot tell.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The source fails.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl ShowError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DatabaseNameRequired | Self::Condition(_) | Self::Regex(_) => ErrorKind::InvalidArgument,
            Self::DatabaseNotFound(_) | Self::PolicyNotFound(_) | Self::NoDefaultPolicy(_) => ErrorKind::NotFound,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Source(error) => error.kind(),
        }
    }
}

/// Answers one statement; `db` is the request's database, or empty. The statement's id is left 0.
///
/// # Errors
/// As [`ShowError`] lists them; `Unsupported` for what only the caller or nobody can tell.
pub fn show(source: &dyn SeriesSource, show: &Show, db: &str) -> Result<StatementResult, ShowError> {
    let series = match show {
        Show::Databases => vec![databases(source)],
        Show::RetentionPolicies(named) => vec![retention_policies(source, database(named.as_deref(), db)?)?],
        Show::Measurements(show) => measurements::list(source, show, database(show.database.as_deref(), db)?)?,
        Show::Series(show) => {
            let db = database_of(&show.filter.sources, show.filter.database.as_deref(), db)?;
            keys::series(source, show, db)?
        }
        Show::TagKeys(show) => keys::tag_keys(source, show, database(show.filter.database.as_deref(), db)?)?,
        Show::TagValues(show) => keys::tag_values(source, show, database(show.filter.database.as_deref(), db)?)?,
        Show::FieldKeys(show) => {
            let db = database_of(&show.sources, show.database.as_deref(), db)?;
            keys::field_keys(source, show, db)?
        }
        Show::Cardinality(show) => {
            let db = database_of(&show.filter.sources, show.filter.database.as_deref(), db)?;
            count(source, show, db)?
        }
        Show::Stats(module) => stats(source, module.as_deref()),
        Show::ContinuousQueries => return Err(ShowError::Unsupported("SHOW CONTINUOUS QUERIES")),
        Show::Diagnostics(_) => return Err(ShowError::Unsupported("SHOW DIAGNOSTICS")),
        Show::GrantsFor(_) => return Err(ShowError::Unsupported("SHOW GRANTS")),
        Show::Queries => return Err(ShowError::Unsupported("SHOW QUERIES")),
        Show::ShardGroups => return Err(ShowError::Unsupported("SHOW SHARD GROUPS")),
        Show::Shards => return Err(ShowError::Unsupported("SHOW SHARDS")),
        Show::Subscriptions => return Err(ShowError::Unsupported("SHOW SUBSCRIPTIONS")),
        Show::Users => return Err(ShowError::Unsupported("SHOW USERS")),
    };
    Ok(StatementResult {
        series,
        ..StatementResult::default()
    })
}

/// The database of a statement.
fn database<'a>(named: Option<&'a str>, of_request: &'a str) -> Result<&'a str, ShowError> {
    match named.unwrap_or(of_request) {
        "" => Err(ShowError::DatabaseNameRequired),
        name => Ok(name),
    }
}

/// The database of the sources that do not name their own; empty when all do.
fn database_of<'a>(sources: &[Source], named: Option<&'a str>, of_request: &'a str) -> Result<&'a str, ShowError> {
    let names_its_own = |source: &Source| matches!(source, Source::Measurement(named) if named.database.is_some());
    if !sources.is_empty() && sources.iter().all(names_its_own) {
        return Ok("");
    }
    database(named, of_request)
}

fn databases(source: &dyn SeriesSource) -> Series {
    let names = source.databases().into_iter().map(|name| vec![Value::String(name)]);
    table("databases", &["name"], names.collect())
}

fn retention_policies(source: &dyn SeriesSource, db: &str) -> Result<Series, ShowError> {
    let policies = source
        .policies(db)
        .ok_or_else(|| ShowError::DatabaseNotFound(db.to_owned()))?;
    let rows = policies.into_iter().map(|policy| {
        vec![
            Value::String(policy.name),
            Value::String(DurationNs(policy.duration_ns).to_go_string()),
            Value::String(DurationNs(policy.shard_duration_ns).to_go_string()),
            Value::Integer(policy.replication.into()),
            Value::Bool(policy.is_default),
        ]
    });
    let columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"];
    Ok(table("", &columns, rows.collect()))
}

/// Estimates are asked of the whole database; whatever narrows the question makes it an exact one.
fn count(source: &dyn SeriesSource, show: &ShowCardinality, db: &str) -> Result<Vec<Series>, ShowError> {
    let is_narrow = show.exact
        || !show.filter.sources.is_empty()
        || show.filter.condition.is_some()
        || !show.dimensions.is_empty()
        || show.page != Page::default();
    let estimate = match show.counted {
        Counted::Series if !is_narrow => all_series(source, db),
        Counted::Measurements if !is_narrow => source.measurements(db).len(),
        _ => return cardinality::exact(source, show, db),
    };
    let row = vec![number(estimate)];
    Ok(vec![table("", &["cardinality estimation"], vec![row])])
}

/// The statistics that a source can tell: those of module `database`. Other modules are those of other processes.
fn stats(source: &dyn SeriesSource, module: Option<&str>) -> Vec<Series> {
    if module.is_some_and(|module| module != "database") {
        return Vec::new();
    }
    let of_database = |db: String| {
        let row = vec![number(source.measurements(&db).len()), number(all_series(source, &db))];
        Series {
            tags: Tags::from_iter([("database".to_owned(), db)]),
            ..table("database", &["numMeasurements", "numSeries"], vec![row])
        }
    };
    source.databases().into_iter().map(of_database).collect()
}

/// How many series a database has.
fn all_series(source: &dyn SeriesSource, db: &str) -> usize {
    let of_measurement = |name| source.series(db, name, &TagFilter::All).len();
    source.measurements(db).iter().map(|name| of_measurement(name)).sum()
}

fn table(name: &str, columns: &[&str], values: Vec<Vec<Value>>) -> Series {
    Series {
        name: name.to_owned(),
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        values,
        ..Series::default()
    }
}

/// As [`table`]; InfluxDB leaves out most tables without rows.
fn filled_table(name: &str, columns: &[&str], values: Vec<Vec<Value>>) -> Option<Series> {
    (!values.is_empty()).then(|| table(name, columns, values))
}

fn number(count: usize) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The part of `items` that a page shows.
fn paged<T>(items: impl IntoIterator<Item = T>, page: Page) -> Vec<T> {
    let limit = if page.limit == 0 { u64::MAX } else { page.limit };
    let skip = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    items.into_iter().skip(skip).take(take).collect()
}

#[cfg(test)]
mod tests;

//! `SHOW`.

use super::{Expr, Measurement, Page, Pattern, Sort, Source};

/// One `SHOW` statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Show {
    /// `SHOW CONTINUOUS QUERIES`
    ContinuousQueries,
    /// `SHOW DATABASES`
    Databases,
    /// `SHOW DIAGNOSTICS [FOR 'module']`
    Diagnostics(Option<String>),
    /// `SHOW ... CARDINALITY`
    Cardinality(ShowCardinality),
    /// `SHOW FIELD KEYS`
    FieldKeys(ShowFieldKeys),
    /// `SHOW GRANTS FOR user`
    GrantsFor(String),
    /// `SHOW MEASUREMENTS`
    Measurements(ShowMeasurements),
    /// `SHOW QUERIES`
    Queries,
    /// `SHOW RETENTION POLICIES [ON database]`
    RetentionPolicies(Option<String>),
    /// `SHOW SERIES`
    Series(ShowSeries),
    /// `SHOW SHARD GROUPS`
    ShardGroups,
    /// `SHOW SHARDS`
    Shards,
    /// `SHOW STATS [FOR 'module']`
    Stats(Option<String>),
    /// `SHOW SUBSCRIPTIONS`
    Subscriptions,
    /// `SHOW TAG KEYS`
    TagKeys(ShowTagKeys),
    /// `SHOW TAG VALUES`
    TagValues(ShowTagValues),
    /// `SHOW USERS`
    Users,
}

/// `[ON database] [FROM sources] [WHERE condition]`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShowFilter {
    /// The database, if it is not the request's.
    pub database: Option<String>,
    /// Which measurements; empty is all. Never a subquery.
    pub sources: Vec<Source>,
    /// Which series.
    pub condition: Option<Expr>,
}

/// `WITH KEY ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMatch {
    /// `= key`
    Is(String),
    /// `!= key`
    IsNot(String),
    /// `=~ /re/`
    Matches(Pattern),
    /// `!~ /re/`
    MatchesNot(Pattern),
    /// `IN (key, ...)`, at least one.
    In(Vec<String>),
}

/// What a cardinality statement counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// `SHOW SERIES CARDINALITY`
    Series,
    /// `SHOW MEASUREMENT CARDINALITY`
    Measurements,
    /// `SHOW TAG KEY CARDINALITY`
    TagKeys,
    /// `SHOW TAG VALUES CARDINALITY ... WITH KEY ...`
    TagValues(KeyMatch),
    /// `SHOW FIELD KEY CARDINALITY`
    FieldKeys,
}

/// `SHOW x [EXACT] CARDINALITY`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowCardinality {
    /// What is counted.
    pub counted: Counted,
    /// Counted, not estimated.
    pub exact: bool,
    /// Of what.
    pub filter: ShowFilter,
    /// `GROUP BY`
    pub dimensions: Vec<Expr>,
    /// `LIMIT`, `OFFSET`
    pub page: Page,
}

/// `SHOW FIELD KEYS [ON database] [FROM sources]`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowFieldKeys {
    /// The database, if it is not the request's.
    pub database: Option<String>,
    /// Which measurements; empty is all. Never a subquery.
    pub sources: Vec<Source>,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT`, `OFFSET`
    pub page: Page,
}

/// `SHOW MEASUREMENTS [ON database] [WITH MEASUREMENT = name | =~ /re/] [WHERE ...]`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowMeasurements {
    /// The database, if it is not the request's.
    pub database: Option<String>,
    /// `WITH MEASUREMENT`
    pub with: Option<Measurement>,
    /// `WHERE`
    pub condition: Option<Expr>,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT`, `OFFSET`
    pub page: Page,
}

/// `SHOW SERIES`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowSeries {
    /// Which series.
    pub filter: ShowFilter,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT`, `OFFSET`
    pub page: Page,
}

/// `SHOW TAG KEYS`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowTagKeys {
    /// Of which series.
    pub filter: ShowFilter,
    /// `WITH KEY`
    pub key: Option<KeyMatch>,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT`, `OFFSET`: keys of each measurement.
    pub page: Page,
    /// `SLIMIT`, `SOFFSET`: measurements.
    pub series: Page,
}

/// `SHOW TAG VALUES ... WITH KEY ...`
#[derive(Debug, Clone, PartialEq)]
pub struct ShowTagValues {
    /// Of which series.
    pub filter: ShowFilter,
    /// `WITH KEY`
    pub key: KeyMatch,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT`, `OFFSET`
    pub page: Page,
}

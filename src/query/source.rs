//! What a query language needs of whoever holds the points.
//!
//! Names are text as written, unescaped. Times are nanoseconds. A source answers from one consistent view: what is
//! written while a query runs may or may not be seen, never half of a point.

use std::{fmt::Debug, sync::Arc};

use crate::base::ErrorKind;

/// The type of a field; one per database, policy, measurement and field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldType {
    /// 64-bit float.
    Float,
    /// Signed 64-bit integer.
    Integer,
    /// Unsigned 64-bit integer.
    Unsigned,
    /// Text.
    String,
    /// True or false.
    Boolean,
}

/// One series: a measurement and a tag set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Names the series towards the source; of no meaning elsewhere.
    pub id: u64,
    /// Tag keys and values, sorted by key; no empty values.
    pub tags: Arc<[(Arc<str>, Arc<str>)]>,
}

/// Selects series by their tags. A tag that a series does not have counts as the empty text, as InfluxDB has it.
#[derive(Debug, Clone)]
pub enum TagFilter {
    /// Every series.
    All,
    /// No series.
    None,
    /// The tag has this value; the empty one: the series has no such tag.
    Equal(Arc<str>, Arc<str>),
    /// The tag has another value.
    NotEqual(Arc<str>, Arc<str>),
    /// The tag's value matches.
    Matches(Arc<str>, Arc<regex::Regex>),
    /// The tag's value does not match.
    MatchesNot(Arc<str>, Arc<regex::Regex>),
    /// All of these.
    And(Vec<TagFilter>),
    /// One of these.
    Or(Vec<TagFilter>),
}

/// Where a measurement lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The database.
    pub db: &'a str,
    /// The retention policy; never empty: see [`SeriesSource::default_policy`].
    pub policy: &'a str,
    /// The measurement.
    pub measurement: &'a str,
}

/// Times from the least to the greatest, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The earliest, nanoseconds.
    pub min: i64,
    /// The latest, nanoseconds.
    pub max: i64,
}

/// Rows of one series, ascending by time, no time twice.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// The time of each row, nanoseconds.
    pub times: Vec<i64>,
    /// A column per field asked for, in that order, each as long as `times`.
    pub columns: Vec<Column>,
}

/// The values of one field; a row without one has `valid` false and any value in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The values.
    pub values: Values,
    /// Which rows have one; `None`: all.
    pub valid: Option<Vec<bool>>,
}

/// Typed values.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the types of fields, see FieldType")]
pub enum Values {
    Float(Vec<f64>),
    Integer(Vec<i64>),
    Unsigned(Vec<u64>),
    String(Vec<Arc<str>>),
    Boolean(Vec<bool>),
    /// The series has no value of this field in the times asked for: `n` rows without one.
    Absent(usize),
}

/// Why a source cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Stored data are damaged.
    #[error("stored data are damaged: {0}")]
    Damaged(String),
    /// The disk, or whatever is behind, fails.
    #[error("{0}")]
    Unavailable(String),
}

impl SourceError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Damaged(_) => ErrorKind::Corrupt,
            Self::Unavailable(_) => ErrorKind::Unavailable,
        }
    }
}

/// What a source yields piece by piece.
pub type RowsIter<'a> = Box<dyn Iterator<Item = Result<Rows, SourceError>> + Send + 'a>;

/// A holder of points.
pub trait SeriesSource: Debug + Send + Sync {
    /// The databases, in the order in which they were created.
    fn databases(&self) -> Vec<String>;

    /// The retention policies of a database, in the order in which they were created; `None`: no such database.
    fn policies(&self, db: &str) -> Option<Vec<Policy>>;

    /// The name of a database's default policy.
    fn default_policy(&self, db: &str) -> Option<String>;

    /// The measurements of a database over all policies, sorted by bytes.
    fn measurements(&self, db: &str) -> Vec<Arc<str>>;

    /// The fields of a measurement under one policy with their types, sorted by name; empty: it has no points there.
    fn fields(&self, place: Place<'_>) -> Vec<(Arc<str>, FieldType)>;

    /// The tag keys of a measurement over all policies, sorted.
    fn tag_keys(&self, db: &str, measurement: &str) -> Vec<Arc<str>>;

    /// The values of one tag key of a measurement over all policies, sorted.
    fn tag_values(&self, db: &str, measurement: &str, key: &str) -> Vec<Arc<str>>;

    /// The series of a measurement (over all policies) that the filter selects, sorted by tags as InfluxDB sorts them:
    /// by their key `measurement,k=v,k=v` with keys sorted.
    fn series(&self, db: &str, measurement: &str, filter: &TagFilter) -> Vec<Series>;

    /// The rows of one series that have a value in at least one of `fields`, in pieces of bounded size, in ascending
    /// order of time, or from the last piece to the first when `descending` (rows within a piece ascend always).
    fn rows<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        fields: &[Arc<str>],
        times: Times,
        descending: bool,
    ) -> RowsIter<'a>;

    /// As [`SeriesSource::rows`] for whole blocks that the source can sum up without reading them: see [`Summary`].
    /// A source without statistics answers `None`.
    fn summaries<'a>(
        &'a self,
        _place: Place<'a>,
        _series: &Series,
        _field: &Arc<str>,
        _times: Times,
    ) -> Option<Box<dyn Iterator<Item = Result<Piece, SourceError>> + Send + 'a>> {
        None
    }
}

/// A retention policy as `SHOW RETENTION POLICIES` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// How long points are kept, nanoseconds; 0: for ever.
    pub duration_ns: i64,
    /// The time span of one shard group, nanoseconds.
    pub shard_duration_ns: i64,
    /// Copies.
    pub replication: u32,
    /// Whether it is the default.
    pub is_default: bool,
}

/// A part of one field of one series: summed up, or as rows of one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// A block wholly inside the times asked for, without overwritten or deleted rows.
    Summary(Summary),
    /// Rows.
    Rows(Rows),
}

/// Statistics of one block of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Values in it.
    pub count: u64,
    /// Time of its first value.
    pub first_time: i64,
    /// Time of its last value.
    pub last_time: i64,
    /// Sum of numbers (integers wrap as InfluxDB's do); `None` for others.
    pub sum: Option<f64>,
    /// Exact sum of integers.
    pub integer_sum: Option<i64>,
    /// Least number and the first time it occurs.
    pub min: Option<(f64, i64)>,
    /// Greatest number and the first time it occurs.
    pub max: Option<(f64, i64)>,
}

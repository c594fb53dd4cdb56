//! `SELECT` and what it reads.

use super::{Expr, Pattern};

/// `SELECT fields [INTO target] FROM sources [WHERE ...] [GROUP BY ...] [fill(...)] [ORDER BY ...] [LIMIT ...] [tz(...)]`
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The columns asked for, at least one.
    pub fields: Vec<Field>,
    /// Where the result is written instead of returned.
    pub target: Option<Target>,
    /// What is read, at least one.
    pub sources: Vec<Source>,
    /// `WHERE`
    pub condition: Option<Expr>,
    /// `GROUP BY`: references, `time(...)`, wildcards, regular expressions; anything else fails validation.
    pub dimensions: Vec<Expr>,
    /// `fill(...)`
    pub fill: Fill,
    /// `ORDER BY`
    pub order: Option<Sort>,
    /// `LIMIT` and `OFFSET`: rows of each series.
    pub rows: Page,
    /// `SLIMIT` and `SOFFSET`: series.
    pub series: Page,
    /// `tz(...)`: the IANA name of a time zone that exists, or `UTC` or `Local`.
    pub time_zone: Option<String>,
}

/// `EXPLAIN [ANALYZE] SELECT ...`
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    /// Whether the query is run and measured.
    pub analyze: bool,
    /// The query.
    pub select: Box<Select>,
}

/// One column asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What is computed.
    pub expr: Expr,
    /// `AS name`
    pub alias: Option<String>,
}

/// `INTO ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The database, if it is not the statement's.
    pub database: Option<String>,
    /// The retention policy, if it is not the default one.
    pub policy: Option<String>,
    /// The measurement; `None` is `:MEASUREMENT`, the source's own name.
    pub name: Option<String>,
}

/// Something that is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A measurement or all that match.
    Measurement(Measurement),
    /// `(SELECT ...)`
    Subquery(Box<Select>),
}

/// `database.policy.name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// The database, if it is not the statement's.
    pub database: Option<String>,
    /// The retention policy, if it is not the default one.
    pub policy: Option<String>,
    /// Which measurements.
    pub name: MeasurementName,
}

/// One measurement, or many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MeasurementName {
    /// This one.
    Name(String),
    /// All whose names match.
    Regex(Pattern),
}

/// What stands in intervals without points.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Fill {
    /// `fill(null)`, also when nothing is said.
    #[default]
    Null,
    /// `fill(none)`: such intervals are left out.
    None,
    /// `fill(0)`
    Number(FillNumber),
    /// `fill(previous)`
    Previous,
    /// `fill(linear)`
    Linear,
}

/// The number of `fill(number)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FillNumber {
    /// Without a point, or with nothing behind it.
    Integer(i64),
    /// With a fraction.
    Float(f64),
}

/// `ORDER BY [time] [ASC | DESC]`; nothing but time can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Whether `time` is written.
    pub named: bool,
    /// Oldest first.
    pub ascending: bool,
}

/// A limit with an offset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// How many at most; 0 is no limit.
    pub limit: u64,
    /// How many to skip.
    pub offset: u64,
}

impl Measurement {
    /// The measurement of that name in the statement's own database and default policy.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let name = MeasurementName::Name(name.into());
        Self {
            database: None,
            policy: None,
            name,
        }
    }
}

impl Select {
    /// Whether rows come oldest first.
    #[must_use]
    pub fn is_ascending(&self) -> bool {
        self.order.is_none_or(|order| order.ascending)
    }
}

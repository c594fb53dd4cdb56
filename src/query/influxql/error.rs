//! Why a query fails, in InfluxDB's words.

use crate::base::ErrorKind;
use crate::influx::influxql::InvalidRegex;
use crate::influx::influxql::validate::InvalidStatement;
use crate::query::source::SourceError;

/// Why a query fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The statement makes no sense by itself.
    #[error(transparent)]
    Statement(#[from] InvalidStatement),
    /// A measurement without a database, and the request names none either.
    #[error("database name required")]
    DatabaseNameRequired,
    /// No such database.
    #[error("database not found: {0}")]
    DatabaseNotFound(String),
    /// No such retention policy.
    #[error("retention policy not found: {0}")]
    PolicyNotFound(String),
    /// The database has no default retention policy, and the statement names none.
    #[error("default retention policy not set for: {0}")]
    NoDefaultPolicy(String),
    /// An operator between values of types that it does not take.
    #[error("type error: {expr}: {message}")]
    Type {
        /// The operation.
        expr: String,
        /// What is wrong with it.
        message: String,
    },
    /// A function of a field whose type it does not take.
    #[error("unsupported {function} iterator type: *query.{kind}InterruptIterator")]
    Unsupported {
        /// The function.
        function: String,
        /// The type.
        kind: &'static str,
    },
    /// A function that this engine does not know.
    #[error("undefined function {0}()")]
    UndefinedFunction(String),
    /// A regular expression that is too great to run.
    #[error("{0}")]
    Regex(String),
    /// More points were read than allowed.
    #[error("max-select-point limit exceeed: ({found}/{limit})")]
    TooManyPoints {
        /// Points read so far.
        found: u64,
        /// Points allowed.
        limit: u64,
    },
    /// More series of a measurement were found than allowed.
    #[error("max-select-series limit exceeded: ({}/{limit})", .limit + 1)]
    TooManySeries {
        /// Series allowed.
        limit: u64,
    },
    /// The query asks for more windows than allowed.
    #[error("max-select-buckets limit exceeded: ({found}/{limit})")]
    TooManyBuckets {
        /// Windows asked for.
        found: u64,
        /// Windows allowed.
        limit: u64,
    },
    /// Somebody does not want the answer any more.
    #[error("query interrupted")]
    Interrupted,
    /// The source cannot answer.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl From<InvalidRegex> for QueryError {
    fn from(error: InvalidRegex) -> Self {
        Self::Regex(error.to_string())
    }
}

impl QueryError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Statement(error) => error.kind(),
            Self::DatabaseNotFound(_) | Self::PolicyNotFound(_) | Self::NoDefaultPolicy(_) => ErrorKind::NotFound,
            Self::DatabaseNameRequired
            | Self::Type { .. }
            | Self::Unsupported { .. }
            | Self::UndefinedFunction(_)
            | Self::Regex(_) => ErrorKind::InvalidArgument,
            Self::TooManyPoints { .. } | Self::TooManySeries { .. } | Self::TooManyBuckets { .. } => {
                ErrorKind::TooLarge
            }
            Self::Interrupted => ErrorKind::Timeout,
            Self::Source(error) => error.kind(),
        }
    }
}

//! What routing must know of a Flux request: the one bucket and the one measurement that it reads.
//!
//! # Constraints
//! * A request is passed on unchanged to the backend that owns its measurement, so an answer is whole only if nothing
//!   else is read. When in doubt the script is refused; it is never sent to a backend that may hold only a part.
//! * Syntax is not checked beyond tokens: the backend refuses what is not Flux, with its own words.
//! * Names are literals. A variable, a regular expression or an interpolated string is not followed.
//! * Time is linear in the length of the script, and nesting cannot exhaust the stack.
//!
//! # How it is found
//! 1. [`token`] splits the script, so that nothing inside comments, strings and regular expressions is taken for code.
//! 2. A *source* is a call of `from`, or any call with the argument `bucket`. All sources name the same bucket.
//! 3. A `filter` *restricts* when its predicate cannot hold for a row of an unnamed measurement: `r._measurement == "m"`
//!    in any spelling, joined by `and` with anything, by `or` only with what restricts as well ([`restriction`]).
//! 4. Every source flows into a filter that restricts, directly or through the variable it is assigned to, and passes
//!    only steps that treat each series by itself ([`script`]).
//!
//! A request may also carry the query as a tree of JSON, the `spec`; [`spec`] reads the same from it.

mod restriction;
mod script;
mod spec;
mod token;

#[cfg(test)]
mod tests;

use crate::base::ErrorKind;

use restriction::Restriction;
use script::Script;

pub use spec::{spec_bucket, spec_measurement, spec_target};

/// What a Flux request reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FluxTarget {
    /// The only bucket.
    pub bucket: Bucket,
    /// The only measurement, unescaped. Empty when the script asks for the empty name, which no point has.
    pub measurement: String,
}

/// A bucket as InfluxDB 1.8 understands it: a database and a retention policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The part before the first slash; never empty.
    pub database: String,
    /// The part after the first slash, if it is not empty; `None` means the database's default policy.
    pub policy: Option<String>,
}

impl Bucket {
    /// Splits `db` or `db/rp` at the first slash.
    fn parse(name: &str) -> Result<Self, FluxError> {
        let (database, policy) = name.split_once('/').unwrap_or((name, ""));
        if database.is_empty() {
            return Err(FluxError::NoBucket);
        }
        Ok(Self {
            database: database.to_owned(),
            policy: (!policy.is_empty()).then(|| policy.to_owned()),
        })
    }

    /// The one bucket that all the names mean; a name of `None` is one that is not known.
    fn only<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Result<Self, FluxError> {
        let mut only = None;
        for name in names {
            let bucket = Self::parse(name.ok_or(FluxError::NoBucket)?)?;
            if only.get_or_insert_with(|| bucket.clone()) != &bucket {
                return Err(FluxError::NoBucket);
            }
        }
        only.ok_or(FluxError::NoBucket)
    }
}

/// Why a request cannot be routed, in influx-proxy's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FluxError {
    /// Not made of Flux tokens, or `from` is never called.
    #[error("illegal flux query")]
    Illegal,
    /// No bucket, one without database, one that is not a literal, or several different ones.
    #[error("can't get bucket")]
    NoBucket,
    /// Something is read without being restricted to a literal measurement.
    #[error("can't get measurement")]
    NoMeasurement,
    /// As [`FluxError::NoMeasurement`], and a filter compares the measurement by another operator than `==`.
    #[error("measurement must use ==")]
    NotByEquality,
    /// Several different measurements are named.
    #[error("illegal multi measurements")]
    SeveralMeasurements,
}

impl FluxError {
    /// The class of the error: the request is at fault, always.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::Illegal | Self::NoBucket | Self::NoMeasurement | Self::NotByEquality | Self::SeveralMeasurements => {
                ErrorKind::InvalidArgument
            }
        }
    }
}

/// The bucket and the measurement that the script reads.
///
/// # Errors
/// Any [`FluxError`]; the bucket's comes first.
pub fn target(script: &str) -> Result<FluxTarget, FluxError> {
    let script = Script::scan(script)?;
    Ok(FluxTarget {
        bucket: script.bucket()?,
        measurement: script.measurement()?,
    })
}

/// The bucket that the script reads.
///
/// # Errors
/// [`FluxError::Illegal`] or [`FluxError::NoBucket`].
pub fn bucket(script: &str) -> Result<Bucket, FluxError> {
    Script::scan(script)?.bucket()
}

/// The measurement that the script reads. A fragment without source is judged by its filters alone.
///
/// # Errors
/// Any [`FluxError`] but [`FluxError::NoBucket`].
pub fn measurement(script: &str) -> Result<String, FluxError> {
    Script::scan(script)?.measurement()
}

//! What the client wants its answer to look like.

use crate::base::TimestampNs;

/// The encoding of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// `application/json`.
    #[default]
    Json,
    /// `text/csv`.
    Csv,
    /// `application/x-msgpack`.
    MsgPack,
}

/// How times are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// No `epoch` was asked for: RFC 3339 text in JSON, nanoseconds in CSV, a timestamp extension in MessagePack.
    #[default]
    Native,
    /// `epoch`: whole units since 1970, rounded towards zero.
    Epoch {
        /// Length of the unit in nanoseconds.
        unit_ns: i64,
    },
}

/// The client's wishes, all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputOptions {
    /// The encoding.
    pub format: Format,
    /// The writing of times.
    pub times: TimeFormat,
    /// Whether JSON is indented (`pretty=true`); the other formats know no such thing.
    pub pretty: bool,
}

impl Format {
    /// Chooses by the first `Accept` header, or `""` when there is none.
    ///
    /// As influxd does, the whole header must be one of the known types: lists, weights, parameters, wildcards and other
    /// letter case mean JSON, and so does everything unknown.
    #[must_use]
    pub fn from_accept(header: &str) -> Self {
        match header.trim() {
            "application/csv" | "text/csv" => Self::Csv,
            "application/x-msgpack" => Self::MsgPack,
            _ => Self::Json,
        }
    }

    /// The `Content-Type` of the answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::MsgPack => "application/x-msgpack",
        }
    }
}

impl TimeFormat {
    /// Reads the parameter `epoch`: empty is none, and what is not `u`, `ms`, `s`, `m` or `h` is nanoseconds.
    #[must_use]
    pub fn from_epoch(parameter: &str) -> Self {
        let unit_ns = match parameter.trim() {
            "" => return Self::Native,
            "u" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => 1,
        };
        Self::Epoch { unit_ns }
    }

    /// The time as a whole number of units, when one was asked for.
    pub(super) fn epoch(self, at: TimestampNs) -> Option<i64> {
        match self {
            Self::Native => None,
            Self::Epoch { unit_ns } => Some(at.0 / unit_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_taken_whole() {
        let check = |header: &str, expect: Format| assert_eq!(Format::from_accept(header), expect, "{header}");
        check("text/csv", Format::Csv);
        check(" application/csv ", Format::Csv);
        check("application/x-msgpack", Format::MsgPack);
        for header in [
            "",
            "*/*",
            "text/html",
            "APPLICATION/CSV",
            "text/csv;q=1",
            "text/csv, application/json",
            "csv",
        ] {
            check(header, Format::Json);
        }
    }

    #[test]
    fn epoch_rounds_towards_zero() {
        let check = |parameter: &str, ns: i64, expect: Option<i64>| {
            assert_eq!(
                TimeFormat::from_epoch(parameter).epoch(TimestampNs(ns)),
                expect,
                "{parameter}"
            );
        };
        check("", 1, None);
        check("ns", -9_223_372_036_854_775_806, Some(-9_223_372_036_854_775_806));
        check("anything", 1, Some(1));
        check("u", -1_500_000_001, Some(-1_500_000));
        check("ms", -1_000_000_001, Some(-1_000));
        check(" s ", -1_000_000_001, Some(-1));
        check("m", -1_500_000_001, Some(0));
        check("h", 9_223_372_036_854_775_806, Some(2_562_047));
    }
}

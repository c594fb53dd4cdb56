//! PURE. Which hosts a list shows, and in which order.
//!
//! The texts of errors are the interface's own. Of several errors in one request the first is told, in the order in
//! which Scale looks: the two ends of the time range, their order, `is_active`; then the order of the list.

use std::cmp::Ordering;

use crate::base::{TimestampNs, TimestampUs, iso8601};

use super::Host;

/// 0001-01-01, the first day that Python's `datetime` knows: a duration that reaches further back is no duration.
const FIRST_DAY: i64 = -62_135_596_800_000_000;

/// Filters and order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostQuery {
    started: Option<TimestampUs>,
    ended: Option<TimestampUs>,
    is_active: Option<bool>,
    order: Vec<Key>,
}

/// A parameter is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Neither a point in time nor a duration.
    #[error("Invalid ISO timestamp format for parameter: {0}")]
    Time(&'static str),
    /// An empty range of time.
    #[error("Start and end values must be different")]
    SameTime,
    /// A range of time whose end comes first.
    #[error("Start time must come before end time")]
    Backwards,
    /// Not one of the words for yes and no.
    #[error("Parameter must be a valid boolean: \"{0}\"")]
    Boolean(&'static str),
    /// No field that can be ordered by.
    #[error("Invalid order field: \"{0}\"")]
    Order(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    field: Field,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Hostname,
    PauseReason,
    IsPaused,
    IsActive,
    Deprecated,
    Created,
    LastModified,
}

impl HostQuery {
    /// Reads the parameters of a request, names and values decoded, in the order in which they came; durations count
    /// back from `now`. Of a parameter that is there twice the last value counts, but every `order` does. Other
    /// parameters mean nothing here.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub fn parse(params: &[(String, String)], now: TimestampNs) -> Result<Self, QueryError> {
        let started = time(params, "started", now)?;
        let ended = time(params, "ended", now)?;
        if let (Some(started), Some(ended)) = (started, ended) {
            match started.cmp(&ended) {
                Ordering::Less => {}
                Ordering::Equal => return Err(QueryError::SameTime),
                Ordering::Greater => return Err(QueryError::Backwards),
            }
        }
        let is_active = boolean(params, "is_active")?;
        let keys = params.iter().filter(|(name, _)| name == "order");
        let mut order = keys
            .map(|(_, value)| Key::parse(value))
            .collect::<Result<Vec<_>, _>>()?;
        if order.is_empty() {
            order.push(Key {
                field: Field::LastModified,
                descending: false,
            });
        }
        Ok(Self {
            started,
            ended,
            is_active,
            order,
        })
    }

    /// The hosts that match, in order; those that the order leaves equal by id.
    #[must_use]
    pub fn select<'a>(&self, hosts: impl Iterator<Item = &'a Host>) -> Vec<&'a Host> {
        let mut found: Vec<&Host> = hosts.filter(|host| self.matches(host)).collect();
        found.sort_by(|a, b| {
            let by_keys = self.order.iter().map(|key| key.compare(a, b));
            by_keys.fold(Ordering::Equal, Ordering::then).then(a.id.cmp(&b.id))
        });
        found
    }

    fn matches(&self, host: &Host) -> bool {
        self.started.is_none_or(|started| host.last_modified >= started)
            && self.ended.is_none_or(|ended| host.last_modified <= ended)
            && self.is_active.is_none_or(|is_active| host.is_active == is_active)
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, QueryError> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let field = match name {
            "id" => Field::Id,
            // The documentation of the interface says host_name.
            "hostname" | "host_name" => Field::Hostname,
            "pause_reason" => Field::PauseReason,
            "is_paused" => Field::IsPaused,
            "is_active" => Field::IsActive,
            "deprecated" => Field::Deprecated,
            "created" => Field::Created,
            "last_modified" => Field::LastModified,
            _ => return Err(QueryError::Order(text.to_owned())),
        };
        Ok(Self { field, descending })
    }

    fn compare(self, a: &Host, b: &Host) -> Ordering {
        let ascending = match self.field {
            Field::Id => a.id.cmp(&b.id),
            Field::Hostname => ignoring_case(&a.hostname, &b.hostname),
            Field::PauseReason => nothing_last(a.pause_reason.as_deref(), b.pause_reason.as_deref(), ignoring_case),
            Field::IsPaused => a.is_paused.cmp(&b.is_paused),
            Field::IsActive => a.is_active.cmp(&b.is_active),
            Field::Deprecated => nothing_last(a.deprecated, b.deprecated, |a, b| a.cmp(&b)),
            Field::Created => a.created.cmp(&b.created),
            Field::LastModified => a.last_modified.cmp(&b.last_modified),
        };
        if self.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }
}

fn ignoring_case(a: &str, b: &str) -> Ordering {
    let lower = |c: char| c.to_lowercase();
    a.chars().flat_map(lower).cmp(b.chars().flat_map(lower))
}

/// PostgreSQL's order: what is null is greater than everything.
fn nothing_last<T>(a: Option<T>, b: Option<T>, compare: impl FnOnce(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// The last value of a parameter.
pub(super) fn last<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = params.iter().filter(|(other, _)| other == name);
    values.next_back().map(|(_, value)| value.as_str())
}

/// A point in time, or a duration back from `now`.
fn time(params: &[(String, String)], name: &'static str, now: TimestampNs) -> Result<Option<TimestampUs>, QueryError> {
    let Some(text) = last(params, name) else {
        return Ok(None);
    };
    let time = if text.starts_with('P') {
        let before = |duration: i64| TimestampUs::from(now).0.checked_sub(duration);
        let reached = iso8601::parse_duration(text).and_then(before);
        reached.filter(|time| *time >= FIRST_DAY).map(TimestampUs)
    } else {
        iso8601::parse_datetime(text)
    };
    time.map(Some).ok_or(QueryError::Time(name))
}

fn boolean(params: &[(String, String)], name: &'static str) -> Result<Option<bool>, QueryError> {
    let Some(text) = last(params, name) else {
        return Ok(None);
    };
    match text.trim().to_lowercase().as_str() {
        "true" | "t" | "1" => Ok(Some(true)),
        "false" | "f" | "0" => Ok(Some(false)),
        _ => Err(QueryError::Boolean(name)),
    }
}

#[cfg(test)]
mod tests;

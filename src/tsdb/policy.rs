//! The rules of retention policies, as InfluxDB's meta store has them. Pure.

use super::{Error, state::Policy};

const HOUR: i64 = 3_600_000_000_000;
const DAY: i64 = 24 * HOUR;

/// The name of the policy that a database gets when it is created without one.
pub(super) const AUTOGEN: &str = "autogen";

/// A retention policy to be created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySpec {
    /// Its name; `CREATE DATABASE` may leave it empty for `autogen`.
    pub name: String,
    /// How long points are kept, nanoseconds; 0: for ever, as when `CREATE DATABASE` does not say.
    pub duration_ns: Option<i64>,
    /// Copies; 1 when not said.
    pub replication: Option<u32>,
    /// The span of one shard group, nanoseconds; 0 or not said: by duration.
    pub shard_duration_ns: Option<i64>,
    /// Whether it becomes the default; `CREATE DATABASE` makes it so in any case.
    pub make_default: bool,
}

/// What is to be changed of a retention policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// How long points are kept, nanoseconds; 0: for ever.
    pub duration_ns: Option<i64>,
    /// Copies.
    pub replication: Option<u32>,
    /// The span of one shard group, nanoseconds; 0: by duration. Existing groups keep theirs.
    pub shard_duration_ns: Option<i64>,
    /// Whether it becomes the default.
    pub make_default: bool,
}

/// The properties of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Properties {
    pub(super) duration_ns: i64,
    pub(super) shard_duration_ns: i64,
    pub(super) replication: u32,
}

impl Properties {
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            duration_ns: policy.duration_ns,
            shard_duration_ns: policy.shard_duration_ns,
            replication: policy.replication,
        }
    }

    /// What a statement creates.
    pub(super) fn create(spec: &PolicySpec) -> Result<Self, Error> {
        let duration_ns = spec.duration_ns.unwrap_or(0);
        let properties = Self {
            duration_ns,
            shard_duration_ns: shard_duration(spec.shard_duration_ns, duration_ns),
            replication: spec.replication.unwrap_or(1),
        };
        properties.check()
    }

    /// What a statement makes of it.
    pub(super) fn alter(self, change: &PolicyChange) -> Result<Self, Error> {
        let duration_ns = change.duration_ns.unwrap_or(self.duration_ns);
        let shard_duration_ns = match change.shard_duration_ns {
            Some(shard) => shard_duration(Some(shard), duration_ns),
            None => self.shard_duration_ns,
        };
        let properties = Self {
            duration_ns,
            shard_duration_ns,
            replication: change.replication.unwrap_or(self.replication),
        };
        properties.check()
    }

    /// Whether a database that has this default policy is what `CREATE DATABASE ... WITH` asks for.
    pub(super) fn matches(self, spec: &PolicySpec) -> bool {
        spec.duration_ns.is_none_or(|duration| duration == self.duration_ns)
            && spec
                .replication
                .is_none_or(|replication| replication == self.replication)
            && shard_duration(spec.shard_duration_ns, self.duration_ns) == self.shard_duration_ns
    }

    fn check(self) -> Result<Self, Error> {
        if self.replication == 0 {
            return Err(Error::ReplicationTooLow);
        }
        if self.duration_ns != 0 && self.duration_ns < HOUR {
            return Err(Error::DurationTooLow);
        }
        if self.duration_ns != 0 && self.duration_ns < self.shard_duration_ns {
            return Err(Error::IncompatibleDurations);
        }
        Ok(self)
    }
}

/// The span of shard groups: at least an hour; when not given, by how long points are kept.
fn shard_duration(given: Option<i64>, duration_ns: i64) -> i64 {
    match given.unwrap_or(0) {
        0 if duration_ns == 0 || duration_ns >= 180 * DAY => 7 * DAY,
        0 if duration_ns >= 2 * DAY => DAY,
        given => given.max(HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(duration_ns: Option<i64>, shard_duration_ns: Option<i64>) -> PolicySpec {
        PolicySpec {
            duration_ns,
            shard_duration_ns,
            ..PolicySpec::default()
        }
    }

    #[test]
    fn policies_are_created_as_influxdb_does() {
        let check = |duration, shard, expect: Result<(i64, i64), &str>| {
            let found = Properties::create(&spec(duration, shard));
            let found = found
                .map(|found| (found.duration_ns, found.shard_duration_ns))
                .map_err(|error| error.to_string());
            assert_eq!(found, expect.map_err(str::to_owned), "{duration:?} {shard:?}");
        };
        let too_low = "retention policy duration must be at least 1h0m0s";
        let incompatible = "retention policy duration must be greater than the shard duration";
        check(None, None, Ok((0, 7 * DAY)));
        check(Some(HOUR), None, Ok((HOUR, HOUR)));
        check(Some(HOUR / 2), None, Err(too_low));
        check(Some(HOUR), Some(2 * HOUR), Err(incompatible));
        check(Some(HOUR), Some(HOUR / 2), Ok((HOUR, HOUR)));
        check(Some(0), Some(HOUR / 2), Ok((0, HOUR)));
        check(Some(DAY), None, Ok((DAY, HOUR)));
        check(Some(2 * DAY), None, Ok((2 * DAY, DAY)));
        check(Some(180 * DAY), None, Ok((180 * DAY, 7 * DAY)));
    }

    #[test]
    fn policies_are_altered_as_influxdb_does() {
        let hour = Properties::create(&spec(Some(HOUR), None)).unwrap();
        let check = |duration_ns, shard_duration_ns, expect: Option<(i64, i64)>| {
            let change = PolicyChange {
                duration_ns,
                shard_duration_ns,
                ..PolicyChange::default()
            };
            let found = hour
                .alter(&change)
                .ok()
                .map(|found| (found.duration_ns, found.shard_duration_ns));
            assert_eq!(found, expect, "{duration_ns:?} {shard_duration_ns:?}");
        };
        check(Some(HOUR / 60), None, None);
        check(Some(DAY), Some(2 * DAY), None);
        check(None, Some(2 * DAY), None);
        check(Some(3 * DAY), None, Some((3 * DAY, HOUR)));
        check(Some(300 * DAY), Some(0), Some((300 * DAY, 7 * DAY)));
        check(Some(0), None, Some((0, HOUR)));
    }

    #[test]
    fn a_policy_matches_what_it_was_created_from() {
        let day = Properties::create(&spec(Some(DAY), None)).unwrap();
        assert!(
            day.matches(&spec(Some(DAY), None))
                && day.matches(&spec(None, None))
                && day.matches(&spec(None, Some(HOUR)))
        );
        assert!(!day.matches(&spec(Some(2 * DAY), None)) && !day.matches(&spec(None, Some(DAY))));
    }
}

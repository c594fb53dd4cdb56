//! Records as clients send them, and what must become of each.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use crate::{
    base::{BackendId, TimestampNs},
    proxy::{
        ack::{Note, Request, Until},
        record::{Builder, Kind},
    },
    tsdb::tests::{
        model::{Model, Record},
        records::line,
    },
};

/// Who owns the points of a measurement: one backend of each circle.
const OWNERS: [(&str, [BackendId; 2]); 2] = [("m", [BackendId(1), BackendId(3)]), ("n", [BackendId(2), BackendId(3)])];
/// Who owns statements.
const EVERYBODY: [BackendId; 3] = [BackendId(1), BackendId(2), BackendId(3)];

/// A record of the journal, and what its client heard of it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    record: Record,
    owners: &'static [BackendId],
    /// `None`: its client does not wait.
    request: Option<Arc<Request>>,
    /// What the model says, once it was applied to it.
    expect: Expect,
    /// Points that the model took.
    pub(super) points: usize,
}

/// What a dead letter keeps of a record: database, policy and lines.
pub(super) type Content = (String, String, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Nothing,
    /// All of it is applied.
    Applied,
    /// Points are refused.
    Refused,
    /// A statement without any effect: it may be an error.
    NoEffect,
}

impl Sent {
    /// The records that intake makes of one request.
    pub(super) fn of(record: Record, waits: bool) -> Vec<Self> {
        let sent = |(record, owners)| Self {
            record,
            owners,
            request: waits.then(Request::new),
            expect: Expect::Nothing,
            points: 0,
        };
        by_owners(record).into_iter().map(sent).collect()
    }

    /// For the journal.
    pub(super) fn encode(&self, now: TimestampNs) -> (Bytes, Option<Arc<Note>>) {
        let until = match self.record {
            Record::Write { .. } => Until::Any,
            _ => Until::All,
        };
        let note = self
            .request
            .as_ref()
            .map(|request| request.note(self.owners.to_vec(), until));
        let builder = |kind, db: &str, policy: &str| {
            Builder::new(kind, now, self.owners, db, policy, 0).expect("names are short")
        };
        let record = match &self.record {
            Record::Write { db, policy, points } => {
                let mut builder = builder(Kind::Lines, db, policy);
                for point in points {
                    builder.push_complete_line(line(point).trim_end().as_bytes());
                }
                builder
            }
            other => {
                let (db, text) = statement(other);
                let mut builder = builder(Kind::Statement, db, "");
                builder.push_statement(&text);
                builder
            }
        };
        (record.finish().into(), note)
    }

    /// Applies it to the model, and remembers what that says.
    pub(super) fn accept(&mut self, model: &mut Model) {
        self.expect = match &self.record {
            Record::Write { db, policy, .. } if !model.has(db, policy) => Expect::Refused,
            Record::Write { points, .. } => {
                let refused = model.apply(&self.record);
                self.points = points.len() - refused;
                if refused == 0 { Expect::Applied } else { Expect::Refused }
            }
            _ => {
                let before = model.dump();
                model.apply(&self.record);
                if model.dump() == before {
                    Expect::NoEffect
                } else {
                    Expect::Applied
                }
            }
        };
    }

    /// The client does not wait any more, or never did.
    pub(super) fn abandon(&mut self) {
        self.request = None;
    }

    /// What a dead letter may say of it; nothing when all of it is to be applied.
    pub(super) fn refused(&self) -> Option<Content> {
        match &self.record {
            Record::Write { db, policy, points } if self.expect == Expect::Refused => {
                Some((db.clone(), policy.clone(), points.iter().map(line).collect()))
            }
            _ => None,
        }
    }

    /// Whether its client heard what it had to, or a dead letter says it.
    pub(super) fn check(&self, letters: &BTreeSet<Content>) {
        let outcome = self
            .request
            .as_ref()
            .map(|request| request.outcome())
            .unwrap_or_default();
        let is_error = |answer: &Bytes| String::from_utf8_lossy(answer).contains("\"error\"");
        match self.expect {
            Expect::Nothing | Expect::NoEffect => {}
            Expect::Applied => {
                assert_eq!(outcome.refusals, [], "{self:?}");
                assert!(!outcome.answers.iter().any(is_error), "{self:?}: {:?}", outcome.answers);
            }
            Expect::Refused => {
                let is_buried = self.refused().is_some_and(|content| letters.contains(&content));
                assert!(!outcome.refusals.is_empty() || is_buried, "nobody was told of {self:?}");
            }
        }
    }
}

/// One record for each set of owners.
fn by_owners(record: Record) -> Vec<(Record, &'static [BackendId])> {
    let Record::Write { db, policy, points } = record else {
        return vec![(record, &EVERYBODY)];
    };
    let mut records = Vec::new();
    for (measurement, owners) in &OWNERS {
        let owned = points.iter().filter(|point| point.measurement == *measurement);
        let points: Vec<_> = owned.cloned().collect();
        if !points.is_empty() {
            let (db, policy) = (db.clone(), policy.clone());
            records.push((Record::Write { db, policy, points }, owners.as_slice()));
        }
    }
    records
}

/// The default database and the text of a statement.
fn statement(record: &Record) -> (&str, String) {
    match record {
        Record::Write { .. } => unreachable!("points are no statement"),
        Record::Delete {
            db,
            measurement,
            tag,
            times,
        } => (db.as_str(), delete(measurement.as_deref(), tag.as_deref(), *times)),
        Record::DropMeasurement { db, measurement } => (db, format!("DROP MEASUREMENT {measurement}")),
        Record::CreateDatabase(db) => (db, format!("CREATE DATABASE {db}")),
        Record::DropDatabase(db) => (db, format!("DROP DATABASE {db}")),
        Record::CreatePolicy { db, name, hours } => {
            let text = format!("CREATE RETENTION POLICY {name} ON {db} DURATION {hours}h REPLICATION 1");
            (db, text)
        }
        Record::AlterPolicy { db, name, hours } => {
            (db, format!("ALTER RETENTION POLICY {name} ON {db} DURATION {hours}h"))
        }
        Record::DropPolicy { db, name } => (db, format!("DROP RETENTION POLICY {name} ON {db}")),
    }
}

fn delete(measurement: Option<&str>, tag: Option<&str>, times: Option<(i64, i64)>) -> String {
    let verb = if times.is_some() { "DELETE" } else { "DROP SERIES" };
    let mut conditions = Vec::new();
    conditions.extend(times.map(|(min, max)| format!("time >= {min} AND time <= {max}")));
    conditions.extend(tag.map(|value| format!("t = '{value}'")));
    let filter = if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    };
    format!("{verb} FROM {}{filter}", measurement.unwrap_or("/.*/"))
}

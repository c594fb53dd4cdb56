//! The write path up to the acknowledgement.
//!
//! The lines of a request are scanned, routed and copied once, into one record per set of owners; the records are
//! appended to the journal and share its next sync with every other request in flight.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    base::{BackendId, Clock, ErrorKind},
    config::{Ack, Whitelist},
    influx::line::{self, Limits, Precision, Report},
    journal::{self, Journal, Seq},
    obs::WriteMetrics,
};

use super::{
    ack::{Note, Outcome, Refusal, Request, Until, Waiting},
    agreement::{Agreement, Disagreement},
    client::Client,
    fleet::Fleet,
    lookup::{Existence, Lookup},
    record::{Builder, Kind, NameTooLong},
    resolve::dropped,
    route_cache::{RouteCache, with_cache},
    watermark::{Slot, Watermarks},
};

/// Takes writes and schema statements in. Shared by all HTTP workers.
#[derive(Debug)]
pub struct Intake {
    /// Tells whether this process may write at all.
    pub agreement: Arc<Agreement>,
    /// The circles.
    pub fleet: Arc<Fleet>,
    /// The process's write-ahead log.
    pub journal: Journal<Note>,
    /// What readers must wait for.
    pub watermarks: Arc<Watermarks>,
    /// Knows the databases.
    pub lookup: Arc<Lookup>,
    /// Stamps points without a timestamp.
    pub clock: Arc<dyn Clock>,
    /// When a write is answered.
    pub ack: Ack,
    /// How long a schema statement waits for the backends in reach.
    pub statement_timeout: Duration,
    /// Limits on lines.
    pub limits: Limits,
    /// The databases that clients may use; empty allows all.
    pub databases: Whitelist,
    /// Counts points.
    pub metrics: WriteMetrics,
}

/// Points to write.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The database.
    pub db: &'a str,
    /// The retention policy; empty means the default.
    pub policy: &'a str,
    /// The unit of the timestamps.
    pub precision: Precision,
    /// Line protocol.
    pub body: &'a [u8],
}

/// Why a write or statement was not taken, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No database was named.
    #[error("database is required")]
    DatabaseRequired,
    /// The database does not exist.
    #[error("database not found: {0:?}")]
    DatabaseNotFound(String),
    /// The database is not among those that may be used.
    #[error("database forbidden: {0}")]
    DatabaseForbidden(String),
    /// Some or all lines are no points; the good ones are written.
    #[error("{0}")]
    BadLines(String),
    /// A backend refuses points for good.
    #[error("{text}")]
    Refused {
        /// The status that the backend answered.
        status: u16,
        /// Its text.
        text: String,
    },
    /// This process may not write now, or not change the schema.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// A name is too long to be recorded.
    #[error(transparent)]
    Name(#[from] NameTooLong),
    /// The journal does not take it: nothing was written.
    #[error("write not accepted: {0}")]
    Journal(#[from] journal::Error),
}

impl WriteError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DatabaseRequired | Self::BadLines(_) | Self::Refused { .. } | Self::Name(_) => {
                ErrorKind::InvalidArgument
            }
            Self::DatabaseNotFound(_) => ErrorKind::NotFound,
            Self::DatabaseForbidden(_) => ErrorKind::Denied,
            Self::Disagreement(error) => error.kind(),
            Self::Journal(error) => error.kind(),
        }
    }
}

/// The lines of a request that share their owners.
struct Group {
    owners: Arc<[usize]>,
    index: usize,
    record: Builder,
    slots: Vec<Slot>,
}

impl Intake {
    /// Takes points in and answers when they are as safe as configured.
    ///
    /// # Errors
    /// See [`WriteError`]; with [`WriteError::BadLines`] and [`WriteError::Refused`] the other points are written.
    pub async fn write(&self, client: &Client, write: Write<'_>) -> Result<(), WriteError> {
        self.agreement.check()?;
        self.check_database(client, write.db).await?;
        let (report, groups) = self.route(write)?;
        self.metrics.points.inc_by(report.accepted as u64);
        self.metrics.rejected_lines.inc_by(report.rejected as u64);
        let request = matches!(self.ack, Ack::Applied { .. }).then(Request::new);
        let (commit, waiting) = self.append_all(groups, request.as_ref())?;
        if let Some(commit) = commit {
            commit.await?;
        }
        if let (Some(request), Ack::Applied { timeout }) = (request, self.ack) {
            // Nobody is told after the timeout; the points are safe in the journal.
            let _in_time = tokio::time::timeout(timeout, request.settled()).await;
            waiting.stop();
            refusal(&request.outcome().refusals)?;
        }
        report.message().map_or(Ok(()), |text| Err(WriteError::BadLines(text)))
    }

    /// Takes a statement in that changes schema or data on `owners` (positions in the fleet), in order with the
    /// writes; answers what the backends in reach said within the time.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn statement(&self, db: &str, text: &str, owners: &[usize]) -> Result<Outcome, WriteError> {
        let backends = owners.iter().map(|at| &self.fleet.backends[*at]);
        self.agreement.check_change(backends)?;
        let mut record = Builder::new(Kind::Statement, self.clock.now(), &self.ids(owners), db, "", text.len())?;
        record.push_statement(text);
        let request = Request::new();
        let note = request.note(self.reachable(owners), Until::All);
        let waiting = Waiting::on(vec![Arc::clone(&note)]);
        let commit = self.append(record, owners, Some(note))?;
        self.watermarks.raise_all(commit.seq());
        commit.await?;
        let _in_time = tokio::time::timeout(self.statement_timeout, request.settled()).await;
        waiting.stop();
        Ok(request.outcome())
    }

    /// Puts points in the journal for one backend only: a dead letter on its way again.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn redeliver(&self, backend: usize, target: (&str, &str), lines: &[u8]) -> Result<(), WriteError> {
        self.agreement.check()?;
        let mut record = Builder::new(
            Kind::Lines,
            self.clock.now(),
            &self.ids(&[backend]),
            target.0,
            target.1,
            lines.len(),
        )?;
        line::split(lines).for_each(|line| record.push_complete_line(line.strip_suffix(b"\n").unwrap_or(line)));
        let commit = self.append(record, &[backend], None)?;
        self.watermarks.raise_all(commit.seq());
        commit.await?;
        Ok(())
    }

    async fn check_database(&self, client: &Client, db: &str) -> Result<(), WriteError> {
        if db.is_empty() {
            return Err(WriteError::DatabaseRequired);
        }
        if !self.databases.allows(db) {
            return Err(WriteError::DatabaseForbidden(db.to_owned()));
        }
        match self.lookup.existence(client, db).await {
            // With no backend in reach the points are kept; whether the database exists is known when they return.
            Existence::Known | Existence::CannotTell => Ok(()),
            Existence::Unknown => Err(WriteError::DatabaseNotFound(db.to_owned())),
        }
    }

    fn route(&self, write: Write<'_>) -> Result<(Report, Vec<Group>), WriteError> {
        with_cache(&self.fleet, |cache| {
            let mut groups: Vec<Group> = Vec::new();
            let mut too_long = None;
            let report = line::scan(write.body, write.precision, self.clock.now(), &self.limits, |line| {
                let route = cache.route(&self.fleet, write.db.as_bytes(), line.measurement);
                let at = match groups.iter().position(|group| group.index == route.owners) {
                    Some(at) => at,
                    None => match self.new_group(cache, route.owners, write) {
                        Ok(group) => {
                            groups.push(group);
                            groups.len() - 1
                        }
                        Err(error) => {
                            too_long = Some(error);
                            return;
                        }
                    },
                };
                let group = &mut groups[at];
                group.record.push_line(line.body, line.time.0);
                if route.first_in_request {
                    group.slots.push(route.slot);
                }
            });
            too_long.map_or(Ok((report, groups)), |error| Err(error.into()))
        })
    }

    fn new_group(&self, cache: &RouteCache, index: usize, write: Write<'_>) -> Result<Group, NameTooLong> {
        let owners = Arc::clone(cache.owners(index));
        // Lines spread evenly over the first circle; timestamps make them longer.
        let share = self.fleet.circles.first().map_or(1, |circle| circle.members.len());
        let hint = write.body.len() / share + write.body.len() / 8 + 32;
        let record = Builder::new(
            Kind::Lines,
            self.clock.now(),
            &self.ids(&owners),
            write.db,
            write.policy,
            hint,
        )?;
        Ok(Group {
            owners,
            index,
            record,
            slots: Vec::new(),
        })
    }

    /// Appends all groups or none: a refusal means that nothing was written.
    fn append_all(
        &self,
        groups: Vec<Group>,
        request: Option<&Arc<Request>>,
    ) -> Result<(Option<journal::Commit>, Waiting), WriteError> {
        let mut records = Vec::with_capacity(groups.len());
        let mut marks = Vec::with_capacity(groups.len());
        for Group {
            owners,
            record,
            slots,
            index: _,
        } in groups
        {
            let note = request.map(|request| request.note(self.reachable(&owners), Until::Any));
            records.push((Bytes::from(record.finish()), note));
            marks.push((owners, slots));
        }
        let waiting = Waiting::on(records.iter().filter_map(|(_, note)| note.clone()).collect());
        if records.is_empty() {
            return Ok((None, waiting));
        }
        let commit = self.journal.append_all(records)?;
        for (seq, (owners, slots)) in (commit.seq()..).zip(marks) {
            self.note_owned(&owners, seq);
            slots.iter().for_each(|slot| self.watermarks.raise(*slot, seq));
        }
        Ok((Some(commit), waiting))
    }

    fn append(
        &self,
        record: Builder,
        owners: &[usize],
        note: Option<Arc<Note>>,
    ) -> Result<journal::Commit, journal::Error> {
        let commit = self.journal.append(Bytes::from(record.finish()), note)?;
        self.note_owned(owners, commit.seq());
        Ok(commit)
    }

    fn note_owned(&self, owners: &[usize], seq: Seq) {
        owners
            .iter()
            .for_each(|at| self.fleet.backends[*at].condition.note_owned(seq));
    }

    fn ids(&self, owners: &[usize]) -> Vec<BackendId> {
        owners.iter().map(|at| self.fleet.backends[*at].id).collect()
    }

    fn reachable(&self, owners: &[usize]) -> Vec<BackendId> {
        let owners = owners.iter().map(|at| &self.fleet.backends[*at]);
        owners
            .filter(|backend| backend.condition.is_usable())
            .map(|backend| backend.id)
            .collect()
    }
}

/// One answer for the refusals of a request's records: the first text, with the points dropped by all of them.
fn refusal(refusals: &[Refusal]) -> Result<(), WriteError> {
    let Some(first) = refusals.first() else { return Ok(()) };
    let total: usize = refusals.iter().filter_map(|refusal| dropped(&refusal.text)).sum();
    let text = match first.text.rsplit_once("dropped=") {
        Some((before, _)) => format!("{before}dropped={total}"),
        None => first.text.clone(),
    };
    Err(WriteError::Refused {
        status: first.status,
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_several_owners_are_one_answer() {
        let no = |text: &str| Refusal {
            status: 400,
            text: text.to_owned(),
        };
        let conflict = "partial write: field type conflict: input field \"v\" dropped=";
        let both = [no(&format!("{conflict}1")), no(&format!("{conflict}2"))];
        let WriteError::Refused { status: 400, text } = refusal(&both).unwrap_err() else {
            panic!("not a refusal")
        };
        assert_eq!(text, format!("{conflict}3"));
        assert!(refusal(&[]).is_ok());
    }
}

//! The read path: every statement is planned, sent to those who can answer it, and the answers are put together.

mod ask;
mod change;
mod gather;
mod into;
mod split;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::Response;

use crate::{
    base::{ByteBudget, Clock, ErrorKind, Reserved},
    influx::{
        influxql::{
            ParseError,
            ast::{Page, Show, ShowMeasurements, Statement},
        },
        line,
        result::{self, MergeRule, Message, StatementResult},
    },
};

use super::{
    client::Client,
    fleet::{Fleet, ReadInFlight},
    intake::{Intake, WriteError},
    lookup::Lookup,
    plan::{self, Merge, Names, Plan, Replicas, Scope},
    watermark::Watermarks,
};

/// Answers queries. Shared by all HTTP workers.
#[derive(Debug)]
pub struct Reader {
    /// The circles.
    pub fleet: Arc<Fleet>,
    /// What a replica must have applied.
    pub watermarks: Arc<Watermarks>,
    /// Takes the statements that change something.
    pub intake: Arc<Intake>,
    /// Learns what such statements change.
    pub lookup: Arc<Lookup>,
    /// How long a read waits for a replica that has everything before it takes one that lags.
    pub patience: Duration,
    /// Bytes of answers that one statement may hold to merge them.
    pub max_merged: usize,
    /// What all merges together may hold.
    pub budget: ByteBudget,
    /// Tells what `now()` is.
    pub clock: Arc<dyn Clock>,
}

/// What comes with a query besides its text.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The default database.
    pub db: String,
    /// The default retention policy.
    pub policy: String,
    /// Parameters passed to the backend that answers alone: `epoch`, `pretty`, `chunked`, `chunk_size`, `params`.
    pub passed: Vec<(&'static str, String)>,
    /// The `Accept` header.
    pub accept: String,
    /// The query came with GET.
    pub is_get: bool,
}

impl Options {
    /// What to say beside the answer to a statement that changes something and came with GET.
    fn read_only_warning(&self, statement: &Statement) -> Option<Message> {
        let text = statement.read_only_warning().filter(|_| self.is_get)?;
        let level = "warning".to_owned();
        Some(Message { level, text })
    }
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    /// A backend's answer as it comes.
    Relayed(Relayed),
    /// An answer made here, with what it holds of the budget.
    Made(result::Response, Reserved),
}

/// A backend's answer, still arriving.
#[derive(Debug)]
pub struct Relayed {
    /// Status, headers and body.
    pub response: Response,
    /// Counts as a read in flight until the body has passed.
    pub in_flight: ReadInFlight,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is no InfluxQL.
    #[error("error parsing query: {0}")]
    Parse(#[from] ParseError),
    /// The database is not among those that may be used.
    #[error("database forbidden: {0}")]
    DatabaseForbidden(String),
    /// The statement is understood, but not answered.
    #[error("{0}")]
    Unsupported(String),
    /// Nobody who could answer is in reach.
    #[error("backends unavailable: {0}")]
    Unavailable(String),
    /// The backend died while it worked on the query, which is not tried elsewhere: it may have died of it.
    #[error("backend {backend} was lost during the query: {reason}")]
    BackendLost {
        /// Its name.
        backend: String,
        /// How.
        reason: String,
    },
    /// A backend answers what is no result.
    #[error("backend {backend} answers: {text}")]
    BadAnswer {
        /// Its name.
        backend: String,
        /// What it said.
        text: String,
    },
    /// The answers to merge are too large.
    #[error("answers to merge are larger than {0} bytes")]
    TooLarge(usize),
    /// The budget is exhausted.
    #[error("too many bytes in flight: try again")]
    Busy,
    /// A changing statement was not taken.
    #[error(transparent)]
    Change(#[from] WriteError),
}

impl QueryError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Parse(_) => ErrorKind::InvalidArgument,
            Self::DatabaseForbidden(_) => ErrorKind::Denied,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::Unavailable(_) | Self::BackendLost { .. } | Self::BadAnswer { .. } => ErrorKind::Unavailable,
            Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::Busy => ErrorKind::Busy,
            Self::Change(error) => error.kind(),
        }
    }
}

/// What one owner was asked and said.
type Asked = Result<StatementResult, QueryError>;

impl Reader {
    /// Answers a request whose `text` holds these `statements`.
    ///
    /// # Errors
    /// See [`QueryError`]. When there are several statements, what fails for one of them is its error in the answer.
    pub async fn query(
        &self,
        client: &Client,
        text: &str,
        statements: &[Statement],
        options: &Options,
    ) -> Result<Answer, QueryError> {
        self.check_databases(statements, &options.db)?;
        if let Some(replicas) = self.whole(statements, &options.db) {
            return self.relay(client, &replicas, text, options).await.map(Answer::Relayed);
        }
        let mut reserved = self.budget.try_reserve(0).ok_or(QueryError::Busy)?;
        let mut response = result::Response::default();
        for (id, statement) in (0..).zip(statements) {
            let failed = response
                .results
                .last()
                .is_some_and(|result: &StatementResult| result.error.is_some());
            let answered = if failed {
                Ok(of_error("not executed"))
            } else {
                self.execute(client, statement, options, &mut reserved).await
            };
            let mut result = match answered {
                Ok(result) => result,
                Err(error) if statements.len() == 1 && error.kind() != ErrorKind::Unsupported => return Err(error),
                Err(error) => of_error(&error.to_string()),
            };
            result.statement_id = id;
            response.results.push(result);
        }
        Ok(Answer::Made(response, reserved))
    }

    /// Sends a Flux script to a replica that has its measurement; the answer is passed on.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn flux(
        &self,
        client: &Client,
        target: (&str, &str),
        body: Bytes,
        types: (&str, &str),
    ) -> Result<Relayed, QueryError> {
        let (db, measurement) = target;
        if !self.intake.databases.allows(db) {
            return Err(QueryError::DatabaseForbidden(db.to_owned()));
        }
        let name = line::placement_name_of_stored(measurement.as_bytes());
        let placement = self.fleet.placement(db.as_bytes(), &name);
        let replicas = Replicas {
            backends: placement.owners.to_vec(),
            slots: vec![placement.slot],
        };
        self.ask(client, &replicas, async |backend| {
            client.flux(backend, types.0, types.1, body.clone()).await
        })
        .await
    }

    fn check_databases(&self, statements: &[Statement], db: &str) -> Result<(), QueryError> {
        let named = statements.iter().flat_map(|statement| plan::databases(statement, db));
        let forbidden = named.into_iter().find(|name| !self.intake.databases.allows(name));
        forbidden.map_or(Ok(()), |name| Err(QueryError::DatabaseForbidden(name.to_owned())))
    }

    /// The replicas that can answer all statements alone.
    fn whole(&self, statements: &[Statement], db: &str) -> Option<Replicas> {
        let mut common: Option<Replicas> = None;
        for statement in statements {
            let Plan::One(replicas) = plan::plan(statement, db, &self.fleet, &Names::new()) else {
                return None;
            };
            common = Some(match common {
                None => replicas,
                Some(mut common) => {
                    common.backends.retain(|backend| replicas.backends.contains(backend));
                    let everything = common.slots.is_empty() || replicas.slots.is_empty();
                    common.slots = if everything {
                        Vec::new()
                    } else {
                        [common.slots, replicas.slots].concat()
                    };
                    common
                }
            });
        }
        // An embedded backend has no answer to pass on: its results are encoded here.
        let is_remote = |at: &usize| self.fleet.backends[*at].local.is_none();
        common.filter(|replicas| !replicas.backends.is_empty() && replicas.backends.iter().all(is_remote))
    }

    /// Passes a request on as it is.
    async fn relay(
        &self,
        client: &Client,
        replicas: &Replicas,
        text: &str,
        options: &Options,
    ) -> Result<Relayed, QueryError> {
        let mut form = vec![
            ("q", text),
            ("db", options.db.as_str()),
            ("rp", options.policy.as_str()),
        ];
        form.extend(options.passed.iter().map(|(name, value)| (*name, value.as_str())));
        form.retain(|(_, value)| !value.is_empty());
        self.ask(client, replicas, async |backend| {
            client.query(backend, &form, &options.accept).await
        })
        .await
    }

    async fn execute(
        &self,
        client: &Client,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let mut names = Names::new();
        loop {
            return match plan::plan(statement, &options.db, &self.fleet, &names) {
                Plan::One(replicas) => self.ask_decoded(client, &replicas, statement, options, reserved).await,
                Plan::Split { parts, descending } => self.split(client, (parts, descending), options, reserved).await,
                Plan::Merge(merge) => self.merge(client, &merge, options, reserved).await,
                Plan::Change(owners) => self.change(client, statement, &owners, options).await,
                Plan::Into { select, target } => {
                    self.into(client, (statement, select, target), options, reserved).await
                }
                Plan::Refuse(why) => Err(QueryError::Unsupported(why)),
                Plan::NeedsNames(db) => {
                    let known = self.names(client, &db, reserved).await?;
                    names.insert(db, known);
                    continue;
                }
            };
        }
    }

    /// The names of all measurements of a database.
    async fn names(&self, client: &Client, db: &str, reserved: &mut Reserved) -> Result<Vec<String>, QueryError> {
        let everything = ShowMeasurements {
            database: None,
            with: None,
            condition: None,
            order: None,
            page: Page::default(),
        };
        let statement = Statement::Show(Show::Measurements(everything));
        let merge = Merge {
            statement,
            rule: MergeRule::Rows,
            page: Page::default(),
            scope: Scope::Covering,
        };
        let options = Options {
            db: db.to_owned(),
            ..Options::default()
        };
        let listed = self.merge(client, &merge, &options, reserved).await?;
        let rows = listed.series.iter().flat_map(|series| &series.values);
        Ok(rows
            .filter_map(|row| row.first()?.as_str().map(str::to_owned))
            .collect())
    }
}

fn of_error(text: &str) -> StatementResult {
    StatementResult {
        error: Some(text.to_owned()),
        ..StatementResult::default()
    }
}

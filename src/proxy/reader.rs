//! The read path: every statement is planned, sent to those who can answer it, and the answers are put together.

mod answer;
mod ask;
mod change;
mod embedded;
mod gather;
mod into;
mod split;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join;
use reqwest::Response;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use crate::{
    base::{ByteBudget, Clock, ErrorKind, Reserved},
    config,
    influx::{
        influxql::{
            ParseError,
            ast::{Page, Show, ShowMeasurements, Statement},
        },
        line,
        result::{MergeRule, Message, StatementResult},
    },
};

use super::{
    agreement::Disagreement,
    client::Client,
    fleet::{Fleet, ReadInFlight},
    intake::{Intake, WriteError},
    lookup::Lookup,
    plan::{self, Merge, Names, Plan, Replicas, Scope},
    watermark::Watermarks,
};

pub use answer::{Piece, Pieces, Sink, channel};

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
    /// Bounds on one query, and on all.
    pub settings: config::Query,
    /// Has a permit for each query that may be answered here at once.
    pub admission: Semaphore,
    /// What all answers together may hold.
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
    /// The client wants its answer in chunks, of at most that many rows.
    pub chunk_rows: Option<NonZeroUsize>,
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
    /// The answer does not fit in what is left of the budget.
    #[error("answer is larger than what is left of memory.budget: ask for less, or in chunks")]
    BeyondBudget,
    /// The query ran for as long as it may.
    #[error("query-timeout limit exceeded")]
    TimedOut,
    /// Too many queries are being answered.
    #[error("max-concurrent-queries limit exceeded({0}, {0})")]
    TooManyQueries(usize),
    /// The client does not read its answer.
    #[error("query ended: its answer was not read for {0:?}")]
    Stalled(Duration),
    /// The client has left.
    #[error("client has left")]
    Abandoned,
    /// A bug.
    #[error("query died")]
    Died,
    /// The backends carried a change of schema out, but other processes were not told.
    #[error("carried out, but not stored for other processes: repeat it when the meta store is back: {0}")]
    NotShared(String),
    /// This process may not read now.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
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
            Self::Unavailable(_) | Self::BackendLost { .. } | Self::BadAnswer { .. } | Self::NotShared(_) => {
                ErrorKind::Unavailable
            }
            Self::Disagreement(error) => error.kind(),
            Self::TooLarge(_) | Self::BeyondBudget => ErrorKind::TooLarge,
            Self::Busy | Self::TooManyQueries(_) => ErrorKind::Busy,
            Self::TimedOut | Self::Stalled(_) => ErrorKind::Timeout,
            Self::Abandoned | Self::Died => ErrorKind::Internal,
            Self::Change(error) => error.kind(),
        }
    }

    /// Whether InfluxDB says so in the result of the statement, and not of the request as a whole.
    #[must_use]
    pub fn is_result(&self) -> bool {
        matches!(
            self,
            Self::Unsupported(_) | Self::BeyondBudget | Self::TimedOut | Self::TooManyQueries(_) | Self::Stalled(_)
        )
    }
}

/// What one owner was asked and said.
type Asked = Result<StatementResult, QueryError>;

impl Reader {
    /// Passes on a request whose `text` holds these `statements`, if one InfluxDB server can answer all of them.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn relay(
        &self,
        client: &Client,
        text: &str,
        statements: &[Statement],
        options: &Options,
    ) -> Result<Option<Relayed>, QueryError> {
        self.intake.agreement.check()?;
        self.check_databases(statements, &options.db)?;
        let Some(replicas) = self.whole(statements, &options.db) else {
            return Ok(None);
        };
        let asked = self.pass_on(client, &replicas, text, options);
        tokio::select! {
            relayed = asked => relayed.map(Some),
            () = self.time_is_up(Instant::now()) => Err(QueryError::TimedOut),
        }
    }

    /// Answers a request with these `statements`. What fails for one of several is its error in the answer.
    ///
    /// What only reads ends when the client leaves or the time is up; what changes something is carried through.
    pub async fn answer(&self, client: &Client, statements: &[Statement], options: &Options, mut sink: Sink) {
        let Ok(_admitted) = self.admission.try_acquire() else {
            let error = QueryError::TooManyQueries(self.settings.max_concurrent.get());
            return sink.end(vec![of_error(0, &error.to_string())]);
        };
        let begun = Instant::now();
        for (id, statement) in (0..).zip(statements) {
            sink.begin(id, answer::chunk_by(statement, options.chunk_rows));
            let answered = if statement.is_read_only() {
                tokio::select! {
                    biased;
                    () = sink.left() => return,
                    () = self.time_is_up(begun) => Err(QueryError::TimedOut),
                    answered = self.execute(client, statement, options, &mut sink) => answered,
                }
            } else {
                self.execute(client, statement, options, &mut sink).await
            };
            let not_executed = (id + 1..).zip(statements.iter().skip(id as usize + 1));
            let not_executed = not_executed.map(|(id, _)| of_error(id, "not executed"));
            match answered {
                Ok(()) if sink.has_failed() => return sink.end(not_executed.collect()),
                Ok(()) => {}
                Err(QueryError::Abandoned) => return,
                Err(error) if statements.len() == 1 && !sink.is_begun() && !error.is_result() => {
                    return sink.fail(error);
                }
                Err(error) => {
                    tracing::warn!(%error, "query failed");
                    let failed = of_error(id, &error.to_string());
                    return sink.end(std::iter::once(failed).chain(not_executed).collect());
                }
            }
        }
        sink.end(Vec::new());
    }

    /// Resolves when a query that began then has run for as long as it may.
    async fn time_is_up(&self, begun: Instant) {
        match self.settings.timeout {
            Some(limit) => sleep_until(begun + limit).await,
            None => std::future::pending().await,
        }
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
        self.intake.agreement.check()?;
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
    async fn pass_on(
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
        sink: &mut Sink,
    ) -> Result<(), QueryError> {
        let mut reserved = self.budget.try_reserve(0).ok_or(QueryError::Busy)?;
        let mut names = Names::new();
        let result = loop {
            break match plan::plan(statement, &options.db, &self.fleet, &names) {
                Plan::One(replicas) => match self.best_local(&replicas).await {
                    Some((backend, local)) => {
                        return self.stream_local(&backend, &local, statement, options, sink).await;
                    }
                    None => {
                        self.ask_remote(client, &replicas, statement, options, &mut reserved)
                            .await?
                    }
                },
                Plan::Split { parts, descending } => {
                    self.split(client, (parts, descending), options, &mut reserved).await?
                }
                Plan::Merge(merge) => self.merge(client, &merge, options, &mut reserved).await?,
                Plan::Change(owners) => self.change(client, statement, &owners, options).await?,
                Plan::Into { select, target } => {
                    self.into(client, (statement, select, target), options, &mut reserved)
                        .await?
                }
                Plan::Refuse(why) => return Err(QueryError::Unsupported(why)),
                Plan::NeedsNames(db) => {
                    let known = self.names(client, &db, &mut reserved).await?;
                    names.insert(db, known);
                    continue;
                }
            };
        };
        sink.send(result, reserved, self.settings.stall_timeout).await
    }

    /// Holds what a statement answers, to go on with it.
    async fn hold(
        &self,
        client: &Client,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Result<StatementResult, QueryError> {
        let (mut sink, pieces) = channel();
        let answer = async move {
            match Box::pin(self.execute(client, statement, options, &mut sink)).await {
                Ok(()) => sink.end(Vec::new()),
                Err(error) => sink.fail(error),
            }
        };
        let ((), held) = join(answer, pieces.hold(reserved)).await;
        held
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

fn of_error(statement_id: u32, text: &str) -> StatementResult {
    StatementResult {
        statement_id,
        error: Some(text.to_owned()),
        ..StatementResult::default()
    }
}

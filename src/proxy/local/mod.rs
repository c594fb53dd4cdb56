//! A backend inside this process: the embedded engine, its applier, and the pool its queries run on.
//!
//! The process's journal is the engine's write-ahead log. An [`Applier`] reads it from where the engine stands and
//! applies this backend's records in order; its cursor moves when the engine has flushed them.

mod applier;
mod change;
pub(super) mod cut;

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Semaphore;

use crate::{
    base::{Clock, TimestampNs},
    influx::{
        influxql::{self, ast::Statement},
        result::{Encoder, OutputOptions, Response, StatementResult},
    },
    query::influxql::{Context, Limits, select, show},
    tsdb::{self, Engine},
};

pub use applier::{Applier, ApplierParts};

use cut::Slot;

/// An embedded engine as a backend.
#[derive(Debug)]
pub struct Local {
    engine: Engine,
    clock: Arc<dyn Clock>,
    /// Where the applier is to take a snapshot.
    pub(super) cut: Slot,
    /// Queries that may run at once; the others wait.
    pool: Semaphore,
    limits: Limits,
}

/// The circumstances of a query.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The default database.
    pub db: String,
    /// The default retention policy; empty: the database's.
    pub policy: String,
}

/// Ends a query whose client has left: set when it is dropped.
struct Leaving(Arc<AtomicBool>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Local {
    /// A backend over an engine; at most `at_once` queries run at a time.
    #[must_use]
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, at_once: usize, limits: Limits) -> Self {
        Self {
            engine,
            clock,
            cut: Slot::default(),
            pool: Semaphore::new(at_once.max(1)),
            limits,
        }
    }

    /// Figures about the engine.
    #[must_use]
    pub fn stats(&self) -> tsdb::Stats {
        self.engine.stats()
    }

    /// Runs a statement that reads, on a thread of the pool. Its own errors are in the result. Dropping the future ends
    /// the query.
    pub async fn read(self: &Arc<Self>, statement: Statement, request: Request) -> StatementResult {
        let Ok(_slot) = self.pool.acquire().await else {
            return failed("stopping");
        };
        let cancel = Arc::new(AtomicBool::new(false));
        let _leaving = Leaving(Arc::clone(&cancel));
        let local = Arc::clone(self);
        let running = tokio::task::spawn_blocking(move || local.read_now(&statement, &request, &cancel));
        running
            .await
            .unwrap_or_else(|error| failed(&format!("query died: {error}")))
    }

    /// Answers statements that read as a server would: a JSON body. Blocks for as long as they take, which is short for
    /// what is known without reading points.
    #[must_use]
    pub fn answer(&self, db: &str, text: &str) -> Vec<u8> {
        let request = Request {
            db: db.to_owned(),
            policy: String::new(),
        };
        let never = AtomicBool::new(false);
        let response = match influxql::parse(text, &influxql::Params::new()) {
            Ok(statements) => {
                let results = (0..).zip(&statements).map(|(id, statement)| StatementResult {
                    statement_id: id,
                    ..self.read_now(statement, &request, &never)
                });
                Response {
                    results: results.collect(),
                    error: None,
                }
            }
            Err(error) => Response::of_error(error.to_string()),
        };
        encode(&response)
    }

    fn read_now(&self, statement: &Statement, request: &Request, cancel: &AtomicBool) -> StatementResult {
        let now = self.clock.now();
        if let Err(error) = influxql::validate::check(statement, now) {
            return failed(&error);
        }
        match statement {
            Statement::Select(query) => or_failed(select(&self.engine, query, &self.context(request, now, cancel))),
            Statement::Show(query) => or_failed(show(&self.engine, query, &request.db)),
            _ => failed("this statement is not supported by an embedded backend"),
        }
    }

    fn context<'a>(&self, request: &'a Request, now: TimestampNs, cancel: &'a AtomicBool) -> Context<'a> {
        Context {
            db: &request.db,
            policy: &request.policy,
            now,
            limits: self.limits,
            cancel,
        }
    }
}

fn or_failed(result: Result<StatementResult, impl Display>) -> StatementResult {
    result.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &(impl Display + ?Sized)) -> StatementResult {
    StatementResult {
        error: Some(error.to_string()),
        ..StatementResult::default()
    }
}

fn encode(response: &Response) -> Vec<u8> {
    let mut body = Vec::new();
    Encoder::new(OutputOptions::default()).encode(response, &mut body);
    body
}

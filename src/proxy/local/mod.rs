//! A backend inside this process: the embedded engine, its applier, and the pool its queries run on.
//!
//! The process's journal is the engine's write-ahead log. An [`Applier`] reads it from where the engine stands and
//! applies this backend's records in order; its cursor moves when the engine has flushed them.

mod applier;
mod change;
pub(super) mod cut;
mod keeper;
mod pool;
#[cfg(test)]
mod tests;

use std::{
    fmt::Display,
    num::NonZeroUsize,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{
    base::Clock,
    influx::{
        influxql::{
            self,
            ast::{Select, Statement},
        },
        result::{Encoder, OutputOptions, Response, StatementResult, chunk::DEFAULT_CHUNK_ROWS},
    },
    query::influxql::{Context, Limits, QueryError, prepare, show},
    tsdb::{self, Engine},
};

pub use applier::{Applier, ApplierParts};
pub use pool::{Pool, Reading};

use cut::Slot;

/// An embedded engine as a backend.
#[derive(Debug)]
pub struct Local {
    engine: Engine,
    clock: Arc<dyn Clock>,
    /// Where the applier is to take a snapshot.
    pub(super) cut: Slot,
    pool: Arc<Pool>,
    limits: Limits,
}

/// The circumstances of a query.
#[derive(Debug, Clone)]
pub struct Request {
    /// The default database.
    pub db: String,
    /// The default retention policy; empty: the database's.
    pub policy: String,
    /// The most rows in one piece of a `SELECT`'s answer.
    pub rows: NonZeroUsize,
}

/// What one piece of an answer is given to; answers whether more is wanted.
type Each<'a> = &'a mut dyn FnMut(StatementResult) -> bool;

impl Local {
    /// A backend over an engine, whose queries run on the threads of `pool` within `limits`.
    #[must_use]
    pub fn new(engine: Engine, clock: Arc<dyn Clock>, pool: Arc<Pool>, limits: Limits) -> Self {
        Self {
            engine,
            clock,
            cut: Slot::default(),
            pool,
            limits,
        }
    }

    /// Figures about the engine.
    #[must_use]
    pub fn stats(&self) -> tsdb::Stats {
        self.engine.stats()
    }

    /// Runs a statement that reads, on a thread of the pool; waits for a slot first. Its own errors are in the answer.
    pub async fn read(self: &Arc<Self>, statement: Statement, request: Request) -> Reading {
        let local = Arc::clone(self);
        let work = move |output: &mut pool::Output| {
            let cancel = output.cancel();
            local.answer_to(&statement, &request, &cancel, &mut |piece| output.send(piece));
        };
        self.pool.run(work).await
    }

    /// Answers statements that read as a server would: a JSON body. Blocks for as long as they take, which is short for
    /// what is known without reading points.
    #[must_use]
    pub fn answer(&self, db: &str, text: &str) -> Vec<u8> {
        let request = Request {
            db: db.to_owned(),
            policy: String::new(),
            rows: DEFAULT_CHUNK_ROWS,
        };
        let never = AtomicBool::new(false);
        let mut response = Response::default();
        match influxql::parse(text, &influxql::Params::new()) {
            Ok(statements) => {
                for (statement_id, statement) in (0..).zip(&statements) {
                    self.answer_to(statement, &request, &never, &mut |piece| {
                        response.append(StatementResult { statement_id, ..piece }.into());
                        true
                    });
                }
            }
            Err(error) => response.error = Some(error.to_string()),
        }
        encode(&response)
    }

    /// Makes the answer to a statement, at least one piece.
    fn answer_to(&self, statement: &Statement, request: &Request, cancel: &AtomicBool, each: Each<'_>) {
        let now = self.clock.now();
        if let Err(error) = influxql::validate::check(statement, now) {
            each(failed(&error));
            return;
        }
        let context = Context {
            db: &request.db,
            policy: &request.policy,
            now,
            limits: self.limits,
            cancel,
        };
        match statement {
            Statement::Select(query) => {
                if let Err(error) = self.select(query, &context, request.rows, each) {
                    each(failed(&error));
                }
            }
            Statement::Show(query) => {
                each(or_failed(show(&self.engine, query, &request.db)));
            }
            _ => {
                each(failed("this statement is not supported by an embedded backend"));
            }
        }
    }

    fn select(
        &self,
        query: &Select,
        context: &Context<'_>,
        rows: NonZeroUsize,
        each: Each<'_>,
    ) -> Result<(), QueryError> {
        let prepared = prepare(&self.engine, query, context)?;
        let mut pieces = prepared.pieces(rows.get());
        loop {
            let series = pieces.next().transpose()?.into_iter().collect();
            let partial = pieces.has_more();
            let is_wanted = each(StatementResult {
                series,
                partial,
                ..StatementResult::default()
            });
            if !partial || !is_wanted {
                return Ok(());
            }
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

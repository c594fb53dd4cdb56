//! An answer on its way to the client: pieces through a channel that is bounded in number, and in bytes by the budget.
//!
//! ```text
//! Reader::answer ──Sink──▶ [ one piece | the end ] ──Pieces──▶ http: a document each, or gathered into one
//! ```
//!
//! The place of the end is kept free from the start, so that a query that is ended because its client does not read can
//! say so to that client. An answer without an end is a query that died, never a short answer.

use std::{num::NonZeroUsize, time::Duration};

use tokio::{sync::mpsc, time::timeout};

use crate::{
    base::Reserved,
    influx::{
        influxql::ast::{Show, Statement},
        result::{
            StatementResult, Value,
            chunk::{self, ChunkBy},
        },
    },
};

use super::QueryError;

/// A part of an answer, with what it holds of the budget.
#[derive(Debug)]
pub struct Piece {
    /// Of one statement.
    pub result: StatementResult,
    /// `None` when other pieces, or nobody, pay for it.
    pub reserved: Option<Reserved>,
}

#[derive(Debug)]
enum Item {
    Piece(Box<Piece>),
    /// What is left to say: errors.
    End(Vec<StatementResult>),
    /// There is no answer.
    Failed(QueryError),
}

/// Takes the results of a request's statements.
#[derive(Debug)]
pub struct Sink {
    items: mpsc::Sender<Item>,
    end: mpsc::OwnedPermit<Item>,
    statement: u32,
    by: ChunkBy,
    is_begun: bool,
    has_failed: bool,
}

/// Yields the pieces of an answer; dropping it ends the query.
#[derive(Debug)]
pub struct Pieces {
    items: mpsc::Receiver<Item>,
    rest: std::vec::IntoIter<StatementResult>,
    is_over: bool,
}

/// The two ends of an answer.
///
/// # Panics
/// Never: a new channel has room.
#[must_use]
pub fn channel() -> (Sink, Pieces) {
    let (items, receiver) = mpsc::channel(2);
    let end = items.clone().try_reserve_owned().expect("a new channel has room");
    let sink = Sink {
        items,
        end,
        statement: 0,
        by: ChunkBy::Statement,
        is_begun: false,
        has_failed: false,
    };
    let pieces = Pieces {
        items: receiver,
        rest: Vec::new().into_iter(),
        is_over: false,
    };
    (sink, pieces)
}

impl Sink {
    /// What follows is of that statement, and cut like this.
    pub(super) fn begin(&mut self, statement: u32, by: ChunkBy) {
        self.statement = statement;
        self.by = by;
    }

    /// Whether anything was sent.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Whether an error was sent.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Resolves when nobody wants the answer any more.
    pub(super) fn left(&self) -> impl Future<Output = ()> + use<> {
        let items = self.items.clone();
        async move { items.closed().await }
    }

    /// Sends a result, or a piece of one.
    ///
    /// # Errors
    /// When the client does not take it within `stall`, or has left.
    pub(super) async fn send(
        &mut self,
        mut result: StatementResult,
        reserved: Reserved,
        stall: Duration,
    ) -> Result<(), QueryError> {
        result.statement_id = self.statement;
        self.has_failed |= result.error.is_some();
        self.is_begun = true;
        let mut reserved = Some(reserved);
        let mut parts = chunk::split(result, self.by).peekable();
        while let Some(result) = parts.next() {
            let reserved = if parts.peek().is_none() { reserved.take() } else { None };
            let item = Item::Piece(Box::new(Piece { result, reserved }));
            match timeout(stall, self.items.send(item)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(QueryError::Abandoned),
                Err(_) => return Err(QueryError::Stalled(stall)),
            }
        }
        Ok(())
    }

    /// Ends the answer with these results, all of them errors.
    pub(super) fn end(self, rest: Vec<StatementResult>) {
        self.end.send(Item::End(rest));
    }

    /// Says that there is no answer.
    pub(super) fn fail(self, error: QueryError) {
        self.end.send(Item::Failed(error));
    }
}

impl Pieces {
    /// The next piece.
    ///
    /// # Errors
    /// When there is no answer, or its rest is lost.
    pub async fn next(&mut self) -> Result<Option<Piece>, QueryError> {
        if !self.is_over {
            match self.items.recv().await {
                Some(Item::Piece(piece)) => return Ok(Some(*piece)),
                Some(Item::End(rest)) => self.rest = rest.into_iter(),
                Some(Item::Failed(error)) => return Err(error),
                None => return Err(QueryError::Died),
            }
            self.is_over = true;
        }
        let rest = self.rest.next();
        Ok(rest.map(|result| Piece { result, reserved: None }))
    }

    /// The pieces of one statement's answer as one, paid for from `reserved`.
    pub(super) async fn hold(mut self, reserved: &mut Reserved) -> Result<StatementResult, QueryError> {
        let mut whole = StatementResult::default();
        while let Some(piece) = self.next().await? {
            let bytes = piece.reserved.as_ref().map_or(0, Reserved::bytes);
            if !reserved.try_grow(bytes) {
                return Err(QueryError::BeyondBudget);
            }
            whole.append(piece.result);
        }
        Ok(whole)
    }
}

/// Where the answer to a statement is cut, for a client that wants chunks of that many rows.
pub(super) fn chunk_by(statement: &Statement, rows: Option<NonZeroUsize>) -> ChunkBy {
    match (statement, rows) {
        (_, None) => ChunkBy::Statement,
        (
            Statement::Select(_) | Statement::Show(Show::Series(_) | Show::FieldKeys(_) | Show::Cardinality(_)),
            Some(rows),
        ) => ChunkBy::Rows(rows),
        (Statement::Show(Show::TagKeys(_) | Show::TagValues(_)), Some(_)) => ChunkBy::Series,
        (_, Some(_)) => ChunkBy::Statement,
    }
}

/// What a result takes in memory, bytes.
pub(super) fn size_of_result(result: &StatementResult) -> u64 {
    let rows = result.series.iter().flat_map(|series| &series.values);
    let text = |value: &Value| match value {
        Value::String(text) => text.capacity(),
        _ => 0,
    };
    let row = |row: &Vec<Value>| {
        size_of::<Vec<Value>>() + row.capacity() * size_of::<Value>() + row.iter().map(text).sum::<usize>()
    };
    rows.map(row).sum::<usize>() as u64
}

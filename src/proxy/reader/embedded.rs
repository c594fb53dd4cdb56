//! Asking an embedded backend: its answer comes in pieces, which are passed on, or gathered to be merged.

use std::sync::Arc;

use crate::{
    base::Reserved,
    influx::{
        influxql::ast::Statement,
        result::{StatementResult, chunk::DEFAULT_CHUNK_ROWS},
    },
};

use super::{
    super::{
        fleet::{Backend, ReadInFlight},
        local::{Local, Reading, Request},
    },
    Asked, Options, QueryError, Reader,
    answer::{Sink, size_of_result},
};

impl Reader {
    /// Passes on what an engine answers, as it comes.
    pub(super) async fn stream_local(
        &self,
        backend: &Arc<Backend>,
        local: &Arc<Local>,
        statement: &Statement,
        options: &Options,
        sink: &mut Sink,
    ) -> Result<(), QueryError> {
        let _in_flight = ReadInFlight::on(backend);
        let mut reading = read(local, statement, options).await;
        while let Some(piece) = reading.next().await {
            let bytes = size_of_result(&piece);
            let reserved = self.budget.try_reserve(bytes).ok_or(QueryError::BeyondBudget)?;
            sink.send(piece, reserved, self.settings.stall_timeout).await?;
        }
        Ok(())
    }

    /// Holds what an engine answers.
    pub(super) async fn hold_local(
        &self,
        backend: &Arc<Backend>,
        local: &Arc<Local>,
        statement: &Statement,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let _in_flight = ReadInFlight::on(backend);
        let mut reading = read(local, statement, options).await;
        let mut whole = StatementResult::default();
        while let Some(piece) = reading.next().await {
            if !reserved.try_grow(size_of_result(&piece)) {
                return Err(QueryError::BeyondBudget);
            }
            whole.append(piece);
        }
        Ok(whole)
    }
}

async fn read(local: &Arc<Local>, statement: &Statement, options: &Options) -> Reading {
    let request = Request {
        db: options.db.clone(),
        policy: options.policy.clone(),
        rows: options.chunk_rows.unwrap_or(DEFAULT_CHUNK_ROWS),
    };
    local.read(statement.clone(), request).await
}

//! Statements that change schema or data: through the journal, in order with the writes.

use crate::{
    influx::{
        influxql::ast::Statement,
        result::{self, Message, StatementResult},
    },
    meta,
};

use super::{
    super::{client::Client, plan, schema::Database},
    Asked, Options, QueryError, Reader,
};

impl Reader {
    /// Runs a statement on its owners and answers what the first of them said.
    pub(super) async fn change(
        &self,
        client: &Client,
        statement: &Statement,
        owners: &[usize],
        options: &Options,
    ) -> Asked {
        // Backends run it at different times: what it means must not depend on when.
        let statement = plan::at_time(statement, self.clock.now());
        let text = statement.to_string();
        let outcome = self.intake.statement(&options.db, &text, owners).await?;
        if let Some(refusal) = outcome.refusals.first() {
            return Err(QueryError::Unsupported(refusal.text.clone()));
        }
        let mut result = match outcome.answers.first() {
            Some(body) => first_result(body)?,
            None => queued(),
        };
        if result.error.is_none() {
            let learnt = self.learn(client, &statement, outcome.answers.is_empty()).await;
            learnt.map_err(|error| QueryError::NotShared(error.to_string()))?;
        }
        result.messages.extend(options.read_only_warning(&statement));
        Ok(result)
    }

    /// Keeps the known schema in step with what was changed.
    async fn learn(&self, client: &Client, statement: &Statement, nobody_answered: bool) -> Result<(), meta::Error> {
        match statement {
            Statement::DropDatabase(name) => self.lookup.forget(name).await,
            Statement::CreateDatabase(create) if nobody_answered => {
                self.lookup.learn(&create.name, Database::default()).await
            }
            _ => match plan::changed_database(statement) {
                Some(db) => self.lookup.refresh(client, db).await,
                None => Ok(()),
            },
        }
    }
}

fn first_result(body: &[u8]) -> Asked {
    let response = result::decode(body).map_err(|error| QueryError::Unsupported(error.to_string()))?;
    Ok(response.results.into_iter().next().unwrap_or_default())
}

fn queued() -> StatementResult {
    let text = "no backend is in reach: accepted, and carried out when they return".to_owned();
    StatementResult {
        messages: vec![Message {
            level: "warning".to_owned(),
            text,
        }],
        ..StatementResult::default()
    }
}

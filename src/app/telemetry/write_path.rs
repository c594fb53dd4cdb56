//! Gyre's own write path, as publishers see it.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    influx::{
        influxql::ast::{CreateDatabase, Statement},
        line::Precision,
    },
    plugin::{Answer, CallError, builtin::Sink},
    proxy::{
        client::Client,
        intake::{Intake, Write, WriteError},
        reader::{self, Options, Reader},
    },
};

/// Writes as any client does, and creates the database that is missing. Nothing is tried again: what is taken is as safe
/// as the journal, and what is refused would be refused again.
#[derive(Debug)]
pub(in super::super) struct WritePath {
    pub(in super::super) intake: Arc<Intake>,
    pub(in super::super) reader: Arc<Reader>,
    pub(in super::super) client: Client,
}

impl Sink for WritePath {
    fn write(&self, db: &str, policy: &str, lines: Bytes) -> Answer<'_, ()> {
        let (db, policy) = (db.to_owned(), policy.to_owned());
        Box::pin(async move {
            let write = Write {
                db: &db,
                policy: &policy,
                precision: Precision::Nanoseconds,
                body: &lines,
            };
            match self.intake.write(&self.client, write).await {
                Err(WriteError::DatabaseNotFound(_)) => {}
                written => return written.map_err(failed),
            }
            self.create(&db).await?;
            self.intake.write(&self.client, write).await.map_err(failed)
        })
    }
}

impl WritePath {
    async fn create(&self, db: &str) -> Result<(), CallError> {
        let create = Statement::CreateDatabase(CreateDatabase {
            name: db.to_owned(),
            policy: None,
        });
        let (statements, options) = ([create], Options::default());
        let (sink, mut pieces) = reader::channel();
        let answered = self.reader.answer(&self.client, &statements, &options, sink);
        let heard = async {
            while let Some(piece) = pieces.next().await.map_err(failed)? {
                piece.result.error.map_or(Ok(()), |error| Err(failed(error)))?;
            }
            Ok(())
        };
        futures_util::future::join(answered, heard).await.1
    }
}

fn failed(error: impl fmt::Display) -> CallError {
    CallError::Plugin(error.to_string())
}

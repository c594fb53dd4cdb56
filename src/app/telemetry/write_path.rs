//! Gyre's own write path, as publishers see it.
//!
//! Publishers may run anywhere, while the write path stays on the thread that has its connections: they meet in a
//! channel.

use std::{fmt, rc::Rc, sync::Arc};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_local,
};

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

/// Writes that may wait to be begun.
const CAPACITY: usize = 1024;

/// Writes as any client does, and creates the database that is missing. Nothing is tried again: what is taken is as safe
/// as the journal, and what is refused would be refused again.
#[derive(Debug)]
pub(in super::super) struct WritePath {
    intake: Arc<Intake>,
    reader: Arc<Reader>,
    client: Client,
}

/// The publishers' end.
#[derive(Debug)]
pub(super) struct Sender(mpsc::Sender<Job>);

#[derive(Debug)]
struct Job {
    db: String,
    policy: String,
    lines: Bytes,
    done: oneshot::Sender<Result<(), CallError>>,
}

impl Sink for Sender {
    fn write(&self, db: &str, policy: &str, lines: Bytes) -> Answer<'_, ()> {
        let (done, is_done) = oneshot::channel();
        let job = Job {
            db: db.to_owned(),
            policy: policy.to_owned(),
            lines,
            done,
        };
        Box::pin(async move {
            let ended = |_| failed("the write path has ended");
            self.0.send(job).await.map_err(|_| failed("the write path has ended"))?;
            is_done.await.map_err(ended)?
        })
    }
}

impl WritePath {
    pub(in super::super) fn new(intake: &Arc<Intake>, reader: &Arc<Reader>, client: Client) -> Self {
        Self {
            intake: Arc::clone(intake),
            reader: Arc::clone(reader),
            client,
        }
    }

    /// Takes writes on the current thread for as long as there are senders.
    pub(super) fn start(self) -> Sender {
        let (sender, mut jobs) = mpsc::channel::<Job>(CAPACITY);
        let path = Rc::new(self);
        spawn_local(async move {
            while let Some(job) = jobs.recv().await {
                let path = Rc::clone(&path);
                spawn_local(async move {
                    let written = path.write(&job).await;
                    // Whoever published may have given up waiting.
                    let _heard = job.done.send(written);
                });
            }
        });
        Sender(sender)
    }

    async fn write(&self, job: &Job) -> Result<(), CallError> {
        let write = Write {
            db: &job.db,
            policy: &job.policy,
            precision: Precision::Nanoseconds,
            body: &job.lines,
        };
        match self.intake.write(&self.client, write).await {
            Err(WriteError::DatabaseNotFound(_)) => {}
            written => return written.map_err(failed),
        }
        self.create(&job.db).await?;
        self.intake.write(&self.client, write).await.map_err(failed)
    }

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

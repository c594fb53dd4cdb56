//! Writes tasks down: at every change of state at once, their counters once a minute.
//!
//! What is written is always the task as it is published at that moment, or its absence; many who wait are served by one
//! transaction, and a write that is late cannot undo a newer one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actix::prelude::*;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::oneshot;

use crate::meta::{self, MAX_OPS, MAX_TXN, MetaStore, Op, Txn};

use super::{
    super::guard::{Guarded, Lifeline, Refused, guard},
    directory::Directory,
    error::TaskError,
    record,
};

/// How often what nobody waits for is written.
const EVERY: Duration = Duration::from_secs(60);
/// Bytes that a transaction says of each operation beside its key and value, generously.
const OVERHEAD: usize = 16;

type Answers = Vec<oneshot::Sender<Result<(), meta::Error>>>;

/// The way to the recorder. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    actor: Guarded<RecorderActor>,
}

struct RecorderActor {
    directory: Arc<Directory>,
    store: Arc<dyn MetaStore>,
    waiting: BTreeMap<Arc<str>, Answers>,
    /// Those who wait until nothing waits to be written.
    emptied: Vec<oneshot::Sender<()>>,
    is_writing: bool,
    _life: Lifeline,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Save {
    id: Arc<str>,
    answer: oneshot::Sender<Result<(), meta::Error>>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct SaveAll {
    answer: oneshot::Sender<()>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Recorder {
    /// Starts the actor on the current arbiter; at most `capacity` may wait at once.
    pub(super) fn start(
        directory: Arc<Directory>,
        store: Arc<dyn MetaStore>,
        capacity: usize,
        restarts: Counter,
    ) -> Self {
        let make = move |life| RecorderActor {
            directory: Arc::clone(&directory),
            store: Arc::clone(&store),
            waiting: BTreeMap::new(),
            emptied: Vec::new(),
            is_writing: false,
            _life: life,
        };
        Self {
            actor: guard("task recorder".to_owned(), capacity, restarts, make),
        }
    }

    /// Makes the store have the task as it is now, or not at all when it is gone. Answered when durable.
    pub(super) async fn save(&self, id: &Arc<str>) -> Result<(), TaskError> {
        let (answer, saved) = oneshot::channel();
        let id = Arc::clone(id);
        self.actor.ask(Save { id, answer }).await?;
        saved.await.map_err(|_| Refused::Gone)?.map_err(TaskError::Store)
    }

    /// Makes the store have all tasks as they are now. What fails is logged.
    pub(super) async fn save_all(&self) {
        let (answer, saved) = oneshot::channel();
        if self.actor.ask(SaveAll { answer }).await.is_ok() {
            // What fails is logged where it does.
            drop(saved.await);
        }
    }

    /// Ends the actor.
    pub(super) async fn stop(&self) {
        self.actor.expect_end();
        // An error says that it is gone already.
        let _stopped = self.actor.ask(Stop).await;
    }

    /// Makes the actor panic, for tests of its supervision.
    pub(super) async fn crash(&self) {
        let _gone = self.actor.ask(Crash).await;
    }
}

impl Actor for RecorderActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(EVERY, |actor, ctx| {
            actor.queue_unsaved();
            actor.write_next(ctx);
        });
    }
}

impl Handler<Save> for RecorderActor {
    type Result = ();

    fn handle(&mut self, message: Save, ctx: &mut Self::Context) {
        self.waiting.entry(message.id).or_default().push(message.answer);
        self.write_next(ctx);
    }
}

impl Handler<SaveAll> for RecorderActor {
    type Result = ();

    fn handle(&mut self, message: SaveAll, ctx: &mut Self::Context) {
        self.queue_unsaved();
        self.emptied.push(message.answer);
        self.write_next(ctx);
    }
}

impl Handler<Stop> for RecorderActor {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Crash> for RecorderActor {
    type Result = ();

    fn handle(&mut self, _: Crash, _: &mut Self::Context) {
        panic!("asked to crash");
    }
}

impl RecorderActor {
    fn queue_unsaved(&mut self) {
        let unsaved = self.directory.all().into_iter().filter(|task| task.entry.is_unsaved());
        for task in unsaved {
            self.waiting.entry(Arc::clone(&task.entry.id)).or_default();
        }
    }

    /// Writes as many as one transaction takes; the others when it is done.
    fn write_next(&mut self, ctx: &mut Context<Self>) {
        if self.is_writing {
            return;
        }
        if self.waiting.is_empty() {
            for answer in self.emptied.drain(..) {
                // Whoever asked may have gone.
                let _answered = answer.send(());
            }
            return;
        }
        self.is_writing = true;
        let (ops, written) = self.take();
        let store = Arc::clone(&self.store);
        let done = async move { store.txn(Txn::always(ops)).await };
        ctx.spawn(done.into_actor(self).map(|done, actor, ctx| {
            actor.is_writing = false;
            let outcome = done.map(drop);
            if let Err(error) = &outcome {
                tracing::error!(%error, tasks = written.len(), "tasks could not be stored");
                actor.mark_unsaved(&written);
            }
            for answer in written.into_iter().flat_map(|(_, answers)| answers) {
                // Whoever asked may have gone.
                let _answered = answer.send(outcome.clone());
            }
            actor.write_next(ctx);
        }));
    }

    /// Takes those that wait, in the order of their ids, while they fit in one transaction, and at least one.
    fn take(&mut self) -> (Vec<Op>, Vec<(Arc<str>, Answers)>) {
        let (mut ops, mut taken, mut bytes) = (Vec::new(), Vec::new(), 0);
        while ops.len() < MAX_OPS
            && let Some(first) = self.waiting.first_entry()
        {
            let (op, size) = self.directory.get(first.key()).map_or_else(
                || (Op::Delete(record::key(first.key())), 0),
                |task| {
                    // Said before the task is read: what is published from here on is to be written again.
                    task.entry.set_unsaved(false);
                    let document = record::document(&task.entry);
                    let size = document.len();
                    (Op::put(record::key(first.key()), document), size)
                },
            );
            bytes += size + first.key().len() + OVERHEAD + record::PREFIX.len();
            if bytes > MAX_TXN && !ops.is_empty() {
                break;
            }
            ops.push(op);
            taken.push(first.remove_entry());
        }
        (ops, taken)
    }

    fn mark_unsaved(&self, written: &[(Arc<str>, Answers)]) {
        for listed in written.iter().filter_map(|(id, _)| self.directory.get(id)) {
            listed.entry.set_unsaved(true);
        }
    }
}

//! The one thread that changes the store, and the handle to it.
//!
//! Group commit: while one commit is being synced, requests queue up; the next commit takes them all. Each is decided in
//! order on the machine, then their effects are made durable together, published to readers, and only then answered.
//!
//! The thread also ends leases. It sleeps until the next deadline by the injected clock, and looks at the deadlines after
//! every group. Keeping a lease alive does not pass through here: it moves the deadline in the table that both share.
//!
//! When a commit fails, the machine is ahead of the disk: everyone waiting gets the error, the thread ends, and the store
//! answers [`Error::Closed`] from then on. Reads go on from the last durable state.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::view::View;
use crate::{
    base::Clock,
    meta::{
        Error, LeaseId,
        deadlines::Deadlines,
        machine::{Decision, Effect, Machine},
    },
};

/// KiB of requests that may be queued or in commit; more wait for room. Fifty of the largest transactions.
const ROOM: usize = 64 << 10;

/// Makes effects durable, all or none.
pub(super) type Commit = Box<dyn FnMut(&[Effect]) -> Result<(), Error> + Send>;

/// Decides one request on the machine.
type Job = Box<dyn FnOnce(&mut Machine, Duration) -> Decided + Send>;

struct Decided {
    effect: Effect,
    acknowledge: Box<dyn FnOnce(Result<(), Error>) + Send>,
}

/// What the writer has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitStats {
    /// Requests decided: transactions, grants and revocations of leases.
    pub requests: u64,
    /// Commits made durable; the quotient is the size of a group.
    pub commits: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    commits: AtomicU64,
}

/// The way to the writer thread. Dropping it waits until everything queued is committed.
pub(super) struct Handle {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    room: Arc<Semaphore>,
    published: watch::Receiver<()>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
}

struct Writer {
    machine: Machine,
    deadlines: Deadlines,
    view: Arc<View>,
    clock: Arc<dyn Clock>,
    commit: Commit,
    jobs: mpsc::Receiver<Job>,
    published: watch::Sender<()>,
    counters: Arc<Counters>,
}

impl Handle {
    /// Starts the thread. `view` shows the documents with which `machine` starts.
    ///
    /// # Errors
    /// [`Error::Storage`] when no thread can be started.
    pub(super) fn start(
        machine: Machine,
        view: Arc<View>,
        clock: Arc<dyn Clock>,
        commit: Commit,
    ) -> Result<Self, Error> {
        let (sender, jobs) = mpsc::channel();
        let (publisher, published) = watch::channel(());
        let counters = Arc::<Counters>::default();
        let deadlines = machine.deadlines();
        let writer = Writer {
            machine,
            deadlines: deadlines.clone(),
            view,
            clock: Arc::clone(&clock),
            commit,
            jobs,
            published: publisher,
            counters: Arc::clone(&counters),
        };
        let thread = thread::Builder::new()
            .name("meta-writer".to_owned())
            .spawn(|| writer.run())
            .map_err(|error| Error::Storage(Arc::new(error)))?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
            room: Arc::new(Semaphore::new(ROOM)),
            published,
            counters,
            clock,
            deadlines,
        })
    }

    /// Has a request of about `bytes` decided and made durable, in the order of arrival.
    pub(super) async fn submit<T, D>(&self, bytes: usize, decide: D) -> Result<T, Error>
    where
        T: Send + 'static,
        D: FnOnce(&mut Machine, Duration) -> Result<Decision<T>, Error> + Send + 'static,
    {
        let kib = u32::try_from(1 + bytes / 1024).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        let room = room.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(Error::Closed)?;
        jobs.send(job(decide, room, reply)).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Lets a lease live for another full time to live; nothing needs to be durable.
    pub(super) fn keep_alive(&self, lease: LeaseId) -> Result<(), Error> {
        self.deadlines.keep_alive(lease, self.clock.elapsed())
    }

    /// Tells of every publication.
    pub(super) fn published(&self) -> watch::Receiver<()> {
        self.published.clone()
    }

    pub(super) fn stats(&self) -> CommitStats {
        CommitStats {
            requests: self.counters.requests.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
        }
    }
}

fn job<T, D>(decide: D, room: OwnedSemaphorePermit, reply: oneshot::Sender<Result<T, Error>>) -> Job
where
    T: Send + 'static,
    D: FnOnce(&mut Machine, Duration) -> Result<Decision<T>, Error> + Send + 'static,
{
    Box::new(move |machine, now| {
        let (answer, effect) = match decide(machine, now) {
            Ok(Decision { answer, effect }) => (Ok(answer), effect),
            Err(error) => (Err(error), Effect::default()),
        };
        let acknowledge = Box::new(move |committed: Result<(), Error>| {
            // A caller that went away wants no answer.
            drop(reply.send(committed.and(answer)));
            drop(room);
        });
        Decided { effect, acknowledge }
    })
}

impl Writer {
    fn run(mut self) {
        while let Some(group) = self.wait() {
            if let Err(error) = self.process(group) {
                tracing::error!(%error, cause = ?error, "metadata commit failed, store is closed");
                return;
            }
        }
    }

    /// The requests that are there once there is something to do; `None` when no more can come.
    fn wait(&mut self) -> Option<Vec<Job>> {
        let first = match self.deadlines.next() {
            None => self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => self.jobs.recv_timeout(deadline.saturating_sub(self.clock.elapsed())),
        };
        match first {
            Ok(first) => Some([first].into_iter().chain(self.jobs.try_iter()).collect()),
            Err(RecvTimeoutError::Timeout) => Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn process(&mut self, group: Vec<Job>) -> Result<(), Error> {
        let now = self.clock.elapsed();
        let requests = u64::try_from(group.len()).unwrap_or(u64::MAX);
        self.counters.requests.fetch_add(requests, Ordering::Relaxed);
        let mut effects = Vec::new();
        let mut waiting = Vec::new();
        for job in group {
            let Decided { effect, acknowledge } = job(&mut self.machine, now);
            effects.push(effect);
            waiting.push(acknowledge);
        }
        effects.extend(self.machine.expire(now));
        effects.retain(|effect| *effect != Effect::default());
        let committed = self.commit(effects);
        for acknowledge in waiting {
            acknowledge(committed.clone());
        }
        committed
    }

    fn commit(&mut self, effects: Vec<Effect>) -> Result<(), Error> {
        if effects.is_empty() {
            return Ok(());
        }
        (self.commit)(&effects)?;
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.view.publish(effects.into_iter().filter_map(|effect| effect.batch));
        self.published.send_replace(());
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.deadlines.close();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("metadata writer panicked");
        }
    }
}

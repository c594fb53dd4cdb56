//! Keeping leases alive: one stream to one member for all leases of the process, opened when first needed.
//!
//! Requests go out as they come, without waiting for each other's answers, which are handed to whoever waits for that
//! lease. When the stream breaks or falls silent, another is opened and everything unanswered is asked again: keeping a
//! lease alive twice does no harm. A request costs some ten bytes each way, and no write on any disk of etcd's.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use etcd_client::{LeaseKeepAliveStream, LeaseKeeper};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{
    super::{Error, LeaseId},
    convert::{lease_number, unsigned},
    failure::{is_lease_not_found, timed_out},
    members::{Connection, Members, Repeat},
};

type Waiter = oneshot::Sender<Result<(), Error>>;

/// The way to the task that keeps leases alive; the task ends when this is dropped.
#[derive(Debug)]
pub(super) struct KeepAlive {
    patience: Duration,
    orders: mpsc::UnboundedSender<(i64, Waiter)>,
}

impl KeepAlive {
    /// Starts the task.
    pub(super) fn start(members: &Arc<Members>) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let keeping = Keeping {
            members: Arc::clone(members),
            waiting: Mutex::default(),
        };
        members.background().spawn(keeping.run(inbox));
        Self {
            patience: members.timeout(),
            orders,
        }
    }

    /// Lets the lease live for another full time to live. As many requests wait as there are callers.
    pub(super) async fn keep_alive(&self, lease: LeaseId) -> Result<(), Error> {
        let (waiter, answer) = oneshot::channel();
        let order = (lease_number(lease)?, waiter);
        self.orders.send(order).map_err(|_| Error::Closed)?;
        let answered = timeout(self.patience, answer).await;
        answered
            .map_err(|_| Error::Unanswered(timed_out()))?
            .map_err(|_| Error::Closed)?
    }
}

struct Keeping {
    members: Arc<Members>,
    waiting: Mutex<Waiting>,
}

impl Keeping {
    async fn run(self, mut orders: mpsc::UnboundedReceiver<(i64, Waiter)>) {
        loop {
            let waiting = self.waiting().any();
            let Some(first) = waiting else {
                let Some((lease, waiter)) = orders.recv().await else {
                    return;
                };
                self.waiting().add(lease, waiter);
                continue;
            };
            match self.open(first).await {
                Ok((member, keeper, answers)) => {
                    self.waiting().answer(first, Ok(()));
                    tokio::select! {
                        () = self.ask(keeper, &mut orders) => return,
                        () = self.listen(answers) => self.members.leave(member),
                    }
                    self.waiting().forget_gone();
                }
                Err(Error::LeaseNotFound(_)) => self.waiting().answer(first, not_found(first)),
                Err(error) => self.waiting().answer_all(&error),
            }
        }
    }

    /// Opens a stream, for which the library needs a lease to keep alive.
    async fn open(&self, lease: i64) -> Result<(usize, LeaseKeeper, LeaseKeepAliveStream), Error> {
        let open = |connection: Connection| async move {
            let mut client = connection.lease;
            match client.keep_alive(lease).await {
                Err(error) if is_lease_not_found(&error) => Ok(Err(Error::LeaseNotFound(LeaseId(unsigned(lease))))),
                opened => opened.map(|(keeper, answers)| Ok((connection.member, keeper, answers))),
            }
        };
        self.members.request(Repeat::Yes, open).await
    }

    /// Asks for everyone who waits, and then for everyone who comes; ends when nobody can come any more.
    async fn ask(&self, mut keeper: LeaseKeeper, orders: &mut mpsc::UnboundedReceiver<(i64, Waiter)>) {
        let waiting = self.waiting().leases();
        for lease in waiting {
            send(&mut keeper, lease).await;
        }
        while let Some((lease, waiter)) = orders.recv().await {
            self.waiting().add(lease, waiter);
            send(&mut keeper, lease).await;
        }
    }

    /// Hands out the answers until the stream ends, or is silent while somebody waits.
    async fn listen(&self, mut answers: LeaseKeepAliveStream) {
        let patience = self.members.timeout() / 2;
        loop {
            match timeout(patience, answers.message()).await {
                Ok(Ok(Some(answer))) => {
                    let lease = answer.id();
                    let outcome = if answer.ttl() > 0 { Ok(()) } else { not_found(lease) };
                    self.waiting().answer(lease, outcome);
                }
                Ok(Ok(None) | Err(_)) => return,
                Err(_) if self.waiting().any().is_some() => return,
                Err(_) => {}
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(keeper: &mut LeaseKeeper, lease: i64) {
    keeper.id = lease;
    // On a stream that has ended nobody answers, which ends the listening.
    keeper.keep_alive().await.ok();
}

fn not_found(lease: i64) -> Result<(), Error> {
    Err(Error::LeaseNotFound(LeaseId(unsigned(lease))))
}

/// Who waits for which lease, first come, first served.
#[derive(Debug, Default)]
struct Waiting {
    leases: HashMap<i64, VecDeque<Waiter>>,
}

impl Waiting {
    fn add(&mut self, lease: i64, waiter: Waiter) {
        self.leases.entry(lease).or_default().push_back(waiter);
    }

    /// Some lease that somebody waits for.
    fn any(&self) -> Option<i64> {
        self.leases.keys().next().copied()
    }

    /// The lease of each who waits.
    fn leases(&self) -> Vec<i64> {
        let each = |(lease, waiters): (&i64, &VecDeque<Waiter>)| vec![*lease; waiters.len()];
        self.leases.iter().flat_map(each).collect()
    }

    /// Answers the first who waits for a lease. Those who went away want no answer.
    fn answer(&mut self, lease: i64, outcome: Result<(), Error>) {
        let Some(waiters) = self.leases.get_mut(&lease) else {
            return;
        };
        if let Some(waiter) = waiters.pop_front() {
            waiter.send(outcome).ok();
        }
        if waiters.is_empty() {
            self.leases.remove(&lease);
        }
    }

    fn answer_all(&mut self, error: &Error) {
        for waiter in self.leases.drain().flat_map(|(_, waiters)| waiters) {
            waiter.send(Err(error.clone())).ok();
        }
    }

    fn forget_gone(&mut self) {
        self.leases.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
    }
}

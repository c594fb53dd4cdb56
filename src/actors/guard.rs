//! Supervision: an actor that panics is started anew from its factory.
//!
//! actix's own `Supervisor` does not restart after a panic and tells nobody. Here every actor holds a [`Lifeline`]
//! that drops with it; the watcher then waits, a little longer each time, makes a fresh actor from the factory and
//! swaps the address that all handles share. State is rebuilt from the store, never carried over.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::prelude::*;
use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Semaphore, TryAcquireError, oneshot};

use crate::base::ErrorKind;

/// First wait before a restart; doubled each time up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_secs(10);
/// An actor that lived this long has recovered: the next restart is quick again.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// Dropped with the actor: on a panic, on a stop, and when its arbiter ends.
#[derive(Debug)]
pub(super) struct Lifeline {
    _drops_with_the_actor: oneshot::Sender<()>,
}

/// An actor's address that survives restarts, with a bound on the messages under way. Clones share both.
pub(super) struct Guarded<A: Actor> {
    addr: Arc<ArcSwap<Addr<A>>>,
    slots: Arc<Semaphore>,
    stopping: Arc<AtomicBool>,
}

/// The actor did not take the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many messages are under way.
    #[error("too many requests under way")]
    Busy,
    /// The actor is being restarted, or the process is stopping.
    #[error("restarting")]
    Gone,
}

impl Refused {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy => ErrorKind::Busy,
            Self::Gone => ErrorKind::Unavailable,
        }
    }
}

impl<A: Actor> Clone for Guarded<A> {
    fn clone(&self) -> Self {
        Self {
            addr: Arc::clone(&self.addr),
            slots: Arc::clone(&self.slots),
            stopping: Arc::clone(&self.stopping),
        }
    }
}

impl<A: Actor> fmt::Debug for Guarded<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("free_slots", &self.slots.available_permits())
            .finish_non_exhaustive()
    }
}

/// Starts an actor and keeps it alive. At most `capacity` messages are under way at once.
pub(super) fn guard<A, F>(name: String, capacity: usize, restarts: Counter, mut make: F) -> Guarded<A>
where
    A: Actor<Context = Context<A>>,
    F: FnMut(Lifeline) -> A + 'static,
{
    let mut start = move || {
        let (sender, dead) = oneshot::channel();
        (
            make(Lifeline {
                _drops_with_the_actor: sender,
            })
            .start(),
            dead,
        )
    };
    let (addr, mut dead) = start();
    let guarded = Guarded {
        addr: Arc::new(ArcSwap::from_pointee(addr)),
        slots: Arc::new(Semaphore::new(capacity)),
        stopping: Arc::default(),
    };
    let (address, stopping) = (Arc::clone(&guarded.addr), Arc::clone(&guarded.stopping));
    actix_rt::spawn(async move {
        let mut backoff = MIN_BACKOFF;
        loop {
            let alive_since = tokio::time::Instant::now();
            // Nothing is ever sent: the error says that the lifeline was dropped.
            let _dropped = (&mut dead).await;
            if stopping.load(Ordering::Acquire) {
                return;
            }
            if alive_since.elapsed() > HEALTHY_AFTER {
                backoff = MIN_BACKOFF;
            }
            tracing::error!(actor = %name, ?backoff, "actor died: restarting");
            tokio::time::sleep(backoff).await;
            if stopping.load(Ordering::Acquire) {
                return;
            }
            backoff = (backoff * 2).min(MAX_BACKOFF);
            restarts.inc();
            let (addr, next) = start();
            address.store(Arc::new(addr));
            dead = next;
        }
    });
    guarded
}

impl<A: Actor<Context = Context<A>>> Guarded<A> {
    /// Asks the actor, if fewer than its capacity of messages are under way.
    pub(super) async fn ask<M>(&self, message: M) -> Result<M::Result, Refused>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        let _slot = self.slots.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => Refused::Busy,
            TryAcquireError::Closed => Refused::Gone,
        })?;
        let addr = Addr::clone(&self.addr.load());
        addr.send(message).await.map_err(|_| Refused::Gone)
    }

    /// Tells the actor without waiting for an answer. One that is gone, or that has a full mailbox, hears nothing.
    pub(super) fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        let _heard = self.addr.load().try_send(message);
    }

    /// From now on the actor's end is wanted.
    pub(super) fn expect_end(&self) {
        self.stopping.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fragile {
        asked: u32,
        _life: Lifeline,
    }

    impl Actor for Fragile {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "u32")]
    struct Ask {
        panic: bool,
    }

    impl Handler<Ask> for Fragile {
        type Result = u32;

        fn handle(&mut self, message: Ask, _: &mut Context<Self>) -> u32 {
            assert!(!message.panic, "wanted");
            self.asked += 1;
            self.asked
        }
    }

    fn with_paused_time(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn a_panic_restarts_with_fresh_state_and_is_counted() {
        with_paused_time(async {
            let restarts = Counter::default();
            let actor = guard("fragile".to_owned(), 1, restarts.clone(), |life| Fragile {
                asked: 0,
                _life: life,
            });
            assert_eq!(actor.ask(Ask { panic: false }).await, Ok(1));
            assert_eq!(actor.ask(Ask { panic: false }).await, Ok(2));
            assert_eq!(actor.ask(Ask { panic: true }).await, Err(Refused::Gone));
            tokio::time::sleep(MIN_BACKOFF * 2).await;
            assert_eq!(actor.ask(Ask { panic: false }).await, Ok(1));
            assert_eq!(restarts.get(), 1);
        });
    }

    #[test]
    fn more_than_the_capacity_is_refused() {
        with_paused_time(async {
            let actor = guard("narrow".to_owned(), 1, Counter::default(), |life| Fragile {
                asked: 0,
                _life: life,
            });
            let (first, second) = tokio::join!(actor.ask(Ask { panic: false }), actor.ask(Ask { panic: false }));
            assert_eq!((first, second), (Ok(1), Err(Refused::Busy)));
        });
    }
}

//! What watchers of a task get: its events, encoded once for all, and only when somebody watches.
//!
//! A watcher that falls behind by more than the backlog is closed: nobody waits for it.

use bytes::Bytes;
use tokio::sync::{
    broadcast::{Receiver, Sender, channel, error::RecvError},
    watch,
};

/// One thing that a watcher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// An event, as JSON; more follow.
    Event(Bytes),
    /// The last event: the task was stopped, has ended or was disabled. As JSON.
    Last(Bytes),
    /// The watcher was too far behind: it has missed events and gets no more.
    TooSlow,
    /// The task was removed, or the process stops.
    Closed,
}

/// The events of one task from now on; ends after the first one that is not [`Watched::Event`].
#[derive(Debug)]
pub struct Watcher {
    events: Receiver<Sent>,
    open: watch::Receiver<bool>,
    has_ended: bool,
}

/// Sends a task's events to whoever watches.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    events: Sender<Sent>,
}

#[derive(Debug, Clone)]
enum Sent {
    Event(Bytes),
    Last(Bytes),
}

impl Watcher {
    /// Waits for the next event. Nothing is lost when the wait is dropped.
    pub async fn next(&mut self) -> Watched {
        if self.has_ended {
            return Watched::Closed;
        }
        let watched = tokio::select! {
            biased;
            sent = self.events.recv() => match sent {
                Ok(Sent::Event(event)) => return Watched::Event(event),
                Ok(Sent::Last(event)) => Watched::Last(event),
                Err(RecvError::Lagged(_)) => Watched::TooSlow,
                Err(RecvError::Closed) => Watched::Closed,
            },
            // An error says that whoever could close it is gone.
            _closed = self.open.wait_for(|open| !open) => Watched::Closed,
        };
        self.has_ended = true;
        watched
    }
}

impl Channel {
    /// A channel whose watchers may be `backlog` events behind, at least one.
    pub(super) fn new(backlog: usize) -> Self {
        let (events, _) = channel(backlog.max(1));
        Self { events }
    }

    /// Begins to watch, until `open` becomes false.
    pub(super) fn watch(&self, open: watch::Receiver<bool>) -> Watcher {
        Watcher {
            events: self.events.subscribe(),
            open,
            has_ended: false,
        }
    }

    /// Sends an event, which is made only when somebody watches.
    pub(super) fn send(&self, event: impl FnOnce() -> Bytes) {
        if self.events.receiver_count() > 0 {
            self.deliver(Sent::Event(event()));
        }
    }

    /// Sends an event after which nobody watches any more.
    pub(super) fn send_last(&self, event: impl FnOnce() -> Bytes) {
        if self.events.receiver_count() > 0 {
            self.deliver(Sent::Last(event()));
        }
    }

    fn deliver(&self, sent: Sent) {
        // The error says that the last watcher has just left.
        let _delivered = self.events.send(sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn events_come_in_order_up_to_the_last() {
        let (channel, open) = (Channel::new(4), watch::Sender::new(true));
        channel.send(|| unreachable!("nobody watches"));
        let mut watcher = channel.watch(open.subscribe());
        channel.send(|| event("a"));
        channel.send_last(|| event("b"));
        channel.send(|| event("c"));
        assert_eq!(watcher.next().await, Watched::Event(event("a")));
        assert_eq!(watcher.next().await, Watched::Last(event("b")));
        assert_eq!(watcher.next().await, Watched::Closed);
    }

    #[tokio::test]
    async fn one_that_lags_is_closed_and_others_are_not() {
        let (channel, open) = (Channel::new(2), watch::Sender::new(true));
        let (mut slow, mut quick) = (channel.watch(open.subscribe()), channel.watch(open.subscribe()));
        for text in ["a", "b", "c"] {
            channel.send(|| event(text));
            assert_eq!(quick.next().await, Watched::Event(event(text)));
        }
        assert_eq!(slow.next().await, Watched::TooSlow);
        assert_eq!(slow.next().await, Watched::Closed);
    }

    #[tokio::test]
    async fn the_end_of_all_watches_comes_after_what_was_sent() {
        let (channel, open) = (Channel::new(2), watch::Sender::new(true));
        let mut watcher = channel.watch(open.subscribe());
        channel.send(|| event("a"));
        open.send_replace(false);
        assert_eq!(watcher.next().await, Watched::Event(event("a")));
        assert_eq!(watcher.next().await, Watched::Closed);
    }
}

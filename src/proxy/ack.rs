//! How a client that waits for its write learns what became of it.
//!
//! A request owns one [`Request`]; every record of it carries a [`Note`]. The first replica that applies a record
//! settles it; a refusal settles it too, and then the client is told; when every owner is out of reach the journal
//! alone vouches for it. What happens after a record is settled concerns the dead letters, not the client.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::Notify;

/// A backend's final no to some points of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status that the backend answered.
    pub status: u16,
    /// Its error text, as a client of the backend would see it.
    pub text: String,
}

impl Refusal {
    /// Whether the database or policy is refused, and so every point meant for it.
    #[must_use]
    pub fn concerns_target(&self) -> bool {
        self.text.starts_with("database not found") || self.text.contains("retention policy not found")
    }
}

/// What a request waits for.
#[derive(Debug, Default)]
pub struct Request {
    open: AtomicUsize,
    outcome: Mutex<Outcome>,
    settled: Notify,
}

/// What is known when a request stops waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Refusals in the order they came; empty means applied, or safe in the journal.
    pub refusals: Vec<Refusal>,
    /// Bodies that owners answered to a statement.
    pub answers: Vec<Bytes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Applied,
    Told,
    Gone,
}

/// When a record is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// One owner has applied it.
    Any,
    /// Every owner that was in reach has applied it.
    All,
}

/// Travels with one record in the journal's memory.
#[derive(Debug)]
pub struct Note {
    request: Arc<Request>,
    until: Until,
    state: Mutex<(State, usize)>,
}

impl Request {
    /// A request without records yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a record that `reachable` owners may settle; with none it is settled at once.
    #[must_use]
    pub fn note(self: &Arc<Self>, reachable: usize, until: Until) -> Arc<Note> {
        let state = if reachable == 0 { State::Gone } else { State::Waiting };
        if reachable > 0 {
            self.open.fetch_add(1, Ordering::AcqRel);
        }
        Arc::new(Note {
            request: Arc::clone(self),
            until,
            state: Mutex::new((state, reachable)),
        })
    }

    /// Waits until every record is settled.
    pub async fn settled(&self) {
        loop {
            let notified = self.settled.notified();
            if self.open.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }

    /// What is known so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut Outcome)) {
        change(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn close_one(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.settled.notify_waiters();
        }
    }
}

impl Note {
    /// An owner has applied the record; `answer` is its body when the record is a statement.
    pub fn applied(&self, answer: Option<Bytes>) {
        if let Some(answer) = answer {
            self.request.update(|outcome| outcome.answers.push(answer));
        }
        self.step(State::Applied, self.until == Until::Any);
    }

    /// An owner refuses points of the record. Answers whether the client is or was told, so that no dead letter is due.
    #[must_use]
    pub fn refused(&self, refusal: &Refusal) -> bool {
        let mut state = self.lock();
        match state.0 {
            State::Waiting => {
                state.0 = State::Told;
                self.request.update(|outcome| outcome.refusals.push(refusal.clone()));
                drop(state);
                self.request.close_one();
                true
            }
            State::Told => self.request.outcome().refusals.contains(refusal),
            State::Applied | State::Gone => false,
        }
    }

    /// An owner cannot be reached; when none is left, the journal alone vouches for the record.
    pub fn unreachable(&self) {
        self.step(State::Gone, false);
    }

    /// The client no longer waits: later refusals become dead letters.
    pub fn abandon(&self) {
        self.step(State::Gone, true);
    }

    fn step(&self, to: State, at_once: bool) {
        let mut state = self.lock();
        if state.0 != State::Waiting {
            return;
        }
        state.1 = state.1.saturating_sub(1);
        if at_once || state.1 == 0 {
            state.0 = to;
            drop(state);
            self.request.close_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (State, usize)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers the notes of a request so that they are abandoned when its client stops waiting, also by going away.
#[derive(Debug, Default)]
pub struct Waiting {
    notes: Vec<Arc<Note>>,
    finished: AtomicBool,
}

impl Waiting {
    /// Waits for the records of these notes.
    #[must_use]
    pub fn on(notes: Vec<Arc<Note>>) -> Self {
        Self {
            notes,
            finished: AtomicBool::new(false),
        }
    }

    /// Stops waiting; settled notes are not changed.
    pub fn stop(&self) {
        if !self.finished.swap(true, Ordering::AcqRel) {
            self.notes.iter().for_each(|note| note.abandon());
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stop();
    }
}

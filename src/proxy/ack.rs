//! How a client that waits for its write learns what became of it.
//!
//! A request owns one [`Request`]; every record of it carries a [`Note`]. The first replica that applies a record
//! settles it; a refusal settles it too, and then the client is told; when every owner is out of reach the journal
//! alone vouches for it. What happens after a record is settled concerns the dead letters, not the client.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::base::BackendId;

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
    state: Mutex<(State, Vec<BackendId>)>,
}

impl Request {
    /// A request without records yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Adds a record that the owners `reachable` may settle; with none it is settled at once.
    #[must_use]
    pub fn note(self: &Arc<Self>, reachable: Vec<BackendId>, until: Until) -> Arc<Note> {
        let state = if reachable.is_empty() {
            State::Gone
        } else {
            self.open.fetch_add(1, Ordering::AcqRel);
            State::Waiting
        };
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
    /// An owner has applied the record; `answer` is its body when the record is a statement. Owners may say so again,
    /// as they do when what followed in their portion failed.
    pub fn applied(&self, owner: BackendId, answer: Option<Bytes>) {
        if let Some(answer) = answer {
            self.request.update(|outcome| outcome.answers.push(answer));
        }
        self.step(owner, State::Applied, self.until == Until::Any);
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
    pub fn unreachable(&self, owner: BackendId) {
        self.step(owner, State::Gone, false);
    }

    /// The client no longer waits: later refusals become dead letters.
    pub fn abandon(&self) {
        let mut state = self.lock();
        state.1.clear();
        self.settle_if_nobody_is_left(state, State::Gone);
    }

    fn step(&self, owner: BackendId, to: State, at_once: bool) {
        let mut state = self.lock();
        let before = state.1.len();
        state.1.retain(|waiting| *waiting != owner);
        if at_once {
            state.1.clear();
        } else if state.1.len() == before {
            // Nobody waits for this owner, or not any more.
            return;
        }
        self.settle_if_nobody_is_left(state, to);
    }

    fn settle_if_nobody_is_left(&self, mut state: MutexGuard<'_, (State, Vec<BackendId>)>, to: State) {
        if state.0 == State::Waiting && state.1.is_empty() {
            state.0 = to;
            drop(state);
            self.request.close_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, (State, Vec<BackendId>)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const A: BackendId = BackendId(1);
    const B: BackendId = BackendId(2);

    fn is_settled(request: &Request) -> bool {
        request.open.load(Ordering::Acquire) == 0
    }

    fn refusal() -> Refusal {
        Refusal {
            status: 400,
            text: "no".to_owned(),
        }
    }

    #[test]
    fn an_owner_out_of_reach_counts_once() {
        let request = Request::new();
        let note = request.note(vec![A, B], Until::Any);
        note.unreachable(A);
        note.unreachable(A);
        assert!(!is_settled(&request), "the other owner has not answered yet");
        assert!(note.refused(&refusal()), "so the client is still there to be told");
        assert!(is_settled(&request));
        assert_eq!(request.outcome().refusals, [refusal()]);
    }

    #[test]
    fn owners_that_were_never_in_reach_do_not_count() {
        let request = Request::new();
        let note = request.note(vec![B], Until::Any);
        note.unreachable(A);
        assert!(!is_settled(&request));
        note.unreachable(B);
        assert!(is_settled(&request));
        assert!(!note.refused(&refusal()), "nobody waits: a dead letter is due");
    }

    #[test]
    fn any_owner_settles_points_and_all_in_reach_a_statement() {
        let request = Request::new();
        request.note(vec![B], Until::Any).applied(A, None);
        assert!(is_settled(&request));
        let note = request.note(vec![A, B], Until::All);
        note.applied(A, None);
        note.applied(A, None);
        assert!(!is_settled(&request), "the same owner twice");
        note.applied(B, None);
        assert!(is_settled(&request));
        note.abandon();
        assert!(is_settled(&request), "settled once");
        assert_eq!(request.open.load(Ordering::Acquire), 0);
    }
}

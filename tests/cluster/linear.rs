//! Whether what the clients of one versioned document saw could have come from a server that does one thing at a time.
//!
//! A history is linearizable when each operation can be given a moment between its call and its answer such that the
//! operations, done one by one in the order of these moments, give the answers that were given (Herlihy and Wing 1990).
//! The search is Wing and Gong's (1993): do any operation that may be next, go on with the rest, return to the last
//! choice where nothing fits, and remember what was tried. Versions that only grow keep it short:
//!
//! * What changes nothing is done as soon as it fits: in whatever order fits, it may be moved to there.
//! * So only writes that expect the current version are a choice: the one that was accepted, and unanswered ones.
//! * An unanswered write that expects an old version can no longer happen, and is forgotten.

mod tests;

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A version and what was written as it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Document {
    pub(crate) version: u64,
    pub(crate) value: String,
}

/// What the server holds; `None` before the first write.
type State = Option<Document>;

/// An operation and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A read.
    Read(Option<Document>),
    /// A write on top of version `expected` (0: of nothing) that was accepted as `version`.
    Stored { expected: u64, value: String, version: u64 },
    /// A write that was refused because the server held something else.
    Refused { expected: u64, found: Option<Document> },
    /// A write of which the client does not know whether it happened, happens later, or never will.
    Unanswered { expected: u64, value: String },
}

/// An event and when its client called and had the answer, on one clock for all clients. Events that share a moment
/// may have happened in either order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) called: u64,
    pub(crate) answered: u64,
    pub(crate) event: Event,
}

/// No order explains the history: how far the search came, and what could not go on from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotLinearizable {
    state: State,
    waiting: Vec<Operation>,
}

/// Collects the operations of concurrent clients.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    clock: AtomicU64,
    operations: Mutex<Vec<Operation>>,
}

impl Recorder {
    /// Calls the server: `operation` answers what is to be recorded, if it tells anything.
    pub(crate) fn record(&self, operation: impl FnOnce() -> Option<Event>) -> Option<Event> {
        let called = self.clock.fetch_add(1, Ordering::SeqCst);
        let event = operation()?;
        let answered = self.clock.fetch_add(1, Ordering::SeqCst);
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations.push(Operation {
            called,
            answered,
            event: event.clone(),
        });
        Some(event)
    }

    /// Everything recorded.
    pub(crate) fn into_history(self) -> Vec<Operation> {
        self.operations.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for an order of the history that explains it, starting with nothing written.
///
/// # Errors
/// There is none.
pub(crate) fn check(mut history: Vec<Operation>) -> Result<(), NotLinearizable> {
    history.sort_by_key(|operation| operation.called);
    let mut furthest = Attempt::default();
    let mut tried = HashSet::new();
    let mut open = vec![Attempt::default()];
    while let Some(mut attempt) = open.pop() {
        attempt.settle(&history);
        if attempt.is_complete(&history) {
            return Ok(());
        }
        if attempt.next >= furthest.next {
            furthest = attempt.clone();
        }
        if tried.insert(attempt.clone()) {
            open.extend(attempt.choices(&history));
        }
    }
    Err(NotLinearizable {
        waiting: furthest.operations(&history).cloned().collect(),
        state: furthest.state,
    })
}

/// The document after an event, or `None` when the server would not have answered so.
fn apply(state: &State, event: &Event) -> Option<State> {
    let store = |expected: u64, value: &str| {
        (expected == version(state)).then(|| {
            Some(Document {
                version: expected + 1,
                value: value.to_owned(),
            })
        })
    };
    match event {
        Event::Read(found) => (found == state).then(|| state.clone()),
        Event::Refused { expected, found } => (found == state && *expected != version(state)).then(|| state.clone()),
        Event::Unanswered { expected, value } => store(*expected, value),
        Event::Stored {
            expected,
            value,
            version,
        } => {
            let after = Some(Document {
                version: *version,
                value: value.clone(),
            });
            let is_repeated = *state == after && expected.checked_add(1) == Some(*version);
            if is_repeated {
                return Some(after);
            }
            store(*expected, value).filter(|stored| *stored == after)
        }
    }
}

fn version(state: &State) -> u64 {
    state.as_ref().map_or(0, |document| document.version)
}

/// Operations that have been given their place, and what the server holds after them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Attempt {
    state: State,
    /// Those before this position, in the order of calls, may be next or have their place.
    next: usize,
    /// Those of them that do not have it yet.
    waiting: BTreeSet<usize>,
}

impl Attempt {
    /// Gives a place to all that change nothing, as long as there are any.
    fn settle(&mut self, history: &[Operation]) {
        loop {
            self.admit(history);
            let before = self.waiting.len();
            let state = &self.state;
            self.waiting.retain(|&position| match &history[position].event {
                Event::Unanswered { expected, .. } => *expected >= version(state),
                event => apply(state, event).as_ref() != Some(state),
            });
            if self.waiting.len() == before {
                return;
            }
        }
    }

    /// An operation may be next when none that lacks its place was answered before it was called.
    fn admit(&mut self, history: &[Operation]) {
        let mut earliest = self.operations(history).map(end).min().unwrap_or(u64::MAX);
        while let Some(operation) = history.get(self.next).filter(|next| next.called <= earliest) {
            earliest = earliest.min(end(operation));
            self.waiting.insert(self.next);
            self.next += 1;
        }
    }

    fn is_complete(&self, history: &[Operation]) -> bool {
        self.next == history.len()
            && self
                .operations(history)
                .all(|operation| matches!(operation.event, Event::Unanswered { .. }))
    }

    /// The attempts that come of doing one more operation, one that changes the document.
    fn choices(&self, history: &[Operation]) -> impl Iterator<Item = Self> {
        self.waiting.iter().filter_map(|position| {
            let state = apply(&self.state, &history[*position].event)?;
            let mut waiting = self.waiting.clone();
            waiting.remove(position);
            Some(Self {
                state,
                waiting,
                next: self.next,
            })
        })
    }

    fn operations<'a>(&self, history: &'a [Operation]) -> impl Iterator<Item = &'a Operation> {
        self.waiting.iter().map(|&position| &history[position])
    }
}

/// The last moment at which it may have happened.
fn end(operation: &Operation) -> u64 {
    match operation.event {
        Event::Unanswered { .. } => u64::MAX,
        Event::Read(_) | Event::Stored { .. } | Event::Refused { .. } => operation.answered,
    }
}

impl fmt::Display for NotLinearizable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {:?} none of these may follow:", self.state)?;
        self.waiting
            .iter()
            .try_for_each(|operation| write!(f, "\n  {operation:?}"))
    }
}

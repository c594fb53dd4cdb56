//! Whether this process can do its work, part by part, with the reason where it cannot.

use std::sync::Arc;

use super::{
    ack::Note,
    agreement::Agreement,
    fleet::{Backend, Circle, Fleet},
};
use crate::journal::Journal;

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// The circles.
    pub fleet: Arc<Fleet>,
    /// The process's write-ahead log.
    pub journal: Journal<Note>,
    /// The ring in force, and the shared store.
    pub agreement: Arc<Agreement>,
}

/// One part of Gyre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Why it is not ready; `None` when it is.
    pub problem: Option<String>,
}

impl Readiness {
    /// Every part.
    #[must_use]
    pub fn parts(&self) -> [Part; 5] {
        let part = |name, problem| Part { name, problem };
        let reason = |error: &dyn std::error::Error| error.to_string();
        let shared = self.agreement.shared();
        [
            part("journal", self.journal_problem()),
            part("meta store", shared.require().err().map(|error| reason(&error))),
            part("ring", self.agreement.check().err().map(|error| reason(&error))),
            part("backends", backends_problem(&self.fleet.circles)),
            part("appliers", appliers_problem(&self.fleet.backends)),
        ]
    }

    fn journal_problem(&self) -> Option<String> {
        let (used, limit) = (self.journal.stats().bytes, self.journal.max_bytes());
        (used >= limit).then(|| format!("journal is full: {used} of {limit} bytes"))
    }
}

/// Reads need one circle all of whose backends can be asked.
fn backends_problem(circles: &[Circle]) -> Option<String> {
    let missing = |circle: &Circle| {
        let mut members = circle.members.iter();
        let missing = members.find(|member| !member.condition.is_usable())?;
        let how = match missing.condition.is_detached() {
            true => "detached",
            false => "out of reach",
        };
        Some(format!(
            "{:?} of circle {:?} is {how}",
            missing.config.name, circle.name
        ))
    };
    let missing = circles.iter().map(missing).collect::<Option<Vec<_>>>()?;
    Some(format!("no circle is whole: {}", missing.join(", ")))
}

/// An embedded backend whose threads have given up is taken out.
fn appliers_problem(backends: &[Arc<Backend>]) -> Option<String> {
    let dead = |backend: &&Arc<Backend>| backend.local.is_some() && !backend.condition.is_alive();
    let dead: Vec<_> = backends
        .iter()
        .filter(dead)
        .map(|backend| &backend.config.name)
        .collect();
    (!dead.is_empty()).then(|| format!("embedded backends that do not apply the journal: {dead:?}"))
}

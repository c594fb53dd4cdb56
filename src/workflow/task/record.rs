//! PURE. A task as it is stored.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{ErrorKind, TimestampNs};

use super::{Task, TaskState};
use crate::workflow::manifest::{Manifest, ManifestError};

/// A stored task that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Damaged {
    /// No such document.
    #[error("stored task: {0}")]
    Document(#[from] serde_json::Error),
    /// Its manifest is none.
    #[error("stored task: {0}")]
    Manifest(#[from] ManifestError),
}

/// What a task that was read did when it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// It ran: start it.
    Start,
    /// It did not.
    Nothing,
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: String,
    manifest: Value,
    created: TimestampNs,
    state: TaskState,
    last_run: Option<TimestampNs>,
    hits: u64,
    misses: u64,
    failures: u64,
    last_failure: String,
}

impl Damaged {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}

impl Task {
    /// The document that [`Task::from_record`] reads.
    #[must_use]
    pub fn to_record(&self) -> Value {
        let record = Record {
            id: self.id.clone(),
            manifest: self.manifest.to_json(),
            created: self.created,
            state: self.state,
            last_run: self.last_run,
            hits: self.hits,
            misses: self.misses,
            failures: self.failures,
            last_failure: self.last_failure.clone(),
        };
        serde_json::to_value(record).expect("texts and numbers can always be written")
    }

    /// Reads a stored task. One that ran is stopped, and to be started again.
    ///
    /// # Errors
    /// When the document is damaged.
    pub fn from_record(document: &[u8]) -> Result<(Self, Resume), Damaged> {
        let record: Record = serde_json::from_slice(document)?;
        let (state, resume) = match record.state {
            TaskState::Running => (TaskState::Stopped, Resume::Start),
            TaskState::Stopping => (TaskState::Stopped, Resume::Nothing),
            other => (other, Resume::Nothing),
        };
        let task = Self {
            id: record.id,
            manifest: Arc::new(Manifest::from_stored(&record.manifest)?),
            created: record.created,
            state,
            last_run: record.last_run,
            hits: record.hits,
            misses: record.misses,
            failures: record.failures,
            last_failure: record.last_failure,
            run: None,
        };
        Ok((task, resume))
    }
}

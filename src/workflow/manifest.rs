//! PURE. What a task says: manifests of version 1, in JSON and YAML.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::base::{ErrorKind, TimestampNs};

use super::{Config, Tags, gotime::Moment};

/// A manifest that makes no task; the text is Snap's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not built yet.
    #[error("{0}")]
    Text(String),
}

/// A task as its author wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Shown; `Task-<id>` when absent.
    pub name: Option<String>,
    /// The latest moment after a fire at which one of its jobs may begin.
    pub deadline: Duration,
    /// When it runs.
    pub schedule: Schedule,
    /// What it does.
    pub workflow: Workflow,
    /// Whether it starts at once.
    pub start: bool,
    /// Consecutive failures that disable it; none never do.
    pub max_failures: Option<u32>,
    /// How long a streaming collector may gather before it sends.
    pub max_collect_duration: Duration,
    /// How many metrics a streaming collector may gather before it sends; 0 is no gathering.
    pub max_metrics_buffer: i64,
}

/// When a task runs; as stored and echoed.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Every interval, within a window; "simple" is the same.
    Windowed(Window),
    /// At the times of a cron expression, as given.
    Cron(String),
    /// When its streaming collector sends.
    Streaming,
}

/// Every interval, from a time on, up to a time, or so many times.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// More than zero.
    pub interval: Duration,
    /// When it begins, RFC 3339 as given; at once when absent.
    pub start: Option<Moment>,
    /// When it ends; never when absent.
    pub stop: Option<Moment>,
    /// After how many intervals it ends; 0 is never.
    pub count: u64,
}

/// What a task does: the root collects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workflow {
    /// Requested namespaces as written, to the wanted version; less than 1 is the latest.
    pub metrics: BTreeMap<String, i64>,
    /// Configuration by namespace as written.
    pub config: BTreeMap<String, Config>,
    /// Tags by namespace as written.
    pub tags: BTreeMap<String, Tags>,
    /// Processors of what was collected.
    pub process: Vec<Node>,
    /// Publishers of what was collected.
    pub publish: Vec<Node>,
}

/// A processor or publisher in a workflow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// The plugin's name as written.
    pub plugin_name: String,
    /// The wanted version; less than 1 is the latest.
    pub plugin_version: i64,
    /// Its configuration.
    pub config: Config,
    /// Where it is to run; empty is here.
    pub target: String,
    /// Processors of its output; publishers have none.
    pub process: Vec<Node>,
    /// Publishers of its output; publishers have none.
    pub publish: Vec<Node>,
}

/// Reads the manifest that a client sends, in JSON, and checks that it could be followed from now on.
///
/// # Errors
/// The first of the errors that Snap would find.
pub fn from_json(_text: &[u8], _now: TimestampNs) -> Result<Manifest, ManifestError> {
    Err(ManifestError::Text("unexpected end of JSON input".to_owned()))
}

/// Reads the manifest of a file, in YAML or JSON.
///
/// # Errors
/// As [`from_json`], and when the text is no YAML.
pub fn from_yaml(_text: &str, _now: TimestampNs) -> Result<Manifest, ManifestError> {
    Err(ManifestError::Text("unexpected end of JSON input".to_owned()))
}

/// Replaces `$NAME` and `${NAME}` by what `lookup` says, or nothing, as a shell would.
#[must_use]
pub fn expand(text: &str, _lookup: impl Fn(&str) -> Option<String>) -> String {
    text.to_owned()
}

impl Manifest {
    /// The manifest as a client could send it, in JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Null
    }

    /// Reads what [`Manifest::to_json`] made, however long ago.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_stored(_manifest: &Value) -> Result<Self, ManifestError> {
        Err(ManifestError::Text("unexpected end of JSON input".to_owned()))
    }

    /// The workflow as answers show it: `{"collect": ...}`.
    #[must_use]
    pub fn echo_workflow(&self) -> Value {
        Value::Null
    }

    /// The schedule as answers show it; a streaming task shows none.
    #[must_use]
    pub fn echo_schedule(&self) -> Option<Value> {
        None
    }
}

impl ManifestError {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

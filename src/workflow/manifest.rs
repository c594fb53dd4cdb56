//! PURE. What a task says: manifests of version 1, in JSON and YAML.
//!
//! ```text
//! text -> gojson::Value -> shape (decode): keys and types, in the order of the keys
//!                       -> meaning (build): schedule and workflow are there, the schedule is valid now, durations,
//!                                           metrics, configuration of four types
//!      -> Manifest -> echo: what answers show      -> to_json: all of it, as stored and exported
//! ```
//!
//! The first error found is the answer, in Snap's words. Snap looks at the keys of an object in a random order; here they
//! are looked at by name. Which plugins and metrics are meant is the concern of [`super::plan`].

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::base::{ErrorKind, TimestampNs};

use super::{
    Config, Tags, godur, gojson,
    gotime::{self, Moment},
    schedule,
};

mod decode;
mod echo;
mod environment;

pub use environment::expand;

/// What `deadline` is when it is not given.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);

/// What `max-collect-duration` is when it is not given.
pub const DEFAULT_MAX_COLLECT_DURATION: Duration = Duration::from_secs(10);

/// What `max-failures` is when it is 0 or not given.
pub const DEFAULT_MAX_FAILURES: u32 = 10;

/// A task as its author wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Shown; `Task-<id>` when absent.
    pub name: Option<String>,
    /// The latest moment after a fire at which one of its jobs may begin; one before the fire is at it.
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
    /// When it begins; at once when absent.
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

/// A manifest that makes no task; the texts are Snap's and Go's.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// It is no JSON.
    #[error(transparent)]
    Syntax(#[from] gojson::SyntaxError),
    /// It is no YAML.
    #[error("{0}")]
    Yaml(String),
    /// A part has another type than it should.
    #[error(transparent)]
    Type(#[from] gojson::TypeError),
    /// A setting has another type than it should.
    #[error("{error} (while parsing '{key}')")]
    Setting {
        /// Its key.
        key: &'static str,
        /// What is wrong.
        error: gojson::TypeError,
    },
    /// A timestamp is none.
    #[error(transparent)]
    Time(#[from] gotime::Invalid),
    /// A key that is not known.
    #[error("Unrecognized key '{key}' in {place}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was met.
        place: &'static str,
    },
    /// There is no schedule, or nothing in it.
    #[error("Task must include a schedule, and the schedule must not be empty")]
    NoSchedule,
    /// There is no workflow, or nothing in it.
    #[error("Task must include a workflow, and the workflow must not be empty")]
    NoWorkflow,
    /// There are no such schedules.
    #[error("unknown schedule type `{0}`")]
    UnknownSchedule(String),
    /// A schedule without the interval that it needs.
    #[error("missing `interval` in configuration of schedule")]
    NoInterval,
    /// A schedule that cannot be followed from now on.
    #[error(transparent)]
    Schedule(#[from] schedule::Invalid),
    /// A duration is none.
    #[error(transparent)]
    Duration(#[from] godur::Invalid),
    /// The workflow collects nothing.
    #[error("Collection node has not metrics defined to collect")]
    NoMetrics,
    /// A value of a plugin's configuration that is no text, number or boolean.
    #[error("Cannot convert config value to config data node: {namespace}=>{value}")]
    Config {
        /// The namespace that it is given for; empty for processors and publishers.
        namespace: String,
        /// The value.
        value: gojson::Value,
    },
}

/// Reads the manifest that a client sends, in JSON, and checks that its schedule could be followed from now on.
///
/// # Errors
/// The first one that Snap would find.
pub fn from_json(text: &[u8], now: TimestampNs) -> Result<Manifest, ManifestError> {
    decode::manifest(&gojson::parse(text)?, Some(now))
}

/// Reads the manifest of a file, in YAML, of which JSON is a part.
///
/// # Errors
/// As [`from_json`], and when the text is no YAML.
pub fn from_yaml(text: &str, now: TimestampNs) -> Result<Manifest, ManifestError> {
    let document: Value =
        serde_saphyr::from_str(text).map_err(|error| ManifestError::Yaml(error.without_snippet().to_string()))?;
    from_json(document.to_string().as_bytes(), now)
}

impl Manifest {
    /// Reads what [`Manifest::to_json`] made, however long ago.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_stored(manifest: &Value) -> Result<Self, ManifestError> {
        decode::manifest(&gojson::parse(manifest.to_string().as_bytes())?, None)
    }
}

impl ManifestError {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

#[cfg(test)]
mod tests;

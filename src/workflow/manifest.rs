//! PURE. What a task says: manifests of version 1, in JSON and YAML.

use std::{collections::BTreeMap, time::Duration};

use super::{Config, Tags};

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
    pub start: Option<jiff::Timestamp>,
    /// When it ends; never when absent.
    pub stop: Option<jiff::Timestamp>,
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

//! PURE. From a manifest to JSON: what answers show, and all of it. The order of the keys is Snap's.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Manifest, Node, Schedule, Window, Workflow};
use crate::workflow::{Config, config, godur};

impl Manifest {
    /// The workflow as answers show it: `{"collect": ...}`.
    #[must_use]
    pub fn echo_workflow(&self) -> Value {
        json!({ "collect": self.workflow.echo() })
    }

    /// The schedule as answers show it, without the count; a streaming task shows none.
    #[must_use]
    pub fn echo_schedule(&self) -> Option<Value> {
        match &self.schedule {
            Schedule::Windowed(window) => Some(Value::Object(window.echo())),
            Schedule::Cron(text) => Some(json!({ "type": "cron", "interval": text })),
            Schedule::Streaming => None,
        }
    }

    /// The whole manifest, as a client could send it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        all.insert("version".to_owned(), 1.into());
        if let Some(name) = &self.name {
            all.insert("name".to_owned(), name.as_str().into());
        }
        all.insert("deadline".to_owned(), print(self.deadline).into());
        all.insert("schedule".to_owned(), self.schedule.to_json());
        all.insert("workflow".to_owned(), self.echo_workflow());
        all.insert("start".to_owned(), self.start.into());
        let most = self.max_failures.map_or(-1, i64::from);
        all.insert("max-failures".to_owned(), most.into());
        let gathering = print(self.max_collect_duration);
        all.insert("max-collect-duration".to_owned(), gathering.into());
        all.insert("max-metrics-buffer".to_owned(), self.max_metrics_buffer.into());
        Value::Object(all)
    }
}

impl Schedule {
    fn to_json(&self) -> Value {
        match self {
            Self::Windowed(window) => {
                let mut all = window.echo();
                if window.count > 0 {
                    all.insert("count".to_owned(), window.count.into());
                }
                Value::Object(all)
            }
            Self::Cron(text) => json!({ "type": "cron", "interval": text }),
            Self::Streaming => json!({ "type": "streaming" }),
        }
    }
}

impl Window {
    fn echo(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("type".to_owned(), "windowed".into());
        shown.insert("interval".to_owned(), print(self.interval).into());
        let ends = [("start_timestamp", self.start), ("stop_timestamp", self.stop)];
        for (key, moment) in ends {
            if let Some(moment) = moment {
                shown.insert(key.to_owned(), moment.to_string().into());
            }
        }
        shown
    }
}

impl Workflow {
    fn echo(&self) -> Value {
        let metric = |(namespace, version): (&String, &i64)| (namespace.clone(), json!({ "version": version }));
        let config = |(namespace, config): (&String, &Config)| (namespace.clone(), config::to_json(config));
        let mut shown = Map::new();
        insert_given(
            &mut shown,
            "metrics",
            Value::Object(self.metrics.iter().map(metric).collect()),
        );
        insert_given(
            &mut shown,
            "config",
            Value::Object(self.config.iter().map(config).collect()),
        );
        insert_given(&mut shown, "tags", json!(self.tags));
        insert_given(&mut shown, "process", echo_nodes(&self.process));
        insert_given(&mut shown, "publish", echo_nodes(&self.publish));
        Value::Object(shown)
    }
}

fn echo_nodes(nodes: &[Node]) -> Value {
    nodes.iter().map(Node::echo).collect()
}

impl Node {
    fn echo(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("plugin_name".to_owned(), self.plugin_name.as_str().into());
        shown.insert("plugin_version".to_owned(), self.plugin_version.into());
        insert_given(&mut shown, "process", echo_nodes(&self.process));
        insert_given(&mut shown, "publish", echo_nodes(&self.publish));
        insert_given(&mut shown, "config", config::to_json(&self.config));
        shown.insert("target".to_owned(), self.target.as_str().into());
        Value::Object(shown)
    }
}

/// Tables and lists are left out when nothing is in them.
fn insert_given(shown: &mut Map<String, Value>, key: &str, value: Value) {
    let is_empty = match &value {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if !is_empty {
        shown.insert(key.to_owned(), value);
    }
}

fn print(duration: Duration) -> String {
    godur::print(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

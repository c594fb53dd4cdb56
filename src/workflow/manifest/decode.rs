//! PURE. From JSON to a manifest: first the shape of everything, then its meaning.

use std::{collections::BTreeMap, time::Duration};

use super::{
    DEFAULT_DEADLINE, DEFAULT_MAX_COLLECT_DURATION, DEFAULT_MAX_FAILURES, Manifest, ManifestError, Node, Workflow,
};
use crate::{
    base::TimestampNs,
    workflow::{
        Config, ConfigValue, Tags, godur,
        gojson::{TypeError, Value},
    },
};

mod schedule;

use schedule::ScheduleDraft;

/// Go's type of an object whose keys are looked at one by one.
const KEYED: &str = "map[string]json.RawMessage";

/// Reads a manifest; its schedule must be valid at `now`, if that is given.
pub(super) fn manifest(document: &Value, now: Option<TimestampNs>) -> Result<Manifest, ManifestError> {
    Draft::decode(document)?.build(now)
}

/// The shape of a manifest: every key is known and of the right type.
#[derive(Default)]
struct Draft {
    name: String,
    deadline: String,
    schedule: ScheduleDraft,
    workflow: Option<Workflow>,
    start: bool,
    max_failures: i64,
    max_collect_duration: String,
    max_metrics_buffer: i64,
    /// The first value of a configuration that is no setting.
    bad_config: Option<ManifestError>,
}

impl Draft {
    fn decode(document: &Value) -> Result<Self, ManifestError> {
        let mut draft = Self::default();
        for (key, value) in document.object(KEYED)? {
            match key.as_str() {
                "deadline" => value.string().map_err(at("deadline"))?.clone_into(&mut draft.deadline),
                "max-collect-duration" => {
                    let text = value.string().map_err(at("max-collect-duration"))?;
                    text.clone_into(&mut draft.max_collect_duration);
                }
                "max-failures" => draft.max_failures = value.integer("int").map_err(at("max-failures"))?,
                "max-metrics-buffer" => {
                    draft.max_metrics_buffer = value.integer("int64").map_err(at("max-metrics-buffer"))?;
                }
                "name" => value.string().map_err(at("name"))?.clone_into(&mut draft.name),
                "schedule" => draft.schedule = ScheduleDraft::decode(value)?,
                "start" => draft.start = value.bool().map_err(at("start"))?,
                // Any number will do: what clients think of it is theirs.
                "version" => drop(value.integer::<i64>("int").map_err(at("version"))?),
                "workflow" => draft.workflow = draft.decode_workflow(value)?,
                _ => return Err(unknown(key, "task creation request")),
            }
        }
        Ok(draft)
    }

    fn decode_workflow(&mut self, value: &Value) -> Result<Option<Workflow>, ManifestError> {
        let mut workflow = None;
        for (key, value) in value.object(KEYED)? {
            match (key.as_str(), value) {
                ("collect", Value::Null) => {}
                ("collect", _) => workflow = Some(self.decode_collect(value)?),
                _ => return Err(unknown(key, "workflow of task.")),
            }
        }
        Ok(workflow)
    }

    fn decode_collect(&mut self, value: &Value) -> Result<Workflow, ManifestError> {
        let mut workflow = Workflow::default();
        for (key, value) in value.object(KEYED)? {
            match key.as_str() {
                "config" => {
                    for (namespace, config) in value.object("map[string]map[string]interface {}")? {
                        let config = self.decode_config(config, namespace)?;
                        workflow.config.insert(namespace.clone(), config);
                    }
                }
                "metrics" => workflow.metrics = decode_metrics(value)?,
                "process" => workflow.process = self.decode_processors(value)?,
                "publish" => workflow.publish = self.decode_publishers(value)?,
                "tags" => workflow.tags = decode_tags(value)?,
                _ => return Err(unknown(key, "collect workflow of task.")),
            }
        }
        Ok(workflow)
    }

    fn decode_processors(&mut self, value: &Value) -> Result<Vec<Node>, ManifestError> {
        let nodes = value.array("[]wmap.ProcessWorkflowMapNode")?;
        nodes.iter().map(|node| self.decode_processor(node)).collect()
    }

    fn decode_publishers(&mut self, value: &Value) -> Result<Vec<Node>, ManifestError> {
        let nodes = value.array("[]wmap.PublishWorkflowMapNode")?;
        nodes.iter().map(|node| self.decode_publisher(node)).collect()
    }

    fn decode_processor(&mut self, value: &Value) -> Result<Node, ManifestError> {
        let mut node = Node::default();
        for (key, value) in value.object(KEYED)? {
            match key.as_str() {
                "process" => node.process = self.decode_processors(value)?,
                "publish" => node.publish = self.decode_publishers(value)?,
                _ if self.decode_call(&mut node, key, value)? => {}
                _ => return Err(unknown(key, "process workflow of task.")),
            }
        }
        Ok(node)
    }

    fn decode_publisher(&mut self, value: &Value) -> Result<Node, ManifestError> {
        let mut node = Node::default();
        for (key, value) in value.object(KEYED)? {
            if !self.decode_call(&mut node, key, value)? {
                return Err(unknown(key, "publish workflow of task."));
            }
        }
        Ok(node)
    }

    /// What processors and publishers have in common; whether the key is a part of that.
    fn decode_call(&mut self, node: &mut Node, key: &str, value: &Value) -> Result<bool, ManifestError> {
        match key {
            "config" => node.config = self.decode_config(value, "")?,
            "plugin_name" => value
                .string()
                .map_err(at("plugin_name"))?
                .clone_into(&mut node.plugin_name),
            "plugin_version" => node.plugin_version = value.integer("int").map_err(at("plugin_version"))?,
            "target" => value.string().map_err(at("target"))?.clone_into(&mut node.target),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Settings; a value that is none is remembered, as its shape is right.
    fn decode_config(&mut self, value: &Value, namespace: &str) -> Result<Config, ManifestError> {
        let mut config = Config::new();
        for (key, value) in value.object("map[string]interface {}")? {
            match setting(value)? {
                Some(setting) => drop(config.insert(key.clone(), setting)),
                None => drop(self.bad_config.get_or_insert_with(|| ManifestError::Config {
                    namespace: namespace.to_owned(),
                    value: value.clone(),
                })),
            }
        }
        Ok(config)
    }

    fn build(self, now: Option<TimestampNs>) -> Result<Manifest, ManifestError> {
        if self.schedule == ScheduleDraft::default() {
            return Err(ManifestError::NoSchedule);
        }
        let workflow = self.workflow.ok_or(ManifestError::NoWorkflow)?;
        let schedule = self.schedule.build()?;
        if let Some(now) = now {
            schedule.validate(now)?;
        }
        let deadline = duration(&self.deadline, DEFAULT_DEADLINE)?;
        let max_collect_duration = duration(&self.max_collect_duration, DEFAULT_MAX_COLLECT_DURATION)?;
        if workflow.metrics.is_empty() {
            return Err(ManifestError::NoMetrics);
        }
        if let Some(error) = self.bad_config {
            return Err(error);
        }
        Ok(Manifest {
            name: Some(self.name).filter(|name| !name.is_empty()),
            deadline,
            schedule,
            workflow,
            start: self.start,
            max_failures: match self.max_failures {
                0 => Some(DEFAULT_MAX_FAILURES),
                ..0 => None,
                most => Some(u32::try_from(most).unwrap_or(u32::MAX)),
            },
            max_collect_duration,
            max_metrics_buffer: self.max_metrics_buffer,
        })
    }
}

fn decode_metrics(value: &Value) -> Result<BTreeMap<String, i64>, ManifestError> {
    let mut metrics = BTreeMap::new();
    for (namespace, value) in value.object("map[string]wmap.metricInfo")? {
        let mut version = 0;
        for (key, value) in value.object(KEYED)? {
            match key.as_str() {
                "version" => version = value.integer("int").map_err(at("version"))?,
                _ => return Err(unknown(key, "metrics in collect workflow of task")),
            }
        }
        metrics.insert(namespace.clone(), version);
    }
    Ok(metrics)
}

fn decode_tags(value: &Value) -> Result<BTreeMap<String, Tags>, ManifestError> {
    let mut all = BTreeMap::new();
    for (namespace, value) in value.object("map[string]map[string]string")? {
        let mut tags = Tags::new();
        for (key, value) in value.object("map[string]string")? {
            tags.insert(key.clone(), value.string()?.to_owned());
        }
        all.insert(namespace.clone(), tags);
    }
    Ok(all)
}

/// A setting; `None` when it is nothing, a list or a table. A number without a fraction is an integer, however written.
fn setting(value: &Value) -> Result<Option<ConfigValue>, TypeError> {
    Ok(match value {
        Value::String(text) => Some(ConfigValue::String(text.clone())),
        Value::Bool(is) => Some(ConfigValue::Bool(*is)),
        Value::Number(text) => match text.parse() {
            Ok(integer) => Some(ConfigValue::Integer(integer)),
            Err(_) => value.float()?.map(number),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

#[expect(clippy::cast_possible_truncation)]
fn number(number: f64) -> ConfigValue {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-BEYOND..BEYOND).contains(&number) {
        ConfigValue::Integer(number as i64)
    } else {
        ConfigValue::Float(number)
    }
}

fn duration(text: &str, default: Duration) -> Result<Duration, godur::Invalid> {
    match text {
        "" => Ok(default),
        text => godur::parse(text).map(not_negative),
    }
}

fn not_negative(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

fn at(key: &'static str) -> impl Fn(TypeError) -> ManifestError {
    move |error| ManifestError::Setting { key, error }
}

fn unknown(key: &str, place: &'static str) -> ManifestError {
    ManifestError::UnknownKey {
        key: key.to_owned(),
        place,
    }
}

//! PURE. From a workflow to a plan.
//!
//! Errors come in three stages, as in Snap; those of one hide the next: the metrics and who collects them, the
//! collectors' configuration, the processors and publishers. Within a stage all are told, in the order of the workflow.

use std::{collections::BTreeMap, sync::Arc};

use super::{Collect, Plan, PlanError, Scope, Step};
use crate::workflow::{
    Config, Metric, Namespace, PluginKey, PluginType,
    catalogue::{Catalogue, Entry},
    config::{Address, ConfigTree},
    manifest::{Manifest, Node, Schedule, Workflow},
    policy::{self, Rules},
};

/// The metrics that each collector is asked for, every one once.
type Requested = BTreeMap<PluginKey, BTreeMap<(Namespace, i64), Arc<Entry>>>;

/// What a task's workflow means now. The targets of its nodes are not looked at.
///
/// # Errors
/// All errors of the first stage that has any.
pub fn resolve(manifest: &Manifest, scope: Scope<'_>) -> Result<Plan, Vec<PlanError>> {
    let workflow = &manifest.workflow;
    let requested = requested(workflow, scope.catalogue, manifest.schedule == Schedule::Streaming)?;
    let collect = collects(workflow, &requested, scope)?;
    let mut steps = Steps {
        scope,
        errors: Vec::new(),
    };
    let process = steps.resolve(PluginType::Processor, &workflow.process);
    let publish = steps.resolve(PluginType::Publisher, &workflow.publish);
    none_of(steps.errors)?;
    Ok(Plan {
        collect,
        process,
        publish,
    })
}

fn none_of(errors: Vec<PlanError>) -> Result<(), Vec<PlanError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn requested(workflow: &Workflow, catalogue: &Catalogue, streaming: bool) -> Result<Requested, Vec<PlanError>> {
    let mut requested = Requested::new();
    let mut errors = Vec::new();
    for (namespace, version) in &workflow.metrics {
        match catalogue.requested(&Namespace::parse(namespace), *version) {
            Ok(entries) => entries.into_iter().for_each(|entry| add(&mut requested, entry)),
            Err(error) => errors.push(error.into()),
        }
    }
    errors.extend(wrong_collectors(&requested, streaming));
    none_of(errors)?;
    Ok(requested)
}

fn add(requested: &mut Requested, entry: Arc<Entry>) {
    let metric = (entry.metric.namespace.clone(), entry.metric.version);
    let collector = requested.entry(entry.plugin.clone()).or_default();
    collector.insert(metric, entry);
}

/// What is wrong with these collectors in a task of that kind.
fn wrong_collectors(requested: &Requested, streaming: bool) -> Option<PlanError> {
    let streams = |plugin: &PluginKey| plugin.kind == PluginType::StreamingCollector;
    if requested.keys().any(|plugin| streams(plugin) != streaming) {
        return Some(PlanError::Incompatible);
    }
    (streaming && requested.len() > 1).then_some(PlanError::SeveralStreams)
}

fn collects(workflow: &Workflow, requested: &Requested, scope: Scope<'_>) -> Result<Vec<Collect>, Vec<PlanError>> {
    let mut given = ConfigTree::default();
    for (namespace, config) in &workflow.config {
        given.insert(Namespace::parse_prefix(namespace), config.clone());
    }
    let mut errors = Vec::new();
    let collect = |(plugin, entries): (&PluginKey, &BTreeMap<_, Arc<Entry>>)| {
        let global = global(plugin, scope);
        let mut metrics = Vec::with_capacity(entries.len());
        for entry in entries.values() {
            match collected(entry, &global, &given) {
                Ok(config) => metrics.push(with_config(entry, config, metrics.last())),
                Err(wrong) => errors.extend(wrong),
            }
        }
        Collect {
            plugin: plugin.clone(),
            metrics: metrics.into(),
        }
    };
    let collects = requested.iter().map(collect).collect();
    none_of(errors)?;
    Ok(collects)
}

/// What a metric is collected with: the task's settings over the operator's over the defaults. As in Snap, bounds are not
/// looked at: collectors may be given what their policy would not allow.
fn collected(entry: &Entry, global: &Config, given: &ConfigTree) -> Result<Config, Vec<PlanError>> {
    let merged = over(global, &given.get(&entry.metric.namespace));
    checked(&entry.rules, &merged, false)
}

/// The request for a metric; one with the same settings as the request before it shares them.
fn with_config(entry: &Entry, config: Config, previous: Option<&Metric>) -> Metric {
    let same = previous.filter(|previous| *previous.config == config);
    Metric {
        config: same.map_or_else(|| Arc::new(config), |previous| Arc::clone(&previous.config)),
        ..entry.metric.clone()
    }
}

/// What the operator gives to a plugin.
fn global(plugin: &PluginKey, scope: Scope<'_>) -> Config {
    scope.config.get(&Address {
        kind: Some(plugin.kind),
        name: plugin.name.clone(),
        version: plugin.version,
    })
}

fn over(below: &Config, above: &Config) -> Config {
    let all = below.iter().chain(above);
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn checked(rules: &Rules, config: &Config, bounds: bool) -> Result<Config, Vec<PlanError>> {
    policy::process(rules, config, bounds).map_err(|errors| errors.into_iter().map(PlanError::Config).collect())
}

/// Resolves processors and publishers, and gathers what is wrong with them.
struct Steps<'a> {
    scope: Scope<'a>,
    errors: Vec<PlanError>,
}

impl Steps<'_> {
    fn resolve(&mut self, kind: PluginType, nodes: &[Node]) -> Vec<Step> {
        nodes.iter().filter_map(|node| self.step(kind, node)).collect()
    }

    fn step(&mut self, kind: PluginType, node: &Node) -> Option<Step> {
        let call = self.call(kind, node);
        let call = call.map_err(|errors| self.errors.extend(errors)).ok();
        let process = self.resolve(PluginType::Processor, &node.process);
        let publish = self.resolve(PluginType::Publisher, &node.publish);
        call.map(|(plugin, config)| Step {
            plugin,
            config: Arc::new(config),
            process,
            publish,
        })
    }

    fn call(&self, kind: PluginType, node: &Node) -> Result<(PluginKey, Config), Vec<PlanError>> {
        let (plugin, rules) = self.find(kind, node).map_err(|error| vec![error])?;
        let merged = over(&global(&plugin, self.scope), &node.config);
        let mut config = checked(&rules, &merged, true)?;
        // Snap's order for these: what the operator gives only fills what has no default.
        let defaults = rules.iter().filter(|(name, _)| !node.config.contains_key(*name));
        let defaults = defaults.filter_map(|(name, rule)| Some((name.clone(), rule.kind.default_value()?)));
        config.extend(defaults);
        Ok((plugin, config))
    }

    /// The loaded plugin of that name, in the wanted version or the latest.
    fn find(&self, kind: PluginType, node: &Node) -> Result<(PluginKey, Rules), PlanError> {
        let name = node.plugin_name.to_lowercase();
        let version = node.plugin_version;
        let fits = |key: &PluginKey| key.kind == kind && key.name == name && (version < 1 || key.version == version);
        let fitting = self.scope.plugins.iter().filter(|(key, _)| fits(key));
        match fitting.max_by_key(|(key, _)| key.version) {
            Some((key, policy)) => Ok(((*key).clone(), policy.for_namespace(&Namespace::from_iter([])))),
            None => Err(PlanError::NoPlugin {
                kind,
                name,
                version: if version < 1 { -1 } else { version },
            }),
        }
    }
}

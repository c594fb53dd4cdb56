//! PURE. Messages to and from the words of workflows.

use std::sync::Arc;

use crate::{
    base::TimestampNs,
    workflow::{
        self, Config, ConfigValue, Element,
        policy::{Policy, Rule, RuleKind},
    },
};

use super::{ConfigMap, Data, GetConfigPolicyReply, Metric, NamespaceElement, Time};

const NS_PER_SECOND: i64 = 1_000_000_000;

/// What metrics are sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be collected: Snap keeps descriptions to itself.
    Collect,
    /// To be processed or published.
    HandOn,
}

impl Time {
    /// Midnight of the first day of year 1: how Go writes that there is no time.
    pub(crate) const UNSET: Self = Self {
        sec: -62_135_596_800,
        nsec: 0,
    };

    fn encode(time: Option<TimestampNs>) -> Self {
        time.map_or(Self::UNSET, |TimestampNs(ns)| Self {
            sec: ns.div_euclid(NS_PER_SECOND),
            nsec: ns.rem_euclid(NS_PER_SECOND),
        })
    }

    /// Times out of reach of 64 bits of nanoseconds become the nearest that are not.
    fn decode(self) -> Option<TimestampNs> {
        let is_set = self.sec != Self::UNSET.sec;
        is_set.then(|| TimestampNs(self.sec.saturating_mul(NS_PER_SECOND).saturating_add(self.nsec)))
    }
}

/// Metrics as plugins take them.
pub(crate) fn encode_metrics(metrics: &[workflow::Metric], purpose: Purpose) -> Vec<Metric> {
    metrics.iter().map(|metric| encode_metric(metric, purpose)).collect()
}

fn encode_metric(metric: &workflow::Metric, purpose: Purpose) -> Metric {
    let timestamp = Time::encode(metric.timestamp);
    Metric {
        namespace: metric.namespace.0.iter().map(encode_element).collect(),
        version: metric.version,
        config: Some(encode_config(&metric.config)),
        // Snap takes the nanoseconds from the other time.
        last_advertised: Some(Time {
            nsec: timestamp.nsec,
            ..Time::encode(metric.last_advertised)
        }),
        tags: (*metric.tags).clone(),
        timestamp: Some(timestamp),
        unit: metric.unit.to_string(),
        description: match purpose {
            Purpose::Collect => String::new(),
            Purpose::HandOn => metric.description.to_string(),
        },
        data: encode_data(&metric.data),
    }
}

fn encode_element(element: &Element) -> NamespaceElement {
    NamespaceElement {
        value: element.value.clone(),
        description: element.description.clone(),
        name: element.name.clone(),
    }
}

fn encode_data(data: &workflow::Data) -> Option<Data> {
    Some(match data {
        workflow::Data::None => return None,
        workflow::Data::String(text) => Data::String(text.clone()),
        workflow::Data::Float32(number) => Data::Float32(*number),
        workflow::Data::Float64(number) => Data::Float64(*number),
        workflow::Data::Int32(number) => Data::Int32(*number),
        workflow::Data::Int64(number) => Data::Int64(*number),
        workflow::Data::Uint32(number) => Data::Uint32(*number),
        workflow::Data::Uint64(number) => Data::Uint64(*number),
        workflow::Data::Bool(yes) => Data::Bool(*yes),
        workflow::Data::Bytes(bytes) => Data::Bytes(bytes.clone()),
    })
}

/// A configuration as plugins take it.
pub(crate) fn encode_config(config: &Config) -> ConfigMap {
    let mut map = ConfigMap::default();
    for (name, value) in config {
        let name = name.clone();
        match value {
            ConfigValue::String(text) => drop(map.strings.insert(name, text.clone())),
            ConfigValue::Integer(number) => drop(map.integers.insert(name, *number)),
            ConfigValue::Float(number) => drop(map.floats.insert(name, *number)),
            ConfigValue::Bool(yes) => drop(map.bools.insert(name, *yes)),
        }
    }
    map
}

/// Metrics as a plugin sent them; those that it says nothing of the time of have the time at which they came.
pub(crate) fn decode_metrics(metrics: Vec<Metric>, came: TimestampNs) -> Vec<workflow::Metric> {
    metrics.into_iter().map(|metric| decode_metric(metric, came)).collect()
}

fn decode_metric(metric: Metric, came: TimestampNs) -> workflow::Metric {
    let time = |time: Option<Time>| time.map_or(Some(came), Time::decode);
    workflow::Metric {
        namespace: metric.namespace.into_iter().map(decode_element).collect(),
        version: metric.version,
        config: Arc::new(metric.config.map(decode_config).unwrap_or_default()),
        data: metric.data.map_or(workflow::Data::None, decode_data),
        tags: Arc::new(metric.tags),
        timestamp: time(metric.timestamp),
        last_advertised: time(metric.last_advertised),
        unit: metric.unit.into(),
        description: metric.description.into(),
    }
}

fn decode_element(element: NamespaceElement) -> Element {
    Element {
        value: element.value,
        name: element.name,
        description: element.description,
    }
}

fn decode_data(data: Data) -> workflow::Data {
    match data {
        Data::String(text) => workflow::Data::String(text),
        Data::Float32(number) => workflow::Data::Float32(number),
        Data::Float64(number) => workflow::Data::Float64(number),
        Data::Int32(number) => workflow::Data::Int32(number),
        Data::Int64(number) => workflow::Data::Int64(number),
        Data::Uint32(number) => workflow::Data::Uint32(number),
        Data::Uint64(number) => workflow::Data::Uint64(number),
        Data::Bool(yes) => workflow::Data::Bool(yes),
        Data::Bytes(bytes) => workflow::Data::Bytes(bytes),
    }
}

fn decode_config(map: ConfigMap) -> Config {
    let integers = map
        .integers
        .into_iter()
        .map(|(name, value)| (name, ConfigValue::Integer(value)));
    let floats = map
        .floats
        .into_iter()
        .map(|(name, value)| (name, ConfigValue::Float(value)));
    let strings = map
        .strings
        .into_iter()
        .map(|(name, value)| (name, ConfigValue::String(value)));
    let bools = map
        .bools
        .into_iter()
        .map(|(name, value)| (name, ConfigValue::Bool(value)));
    integers.chain(floats).chain(strings).chain(bools).collect()
}

/// The rules of a plugin, by the namespaces that it names one element after the other.
pub(crate) fn decode_policy(reply: GetConfigPolicyReply) -> Policy {
    let mut policy = Policy::default();
    let mut add = |path: &[String], name: String, required: bool, kind: RuleKind| {
        let rules = policy.nodes.entry(path.to_vec()).or_default();
        rules.insert(name, Rule { kind, required });
    };
    for node in reply.bools.into_values() {
        for (name, rule) in node.rules {
            let default = rule.has_default.then_some(rule.default);
            add(&node.key, name, rule.required, RuleKind::Bool { default });
        }
    }
    for node in reply.floats.into_values() {
        for (name, rule) in node.rules {
            let kind = RuleKind::Float {
                default: rule.has_default.then_some(rule.default),
                minimum: rule.has_min.then_some(rule.minimum),
                maximum: rule.has_max.then_some(rule.maximum),
            };
            add(&node.key, name, rule.required, kind);
        }
    }
    for node in reply.integers.into_values() {
        for (name, rule) in node.rules {
            let kind = RuleKind::Integer {
                default: rule.has_default.then_some(rule.default),
                minimum: rule.has_min.then_some(rule.minimum),
                maximum: rule.has_max.then_some(rule.maximum),
            };
            add(&node.key, name, rule.required, kind);
        }
    }
    for node in reply.strings.into_values() {
        for (name, rule) in node.rules {
            let default = rule.has_default.then_some(rule.default);
            add(&node.key, name, rule.required, RuleKind::String { default });
        }
    }
    policy
}

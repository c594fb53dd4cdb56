//! The collector `host`: what this machine does, below `/host`.
//!
//! ```text
//! Instance ──▶ Sampler: one sample at a time, shared ──blocking thread──▶ Probe (sysinfo) ──▶ Snapshot ──▶ metrics
//! ```
//!
//! All tasks share the samples of one [`Sampler`], and a machine that hangs, such as on a dead network disk, holds up no
//! thread of the runtime.

mod groups;
mod metrics;
mod probe;
mod sampler;

use std::sync::Arc;

use crate::workflow::{Element, Metric, Namespace, PluginType};

use super::{
    super::{Answer, CallError, Instance},
    Builtin, description,
    options::rules,
};

pub(super) use sampler::Sampler;

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Collector,
    name: "host",
    version: 1,
    prefix: &["host"],
    files: &[],
    describe: |_| Ok(description(&V1, rules([]), metrics::catalogue())),
    start: |deps| Arc::new(Host(Arc::clone(&deps.host))),
};

#[derive(Debug)]
struct Host(Arc<Sampler>);

impl Instance for Host {
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        Box::pin(async move { select(&wanted, &self.0.sample().await?) })
    }
}

/// The metrics of a sample that are asked for.
///
/// What comes and goes, such as an interface, is left out while it is not there; only when nothing at all is left, and
/// something was asked for by its name, it is an error.
fn select(wanted: &[Metric], sample: &[Metric]) -> Result<Vec<Metric>, CallError> {
    let mut selected = Vec::with_capacity(sample.len());
    for asked in wanted {
        let asked_for = sample
            .iter()
            .filter(|metric| matches(&asked.namespace, &metric.namespace));
        selected.extend(asked_for.cloned());
    }
    let by_name = |element: &&Element| element.is_dynamic() && element.value != "*";
    let named = wanted.iter().flat_map(|asked| asked.namespace.0.iter()).find(by_name);
    match named {
        Some(missing) if selected.is_empty() => {
            let Element { name, value, .. } = missing;
            Err(CallError::Plugin(format!(
                "requested {name} `{value}` is not available"
            )))
        }
        _ => Ok(selected),
    }
}

fn matches(asked: &Namespace, metric: &Namespace) -> bool {
    let same = |(asked, metric): (&Element, &Element)| {
        asked.value == metric.value || (asked.value == "*" && metric.is_dynamic())
    };
    asked.0.len() == metric.0.len() && asked.0.iter().zip(metric.0.iter()).all(same)
}

#[cfg(test)]
mod tests;

//! The collector `prometheus-scrape`: what endpoints show in Prometheus's text format, below `/prometheus`.
//!
//! A sample is `/prometheus/[target]/[metric]/value` with its labels as tags; histograms and summaries are the samples
//! that they are made of. As in Prometheus, a target that cannot be read has the metric `up` with the value 0, all others
//! 1; when none can be read, collecting fails.

mod exposition;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::future::join_all;
use reqwest::Url;

use crate::{
    base::TimestampNs,
    workflow::{Config, Data, Element, Metric, Namespace, PluginType, Routing, Tags},
};

use super::{
    super::{Answer, CallError, Description, Instance},
    Builtin, Deps, description,
    options::{self, optional_integer, required_text, rules, seconds},
};

use exposition::Format;

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Collector,
    name: "prometheus-scrape",
    version: 1,
    prefix: &["prometheus"],
    files: &[],
    describe: |_| Ok(describe()),
    start: |deps| Arc::new(Scrape { deps: deps.clone() }),
};

/// Bytes of one endpoint's answer.
const MAX_BODY: usize = 16 << 20;
/// Seconds for one endpoint.
const TIMEOUT: u32 = 5;
/// Below the time for a call.
const MAX_TIMEOUT: u32 = 9;
const ACCEPT: &str = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5";
/// The metric that tells whether a target could be read.
const UP: &str = "up";

fn describe() -> Description {
    let timeout = optional_integer(Some(TIMEOUT.into()), 1, MAX_TIMEOUT.into());
    let rules = rules([("url", required_text()), ("timeout", timeout)]);
    let mut metric = Metric::new(namespace("*", "*"), V1.version);
    metric.description = "a sample that an endpoint shows".into();
    let mut description = description(&V1, rules, vec![metric]);
    // What one task's endpoints showed is nothing for another.
    description.meta.routing = Routing::Sticky;
    description
}

fn namespace(target: &str, metric: &str) -> Namespace {
    let dynamic = |name, description, value: &str| Element {
        value: value.to_owned(),
        ..Element::dynamic(name, description)
    };
    let target = dynamic("target", "host and port of the endpoint", target);
    let metric = dynamic("metric", "name of the metric in the endpoint's answer", metric);
    [Element::new("prometheus"), target, metric, Element::new("value")]
        .into_iter()
        .collect()
}

#[derive(Debug)]
struct Scrape {
    deps: Deps,
}

impl Instance for Scrape {
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        Box::pin(async move {
            let mut configs: Vec<&Arc<Config>> = Vec::new();
            for metric in wanted.iter() {
                if !configs.contains(&&metric.config) {
                    configs.push(&metric.config);
                }
            }
            let mut collected = Vec::new();
            for config in configs {
                let seen = self.scrape_all(config).await?;
                let asked = wanted.iter().filter(|metric| metric.config == *config);
                let asked: Vec<_> = asked.map(|metric| &metric.namespace).collect();
                collected.extend(
                    seen.into_iter()
                        .filter(|metric| asked.iter().any(|asked| matches(asked, &metric.namespace))),
                );
            }
            Ok(collected)
        })
    }
}

impl Scrape {
    /// What all endpoints of a configuration show.
    async fn scrape_all(&self, config: &Config) -> Result<Vec<Metric>, CallError> {
        let targets = targets(options::text(config, "url")).map_err(CallError::Plugin)?;
        let timeout = seconds(config, "timeout", TIMEOUT);
        let scraped = join_all(targets.iter().map(|target| self.scrape(target, timeout))).await;
        let mut metrics = Vec::new();
        let mut failures = Vec::new();
        for (target, scraped) in targets.iter().zip(scraped) {
            let is_up = scraped.is_ok();
            match scraped {
                Ok(seen) => metrics.extend(seen),
                Err(error) => failures.push(format!("{}: {error}", target.name)),
            }
            let up = if is_up { 1.0 } else { 0.0 };
            metrics.push(sample(&target.name, UP, Tags::new(), up, self.deps.clock.now()));
        }
        if failures.len() == targets.len() {
            return Err(CallError::Plugin(failures.join("; ")));
        }
        Ok(metrics)
    }

    async fn scrape(&self, target: &Target, timeout: Duration) -> Result<Vec<Metric>, String> {
        let document = self.deps.http.get(&target.url, ACCEPT, MAX_BODY, timeout).await;
        let document = document.map_err(|error| error.to_string())?;
        let format = Format::of_content_type(&document.content_type);
        let text = std::str::from_utf8(&document.body).map_err(|_| "the answer is not UTF-8".to_owned())?;
        let exposition = exposition::parse(text, format).map_err(|error| error.to_string())?;
        let now = self.deps.clock.now();
        let metric = |seen: &exposition::Sample<'_>| {
            let labels = seen
                .labels
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()));
            let mut metric = sample(
                &target.name,
                &seen.name,
                labels.collect(),
                seen.value,
                seen.time.unwrap_or(now),
            );
            if let Some(family) = exposition.family(&seen.name) {
                metric.description = family.help.as_ref().into();
                metric.unit = family.unit.into();
            }
            metric
        };
        Ok(exposition.samples.iter().map(metric).collect())
    }
}

fn sample(target: &str, name: &str, labels: Tags, value: f64, time: TimestampNs) -> Metric {
    Metric {
        data: Data::Float64(value),
        tags: Arc::new(labels),
        timestamp: Some(time),
        ..Metric::new(namespace(target, name), V1.version)
    }
}

fn matches(asked: &Namespace, metric: &Namespace) -> bool {
    let same = |(asked, metric): (&Element, &Element)| asked.value == "*" || asked.value == metric.value;
    asked.0.len() == metric.0.len() && asked.0.iter().zip(metric.0.iter()).all(same)
}

/// An endpoint.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    /// Host and port, as Prometheus's label `instance` has it.
    name: String,
    url: String,
}

/// The endpoints of a setting: URLs with commas or blanks between them.
fn targets(text: &str) -> Result<Vec<Target>, String> {
    let split = text.split([',', ' ', '\n', '\t']).filter(|url| !url.is_empty());
    let targets: BTreeSet<Target> = split.map(target).collect::<Result<_, _>>()?;
    if targets.is_empty() {
        return Err("url: no endpoint is named".to_owned());
    }
    Ok(targets.into_iter().collect())
}

fn target(text: &str) -> Result<Target, String> {
    // The text itself is not repeated: it may carry a password.
    let url = Url::parse(text).map_err(|error| format!("url: {error}"))?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"));
    let host = host.ok_or_else(|| format!("url: {:?} is neither http nor https", url.scheme()))?;
    let name = match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    Ok(Target { name, url: url.into() })
}

#[cfg(test)]
mod tests;

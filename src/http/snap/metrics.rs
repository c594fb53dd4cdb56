//! `…/metrics`: what can be collected.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;

use crate::workflow::catalogue::{
    Entry,
    query::{Found, Query},
};

use super::{
    super::params,
    Call, answer,
    error::SnapError,
    escape,
    policy::{self, ShownRule},
    route::Version,
    settings,
};

#[derive(Serialize)]
struct ShownMetric<'a> {
    /// Unix seconds.
    last_advertised_timestamp: i64,
    namespace: String,
    version: i64,
    dynamic: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dynamic_elements: Vec<DynamicElement<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy: Vec<ShownRule<'a>>,
    href: String,
}

#[derive(Serialize)]
struct DynamicElement<'a> {
    #[serde(skip_serializing_if = "is_zero")]
    index: usize,
    name: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct One<'a> {
    #[serde(rename = "Metric")]
    metric: ShownMetric<'a>,
}

#[derive(Serialize)]
struct Many<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<ShownMetric<'a>>,
}

/// The metrics, or the one, that a path or the parameters mean.
pub(super) fn list(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let view = call.services.plugins.view();
    let found = query(call)?.answer(&view.catalogue).map_err(SnapError::not_found)?;
    let ok = StatusCode::OK;
    Ok(match (call.version, &found) {
        (Version::V1, Found::Many(entries)) => {
            answer::v1(ok, "metrics_returned", "Metrics returned", &all(call, entries))
        }
        // A single metric's policy is shown without bounds, in version 1.
        (Version::V1, Found::One(entry)) => {
            let metric = metric(call, entry, false);
            answer::v1(ok, "metric_returned", "Metric returned", &One { metric })
        }
        (Version::V2, Found::Many(entries)) => answer::v2(
            ok,
            &Many {
                metrics: all(call, entries),
            },
        ),
        (Version::V2, Found::One(entry)) => {
            let metrics = vec![metric(call, entry, true)];
            answer::v2(ok, &Many { metrics })
        }
    })
}

/// The version is looked at only beside a namespace.
fn query(call: &Call<'_>) -> Result<Query, SnapError> {
    let version = || {
        let text = Some(params::text(&call.query, "ver")).filter(|text| !text.is_empty());
        text.map(settings::number).transpose()
    };
    let namespace = params::text(&call.query, "ns");
    match call.param(0) {
        "" if namespace.is_empty() => Ok(Query::of_parameters("", None, false)),
        "" => Ok(Query::of_parameters(namespace, version()?, call.version == Version::V1)),
        "/" => Ok(Query::of_path("/", None)),
        path => Ok(Query::of_path(path, version()?)),
    }
}

fn all<'a>(call: &Call<'_>, entries: &'a [Arc<Entry>]) -> Vec<ShownMetric<'a>> {
    entries.iter().map(|entry| metric(call, entry, true)).collect()
}

fn metric<'a>(call: &Call<'_>, entry: &'a Entry, bounds: bool) -> ShownMetric<'a> {
    let metric = &entry.metric;
    let namespace = metric.namespace.to_string();
    let elements = metric.namespace.0.iter().enumerate();
    let dynamic_elements: Vec<_> = elements
        .filter(|(_, element)| element.is_dynamic())
        .map(|(index, element)| DynamicElement {
            index,
            name: &element.name,
            description: &element.description,
        })
        .collect();
    // As a form's field: a blank is a plus.
    let escaped = escape(&namespace, b"-_.~ ").replace(' ', "+");
    ShownMetric {
        last_advertised_timestamp: metric.last_advertised.map_or(0, super::unix_seconds),
        href: call.href(&format!("metrics?ns={escaped}&ver={}", metric.version)),
        namespace,
        version: metric.version,
        dynamic: !dynamic_elements.is_empty(),
        dynamic_elements,
        description: &metric.description,
        unit: &metric.unit,
        policy: policy::shown(&entry.rules, bounds),
    }
}

fn is_zero(index: &usize) -> bool {
    *index == 0
}

//! `gyre metric list|get`.

use std::{collections::BTreeMap, io, process::ExitCode};

use clap::Subcommand;
use reqwest::{Method, Url};
use serde_json::Value;

use super::{
    out,
    remote::{Remote, wait_for},
    snap::{Snap, plain},
    table, time,
};

/// What to show of the metrics that can be collected.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what loaded plugins can collect.
    List {
        /// Show only what is at or below this namespace.
        #[arg(short, long = "metric-namespace")]
        metric_namespace: Option<String>,
        /// Show only this version of it.
        #[arg(short = 'v', long = "metric-version")]
        metric_version: Option<i64>,
        /// Show units and descriptions as well.
        #[arg(long)]
        verbose: bool,
    },
    /// Show one metric and the configuration that it wants.
    Get {
        /// Its namespace.
        #[arg(short, long = "metric-namespace")]
        metric_namespace: String,
        /// Its version; the latest if not given.
        #[arg(short = 'v', long = "metric-version")]
        metric_version: Option<i64>,
    },
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::end(try_run(arguments), "")
}

fn try_run(Arguments { remote, json, action }: &Arguments) -> anyhow::Result<()> {
    let (path, verbose) = match action {
        Action::List {
            metric_namespace,
            metric_version,
            verbose,
        } => (path_of(metric_namespace.as_deref(), *metric_version)?, *verbose),
        Action::Get {
            metric_namespace,
            metric_version,
        } => (
            path_of(Some(metric_namespace), Some(metric_version.unwrap_or(0)))?,
            false,
        ),
    };
    let snap = Snap(remote.session()?);
    let body = wait_for(snap.ask(Method::GET, &path))?;
    // One metric comes alone when it was asked for by its version.
    let metrics = match body {
        Value::Array(metrics) => metrics,
        mut one => vec![one["Metric"].take()],
    };
    if *json {
        out::json(&metrics.into())?;
        return Ok(());
    }
    match action {
        Action::List { .. } => list(&metrics, verbose)?,
        Action::Get { .. } => metrics.iter().try_for_each(show)?,
    }
    Ok(())
}

/// The path that asks for what is at or below a namespace.
fn path_of(namespace: Option<&str>, version: Option<i64>) -> anyhow::Result<String> {
    let version = version.map(|version| version.to_string());
    let asked = [("ns", namespace), ("ver", version.as_deref())];
    let asked = asked.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let query = Url::parse_with_params("q:", asked)?;
    Ok(format!("/v1/metrics?{}", query.query().unwrap_or_default()))
}

fn list(metrics: &[Value], verbose: bool) -> io::Result<()> {
    if metrics.is_empty() {
        out::line("No metrics found. Have you loaded any collectors yet?")
    } else if verbose {
        let row = |metric: &Value| {
            let namespace = shown_namespace(metric);
            [
                namespace,
                plain(&metric["version"]),
                plain(&metric["unit"]),
                plain(&metric["description"]),
            ]
        };
        let rows: Vec<_> = metrics.iter().map(row).collect();
        table::print(["NAMESPACE", "VERSION", "UNIT", "DESCRIPTION"], &rows)
    } else {
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for metric in metrics {
            let of_it = versions.entry(shown_namespace(metric)).or_default();
            of_it.push(plain(&metric["version"]));
        }
        let rows: Vec<_> = versions
            .into_iter()
            .map(|(namespace, versions)| [namespace, versions.join(",")])
            .collect();
        table::print(["NAMESPACE", "VERSIONS"], &rows)
    }
}

fn show(metric: &Value) -> io::Result<()> {
    let row = [
        shown_namespace(metric),
        plain(&metric["version"]),
        plain(&metric["unit"]),
        time::rfc1123(metric["last_advertised_timestamp"].as_i64().unwrap_or_default()),
        plain(&metric["description"]),
    ];
    let headings = ["NAMESPACE", "VERSION", "UNIT", "LAST ADVERTISED TIME", "DESCRIPTION"];
    table::print(headings, &[row])?;
    out::line(format_args!(
        "\nRules for collecting {}:\n",
        plain(&metric["namespace"])
    ))?;
    let rules = metric["policy"].as_array().into_iter().flatten();
    let rules: Vec<_> = rules
        .map(|rule| ["name", "type", "default", "required", "minimum", "maximum"].map(|key| plain(&rule[key])))
        .collect();
    table::print(["NAME", "TYPE", "DEFAULT", "REQUIRED", "MINIMUM", "MAXIMUM"], &rules)
}

/// A metric's namespace, with the names of its dynamic elements in their places: `/intel/mock/[host]/baz`.
fn shown_namespace(metric: &Value) -> String {
    let namespace = plain(&metric["namespace"]);
    let Some(separator) = namespace.chars().next() else {
        return namespace;
    };
    let mut elements: Vec<String> = namespace.split(separator).skip(1).map(str::to_owned).collect();
    for dynamic in metric["dynamic_elements"].as_array().into_iter().flatten() {
        // An index of 0 is left out of the answer.
        let index = dynamic["index"].as_u64().unwrap_or(0);
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if let Some(element) = elements.get_mut(index) {
            *element = format!("[{}]", plain(&dynamic["name"]));
        }
    }
    elements.iter().map(|element| format!("{separator}{element}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dynamic_elements_show_their_names() {
        let check = |metric: Value, expect: &str| assert_eq!(shown_namespace(&metric), expect);
        check(json!({"namespace": "/intel/mock/foo"}), "/intel/mock/foo");
        check(
            json!({"namespace": "/intel/mock/*/baz", "dynamic_elements": [{"index": 2, "name": "host"}]}),
            "/intel/mock/[host]/baz",
        );
        check(
            json!({"namespace": "|*|a/b", "dynamic_elements": [{"name": "first"}]}),
            "|[first]|a/b",
        );
    }

    #[test]
    fn namespaces_are_escaped_in_queries() {
        assert_eq!(path_of(None, None).unwrap(), "/v1/metrics?");
        assert_eq!(
            path_of(Some("/a b/*"), Some(0)).unwrap(),
            "/v1/metrics?ns=%2Fa+b%2F*&ver=0"
        );
    }
}

//! `gyre nodes list|pause|resume|deactivate`.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::{out, remote::Remote, table};

/// The largest page that the list of hosts answers.
const PAGE: &str = "page_size=1000";

/// What to do with the nodes that a running Gyre knows.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all nodes, live and dead, each with what its host may do.
    List {
        /// Show those of this cluster only.
        #[arg(long)]
        cluster: Option<String>,
        /// Print nodes and hosts as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Give a host no new work; what runs there ends by itself.
    Pause {
        /// Its name.
        hostname: String,
        /// Why, for people.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let a host work again, whether it was paused or deactivated.
    Resume {
        /// Its name.
        hostname: String,
    },
    /// Give a host no new work, and end what runs there as failed.
    Deactivate {
        /// Its name.
        hostname: String,
    },
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::end(try_run(arguments), "")
}

fn try_run(Arguments { remote, action }: &Arguments) -> anyhow::Result<()> {
    match action {
        Action::List { cluster, json } => list(remote, cluster.as_deref(), *json),
        Action::Pause { hostname, reason } => {
            let mut patch = json!({"is_paused": true});
            if let Some(reason) = reason {
                patch["pause_reason"] = reason.as_str().into();
            }
            change(remote, hostname, &patch, "paused")
        }
        Action::Resume { hostname } => {
            let patch = json!({"is_paused": false, "is_active": true});
            change(remote, hostname, &patch, "resumed")
        }
        Action::Deactivate { hostname } => change(remote, hostname, &json!({"is_active": false}), "deactivated"),
    }
}

fn list(remote: &Remote, cluster: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut nodes = remote.ask(Method::GET, "/nodes")?;
    if let Some(cluster) = cluster {
        let is_of = |node: &Value| node["cluster"] == cluster;
        for list in ["cflux", "influx"] {
            if let Some(nodes) = nodes[list].as_array_mut() {
                nodes.retain(is_of);
            }
        }
    }
    let hosts = hosts(remote)?;
    if json {
        out::json(&json!({"cflux": nodes["cflux"], "influx": nodes["influx"], "hosts": hosts}))?;
    } else {
        table::print(HEADINGS, &rows(&nodes, &hosts))?;
    }
    Ok(())
}

/// All hosts, page after page.
fn hosts(remote: &Remote) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for page in 1.. {
        let answer = remote.ask(Method::GET, &format!("/v6/nodes/?{PAGE}&order=id&page={page}"))?;
        all.extend(answer["results"].as_array().into_iter().flatten().cloned());
        if answer["next"].is_null() {
            break;
        }
    }
    Ok(all)
}

fn change(remote: &Remote, hostname: &str, patch: &Value, done: &str) -> anyhow::Result<()> {
    let hosts = hosts(remote)?;
    let host = hosts.iter().find(|host| host["hostname"] == hostname);
    let host = host.ok_or_else(|| anyhow::anyhow!("no host named {hostname:?}"))?;
    remote.patch(&format!("/v6/nodes/{}/", host["id"]), patch)?;
    out::line(format_args!("{hostname} {done}"))?;
    Ok(())
}

const HEADINGS: [&str; 6] = ["ID", "CLUSTER", "HOSTNAME", "ADDRESS", "ALIVE", "HOST"];

/// A row for each node: managers first, each list as it came.
fn rows(nodes: &Value, hosts: &[Value]) -> Vec<[String; 6]> {
    let by_name: BTreeMap<_, _> = hosts.iter().map(|host| (host["hostname"].as_str(), host)).collect();
    let row = |cluster: &str, node: &Value| {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let host = by_name
            .get(&node["hostname"].as_str())
            .map_or_else(String::new, |host| condition(host));
        let alive = if node["alive"] == true { "yes" } else { "no" };
        [
            node["id"].to_string(),
            cluster.to_owned(),
            text("hostname"),
            text("bind-address"),
            alive.to_owned(),
            host,
        ]
    };
    let list = |name: &str| {
        nodes[name]
            .as_array()
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
    };
    let managers = list("cflux").into_iter().map(|node| row("(gyre)", &node));
    let data = list("influx").into_iter();
    let data = data.map(|node| row(node["cluster"].as_str().unwrap_or_default(), &node));
    managers.chain(data).collect()
}

/// What a host may do, and why not.
fn condition(host: &Value) -> String {
    let reason = host["pause_reason"].as_str().map(|reason| format!(": {reason}"));
    match (host["is_active"] == true, host["is_paused"] == true) {
        (false, _) => "inactive".to_owned(),
        (true, true) => format!("paused{}", reason.unwrap_or_default()),
        (true, false) => "active".to_owned(),
    }
}

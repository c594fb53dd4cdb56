//! What a task needs before it is resolved: the built-in plugins that it names, and no node that is to run elsewhere.

use std::time::Duration;

use tokio::{net::TcpStream, time::timeout};

use crate::{
    plugin::builtin::{self, Builtin},
    workflow::{
        Namespace, PluginType,
        manifest::{Manifest, Node, Workflow},
    },
};

use super::PluginsView;

/// How long another daemon may take to be reached; Snap's.
const DIALED_WITHIN: Duration = Duration::from_secs(2);

/// The built-ins that a task names by plugins or namespaces for which nothing is loaded: those of the wanted version, or
/// the latest.
pub(super) fn missing(manifest: &Manifest, view: &PluginsView) -> Vec<&'static Builtin> {
    let Workflow {
        metrics,
        process,
        publish,
        ..
    } = &manifest.workflow;
    let mut found = vec![];
    for (namespace, version) in metrics {
        let requested = Namespace::parse(namespace);
        if view.catalogue.requested(&requested, *version).is_err() {
            found.extend(collectors(&requested, *version));
        }
    }
    add_nodes(PluginType::Processor, process, view, &mut found);
    add_nodes(PluginType::Publisher, publish, view, &mut found);
    found.retain(|builtin| view.get(&builtin.key()).is_none());
    found.sort_by_key(|builtin| builtin.key());
    found.dedup_by_key(|builtin| builtin.key());
    found
}

/// The built-in collectors that a namespace may mean.
fn collectors(requested: &Namespace, version: i64) -> impl Iterator<Item = &'static Builtin> {
    let named = builtin::names_metric(requested).into_iter();
    named.filter_map(move |builtin| builtin::find(Some(builtin.kind), builtin.name, Some(version)))
}

fn add_nodes(kind: PluginType, nodes: &[Node], view: &PluginsView, found: &mut Vec<&'static Builtin>) {
    for node in nodes {
        let (name, version) = (node.plugin_name.to_lowercase(), node.plugin_version);
        let is_loaded = view.loaded.iter().any(|loaded| {
            let key = loaded.key();
            key.kind == kind && key.name == name && (version < 1 || key.version == version)
        });
        if !is_loaded {
            found.extend(builtin::find(Some(kind), &name, Some(version)));
        }
        add_nodes(PluginType::Processor, &node.process, view, found);
        add_nodes(PluginType::Publisher, &node.publish, view, found);
    }
}

/// Refuses a workflow with nodes that are to run on another daemon, in Snap's words where that fails for Snap too.
pub(super) async fn check_targets(workflow: &Workflow) -> Result<(), String> {
    let Some(target) = first_target(&workflow.process).or_else(|| first_target(&workflow.publish)) else {
        return Ok(());
    };
    let address = dialable(target)?;
    match timeout(DIALED_WITHIN, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Err(format!("running a part of a workflow on {target} is not supported")),
        Ok(Err(_)) | Err(_) => {
            Err("rpc error: code = Unavailable desc = grpc: the connection is unavailable".to_owned())
        }
    }
}

fn first_target(nodes: &[Node]) -> Option<&str> {
    nodes.iter().find_map(|node| {
        let own = Some(node.target.as_str()).filter(|target| !target.is_empty());
        own.or_else(|| first_target(&node.process))
            .or_else(|| first_target(&node.publish))
    })
}

/// The address of `host:port`, without host the local one; the words are of Go's `net.SplitHostPort`.
fn dialable(target: &str) -> Result<String, String> {
    let Some((host, port)) = target.rsplit_once(':') else {
        return Err(format!("address {target}: missing port in address"));
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !is_bracketed {
        return Err(format!("address {target}: too many colons in address"));
    }
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_hosts_with_ports() {
        assert_eq!(dialable("host:1"), Ok("host:1".to_owned()));
        assert_eq!(dialable(":1"), Ok("localhost:1".to_owned()));
        assert_eq!(dialable("[::1]:1"), Ok("[::1]:1".to_owned()));
        assert_eq!(
            dialable("nohost"),
            Err("address nohost: missing port in address".to_owned())
        );
        assert_eq!(
            dialable("a:b:c"),
            Err("address a:b:c: too many colons in address".to_owned())
        );
    }
}

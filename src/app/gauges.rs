//! What `/metrics` looks up when it is asked.

use std::sync::Arc;

use crate::{
    actors::{NodesHandle, VersionsHandle},
    base::ByteBudget,
    cluster::Node,
    obs::{Metrics, observe},
    proxy::{
        fleet::{Backend, Fleet},
        readiness::{Part, Readiness},
    },
    tsdb,
};

use super::stores::Stores;

/// Adds the gauges of backends, memory, logs, and of what tells whether all can work.
pub(super) fn register(metrics: &mut Metrics, readiness: &Readiness, budget: &ByteBudget, stores: &Stores) {
    register_readiness(metrics, readiness);
    let fleet = &readiness.fleet;
    type Read = fn(&Backend) -> u64;
    let per_backend: [(&'static str, &'static str, Read); 4] = [
        ("backend_waiting_bytes", "Bytes that wait for the backend", |backend| {
            backend.condition.waiting_bytes()
        }),
        (
            "backend_detached",
            "1 when the backend missed data and is left out",
            |backend| backend.condition.is_detached().into(),
        ),
        ("backend_alive", "1 when the backend answers", |backend| {
            backend.condition.is_alive().into()
        }),
        ("backend_latency_us", "Smoothed time to answer", |backend| {
            backend.condition.latency_us()
        }),
    ];
    for (name, help, read) in per_backend {
        let fleet = Arc::clone(fleet);
        metrics.add(observe(name, help, move || {
            let sample =
                |backend: &Arc<Backend>| (vec![("backend", backend.config.name.clone())], to_gauge(read(backend)));
            fleet.backends.iter().map(sample).collect()
        }));
    }
    register_engines(metrics, fleet);
    let (used, limit) = (budget.clone(), budget.clone());
    metrics.add(observe(
        "memory_budget_used_bytes",
        "Bytes of the budget in use",
        move || vec![(Vec::new(), to_gauge(used.used()))],
    ));
    metrics.add(observe("memory_budget_bytes", "The budget", move || {
        vec![(Vec::new(), to_gauge(limit.limit()))]
    }));
    let (journal, letters) = (stores.journal.clone(), stores.dead_letters.clone());
    metrics.add(observe("journal_bytes", "Bytes of all segments", move || {
        vec![(Vec::new(), to_gauge(journal.stats().bytes))]
    }));
    metrics.add(observe(
        "dead_letters",
        "Dead letters waiting for an operator",
        move || vec![(Vec::new(), to_gauge(letters.count()))],
    ));
}

/// Adds the gauge of reads that wait for newer metadata.
pub(super) fn register_polls(metrics: &mut Metrics, versions: &VersionsHandle) {
    let versions = versions.clone();
    metrics.add(observe(
        "metadata_reads",
        "Reads of cluster metadata under way, nearly all of which wait for a newer version",
        move || vec![(Vec::new(), to_gauge(versions.reads() as u64))],
    ));
}

/// Adds the gauges of the node registry.
pub(super) fn register_nodes(metrics: &mut Metrics, nodes: &NodesHandle) {
    let counted = nodes.clone();
    metrics.add(observe("nodes", "Registered nodes and processes", move || {
        let snapshot = counted.view();
        let sample = |kind: &str, nodes: &[Arc<Node>], alive: bool| {
            let state = if alive { "alive" } else { "dead" };
            let count = nodes.iter().filter(|node| node.is_alive() == alive).count();
            let labels = vec![("kind", kind.to_owned()), ("state", state.to_owned())];
            (labels, to_gauge(count as u64))
        };
        let both = [true, false];
        let data = both.map(|alive| sample("data", &snapshot.data, alive));
        let managers = both.map(|alive| sample("manager", &snapshot.managers, alive));
        data.into_iter().chain(managers).collect()
    }));
    let (braked, stale) = (nodes.clone(), nodes.clone());
    metrics.add(observe(
        "node_expiry_brake",
        "1 while nothing follows from deaths, because most nodes expired at once",
        move || vec![(Vec::new(), braked.is_braked().into())],
    ));
    metrics.add(observe(
        "node_registry_stale",
        "1 while the store of the nodes cannot be reached",
        move || vec![(Vec::new(), stale.view().stale.into())],
    ));
}

/// Adds a gauge for each part that `/readyz` tells of.
fn register_readiness(metrics: &mut Metrics, readiness: &Readiness) {
    let readiness = readiness.clone();
    metrics.add(observe("ready", "1 when the part can do its work", move || {
        let sample = |part: Part| (vec![("part", part.name.to_owned())], part.problem.is_none().into());
        readiness.parts().into_iter().map(sample).collect()
    }));
}

fn register_engines(metrics: &mut Metrics, fleet: &Arc<Fleet>) {
    type Read = fn(&tsdb::Stats) -> u64;
    let per_engine: [(&'static str, &'static str, Read); 4] = [
        ("engine_series", "Series of the embedded engine", |stats| {
            stats.series as u64
        }),
        ("engine_memtable_bytes", "Points not yet flushed", |stats| {
            stats.memtable_bytes as u64
        }),
        ("engine_block_bytes", "Bytes of block files", |stats| stats.block_bytes),
        ("engine_damaged_files", "Block files that cannot be read", |stats| {
            stats.damaged_files as u64
        }),
    ];
    for (name, help, read) in per_engine {
        let fleet = Arc::clone(fleet);
        metrics.add(observe(name, help, move || {
            let sample = |backend: &Arc<Backend>| {
                let stats = backend.local.as_ref()?.stats();
                Some((vec![("backend", backend.config.name.clone())], to_gauge(read(&stats))))
            };
            fleet.backends.iter().filter_map(sample).collect()
        }));
    }
}

/// A count as a gauge has it.
pub(super) fn to_gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

//! What `/metrics` tells of plugins and tasks.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    actors::{PluginsHandle, TasksHandle},
    obs::{Metrics, observe},
    plugin::builtin::Deps,
    workflow::task::{TaskState, TaskView},
};

use super::super::gauges::to_gauge;

const STATES: [TaskState; 5] = [
    TaskState::Stopped,
    TaskState::Running,
    TaskState::Stopping,
    TaskState::Ended,
    TaskState::Disabled,
];

/// Adds the gauges of plugins and tasks.
pub(super) fn register(metrics: &mut Metrics, plugins: &PluginsHandle, tasks: &TasksHandle, deps: &Deps) {
    register_tasks(metrics, tasks);
    let running = plugins.clone();
    metrics.add(observe(
        "telemetry_plugin_instances",
        "Running instances of plugins",
        move || {
            let mut instances: BTreeMap<String, u64> = BTreeMap::new();
            for instance in running.running() {
                *instances.entry(instance.key.to_string()).or_default() += 1;
            }
            let sample = |(plugin, count)| (vec![("plugin", plugin)], to_gauge(count));
            instances.into_iter().map(sample).collect()
        },
    ));
    let loaded = plugins.clone();
    metrics.add(observe("telemetry_plugins", "Loaded plugins", move || {
        vec![(Vec::new(), to_gauge(loaded.view().loaded.len() as u64))]
    }));
    let dropped = Arc::clone(&deps.dropped_values);
    metrics.add(observe(
        "telemetry_dropped_values",
        "Values that publishers could not express in their format",
        move || vec![(Vec::new(), to_gauge(dropped.load(Ordering::Relaxed)))],
    ));
    let last_values = Arc::clone(&deps.last_values);
    metrics.add(observe(
        "telemetry_last_values",
        "Series that the prometheus publisher keeps",
        move || vec![(Vec::new(), to_gauge(last_values.len() as u64))],
    ));
}

fn register_tasks(metrics: &mut Metrics, tasks: &TasksHandle) {
    let listed = tasks.clone();
    metrics.add(observe("telemetry_tasks", "Tasks", move || {
        let tasks = listed.list();
        let sample = |state: TaskState| {
            let count = tasks.iter().filter(|task| task.state == state).count();
            (
                vec![("state", state.to_string().to_lowercase())],
                to_gauge(count as u64),
            )
        };
        STATES.map(sample).to_vec()
    }));
    type Count = fn(&TaskView) -> u64;
    let counts: [(&'static str, &'static str, Count); 3] = [
        ("telemetry_task_fires", "Fires of all tasks there are", |task| task.hits),
        (
            "telemetry_task_misses",
            "Intervals that tasks were too busy for",
            |task| task.misses,
        ),
        ("telemetry_task_failures", "Jobs of tasks that failed", |task| {
            task.failures
        }),
    ];
    for (name, help, count) in counts {
        let tasks = tasks.clone();
        metrics.add(observe(name, help, move || {
            let all: u64 = tasks.list().iter().map(|task| count(task)).sum();
            vec![(Vec::new(), to_gauge(all))]
        }));
    }
    let watched = tasks.clone();
    metrics.add(observe(
        "telemetry_watchers",
        "Streams of task events that are open",
        move || vec![(Vec::new(), to_gauge(watched.watchers() as u64))],
    ));
}

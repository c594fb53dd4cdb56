//! A newcomer sees the machine's own metrics soon after the first start, without having configured anything.

use std::time::Duration;

use serde_json::Value;

use super::daemon::{Daemon, PATIENCE, body};
use crate::support::wait::{self, Instant};

/// The promise.
const SOON: Duration = Duration::from_secs(30);

fn tasks(daemon: &Daemon) -> Vec<Value> {
    let listed = body(&daemon.ask("GET", "/v1/tasks", None), 200);
    listed["ScheduledTasks"].as_array().cloned().unwrap_or_default()
}

fn answers(daemon: &Daemon, influxql: &str) -> bool {
    let answer = daemon.gyre.client().query("gyre", influxql);
    answer["results"][0]["series"][0]["values"][0][1].is_number()
}

#[test]
fn host_metrics_answer_soon_after_the_first_start() {
    let started = Instant::now();
    let daemon = Daemon::start_with(|config| config.set("telemetry", "default_task", true));
    for query in [
        "SELECT last(usage) FROM host_cpu WHERE core = 'total'",
        "SELECT last(used_percent) FROM host_memory",
        "SELECT last(load1) FROM host_load",
        "SELECT last(received_bytes) FROM host_network WHERE interface = 'lo'",
        "SELECT last(total) FROM host_processes",
        "SELECT last(uptime) FROM host_system",
    ] {
        let left = SOON.saturating_sub(started.elapsed());
        wait::until(query, left, || answers(&daemon, query).then_some(()));
    }
    eprintln!("host metrics answered {:?} after the start", started.elapsed());
}

#[test]
fn a_stopped_default_task_stays_stopped() {
    let mut daemon = Daemon::start_with(|config| config.set("telemetry", "default_task", true));
    let task = wait::until("the task is there", PATIENCE, || tasks(&daemon).into_iter().next());
    assert_eq!(task["name"], "host metrics");
    let id = task["id"].as_str().expect("tasks have ids").to_owned();
    daemon.await_fires(&id, 1);
    daemon.act(&id, "stop");
    daemon.gyre.terminate();
    daemon.gyre.restart();
    let again = wait::until("the task is there again", PATIENCE, || {
        tasks(&daemon).into_iter().next()
    });
    assert_eq!(
        (again["id"].as_str(), again["task_state"].as_str()),
        (Some(id.as_str()), Some("Stopped"))
    );
    assert_eq!(tasks(&daemon).len(), 1);
}

//! Many tasks at once, and many who watch one: nothing is missed, nothing is late, and it costs little.
//!
//! `GYRE_TEST_LONG=1` runs 1,000 tasks and 1,000 watchers for a minute and holds them to the promised figures, which are
//! those of a release build (`GYRE_BIN=target/release/gyre`); without it the same happens at a tenth of the size.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::daemon::{Daemon, PATIENCE, count};
use crate::support::{long, wait};

/// How late a fire may be, in 99 of 100 cases.
const JITTER: Duration = Duration::from_millis(50);
/// Of one core.
const SHARE: f64 = 0.5;

/// What a watcher saw until its stream ended, or it did not want more.
#[derive(Default)]
struct Seen {
    /// The time of the first metric of each event, nanoseconds since the epoch.
    times: Vec<i64>,
    /// The server closed the stream.
    is_closed: bool,
}

struct Size {
    tasks: usize,
    watchers: usize,
    /// Tasks whose times are looked at.
    sampled: usize,
    time: Duration,
}

fn size() -> Size {
    match long() {
        true => Size {
            tasks: 1000,
            watchers: 1000,
            sampled: 100,
            time: Duration::from_secs(60),
        },
        false => Size {
            tasks: 100,
            watchers: 100,
            sampled: 20,
            time: Duration::from_secs(5),
        },
    }
}

fn create(daemon: &Daemon) -> String {
    let collect = json!({
        "metrics": {"/intel/mock/foo": {}, "/intel/mock/host1/baz": {}},
        "config": {"/intel/mock": {"password": "secret"}},
        "process": [{"plugin_name": "passthru"}],
    });
    daemon.create("1s", &json!({}), &collect)
}

/// Watches a task until then.
async fn watch(addr: SocketAddr, task: &str, until: Instant) -> Seen {
    let mut stream = TcpStream::connect(addr).await.expect("a connection");
    let request = format!("GET /v1/tasks/{task}/watch HTTP/1.1\r\nHost: {addr}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let (mut seen, mut text, mut buffer) = (Seen::default(), Vec::new(), vec![0; 16 << 10]);
    loop {
        let read = tokio::select! {
            () = sleep_until(until) => return seen,
            read = stream.read(&mut buffer) => read.unwrap_or_default(),
        };
        if read == 0 {
            seen.is_closed = true;
            return seen;
        }
        text.extend_from_slice(&buffer[..read]);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            seen.times.extend(first_time(&event));
        }
    }
}

/// The time of an event's first metric; none when it is another event.
fn first_time(event: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(event);
    let (_, json) = text.split_once("data: ")?;
    let event: Value = serde_json::from_str(json.trim_end()).ok()?;
    let time: jiff::Timestamp = event["event"][0]["timestamp"].as_str()?.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// How far each fire of a task is from where the first one puts it, when there is one a second.
fn jitter(times: &[i64]) -> Vec<Duration> {
    const SECOND: i64 = 1_000_000_000;
    let Some(first) = times.first() else { return Vec::new() };
    let late = times.iter().map(|time| {
        let into = (time - first).rem_euclid(SECOND);
        into.min(SECOND - into).unsigned_abs()
    });
    late.map(Duration::from_nanos).collect()
}

fn percentile(values: &mut [Duration], percent: usize) -> Duration {
    values.sort_unstable();
    values
        .get((values.len() * percent / 100).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.expect("a runtime")
}

fn total(daemon: &Daemon, tasks: &[String], counter: &str) -> u64 {
    tasks.iter().map(|task| count(&daemon.task(task), counter)).sum()
}

#[test]
fn many_tasks_fire_on_time() {
    let size = size();
    let daemon = Daemon::start_with(|config| config.set("telemetry", "cache_expiration", "1ms"));
    let tasks: Vec<String> = (0..size.tasks).map(|_| create(&daemon)).collect();
    let addr = daemon.gyre.addr();
    let (hits, cpu) = (total(&daemon, &tasks, "hit_count"), daemon.gyre.process().cpu_seconds());
    let begun = Instant::now();
    let seen = runtime().block_on(async {
        let until = begun + size.time;
        let seen = join_all(tasks.iter().take(size.sampled).map(|task| watch(addr, task, until))).await;
        sleep_until(until).await;
        seen
    });
    let (elapsed, cpu) = (begun.elapsed(), daemon.gyre.process().cpu_seconds() - cpu);
    let hits = total(&daemon, &tasks, "hit_count") - hits;
    let mut late: Vec<Duration> = seen.iter().flat_map(|seen| jitter(&seen.times)).collect();
    let fires = late.len();
    let (p99, worst) = (percentile(&mut late, 99), percentile(&mut late, 100));
    let share = cpu / elapsed.as_secs_f64();
    eprintln!(
        "{} tasks, {elapsed:.1?}: {hits} fires, {cpu:.2} CPU seconds ({share:.3} of a core), {fires} fires timed: p99 {p99:?}, worst {worst:?}",
        tasks.len()
    );
    assert_eq!(total(&daemon, &tasks, "miss_count"), 0, "intervals were missed");
    assert_eq!(total(&daemon, &tasks, "failed_count"), 0, "runs failed");
    let least = tasks.len() as u64 * (size.time.as_secs() - 1);
    assert!(hits >= least, "{hits} fires, {least} expected");
    let least = size.sampled as u64 * (size.time.as_secs() - 1);
    assert!(fires as u64 >= least, "{fires} fires seen, {least} expected");
    if long() {
        assert!(p99 < JITTER, "p99 {p99:?}");
        assert!(share <= SHARE, "{share} of a core");
    }
}

#[test]
fn many_watchers_of_one_task_miss_nothing() {
    let size = size();
    // Descriptors of this process: one a watcher.
    rlimit::increase_nofile_limit(2 * size.watchers as u64 + 1024).expect("the limit can be raised");
    let daemon = Daemon::start_with(|config| config.set("telemetry", "cache_expiration", "1ms"));
    let task = create(&daemon);
    daemon.await_fires(&task, 1);
    let cpu = daemon.gyre.process().cpu_seconds();
    let begun = Instant::now();
    let seen = runtime().block_on(async {
        let until = begun + size.time;
        join_all((0..size.watchers).map(|_| watch(daemon.gyre.addr(), &task, until))).await
    });
    let (elapsed, cpu) = (begun.elapsed(), daemon.gyre.process().cpu_seconds() - cpu);
    let closed = seen.iter().filter(|seen| seen.is_closed).count();
    let mut everything: BTreeMap<i64, usize> = BTreeMap::new();
    for time in seen.iter().flat_map(|seen| &seen.times) {
        *everything.entry(*time).or_default() += 1;
    }
    let all: Vec<i64> = everything.keys().copied().collect();
    for seen in seen.iter().filter(|seen| !seen.is_closed) {
        let first = all
            .iter()
            .position(|time| seen.times.first() == Some(time))
            .expect("every watcher sees fires");
        let expected = &all[first..];
        // The last event may be on its way when the watcher leaves.
        let is_whole = seen.times == expected
            || expected
                .split_last()
                .is_some_and(|(_, but_last)| seen.times == but_last);
        assert!(is_whole, "a watcher saw {:?} of {expected:?}", seen.times);
    }
    let mut late = jitter(&all);
    let p99 = percentile(&mut late, 99);
    let delivered: usize = everything.values().sum();
    eprintln!(
        "{} watchers, {elapsed:.1?}: {} events, {delivered} delivered, {closed} closed, {cpu:.2} CPU seconds, p99 {p99:?}",
        size.watchers,
        all.len()
    );
    assert!(all.len() as u64 >= size.time.as_secs() - 1, "{} events", all.len());
    assert!(!long() || p99 < JITTER, "p99 {p99:?}");
    wait::until("the watchers are gone", PATIENCE, || {
        (daemon.gyre.metric("gyre_telemetry_watchers") == 0.0).then_some(())
    });
}

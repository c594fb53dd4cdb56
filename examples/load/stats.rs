//! Time, latencies, and what `/proc` says about a process.

use std::{
    fs,
    time::{Duration, Instant},
};

/// Ticks per second in `/proc/PID/stat`: fixed by the Linux ABI on every common architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// The monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a load generator measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The share `per_mille` of the way through the sorted times, in microseconds; 0 without any.
pub(crate) fn percentile(sorted: &[Duration], per_mille: usize) -> u128 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * per_mille / 1000).map_or(0, Duration::as_micros)
}

/// The process whose cost is reported, if one was named.
#[derive(Debug)]
pub(crate) struct Observed {
    pid: String,
    cpu_at_start: f64,
}

impl Observed {
    /// Starts to count the CPU time of process `pid`; of none if it is empty.
    pub(crate) fn start(pid: &str) -> Self {
        Self {
            pid: pid.to_owned(),
            cpu_at_start: cpu_seconds(pid),
        }
    }

    /// CPU time since the start, in microseconds for each of `count` units of work.
    pub(crate) fn cpu_us_per(&self, count: usize) -> f64 {
        (cpu_seconds(&self.pid) - self.cpu_at_start) * 1e6 / count.max(1) as f64
    }

    /// The most memory that was ever resident, in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or_default();
        line.split_whitespace()
            .next()
            .and_then(|kib| kib.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    }
}

/// User and system time of a process; 0 when there is none.
fn cpu_seconds(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // utime and stime are fields 14 and 15; the name in field 2 may hold spaces, so count after its parenthesis.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

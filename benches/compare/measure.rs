//! What the load has cost a server, once it has nothing more to do.

use std::{collections::VecDeque, fs, io, os::unix::fs::MetadataExt, path::Path, time::Duration};

use anyhow::{Result, bail};

use crate::{
    load::Workload,
    servers::Server,
    support::{process::Process, wait},
    table::Table,
};

/// Time between two looks at a process.
const LOOK: Duration = Duration::from_secs(1);
/// Looks over which a process must be idle: longer than any of the servers waits before it tidies up.
const LOOKS: usize = 10;
/// CPU seconds that an idle process may use over them: 1 % of a core, which goes into timers and statistics.
const IDLE: f64 = 0.1;
/// Looks after which it is no use to wait.
const PATIENCE: usize = 600;

/// What all the points together cost.
#[derive(Debug)]
pub(crate) struct Footprint {
    lines_per_second: f64,
    cpu_us_per_line: f64,
    disk_bytes_per_value: f64,
    peak_mib: f64,
}

impl Footprint {
    /// Waits until the server is idle; fails when it never is.
    pub(crate) fn settled(server: &Server, workload: &Workload, lines_per_second: f64) -> Result<Self> {
        let Some(cpu) = cpu_when_idle(&server.process) else {
            bail!("{} is not idle after {PATIENCE} s", server.product.name());
        };
        Ok(Self {
            lines_per_second,
            cpu_us_per_line: cpu * 1e6 / workload.lines() as f64,
            disk_bytes_per_value: server.disk_bytes()? as f64 / workload.values() as f64,
            peak_mib: mib(server.process.peak_bytes()),
        })
    }
}

/// The rows of a table that say what loading cost; one footprint for each of its columns.
pub(crate) fn tabulate(footprints: &[Footprint], table: &mut Table) {
    let mut row = |name: &str, of: fn(&Footprint) -> f64| {
        table.row(name.to_owned(), footprints.iter().map(of).collect());
    };
    row("lines/s", |footprint| footprint.lines_per_second);
    row("CPU until idle, µs/line", |footprint| footprint.cpu_us_per_line);
    row("disk when idle, bytes/value", |footprint| {
        footprint.disk_bytes_per_value
    });
    row("peak memory of load, MiB", |footprint| footprint.peak_mib);
}

/// Bytes as MiB.
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Bytes of the blocks that a directory and everything in it take. What is deleted meanwhile takes none.
pub(crate) fn allocated_bytes(path: &Path) -> io::Result<u64> {
    let absent_is = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(0),
        _ => Err(error),
    };
    let entry = match fs::symlink_metadata(path) {
        Ok(entry) => entry,
        Err(error) => return absent_is(error),
    };
    // POSIX: `st_blocks` counts 512 bytes, whatever the file system's block size.
    let own = entry.blocks() * 512;
    if !entry.is_dir() {
        return Ok(own);
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return absent_is(error),
    };
    entries
        .map(|entry| allocated_bytes(&entry?.path()))
        .sum::<io::Result<u64>>()
        .map(|below| own + below)
}

/// CPU seconds that a process has used when it becomes idle; `None` when it does not.
fn cpu_when_idle(process: &Process) -> Option<f64> {
    let mut seen = VecDeque::from([process.cpu_seconds()]);
    for _ in 0..PATIENCE {
        wait::pause(LOOK);
        let now = process.cpu_seconds();
        seen.push_back(now);
        if seen.len() > LOOKS {
            let before = seen.pop_front()?;
            if now - before <= IDLE {
                return Some(now);
            }
        }
    }
    None
}

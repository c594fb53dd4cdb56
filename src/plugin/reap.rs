//! Orphans: plugins whose Gyre was killed before it could end them.
//!
//! Every plugin process carries a mark in its environment, the data directory of the Gyre that started it, as path and
//! inode. At its start a Gyre ends all that carry its own mark: it holds the directory's lock, so whoever started them is gone.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tokio::time::{Instant, sleep};

use super::OWNER_VARIABLE;

/// Between two looks at the processes.
const STEP: Duration = Duration::from_millis(20);
/// Longest wait for killed processes to be gone; only one in an uninterruptible call takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Orphans could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum ReapError {
    /// The operating system does not tell its processes.
    #[error("cannot list processes: {0}")]
    NotListed(String),
    /// They were killed, and are still there.
    #[error("plugin processes do not end: {0:?}")]
    StillThere(Vec<u32>),
}

/// Kills every process that carries `mark`, but itself and what it started, and waits until they are gone; their number.
///
/// # Errors
/// When processes cannot be listed, or some do not end.
pub async fn orphans(mark: &str) -> Result<usize, ReapError> {
    let mut killed = BTreeSet::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let marked = marked(mark).await?;
        if marked.is_empty() {
            return Ok(killed.len());
        }
        if Instant::now() >= deadline {
            return Err(ReapError::StillThere(marked));
        }
        for id in marked {
            kill(id);
            killed.insert(id);
        }
        sleep(STEP).await; // and look again: one may have started another meanwhile
    }
}

/// The processes that carry `mark`, without oneself and one's descendants.
async fn marked(mark: &str) -> Result<Vec<u32>, ReapError> {
    let entry = format!("{OWNER_VARIABLE}={mark}");
    let look = tokio::task::spawn_blocking(move || list(&entry));
    look.await.map_err(|error| ReapError::NotListed(error.to_string()))?
}

fn list(entry: &str) -> Result<Vec<u32>, ReapError> {
    let mut system = System::new().map_err(|error| ReapError::NotListed(error.to_string()))?;
    let what = ProcessRefreshKind::nothing()
        .with_environ(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let own = sysinfo::get_current_pid().map_err(|error| ReapError::NotListed(error.to_string()))?;
    let is_ours = |mut pid: sysinfo::Pid| {
        while pid != own {
            match system.process(pid).and_then(sysinfo::Process::parent) {
                Some(parent) => pid = parent,
                None => return false,
            }
        }
        true
    };
    let carries = |process: &sysinfo::Process| process.environ().iter().any(|variable| variable == entry);
    let found = system
        .processes()
        .iter()
        .filter(|(pid, process)| carries(process) && !is_ours(**pid));
    Ok(found.map(|(pid, _)| pid.as_u32()).collect())
}

/// One that is gone by now needs no more.
fn kill(id: u32) {
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::KILL).ok();
    }
}

#[cfg(test)]
mod tests;

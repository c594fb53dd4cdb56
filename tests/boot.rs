//! From a configuration to a server that answers, and from there to an orderly end.
//!
//! [`config`]: files and environment, good and bad. [`imported`]: influx-proxy's own files. [`stop`]: the end, and the
//! next start on the same data. [`tls`]: certificates, on both sides. [`upgrade`]: data of an earlier version.

mod config;
mod imported;
mod stop;
mod tls;
mod upgrade;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::support::{dir, gyre, process::Process, wait};

/// Start includes replaying the journal, in a debug build, on a loaded machine.
const START: Duration = Duration::from_secs(30);

/// A file in a directory of its own.
#[derive(Debug)]
struct File {
    dir: TempDir,
    path: PathBuf,
}

impl File {
    fn write(name: &str, text: &str) -> Self {
        let dir = dir::temp_dir();
        let path = dir.path().join(name);
        fs::write(&path, text).expect("the test's directory is writable");
        Self { dir, path }
    }

    fn name(&self) -> &str {
        self.path.to_str().expect("temporary paths are UTF-8")
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Serves it, in its directory.
    fn serve(&self, environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(gyre::binary());
        command
            .args(["serve", "--config", self.name()])
            .current_dir(self.dir())
            .envs(environment.iter().copied());
        Process::start("gyre", &command, &self.dir().join("gyre.log"))
    }
}

/// Waits until a process that cannot start has ended: its exit code, and what it said.
#[track_caller]
fn failure(mut process: Process) -> (Option<i32>, String) {
    let status = wait::until("gyre gives up", START, || process.exit_status());
    (status.code(), process.log())
}

/// Waits until `probe` holds or the process ends.
#[track_caller]
fn await_start(process: &mut Process, probe: impl Fn() -> bool) {
    wait::until("gyre answers", START, || {
        let ended = process.exit_status();
        assert!(ended.is_none(), "gyre ended at start: {ended:?}\n{}", process.log());
        probe().then_some(())
    });
}

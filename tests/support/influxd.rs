//! Real InfluxDB 1.x servers, as Debian packages them.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use tempfile::TempDir;

use super::{
    dir,
    http::Client,
    ports,
    process::{Process, Signal},
    wait,
};

const BINARY: &str = "/usr/bin/influxd";

/// A cold start takes a fraction of a second; on a loaded machine several.
const START: Duration = Duration::from_secs(30);

/// What can differ between servers.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Whether users must log in.
    pub(crate) auth: bool,
    /// Wait before a WAL fsync, to gather writes: a Go duration, `"0s"` syncs each write.
    pub(crate) wal_fsync_delay: &'static str,
    /// Largest accepted body in bytes; 0 is unlimited.
    pub(crate) max_body_size: u64,
    /// Further tables of its configuration, TOML.
    pub(crate) more: &'static str,
}

/// InfluxDB's own defaults.
pub(crate) const DEFAULTS: Options = Options {
    auth: false,
    wal_fsync_delay: "0s",
    max_body_size: 25_000_000,
    more: "",
};

/// A server with its own directories and address, which stay the same over restarts.
#[derive(Debug)]
pub(crate) struct Influxd {
    addr: SocketAddr,
    process: Process,
    dir: TempDir,
}

impl Influxd {
    /// Starts a server with InfluxDB's defaults and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(&DEFAULTS)
    }

    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    /// When influxd is not installed or does not start.
    pub(crate) fn start_with(options: &Options) -> Self {
        assert!(
            Path::new(BINARY).exists(),
            "{BINARY} is missing: install Debian's influxdb package to run these tests"
        );
        let (dir, addr) = (dir::temp_dir(), ports::free());
        let text = config(dir.path(), addr, ports::free(), options);
        fs::write(dir.path().join("influxd.conf"), text).expect("the test's directory is writable");
        let process = launch(dir.path(), addr);
        let server = Self { addr, process, dir };
        server.wait_ready();
        server
    }

    /// The same server again, on the same address and data; kills it first if it runs.
    pub(crate) fn restart(&mut self) {
        self.process.kill9();
        self.process = launch(self.dir.path(), self.addr);
        self.wait_ready();
    }

    /// `kill -9`.
    pub(crate) fn kill9(&mut self) {
        self.process.kill9();
    }

    /// SIGSTOP: accepts connections by grace of the kernel, answers nothing.
    pub(crate) fn stop(&self) {
        self.process.signal(Signal::Stop);
    }

    /// SIGCONT.
    pub(crate) fn resume(&self) {
        self.process.signal(Signal::Continue);
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL for a circle's configuration.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Talks to it directly.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr)
    }

    fn wait_ready(&self) {
        wait::until("influxd answers /ping", START, || self.client().pings().then_some(()));
    }
}

fn launch(dir: &Path, addr: SocketAddr) -> Process {
    let mut command = Command::new(BINARY);
    command.arg("-config").arg(dir.join("influxd.conf"));
    Process::start(&format!("influxd {addr}"), &command, &dir.join("influxd.log"))
}

fn config(dir: &Path, addr: SocketAddr, rpc: SocketAddr, options: &Options) -> String {
    let Options {
        auth,
        wal_fsync_delay,
        max_body_size,
        more,
    } = options;
    let dir = dir.display();
    format!(
        r#"reporting-disabled = true
bind-address = "{rpc}"
[meta]
dir = "{dir}/meta"
[data]
dir = "{dir}/data"
wal-dir = "{dir}/wal"
wal-fsync-delay = "{wal_fsync_delay}"
query-log-enabled = false
[logging]
level = "warn"
[monitor]
store-enabled = false
[continuous_queries]
enabled = false
[http]
bind-address = "{addr}"
auth-enabled = {auth}
max-body-size = {max_body_size}
log-enabled = false
{more}"#
    )
}

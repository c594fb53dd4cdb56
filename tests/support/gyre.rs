//! The server under test, started from a generated configuration.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use super::{dir, http::Client, ports, process::Process, wait};

/// Start includes replaying the journal, in a debug build, on a loaded machine.
const START: Duration = Duration::from_secs(30);

/// Longest orderly end: in-flight work is finished and everything synced.
const STOP: Duration = Duration::from_secs(15);

/// A configuration file in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    circles: Vec<Vec<String>>,
    values: BTreeMap<String, BTreeMap<String, Value>>,
    tail: String,
    data_dir: Option<PathBuf>,
    launcher: Vec<OsString>,
}

impl Config {
    /// Circles given as the URLs of their backends, in order; backend 2 of circle 1 is named `backend-1-2`.
    pub(crate) fn new(circles: Vec<Vec<String>>) -> Self {
        Self {
            circles,
            ..Self::default()
        }
        .set("telemetry", "default_task", false)
        .set("nodes", "self_register", false)
    }

    /// Sets a key of a table such as `"proxy"`; scalars and lists of scalars read the same in JSON and TOML.
    pub(crate) fn set(mut self, table: &str, key: &str, value: impl Into<Value>) -> Self {
        self.values
            .entry(table.to_owned())
            .or_default()
            .insert(key.to_owned(), value.into());
        self
    }

    /// Appends TOML as it is, for what [`Config::set`] cannot say.
    pub(crate) fn append(mut self, toml: &str) -> Self {
        self.tail.push_str(toml);
        self
    }

    /// Keeps the data in `dir` instead of a directory of the server's own.
    pub(crate) fn data_dir(mut self, dir: &Path) -> Self {
        self.data_dir = Some(dir.to_owned());
        self
    }

    /// Starts the server through another program, which must end by executing its last arguments.
    pub(crate) fn launcher(mut self, command: Vec<OsString>) -> Self {
        self.launcher = command;
        self
    }

    fn render(&self) -> String {
        let mut text = String::new();
        for (table, keys) in &self.values {
            text.push_str(&format!("[{table}]\n"));
            for (key, value) in keys {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        text.push_str(&self.tail);
        for (c, backends) in (1..).zip(&self.circles) {
            text.push_str(&format!("\n[[circles]]\nname = \"circle-{c}\"\n"));
            for (b, url) in (1..).zip(backends) {
                text.push_str(&format!(
                    "[[circles.backends]]\nname = \"backend-{c}-{b}\"\nurl = \"{url}\"\n"
                ));
            }
        }
        text
    }
}

/// A running server with its own address and data, which stay the same over restarts.
#[derive(Debug)]
pub(crate) struct Gyre {
    addr: SocketAddr,
    process: Process,
    launcher: Vec<OsString>,
    file: &'static str,
    dir: TempDir,
}

impl Gyre {
    /// Starts a server and waits until `/ping` answers.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn start(config: Config) -> Self {
        let (dir, addr) = (dir::temp_dir(), ports::free());
        let data = config.data_dir.clone().unwrap_or_else(|| dir.path().join("data"));
        let config = config.set("http", "listen", vec![addr.to_string()]).set(
            "data",
            "dir",
            data.to_str().expect("temporary paths are UTF-8"),
        );
        Self::start_file(dir, addr, "gyre.toml", &config.render(), config.launcher)
    }

    /// Starts a server with influx-proxy's own configuration, but for the address.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn start_imported(mut config: Value) -> Self {
        let (dir, addr) = (dir::temp_dir(), ports::free());
        config["listen_addr"] = Value::String(addr.to_string());
        let quiet = ["env", "GYRE__NODES__SELF_REGISTER=false"].map(OsString::from);
        Self::start_file(dir, addr, "proxy.json", &config.to_string(), quiet.to_vec())
    }

    fn start_file(dir: TempDir, addr: SocketAddr, file: &'static str, text: &str, launcher: Vec<OsString>) -> Self {
        fs::write(dir.path().join(file), text).expect("the test's directory is writable");
        let process = launch(dir.path(), file, &launcher);
        let mut server = Self {
            addr,
            process,
            launcher,
            file,
            dir,
        };
        server.wait_ready();
        server
    }

    /// The same server again, on the same address and data; kills it first if it runs.
    pub(crate) fn restart(&mut self) {
        self.process.kill9();
        self.process = launch(self.dir.path(), self.file, &self.launcher);
        self.wait_ready();
    }

    /// `kill -9`.
    pub(crate) fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Asks for an orderly end and waits for it.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.process.terminate(STOP)
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process: id, log, CPU time, memory, signals.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Where it keeps its data, unless [`Config::data_dir`] said otherwise.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The value of a metric, given as it is printed: name and labels. 0 when it is not there yet.
    #[track_caller]
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.client().get("/metrics").text();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// Talks to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr)
    }

    fn wait_ready(&mut self) {
        let client = self.client();
        wait::until("gyre answers /ping", START, || {
            let ended = self.process.exit_status();
            assert!(
                ended.is_none(),
                "gyre ended at start: {ended:?}\n{}",
                self.process.log()
            );
            client.is_heard().then_some(())
        });
    }
}

/// The program under test.
pub(crate) fn binary() -> OsString {
    std::env::var_os("GYRE_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_gyre").into())
}

fn launch(dir: &Path, file: &str, launcher: &[OsString]) -> Process {
    let mut line = launcher.to_vec();
    line.extend([
        binary(),
        "serve".into(),
        "--config".into(),
        dir.join(file).into_os_string(),
    ]);
    let (program, arguments) = line.split_first().expect("the binary is in it");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    Process::start("gyre", &command, &dir.join("gyre.log"))
}

//! The servers: how each of them is started.
//!
//! What is not left at its default: influxd keeps no statistics of its own and logs no requests, and does after a second without writes what
//! it would do after ten minutes (snapshot its cache) and four hours (compact its shards), so that its work can be
//! waited for. victoria-metrics keeps points of any age.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::measure;
use crate::support::{dir, http::Client, ports, process::Process, wait};

/// A cold start takes a fraction of a second; on a loaded machine several.
const START: Duration = Duration::from_secs(30);

/// The database that is written and queried.
pub(crate) const DB: &str = "bench";

/// What can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Product {
    /// Always there: what the others are compared with.
    #[value(skip)]
    Gyre,
    /// InfluxDB 1.x.
    Influxd,
    /// Takes InfluxDB's line protocol, answers PromQL.
    VictoriaMetrics,
}

/// A running server; killed, and its directory removed, when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) product: Product,
    pub(crate) addr: SocketAddr,
    pub(crate) process: Process,
    dir: TempDir,
}

impl Product {
    /// As it is printed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gyre => "gyre",
            Self::Influxd => "influxd",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    /// What the reader of a table must know of its figures.
    pub(crate) fn note(self) -> Option<&'static str> {
        match self {
            Self::Gyre => None,
            Self::Influxd => Some("influxd: its answers were equal to Gyre's"),
            Self::VictoriaMetrics => Some(
                "victoria-metrics: answers PromQL of the same meaning, compared only for being there; does not sync writes",
            ),
        }
    }

    /// Fails, naming the package to install, when its program is not there.
    pub(crate) fn require(self) -> Result<()> {
        let (binary, package) = (self.binary(), self.package());
        ensure!(
            Path::new(binary).exists(),
            "{binary} is missing: install Debian's {package} package, or leave {} out of --peers",
            self.name()
        );
        Ok(())
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Gyre => env!("CARGO_BIN_EXE_gyre"),
            Self::Influxd => "/usr/bin/influxd",
            Self::VictoriaMetrics => "/usr/bin/victoria-metrics",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Gyre => "gyre",
            Self::Influxd => "influxdb",
            Self::VictoriaMetrics => "victoria-metrics",
        }
    }

    /// The arguments that make it serve `addr` and keep everything in `data`; writes its configuration to `file`.
    fn arguments(self, addr: SocketAddr, data: &str, file: &str) -> Result<Vec<String>> {
        let config = match self {
            Self::Gyre => gyre_config(addr, data),
            Self::Influxd => influxd_config(addr, data),
            Self::VictoriaMetrics => {
                return Ok(vec![
                    format!("-httpListenAddr={addr}"),
                    format!("-storageDataPath={data}"),
                    "-retentionPeriod=100y".to_owned(),
                ]);
            }
        };
        fs::write(file, config).with_context(|| format!("cannot write {file}"))?;
        let before: &[&str] = if self == Self::Gyre {
            &["serve", "--config"]
        } else {
            &["-config"]
        };
        Ok(before.iter().copied().chain([file]).map(str::to_owned).collect())
    }
}

impl Server {
    /// Starts one, waits until it answers, and creates the database where there are databases.
    pub(crate) fn start(product: Product) -> Result<Self> {
        let (dir, addr) = (dir::temp_dir(), ports::free());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let mut command = Command::new(product.binary());
        command.args(product.arguments(addr, &path("data"), &path("config.toml"))?);
        let process = Process::start(product.name(), &command, &dir.path().join("log"));
        let mut server = Self {
            product,
            addr,
            process,
            dir,
        };
        server.wait_ready()?;
        if product != Product::VictoriaMetrics {
            let created = server.client().post("/query?q=CREATE%20DATABASE%20bench", b"");
            ensure!(
                created.status == 200,
                "{}: no database: {}",
                product.name(),
                created.text()
            );
        }
        Ok(server)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let client = self.client();
        let ready = wait::poll(START, || match self.process.exit_status() {
            Some(_) => Some(false),
            None => client.pings().then_some(true),
        });
        let name = self.product.name();
        ensure!(ready == Some(true), "{name} does not start: {}", self.process.log());
        Ok(())
    }

    /// Talks to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr)
    }

    /// The bytes that its data take on disk: whole blocks of everything it keeps, its log of writes included.
    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        let data = self.dir.path().join("data");
        measure::allocated_bytes(&data).with_context(|| format!("cannot measure {}", data.display()))
    }
}

fn gyre_config(addr: SocketAddr, data: &str) -> String {
    format!(
        r#"[http]
listen = ["{addr}"]
[data]
dir = "{data}"
"#
    )
}

fn influxd_config(addr: SocketAddr, data: &str) -> String {
    let rpc = ports::free();
    format!(
        r#"reporting-disabled = true
bind-address = "{rpc}"
[meta]
dir = "{data}/meta"
[data]
dir = "{data}/data"
wal-dir = "{data}/wal"
query-log-enabled = false
cache-snapshot-write-cold-duration = "1s"
compact-full-write-cold-duration = "1s"
[monitor]
store-enabled = false
[http]
bind-address = "{addr}"
log-enabled = false
"#
    )
}

//! The points: those of `examples/load`, written by its code.

use anyhow::{Error, Result, bail};
use clap::Args;

use crate::{
    generator::{args, write},
    servers::{DB, Server},
};

/// Time of the first point, seconds: where `examples/load` begins.
const START: u64 = 1_767_225_600;
/// Seconds between two points of a host.
const INTERVAL: u64 = 10;
/// Fields of a line.
const FIELDS: u64 = 10;
/// Lines of a request.
const BATCH: u64 = 5000;
/// Connections that write at the same time.
const CONNECTIONS: u64 = 4;

/// The points of a run: for every step one line for every host.
#[derive(Debug, Clone, Args)]
pub(crate) struct Workload {
    /// Series; one of those that are queried is the 18th.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(18..=1_000_000))]
    hosts: u64,
    /// Lines of each host, 10 seconds apart.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    steps: u64,
    /// Random floats instead of small integers.
    #[arg(long)]
    floats: bool,
}

impl Workload {
    /// Points of all series.
    pub(crate) fn lines(&self) -> u64 {
        self.hosts * self.steps
    }

    /// Values of all points.
    pub(crate) fn values(&self) -> u64 {
        self.lines() * FIELDS
    }

    /// From the first point to one interval after the last, seconds since 1970.
    pub(crate) fn times(&self) -> (u64, u64) {
        (START, START + self.steps * INTERVAL)
    }

    /// One line of text for above a table.
    pub(crate) fn describe(&self, runs: u32) -> String {
        let kind = if self.floats { "random float" } else { "integer" };
        format!(
            "{} hosts x {} steps of {FIELDS} {kind} fields; {BATCH} lines a request, {CONNECTIONS} connections; \
             medians of {runs} runs",
            self.hosts, self.steps
        )
    }

    /// Writes all points; lines accepted per second. Fails when one was refused.
    pub(crate) fn write_to(&self, server: &Server) -> Result<f64> {
        let (sent, elapsed) = write::send_workload(&self.arguments(server)?).map_err(Error::msg)?;
        if let Some(error) = sent.first_error {
            bail!("{} does not take the points: {error}", server.product.name());
        }
        Ok(sent.lines as f64 / elapsed.as_secs_f64())
    }

    /// The command line of `examples/load` that says the same.
    fn arguments(&self, server: &Server) -> Result<args::Args> {
        let mut words: Vec<String> = [&server.addr.to_string(), "--workload", "hosts", "--db", DB]
            .map(str::to_owned)
            .into();
        let numbers = [
            ("--hosts", self.hosts),
            ("--steps", self.steps),
            ("--interval", INTERVAL),
            ("--batch", BATCH),
            ("--connections", CONNECTIONS),
        ];
        words.extend(
            numbers
                .iter()
                .flat_map(|(option, number)| [(*option).to_owned(), number.to_string()]),
        );
        words.extend(self.floats.then(|| "--floats".to_owned()));
        args::Args::parse(words.into_iter()).map_err(Error::msg)
    }
}

//! Gyre's embedded engine beside other databases: what the same points cost each of them, and the same questions.
//!
//! ```text
//! cargo bench --bench compare [-- OPTIONS]     `-- --help` lists them
//! ```
//!
//! Every server runs on a free loopback address and in a directory of its own, with its defaults but for what
//! [`servers`] says. One after the other is loaded by `examples/load` and left alone until it has no more to do: what it
//! flushes and compacts later is part of what a line costs. Then they take turns in answering the queries, after their
//! answers were found equal. Servers, directories and points are gone at the end.
//!
//! Without the `--bench` that `cargo bench` adds, as in `cargo test --benches`, nothing is measured.

mod load;
mod measure;
mod queries;
mod servers;
mod table;

#[path = "../../examples/load"]
#[allow(
    dead_code,
    reason = "a program of its own: its command line and its report are not needed here"
)]
mod generator {
    pub(crate) mod args;
    mod client;
    mod stats;
    mod workload;
    pub(crate) mod write;
}

#[path = "../../tests/support"]
#[allow(dead_code, reason = "a toolbox of the tests: only some of it is needed here")]
mod support {
    pub(crate) mod dir;
    pub(crate) mod http;
    mod message;
    pub(crate) mod ports;
    pub(crate) mod process;
    pub(crate) mod wait;
}

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use load::Workload;
use measure::Footprint;
use servers::{Product, Server};
use table::Table;

/// Measures Gyre and other databases under the same load and the same queries.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    workload: Workload,
    /// What Gyre is compared with.
    #[arg(long, value_delimiter = ',', default_values = ["influxd", "victoria-metrics"])]
    peers: Vec<Product>,
    /// How often each query is run.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Added by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("compare: measures only under cargo bench --bench compare");
        return ExitCode::SUCCESS;
    }
    match run(&Options::parse()) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything; servers are killed when it returns.
fn run(options: &Options) -> Result<Table> {
    let Options {
        workload, peers, runs, ..
    } = options;
    let products: Vec<Product> = [Product::Gyre].iter().chain(peers).copied().collect();
    products.iter().try_for_each(|product| product.require())?;
    let mut table = Table::new(workload.describe(*runs), products.iter().map(|product| product.name()));

    products
        .iter()
        .filter_map(|product| product.note())
        .for_each(|note| table.note(note));

    let mut servers = Vec::new();
    let mut footprints = Vec::new();
    for product in products {
        eprintln!("compare: loading {}", product.name());
        let server = Server::start(product)?;
        let speed = workload.write_to(&server)?;
        footprints.push(Footprint::settled(&server, workload, speed)?);
        servers.push(server);
    }
    measure::tabulate(&footprints, &mut table);

    eprintln!("compare: querying");
    queries::check(&servers, workload)?;
    for (name, medians) in queries::medians(&servers, workload, *runs)? {
        table.row(format!("{name}, ms"), medians);
    }
    let peaks = servers.iter().map(|server| measure::mib(server.process.peak_bytes()));
    table.row("peak memory with queries, MiB".to_owned(), peaks.collect());
    Ok(table)
}

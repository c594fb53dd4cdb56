//! Load generator and null InfluxDB, for measuring what a server costs. Standard library only.
//!
//! ```text
//! load write HOST:PORT [options]     writes line protocol over keep-alive connections, and reports
//!     --workload NAME   short: 50 measurements, 2 tags, 2 fields (default); hosts: 10 tags, 10 fields, random walk
//!     --floats          hosts: random floats instead of integers
//!     --hosts N         series (100)
//!     --steps N         points per series (100)
//!     --interval S      seconds between points of a series (10)
//!     --batch N         lines per request (1000)
//!     --connections N   concurrent connections (8)
//!     --path PATH       where to POST (/write)
//!     --db NAME         database (bench)
//!     --pid PID         process whose CPU time and memory are reported
//! load query HOST:PORT --q INFLUXQL [--db NAME] [--count N] [--pid PID]
//!                                    runs a statement N times (100) on one connection, and reports
//! load nodes HOST:PORT [--nodes N] [--interval S] [--rounds N] [--connections N] [--pid PID]
//!                                    registers N nodes (10000), refreshes each every S seconds (5) for some rounds (6)
//!                                    over so many connections (100), lists them every second, and reports
//! load sink HOST:PORT ... [--databases A,B]
//!                                    a null InfluxDB on every address until killed: /ping and /write 204,
//!                                    SHOW DATABASES the given names (bench), other queries one fixed series,
//!                                    /stat the writes and bytes received so far
//! ```
//!
//! A report is one line of `key=value`, for people and for `scripts/bench-write`. A run is the same every time: its
//! random numbers have a fixed seed. Times are microseconds unless the key says otherwise; an error is every answer
//! but 2xx and every broken connection, and the first of them is printed.

mod args;
mod client;
mod nodes;
mod query;
mod sink;
mod stats;
mod workload;
mod write;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let done = args::Args::parse(words).and_then(|args| match command.as_str() {
        "write" => write::run(&args),
        "query" => query::run(&args),
        "nodes" => nodes::run(&args),
        "sink" => sink::run(&args),
        _ => Err("say write, query, nodes or sink; see the head of examples/load/main.rs".to_owned()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

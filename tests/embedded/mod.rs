//! The embedded engine behind the same front door: no other server.

mod bounds;
mod chunks;
mod crash;
mod differential;
mod disk;
mod life;
mod memory;
mod removers;
mod statements;
mod upkeep;

use crate::support::gyre::{Config, Gyre};

/// A configuration of `circles` circles of `per_circle` embedded backends each.
pub(crate) fn config(circles: usize, per_circle: usize) -> Config {
    Config::new(vec![vec!["embedded:".to_owned(); per_circle]; circles])
}

/// The same with so little memory that the engines flush all the time, and files small enough to be given back soon.
pub(crate) fn busy(circles: usize, per_circle: usize) -> Config {
    config(circles, per_circle)
        .set("memory", "budget", "512KiB")
        .set("http", "max_body", "128KiB")
        .set("http", "max_decompressed", "128KiB")
        .set("http", "max_line", "64KiB")
        .set("journal", "segment", "256KiB")
        .set("journal", "tail", "64KiB")
        .set("delivery", "batch_bytes", "64KiB")
        .set("query", "max_merged", "128KiB")
}

/// Gyre over embedded backends.
pub(crate) fn start(circles: usize, per_circle: usize) -> Gyre {
    Gyre::start(config(circles, per_circle))
}

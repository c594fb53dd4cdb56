//! The Snap daemon's interface, and the tasks and plugins behind it.

mod auth;
mod bad_plugins;
mod builtin;
mod daemon;
mod default_task;
mod load;
mod multipart;
mod plugins;
mod rest;
mod restart;
mod tasks;
mod watch;

use crate::support::gyre::{Config, Gyre};

/// A server that keeps its series itself.
fn start(more: impl FnOnce(Config) -> Config) -> Gyre {
    Gyre::start(more(Config::new(vec![vec!["embedded:".to_owned()]])))
}

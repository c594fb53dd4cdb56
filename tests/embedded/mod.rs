//! The embedded engine behind the same front door: no other server.

mod crash;
mod differential;
mod life;
mod statements;

use crate::support::gyre::{Config, Gyre};

/// A configuration of `circles` circles of `per_circle` embedded backends each.
pub(crate) fn config(circles: usize, per_circle: usize) -> Config {
    Config::new(vec![vec!["embedded:".to_owned(); per_circle]; circles])
}

/// Gyre over embedded backends.
pub(crate) fn start(circles: usize, per_circle: usize) -> Gyre {
    Gyre::start(config(circles, per_circle))
}

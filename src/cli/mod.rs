//! Commands that talk to a running Gyre, and what the process hears from outside.

pub(crate) mod dead_letters;
mod remote;
pub(crate) mod signals;

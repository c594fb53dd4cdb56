//! Commands that talk to a running Gyre, and what the process hears from outside.

pub(crate) mod backup;
pub(crate) mod dead_letters;
pub(crate) mod export;
pub(crate) mod import;
mod lines;
pub(crate) mod meta;
pub(crate) mod metric;
pub(crate) mod nodes;
pub(crate) mod out;
pub(crate) mod plugin;
mod progress;
mod remote;
pub(crate) mod restore;
pub(crate) mod signals;
mod snap;
mod table;
pub(crate) mod task;
mod time;

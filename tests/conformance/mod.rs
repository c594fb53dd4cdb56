//! Recorded cases, replayed: those in the directory that `GYRE_CONFORMANCE` names, beside the project's own.

mod influxql;
mod snap_catalogue;
mod snap_plugins;
mod snap_tasks;
mod wire;

use std::{env, fs, path::PathBuf};

use serde_json::Value;

/// The JSON file `name` below the directory that `GYRE_CONFORMANCE` names; `None` when it names none.
///
/// # Panics
/// When it names one and the file is not there, or is not JSON.
fn given(name: &str) -> Option<Value> {
    let dir = env::var_os("GYRE_CONFORMANCE")?;
    Some(read(PathBuf::from(dir).join(name)))
}

/// A JSON file of the project's own cases.
///
/// # Panics
/// When it is missing or not JSON.
fn own(name: &str) -> Value {
    read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name))
}

fn read(path: PathBuf) -> Value {
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! The Python package `influxdb`, in the environment that `scripts/python-env` makes.

use std::{path::Path, sync::LazyLock};

use super::run;
use crate::support::cluster::Cluster;

/// The interpreter of the environment, made on first use.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/python-env");
    let script = script.to_str().expect("the project's path is UTF-8");
    let install = "python3 with venv and a package index are needed once";
    run(script, &[], install).trim().to_owned()
});

#[test]
fn package_influxdb_works() {
    let cluster = Cluster::start(2, 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/client.py");
    let addr = cluster.gyre.addr();
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let script = script.to_str().expect("the project's path is UTF-8");
    assert_eq!(run(&PYTHON, &[script, &host, &port], "run scripts/python-env"), "ok\n");
}

//! The Python package `influxdb`.

use std::path::Path;

use super::run;
use crate::support::{cluster::Cluster, python::PYTHON};

#[test]
fn package_influxdb_works() {
    let cluster = Cluster::start(2, 2);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/client.py");
    let addr = cluster.gyre.addr();
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let script = script.to_str().expect("the project's path is UTF-8");
    assert_eq!(run(&PYTHON, &[script, &host, &port], "run scripts/python-env"), "ok\n");
}

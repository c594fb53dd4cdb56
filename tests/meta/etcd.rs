//! The store in etcd: the conformance suite on a real one, and what a cluster adds: members that die, hang and return.

use std::time::Duration;

use super::conformance;
use crate::support::etcd::Etcd;

/// Long enough for an election on a loaded machine.
const TIMEOUT: Duration = Duration::from_secs(5);

fn open(urls: Vec<String>) -> meta::Etcd {
    let options = EtcdOptions {
        endpoints: urls,
        prefix: "/gyre".to_owned(),
        user: None,
        ca: None,
        timeout: TIMEOUT,
    };
    meta::Etcd::new(options).unwrap()
}

#[tokio::test]
async fn conforms() {
    let etcd = Etcd::start();
    let store = open(etcd.urls());
    conformance::run(&store).await;
    conformance::run(&store).await;
}

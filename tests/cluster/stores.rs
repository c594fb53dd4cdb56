//! The stores under the control plane: everything that one process does, it does on each of them.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{etcd::Etcd, gyre::Config, ports};

/// How long nodes of these tests live without a heartbeat; etcd knows no shorter leases than its election's.
pub(crate) const TTL: Duration = Duration::from_secs(3);

/// One etcd for all cases of a run: each has a place of its own in it.
pub(crate) fn etcd() -> &'static Etcd {
    static SHARED: LazyLock<Etcd> = LazyLock::new(Etcd::start);
    &SHARED
}

/// A place in etcd that nobody else has.
pub(crate) fn prefix() -> String {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    format!("/case-{}", GIVEN.fetch_add(1, Ordering::SeqCst))
}

/// The configuration of a process that keeps its documents in etcd; errors come at once.
pub(crate) fn on_etcd(etcd: &Etcd, prefix: &str) -> Config {
    Config::new(vec![vec![format!("http://{}", ports::free())]])
        .set("meta", "store", "etcd")
        .set("meta", "etcd.endpoints", etcd.urls())
        .set("meta", "etcd.prefix", prefix)
        .set("meta", "etcd.timeout", "2s")
        .set("meta", "error_delay", "0s")
        .set("nodes", "ttl", format!("{}s", TTL.as_secs()))
}

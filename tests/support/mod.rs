//! What every black-box test stands on: processes, servers, a client that can misbehave, a network that can break.
#![allow(
    dead_code,
    reason = "a toolbox: API families use different parts of it, and none uses all"
)]

pub(crate) mod cli;
pub(crate) mod cluster;
pub(crate) mod dir;
pub(crate) mod etcd;
pub(crate) mod gyre;
pub(crate) mod gzip;
pub(crate) mod http;
pub(crate) mod identity;
pub(crate) mod influxd;
mod message;
pub(crate) mod null_backend;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod python;
pub(crate) mod small_disk;
pub(crate) mod snap;
pub(crate) mod tcp_proxy;
pub(crate) mod wait;

mod selftest;

/// Whether long rounds run whole: `GYRE_TEST_LONG=1`.
pub(crate) fn long() -> bool {
    std::env::var("GYRE_TEST_LONG").is_ok_and(|value| value == "1")
}

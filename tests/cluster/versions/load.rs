//! Very many polls on one cluster.

use std::time::Duration;

use super::{answer, path, poll, store, told, wait_for_polls};
use crate::cluster::stores::Store;
use crate::support::{self, gyre::Gyre, wait::Instant};

/// What they wait for.
const BODY: [u8; 1024] = [b'x'; 1024];

/// Every poll is answered with the news, soon after the write.
pub(super) fn a_thousand_polls(gyre: &Gyre) {
    // A debug build beside other tests; a release build needs a tenth of it.
    let woken = wake(gyre, "crowd", 1000);
    assert!(woken < Duration::from_secs(5), "{woken:?}");
}

/// Opens polls, writes, and waits until all have their answers; the time from the write's begin.
fn wake(gyre: &Gyre, cluster: &str, count: usize) -> Duration {
    let client = gyre.client();
    store(&client, cluster, 0, b"old");
    let polls: Vec<_> = (0..count).map(|_| poll(gyre, &path(cluster, 1))).collect();
    wait_for_polls(gyre, count);
    println!("{count} polls wait: {} MiB", gyre.process().resident_bytes() >> 20);
    let start = Instant::now();
    store(&client, cluster, 1, &BODY);
    for poll in polls {
        assert_eq!(told(&answer(poll)), (200, Some(2), BODY.as_slice()));
    }
    let woken = start.elapsed();
    println!("{count} polls woken within {woken:?}");
    woken
}

/// With `GYRE_BIN` a release build: a debug build has other figures.
#[test]
fn ten_thousand_polls() {
    if !support::long() {
        return;
    }
    let gyre = super::start(Store::Embedded);
    let woken = wake(&gyre, "crowd", 10_000);
    let peak = gyre.process().peak_bytes();
    println!("peak {} MiB", peak >> 20);
    assert!(woken < Duration::from_secs(1) && peak < 200 << 20, "{woken:?} {peak}");
}

//! What tests of built-ins stand on.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::base::{ManualClock, TimestampNs};

use super::{super::Answer, Deps, Sink};

/// A sink that remembers database, policy and lines.
#[derive(Debug, Default)]
pub(super) struct Remembers(pub(super) Mutex<Vec<(String, String, Bytes)>>);

impl Sink for Remembers {
    fn write(&self, db: &str, policy: &str, lines: Bytes) -> Answer<'_, ()> {
        self.0.lock().unwrap().push((db.to_owned(), policy.to_owned(), lines));
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What built-ins work with, at that time of a clock that stands; and what is written.
pub(super) fn deps(now: i64) -> (Deps, ManualClock, Arc<Remembers>) {
    // The first to install wins.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let (clock, sink) = (ManualClock::at(TimestampNs(now)), Arc::new(Remembers::default()));
    let deps = Deps::new(Arc::<Remembers>::clone(&sink), Arc::new(clock.clone()));
    (deps, clock, sink)
}

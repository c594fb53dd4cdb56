//! The stores that documents can be in. What a process does on one, it does on the other: cases are functions of a
//! server, and run on both.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::support::{
    etcd::Etcd,
    gyre::{Config, Gyre},
    null_backend::NullBackend,
};

/// A case and what it shows.
pub(crate) type Case = (&'static str, fn(&Gyre));

/// Where a server keeps its documents.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store {
    /// In files of its own.
    Embedded,
    /// In an etcd that it may share.
    Etcd,
}

impl Store {
    /// Each of them.
    pub(crate) const ALL: [Self; 2] = [Self::Embedded, Self::Etcd];

    /// The configuration of a server with no documents yet.
    pub(crate) fn config(self) -> Config {
        match self {
            Self::Embedded => base(),
            Self::Etcd => on_etcd(etcd(), &prefix()),
        }
    }

    /// Runs every case on a server of its own, whose configuration `settings` completes.
    pub(crate) fn run(self, cases: &[Case], settings: fn(Config) -> Config) {
        for (what, case) in cases {
            println!("{what}");
            case(&Gyre::start(settings(self.config())));
        }
    }
}

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

/// The configuration of a server that keeps its documents at a place in an etcd.
pub(crate) fn on_etcd(etcd: &Etcd, prefix: &str) -> Config {
    base()
        .set("meta", "store", "etcd")
        .set("meta", "etcd.endpoints", etcd.urls())
        .set("meta", "etcd.prefix", prefix)
        .set("meta", "etcd.timeout", format!("{}s", TIMEOUT.as_secs()))
}

/// Longest time of a request to etcd in these tests: much longer than an election.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

/// One backend, which is there, so that nothing waits for it.
fn base() -> Config {
    static BACKEND: LazyLock<NullBackend> = LazyLock::new(|| NullBackend::start(&[]));
    Config::new(vec![vec![BACKEND.url()]])
}

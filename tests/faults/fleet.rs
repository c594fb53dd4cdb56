//! Gyre in front of two circles of two real InfluxDB servers, and everything that can happen to them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    ledger::{Ledger, Replica},
    replica,
    schedule::{Breakage, Schedule, Step},
    writers::Writers,
};
use crate::support::{
    gyre::{Config, Gyre},
    http::Client,
    influxd::Influxd,
    small_disk::SmallDisk,
    tcp_proxy::{Link, TcpProxy},
    wait,
};

/// The database that all fault tests write to.
pub(crate) const DB: &str = "faults";

/// Circles, each holding everything.
const CIRCLES: usize = 2;

/// Servers in a circle, each holding a part.
const PER_CIRCLE: usize = 2;

/// Servers in all; number `n` belongs to circle `n / PER_CIRCLE`.
pub(crate) const BACKENDS: usize = CIRCLES * PER_CIRCLE;

/// Room for the journal and the stores of a new server, and some megabytes more.
const DISK_MEBIBYTES: u32 = 192;

/// Concurrent writers of a torture.
const WRITERS: usize = 4;

/// The longest time until all replicas hold everything after everything is well again.
const CONVERGENCE: Duration = Duration::from_secs(30);

/// Held by the one fleet that runs: two at a time would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

/// A whole cluster.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// The server under test; goes before the servers it talks to.
    pub(crate) gyre: Gyre,
    backends: Vec<Backend>,
    disk: Option<SmallDisk>,
    _alone: MutexGuard<'static, ()>,
}

#[derive(Debug)]
struct Backend {
    server: Influxd,
    link: TcpProxy,
    broken: Option<Breakage>,
}

impl Fleet {
    /// Starts everything, with an empty database, and retries short enough for tests.
    pub(crate) fn start() -> Self {
        Self::start_on(None)
    }

    /// The same, with Gyre's data on a disk that can be filled.
    pub(crate) fn start_on_small_disk() -> Self {
        Self::start_on(Some(SmallDisk::mount(DISK_MEBIBYTES)))
    }

    fn start_on(disk: Option<SmallDisk>) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let backends: Vec<Backend> = (0..BACKENDS).map(|_| Backend::start()).collect();
        let circles = backends
            .chunks(PER_CIRCLE)
            .map(|circle| circle.iter().map(|b| b.link.url()).collect())
            .collect();
        let mut config = Config::new(circles)
            .set("proxy", "ack_timeout", "1s")
            .set("delivery", "check_interval", "200ms")
            .set("delivery", "backoff_min", "50ms")
            .set("delivery", "backoff_max", "500ms")
            .set("delivery", "timeout", "3s")
            .set("memory", "budget", "64MiB")
            .set("http", "max_body", "16MiB")
            .set("http", "max_decompressed", "32MiB")
            .set("journal", "tail", "16MiB");
        if let Some(disk) = &disk {
            config = config.data_dir(&disk.path().join("data")).launcher(disk.launcher());
        }
        let gyre = Gyre::start(config);
        gyre.client().query("", &format!("CREATE DATABASE {DB}"));
        Self {
            gyre,
            backends,
            disk,
            _alone: alone,
        }
    }

    /// Lets one thing happen.
    pub(crate) fn apply(&mut self, step: Step) {
        match step {
            Step::Wait(time) => wait::pause(time),
            Step::KillGyre => self.gyre.restart(),
            Step::Break(number, breakage) => self.backends[number].break_by(breakage),
            Step::Mend(number) => self.backends[number].mend(),
            Step::FillDisk => self.disk().fill(),
            Step::FreeDisk => self.disk().free(),
        }
    }

    /// Talks to a backend directly, past the network that may be broken.
    pub(crate) fn backend(&self, number: usize) -> Client {
        self.backends[number].server.client()
    }

    /// Writers write while the schedule runs; afterwards every replica must come to hold what they were promised.
    ///
    /// # Panics
    /// When a replica does not; the text names the points and the schedule.
    pub(crate) fn torture(mut self, schedule: &Schedule) {
        println!("{schedule}");
        let ledger = Arc::new(Ledger::default());
        let writers = Writers::start(WRITERS, &self.gyre.client(), DB, &ledger);
        for step in schedule.steps() {
            self.apply(*step);
        }
        let before = ledger.len();
        wait::until("writes go on after the last fault", CONVERGENCE, || {
            (ledger.len() > before).then_some(())
        });
        let statuses = writers.finish();
        println!("acknowledged {} points; statuses {statuses:?}", ledger.len());
        self.assert_complete(&ledger);
    }

    /// Waits until each circle, read from its servers, and Gyre itself hold every acknowledged point, and the same.
    ///
    /// # Panics
    /// When they do not in time.
    #[track_caller]
    pub(crate) fn assert_complete(&self, ledger: &Ledger) {
        let mut wrong = String::new();
        let complete = wait::poll(CONVERGENCE, || match self.faults(ledger) {
            Ok(()) => Some(()),
            Err(text) => {
                wrong = text;
                None
            }
        });
        assert!(complete.is_some(), "{wrong}");
    }

    /// What is wrong with the replicas now.
    fn faults(&self, ledger: &Ledger) -> Result<(), String> {
        let mut replicas: Vec<(String, Replica)> = Vec::new();
        for (number, circle) in (1..).zip(self.backends.chunks(PER_CIRCLE)) {
            let servers: Vec<Client> = circle.iter().map(|backend| backend.server.client()).collect();
            replicas.push((format!("circle {number}"), replica::read(&servers, DB)?));
        }
        replicas.push(("gyre".to_owned(), replica::read(&[self.gyre.client()], DB)?));
        for (name, replica) in &replicas {
            let report = ledger.check(replica);
            if !report.is_clean() {
                return Err(format!(
                    "{name} holds {} keys, of {} acknowledged:\n{report}",
                    replica.len(),
                    ledger.len()
                ));
            }
        }
        let (first, others) = replicas.split_first().expect("there are circles");
        match others.iter().find(|other| other.1 != first.1) {
            Some(other) => Err(format!(
                "{} and {} differ in what was not acknowledged",
                first.0, other.0
            )),
            None => Ok(()),
        }
    }

    fn disk(&self) -> &SmallDisk {
        self.disk
            .as_ref()
            .expect("a schedule with a full disk runs on a small one")
    }
}

impl Backend {
    fn start() -> Self {
        let server = Influxd::start();
        let link = TcpProxy::start(server.addr());
        Self {
            server,
            link,
            broken: None,
        }
    }

    fn break_by(&mut self, breakage: Breakage) {
        match breakage {
            Breakage::Killed => self.server.kill9(),
            Breakage::Stopped => self.server.stop(),
            Breakage::Slow(time) => self.link.set(Link::Delay(time)),
            Breakage::Partitioned => self.link.set(Link::BlackHole),
        }
        self.broken = Some(breakage);
    }

    fn mend(&mut self) {
        match self.broken.take() {
            Some(Breakage::Killed) => self.server.restart(),
            Some(Breakage::Stopped) => self.server.resume(),
            Some(Breakage::Slow(_) | Breakage::Partitioned) => self.link.set(Link::Pass),
            None => (),
        }
    }
}

//! What the embedded engines of a server are busy with, as its log at level "debug" tells: so a kill can be aimed, and
//! afterwards be shown to have hit.

use std::{collections::BTreeSet, time::Duration};

use crate::support::{
    process::Process,
    wait::{self, Instant},
};

/// Far below what any of the work takes.
const LOOK: Duration = Duration::from_millis(1);

/// Work of an engine that changes files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// Points in memory become files.
    Flush,
    /// Files become one.
    Compaction,
    /// Expired data are dropped, which ends with a flush.
    Expiry,
}

/// What is under way in one life of a server.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    read_to: u64,
    running: BTreeSet<(Work, String)>,
}

impl Upkeep {
    /// Waits until an engine does such work, but not longer than `within`.
    pub(super) fn wait_for(&mut self, work: Work, server: &Process, within: Duration) {
        let start = Instant::now();
        while start.elapsed() < within {
            self.look(server);
            if self.now().contains(&work) {
                return;
            }
            wait::pause(LOOK);
        }
    }

    /// What a server was doing when it was killed: begun, and never ended.
    pub(super) fn cut_off(&mut self, killed: &Process) -> BTreeSet<Work> {
        self.look(killed);
        let cut_off = self.now();
        self.running.clear();
        cut_off
    }

    /// A flush within an expiry counts as that.
    fn now(&self) -> BTreeSet<Work> {
        let is_within = |dir: &String| self.running.contains(&(Work::Expiry, dir.clone()));
        let running = self.running.iter();
        let own = running.filter(|(work, dir)| *work != Work::Flush || !is_within(dir));
        own.map(|(work, _)| *work).collect()
    }

    fn look(&mut self, server: &Process) {
        for line in server.log_since(&mut self.read_to).lines() {
            for (work, name) in [
                (Work::Flush, "flush"),
                (Work::Compaction, "compaction"),
                (Work::Expiry, "expiry"),
            ] {
                let dir = |word: &str| {
                    let rest = line.split_once(&format!(": {name} {word} dir="))?.1;
                    Some((work, rest.split(' ').next()?.to_owned()))
                };
                self.running.extend(dir("begins"));
                dir("ends").map(|ended| self.running.remove(&ended));
            }
        }
    }
}

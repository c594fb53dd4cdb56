//! The engine against a naive model, crashes, damage and full disks.

mod concurrent;
mod damage;
pub(crate) mod dump;
mod failures;
pub(crate) mod model;
mod properties;
mod reads;
pub(crate) mod records;
mod schema;
mod snapshot;
mod writes;

use std::{path::Path, sync::Arc};

use crate::{
    base::{Clock, ManualClock, TimestampNs},
    journal::fs::{Fs, MemFs},
};

use super::*;

pub(crate) const HOUR: i64 = 3_600_000_000_000;
/// Where the clock starts: a whole hour, so that points expire with their groups.
pub(crate) const NOW: i64 = 480_000 * HOUR;

/// Such that little is enough for compactions and several files.
pub(crate) fn options() -> Options {
    Options {
        compaction_fan_in: 3,
        max_file_bytes: 600,
        ..Options::default()
    }
}

fn dir() -> &'static Path {
    Path::new("/engine")
}

fn open_with(fs: &MemFs, clock: &ManualClock, options: Options) -> Result<(Engine, Recovery), Error> {
    let (fs, clock): (Arc<dyn Fs>, Arc<dyn Clock>) = (Arc::new(fs.clone()), Arc::new(clock.clone()));
    Engine::open(fs, dir(), options, clock)
}

fn open(fs: &MemFs, clock: &ManualClock) -> (Engine, Recovery) {
    open_with(fs, clock, options()).unwrap()
}

/// A new engine with a database `db`, and what it lies on.
fn engine() -> (Engine, MemFs, ManualClock) {
    let (fs, clock) = (MemFs::new(), ManualClock::at(TimestampNs(NOW)));
    let (engine, recovery) = open(&fs, &clock);
    assert_eq!(recovery, Recovery::default());
    engine.create_database(1, "db", None).unwrap();
    (engine, fs, clock)
}

/// Writes lines to `db`; InfluxDB's text about what was refused.
fn write(engine: &Engine, seq: u64, lines: &str) -> Option<String> {
    engine.write(seq, "db", "", lines.as_bytes()).unwrap().partial_write()
}

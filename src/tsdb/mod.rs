//! The embedded time-series engine: points of many databases in one directory, written and read in this process.
//!
//! ```text
//! journal record -> write/schema/delete -> state: index, memtables      flush -> block files -> compaction
//!                                             |                            \-> series files, manifest
//! query ---------------------------------> scan: memtables over files, newest wins
//! ```
//! * The engine writes no log. Its caller applies the journal's records in order, each in one call with its number, and
//!   after a restart applies those behind [`Engine::checkpoint`] again, with the times that they had.
//! * What is durable changes only when the manifest is replaced, and is exactly the state at the checkpoint. Files are
//!   written once and named by the manifest, or they do not exist.
//! * A measurement and a tag set are a series, known by an id that is never given twice in its database. Dropping
//!   series forgets their ids; deleting a part of a series' times leaves a tombstone.
//! * A field has one type per database, policy and measurement; the last write of a field at a time wins.
//! * Nothing runs by itself: the caller's threads flush, compact and enforce retention, see [`Engine::maintenance_due`].
//!
//! Synchronous, over [`crate::journal::fs::Fs`]. Locks, in this order: applying, compacting, flushing, durable, state. Files are
//! touched without the state's lock; queries hold it while they look series up and copy rows out of memtables.

pub mod block;
mod columns;
mod compaction;
mod delete;
mod engine;
mod error;
mod fields;
mod flush;
mod index;
mod manifest;
mod memtable;
mod merge;
mod open;
mod options;
mod policy;
mod retention;
mod scan;
mod schema;
mod snapshot;
mod source;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod tombstone;
mod write;

pub use engine::{Due, Engine, Stats};
pub use error::Error;
pub use open::Recovery;
pub use options::Options;
pub use policy::{PolicyChange, PolicySpec};
pub use snapshot::{Snapshot, SnapshotFile};
pub use write::WriteOutcome;

//! The engine: what it is made of, and what is told about it.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{base::Clock, journal::fs::Fs};

use super::{Error, Options, manifest::Manifest, snapshot::Pins, state::State};

/// An embedded time-series engine; shared by `Arc`.
#[derive(Debug)]
pub struct Engine {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) state: RwLock<State>,
    /// Held while a record is applied, and while expired data are dropped until that is durable: a record that came in
    /// between would find another state when it is applied again.
    pub(super) applying: Mutex<()>,
    /// What the manifest on disk says; held while it is replaced.
    pub(super) durable: Mutex<Manifest>,
    /// Held by a flush.
    pub(super) flushing: Mutex<()>,
    /// Held by a compaction: numbers of files that are too damaged to be compacted.
    pub(super) compacting: Mutex<HashSet<u64>>,
    /// Removes files, when no snapshot needs them.
    pub(super) pins: Arc<Pins>,
    pub(super) next_file: AtomicU64,
    pub(super) checkpoint: AtomicU64,
}

/// Work that waits for a thread of the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// The memtables have reached their size, or an earlier flush failed: [`Engine::flush`].
    pub flush: bool,
    /// Files can be merged: [`Engine::compact_once`], again while it answers `true`.
    pub compaction: bool,
}

/// Figures about an engine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Databases.
    pub databases: usize,
    /// Series of all databases.
    pub series: usize,
    /// Shard groups of all policies.
    pub shard_groups: usize,
    /// Block files.
    pub block_files: usize,
    /// Bytes of block files.
    pub block_bytes: u64,
    /// Deletions not yet carried out in files.
    pub tombstones: usize,
    /// Memory of points not yet flushed, bytes.
    pub memtable_bytes: usize,
    /// Memory of the index, bytes, roughly.
    pub index_bytes: usize,
    /// Damaged block files that compaction leaves alone.
    pub damaged_files: usize,
}

impl Engine {
    /// The last record of the journal whose effect is durable without it, and that of all before it.
    #[must_use]
    pub fn checkpoint(&self) -> u64 {
        self.checkpoint.load(Ordering::Acquire)
    }

    /// Memory in use, bytes, roughly.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let state = self.read_state();
        let index: usize = state.databases.iter().map(|database| database.index.bytes()).sum();
        state.active_bytes + state.sealed_bytes + index
    }

    /// Work that waits for a thread of the caller. Retention is a matter of the clock: every some minutes.
    #[must_use]
    pub fn maintenance_due(&self) -> Due {
        let state = self.read_state();
        let flush = state.active_bytes >= self.options.memtable_bytes || state.sealed.is_some();
        drop(state);
        Due {
            flush,
            compaction: self.has_compaction(),
        }
    }

    /// Figures about it.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.read_state();
        let mut stats = Stats {
            databases: state.databases.len(),
            series: state.databases.iter().map(|database| database.index.len()).sum(),
            memtable_bytes: state.active_bytes + state.sealed_bytes,
            index_bytes: state.databases.iter().map(|database| database.index.bytes()).sum(),
            ..Stats::default()
        };
        for (.., group) in state.groups() {
            stats.shard_groups += 1;
            stats.block_files += group.runs.iter().map(|run| run.files.len()).sum::<usize>();
            stats.block_bytes += group.runs.iter().map(|run| run.bytes()).sum::<u64>();
            stats.tombstones += group.tombstones.len();
        }
        drop(state);
        // a running compaction holds the lock; then the figure waits for the next time
        stats.damaged_files = self.compacting.try_lock().map_or(0, |damaged| damaged.len());
        stats
    }

    /// Whether a thread died while it changed the state: what it left may be half a record. Nothing is made durable then
    /// ([`Error::Broken`]); opened anew, the engine is whole at its checkpoint.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.state.is_poisoned() || self.durable.is_poisoned()
    }

    /// Refuses what would make the state durable when it is broken.
    pub(super) fn check_whole(&self) -> Result<(), Error> {
        if self.is_broken() { Err(Error::Broken) } else { Ok(()) }
    }

    /// The journal's records up to `seq` are applied, or none of this engine's: the next flush makes that durable, so
    /// that they need not be kept for it.
    pub fn pass(&self, seq: u64) {
        let mut state = self.write_state();
        state.applied = state.applied.max(seq);
    }

    /// Applies a record of the journal to the state.
    pub(super) fn change<T>(&self, seq: u64, apply: impl FnOnce(&mut State) -> T) -> T {
        let _applying = self.lock_applying();
        let mut state = self.write_state();
        state.applied = seq;
        state.is_dirty = true;
        apply(&mut state)
    }

    pub(super) fn read_state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_applying(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lock_durable(&self) -> MutexGuard<'_, Manifest> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new file.
    pub(super) fn take_file_number(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }
}

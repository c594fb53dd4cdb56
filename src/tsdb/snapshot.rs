//! Snapshots: what the engine holds at one record of the journal, as files that stay while they are read.
//!
//! Files are written once, so the manifest's files of one moment are a snapshot. It pins them: what compaction, deletions
//! or retention make obsolete meanwhile is removed when the last snapshot that needs it is dropped. Pins are in memory
//! only: after a crash, obsolete files are what the next start finds that no manifest names, and removes.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::journal::fs::{Fs, ReadFile};

use super::{
    Error,
    engine::Engine,
    manifest::{self, FileRecord, Manifest},
    store::{block_path, series_path},
};

/// The files of an engine at one moment, as a directory that [`Engine::open`] opens. Dropping it lets them go.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
    numbers: BTreeSet<u64>,
    pins: Arc<Pins>,
}

/// A file of a snapshot.
#[derive(Debug)]
pub struct SnapshotFile {
    /// Its name in the engine's directory.
    pub name: String,
    /// Length, bytes.
    pub bytes: u64,
    path: PathBuf,
}

/// Which files must stay, and removal of the others.
#[derive(Debug)]
pub(super) struct Pins {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// By file: the snapshots that need it.
    counts: HashMap<u64, usize>,
    /// Files to be removed when no snapshot needs them any more.
    obsolete: BTreeSet<u64>,
}

impl Engine {
    /// Flushes and pins what is durable then: everything applied so far. When nothing is applied meanwhile, it is
    /// exactly that. Blocks for as long as a flush.
    ///
    /// # Errors
    /// Those of [`Engine::flush`].
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.flush()?;
        // a file that the manifest names is removed only after the manifest was replaced, which needs this lock
        let durable = self.lock_durable();
        let numbers = durable.files();
        self.pins.pin(&numbers);
        Ok(Snapshot {
            manifest: durable.clone(),
            numbers,
            pins: Arc::clone(&self.pins),
        })
    }
}

impl Snapshot {
    /// The last record of the journal whose effect is in it.
    #[must_use]
    pub fn checkpoint(&self) -> u64 {
        self.manifest.checkpoint
    }

    /// The manifest's files: names and content.
    #[must_use]
    pub fn manifest(&self) -> Vec<(&'static str, Vec<u8>)> {
        let content = manifest::encode(&self.manifest);
        manifest::COPIES.map(|name| (name, content.clone())).into()
    }

    /// All other files.
    #[must_use]
    pub fn files(&self) -> Vec<SnapshotFile> {
        let databases = &self.manifest.databases;
        let policies = databases.iter().flat_map(|database| &database.policies);
        let runs = policies.flat_map(|policy| &policy.groups).flat_map(|group| &group.runs);
        let blocks = runs.flat_map(|run| &run.files).map(|file| self.file(*file, block_path));
        let series = databases.iter().flat_map(|database| &database.series_files);
        series.map(|file| self.file(*file, series_path)).chain(blocks).collect()
    }

    fn file(&self, record: FileRecord, path: impl Fn(&Path, u64) -> PathBuf) -> SnapshotFile {
        let path = path(&self.pins.dir, record.number);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        SnapshotFile {
            name,
            bytes: record.bytes,
            path,
        }
    }

    /// Opens one of [`Snapshot::files`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(&self, file: &SnapshotFile) -> io::Result<Box<dyn ReadFile>> {
        self.pins.fs.open(&file.path)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.pins.unpin(&self.numbers);
    }
}

impl Pins {
    pub(super) fn new(fs: Arc<dyn Fs>, dir: &Path) -> Self {
        Self {
            fs,
            dir: dir.to_owned(),
            held: Mutex::default(),
        }
    }

    /// Removes files that the manifest does not name any more, those that a snapshot needs when it is dropped; what
    /// cannot be removed is at the next start.
    pub(super) fn remove(&self, obsolete: &[u64]) {
        let mut held = self.lock();
        let (pinned, free): (Vec<u64>, Vec<u64>) = obsolete.iter().partition(|number| held.counts.contains_key(number));
        held.obsolete.extend(pinned);
        drop(held);
        free.into_iter().for_each(|number| self.remove_now(number));
    }

    fn pin(&self, numbers: &BTreeSet<u64>) {
        let mut held = self.lock();
        numbers
            .iter()
            .for_each(|number| *held.counts.entry(*number).or_default() += 1);
    }

    fn unpin(&self, numbers: &BTreeSet<u64>) {
        let mut held = self.lock();
        for number in numbers {
            if let Some(count) = held.counts.get_mut(number) {
                *count -= 1;
            }
        }
        held.counts.retain(|_, count| *count > 0);
        let Held { counts, obsolete } = &mut *held;
        let free: Vec<u64> = obsolete.extract_if(.., |number| !counts.contains_key(number)).collect();
        drop(held);
        free.into_iter().for_each(|number| self.remove_now(number));
    }

    fn remove_now(&self, number: u64) {
        let paths = [block_path(&self.dir, number), series_path(&self.dir, number)];
        let exists = |path: &&PathBuf| self.fs.exists(path).unwrap_or(false);
        if let Some(Err(error)) = paths.iter().find(exists).map(|path| self.fs.remove(path)) {
            tracing::warn!(%error, number, "an obsolete file stays until the next start");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

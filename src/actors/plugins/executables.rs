//! Executables that were sent along with load requests, kept while something uses them.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;

use crate::plugin::{
    Checksum,
    files::{PluginFiles, StoredFile},
};

/// The directory of executables, and how many loads and plugins use each.
#[derive(Debug)]
pub(super) struct Executables {
    files: PluginFiles,
    uses: Mutex<HashMap<Checksum, usize>>,
}

/// A use of an executable. With the last one that ends, the file goes, unless the plugin is to be loaded again.
#[derive(Debug)]
pub(super) struct Kept {
    owner: Arc<Executables>,
    checksum: Checksum,
    stored: Option<StoredFile>,
    wanted: AtomicBool,
}

impl Executables {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            files: PluginFiles::new(dir),
            uses: Mutex::default(),
        }
    }

    /// Keeps an executable that was sent along, for now.
    pub(super) async fn store(self: &Arc<Self>, name: String, body: Bytes) -> io::Result<(StoredFile, Kept)> {
        // Counted before it is written, so that nobody removes it meanwhile.
        let mut kept = Kept::new(Arc::clone(self), Checksum::of(&body));
        let files = self.files.clone();
        let stored = tokio::task::spawn_blocking(move || files.store(&name, &body));
        let stored = stored.await.map_err(io::Error::other)??;
        kept.stored = Some(stored.clone());
        Ok((stored, kept))
    }

    /// Uses an executable that was kept by an earlier process.
    pub(super) fn reuse(self: &Arc<Self>, stored: StoredFile) -> Kept {
        let mut kept = Kept::new(Arc::clone(self), stored.checksum);
        kept.stored = Some(stored);
        kept.want(true);
        kept
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<Checksum, usize>> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn new(owner: Arc<Executables>, checksum: Checksum) -> Self {
        *owner.uses().entry(checksum).or_default() += 1;
        Self {
            owner,
            checksum,
            stored: None,
            wanted: AtomicBool::new(false),
        }
    }

    /// Says whether the plugin is to be loaded again when the process starts.
    pub(super) fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Release);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut uses = self.owner.uses();
        if let Some(count) = uses.get_mut(&self.checksum).filter(|count| **count > 1) {
            *count -= 1;
            return;
        }
        uses.remove(&self.checksum);
        if let Some(stored) = &self.stored
            && !self.wanted.load(Ordering::Acquire)
            && let Err(error) = self.owner.files.remove(stored)
        {
            tracing::warn!(%error, path = %stored.path.display(), "executable of a plugin was not removed");
        }
    }
}

//! Executables that were sent along with load requests, kept while something uses them.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
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
    dir: PathBuf,
    files: PluginFiles,
    uses: Mutex<HashMap<Checksum, usize>>,
}

/// A use of an executable. With the last one that ends, the file goes. One whose plugin is to be loaded again when the
/// process starts never ends: a document means the file.
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
            files: PluginFiles::new(dir.clone()),
            dir,
            uses: Mutex::default(),
        }
    }

    /// Keeps an executable that was sent along, for now.
    pub(super) async fn store(self: &Arc<Self>, name: String, body: Bytes) -> io::Result<(StoredFile, Kept)> {
        let this = Arc::clone(self);
        let stored = tokio::task::spawn_blocking(move || {
            // Counted before it is written, so that nobody removes it meanwhile.
            let mut kept = Kept::new(Arc::clone(&this), Checksum::of(&body));
            let stored = this.files.store(&name, &body)?;
            kept.stored = Some(stored.clone());
            Ok((stored, kept))
        });
        stored.await.map_err(io::Error::other)?
    }

    /// Removes what an earlier process has left behind: all that is neither used now nor has one of these checksums.
    pub(super) async fn sweep(self: &Arc<Self>, wanted: HashSet<Checksum>) -> io::Result<()> {
        let this = Arc::clone(self);
        let swept = tokio::task::spawn_blocking(move || {
            let uses = this.uses();
            let names: HashSet<_> = wanted.iter().chain(uses.keys()).map(Checksum::to_string).collect();
            let entries = match fs::read_dir(&this.dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                if !entry.file_name().to_str().is_some_and(|name| names.contains(name)) {
                    fs::remove_dir_all(entry.path())?;
                }
            }
            Ok(())
        });
        swept.await.map_err(io::Error::other)?
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
        if self.wanted.load(Ordering::Acquire) {
            return;
        }
        let mut uses = self.owner.uses();
        if let Some(count) = uses.get_mut(&self.checksum).filter(|count| **count > 1) {
            *count -= 1;
            return;
        }
        uses.remove(&self.checksum);
        if let Some(stored) = &self.stored
            && let Err(error) = self.owner.files.remove(stored)
        {
            tracing::warn!(%error, path = %stored.path.display(), "executable of a plugin was not removed");
        }
    }
}

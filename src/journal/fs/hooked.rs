//! A disk on which something happens while it is used.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use super::{AppendFile, Fs, MemFs, ReadFile};

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// A file is created.
    Create,
    /// A file gets its name, as the manifest does when it is replaced.
    Rename,
    /// A file is read.
    Read,
}

type Hook = Arc<dyn Fn(Op) + Send + Sync>;

/// A file system in memory that calls a hook before some operations, on their thread. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct HookedFs {
    /// What lies below.
    pub(crate) disk: MemFs,
    hook: Arc<Mutex<Option<Hook>>>,
}

#[derive(Debug)]
struct HookedFile {
    file: Box<dyn ReadFile>,
    fs: HookedFs,
}

impl HookedFs {
    /// From now on this is called.
    pub(crate) fn set_hook(&self, hook: impl Fn(Op) + Send + Sync + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
    }

    fn before(&self, op: Op) {
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hook) = hook {
            hook(op);
        }
    }
}

impl fmt::Debug for HookedFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookedFs")
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}

impl Fs for HookedFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.disk.exists(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        self.before(Op::Create);
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let file = self.disk.open(path)?;
        Ok(Box::new(HookedFile { file, fs: self.clone() }))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.disk.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.before(Op::Rename);
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

impl ReadFile for HookedFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.fs.before(Op::Read);
        self.file.read_at(buffer, offset)
    }
}

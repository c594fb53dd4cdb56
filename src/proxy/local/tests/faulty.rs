//! A disk on which threads die.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use crate::journal::fs::{AppendFile, Fs, MemFs, ReadFile};

/// What is being done when a thread dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// A file is created.
    Create,
    /// A file is renamed, as the manifest is when it is replaced.
    Rename,
    /// A file is read.
    Read,
}

/// A file system in memory that panics when it is told to. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultyFs {
    disk: MemFs,
    armed: Arc<Mutex<Option<(Op, u32)>>>,
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn ReadFile>,
    fs: FaultyFs,
}

impl FaultyFs {
    /// The next `times` times that this is done, the thread dies.
    pub(super) fn panic_at(&self, op: Op, times: u32) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((op, times));
    }

    fn doing(&self, op: Op) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let dies = armed.take_if(|(at, times)| *at == op && *times == 1).is_some();
        let dies = dies
            || armed.as_mut().is_some_and(|(at, times)| {
                *times -= u32::from(*at == op);
                *at == op
            });
        drop(armed);
        assert!(!dies, "the test lets this thread die");
    }
}

impl Fs for FaultyFs {
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
        self.doing(Op::Create);
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let file = self.disk.open(path)?;
        Ok(Box::new(FaultyFile { file, fs: self.clone() }))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.disk.truncate(path, len)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.doing(Op::Rename);
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

impl ReadFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.fs.doing(Op::Read);
        self.file.read_at(buffer, offset)
    }
}

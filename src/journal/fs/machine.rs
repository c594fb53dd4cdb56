//! A machine whose power fails at a chosen operation on its disk.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{AppendFile, Fs, MemFs, ReadFile};

/// A disk that outlives its machine's power failures.
#[derive(Debug, Default)]
pub struct Disk(MemFs);

/// One life of the machine: a file system that works until the power fails. Clones share the power.
#[derive(Debug, Clone)]
pub struct Machine {
    disk: MemFs,
    power: Arc<Power>,
}

#[derive(Debug)]
struct Power {
    /// Operations until it fails; `None`: never. Held over each operation, so that none is half in the next life.
    left: Mutex<Option<u64>>,
    seed: u64,
    failed: AtomicBool,
}

#[derive(Debug)]
struct Wired {
    file: Box<dyn AppendFile>,
    machine: Machine,
}

impl Disk {
    /// Switches a machine on whose power fails after so many operations, if at all; `seed` decides what survives.
    #[must_use]
    pub fn boot(&self, operations: Option<u64>, seed: u64) -> Machine {
        Machine {
            disk: self.0.clone(),
            power: Arc::new(Power {
                left: Mutex::new(operations),
                seed,
                failed: AtomicBool::new(false),
            }),
        }
    }
}

impl Machine {
    /// Takes the power away, if it is still there.
    pub fn fail(&self) {
        *self.power.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(0);
        // It says that the power is off, as it should.
        let _off = self.run(|| Ok(()));
    }

    /// Whether the power has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.power.failed.load(Ordering::Acquire)
    }

    fn run<T>(&self, operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let mut left = self.power.left.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *left {
            _ if self.has_failed() => {}
            Some(0) => {
                self.disk.crash(self.power.seed);
                self.power.failed.store(true, Ordering::Release);
            }
            Some(left) => {
                *left -= 1;
                return operation();
            }
            None => return operation(),
        }
        Err(io::Error::other("the power is off"))
    }
}

impl Fs for Machine {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.run(|| self.disk.create_dir_all(dir))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.run(|| self.disk.exists(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.run(|| self.disk.list(dir))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = self.run(|| self.disk.create(path))?;
        let machine = self.clone();
        Ok(Box::new(Wired { file, machine }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.run(|| self.disk.open(path))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        self.run(|| self.disk.truncate(path, len))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run(|| self.disk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(|| self.disk.remove(path))
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.run(|| self.disk.remove_dir_all(dir))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.run(|| self.disk.sync_dir(dir))
    }
}

impl AppendFile for Wired {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.machine.run(|| self.file.append(bytes))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.machine.run(|| self.file.sync())
    }
}

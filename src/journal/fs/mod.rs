//! The few operations on files that durable logs need, so that tests can take the power away.
//!
//! [`RealFs`] is the machine's file system; [`MemFs`] is its honest twin in memory, which forgets what was not synced
//! when it is told to crash, and a [`Machine`] is told at which operation that is. Files are only ever appended to, cut,
//! renamed and removed; a name is durable once its directory is synced.

#[cfg(test)]
mod hooked;
mod machine;
mod mem;
mod real;

use std::{fmt::Debug, io, path::Path};

#[cfg(test)]
pub(crate) use hooked::{HookedFs, Op};
pub use machine::{Disk, Machine};
pub use mem::MemFs;
pub use real::RealFs;

/// A file system. All paths are absolute or relative to the process; directories are created by
/// [`Fs::create_dir_all`] only.
pub trait Fs: Debug + Send + Sync {
    /// Creates a directory and its parents; their names are durable then.
    ///
    /// # Errors
    /// Those of the file system.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Whether a file or directory exists.
    ///
    /// # Errors
    /// When that cannot be told.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// The names of the files in a directory, sorted.
    ///
    /// # Errors
    /// `NotFound` and others of the file system.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file to append to; an existing one is emptied.
    ///
    /// # Errors
    /// Those of the file system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound` and others of the file system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>>;

    /// Cuts a file to `len` bytes and syncs it.
    ///
    /// # Errors
    /// Those of the file system.
    fn truncate(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// Those of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Those of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all it holds.
    ///
    /// # Errors
    /// Those of the file system.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Makes names created, changed and removed in a directory durable.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A file being appended to.
pub trait AppendFile: Debug + Send {
    /// Writes all bytes at the end.
    ///
    /// # Errors
    /// Those of the file system, such as a full disk; part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended so far durable.
    ///
    /// # Errors
    /// Those of the file system; then nothing since the last sync may be trusted.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file being read.
pub trait ReadFile: Debug + Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// Those of the file system.
    fn len(&self) -> io::Result<u64>;

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// Those of the file system.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads up to `buffer.len()` bytes from `offset`; fewer only at the end of the file.
    ///
    /// # Errors
    /// Those of the file system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// Writes a whole file so that after a crash there is either the old or the new one.
///
/// # Errors
/// Those of the file system; the old file is still there then.
pub fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = fs.create(&temporary)?;
    file.append(bytes)?;
    file.sync()?;
    drop(file);
    fs.rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |dir| fs.sync_dir(dir))
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// Those of the file system; `FileTooLarge` when it is longer.
pub fn read_all(fs: &dyn Fs, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = fs.open(path)?;
    let len = file.len()?;
    if len > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{len} bytes are over the limit of {limit}"),
        ));
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

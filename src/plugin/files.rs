//! Executables of plugins, kept as `<directory>/<sha256>/<name>`.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{Checksum, LoadError};

/// The directory in which executables of plugins are kept. Its methods block.
#[derive(Debug, Clone)]
pub struct PluginFiles {
    dir: PathBuf,
}

/// An executable that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it contains.
    pub checksum: Checksum,
}

impl PluginFiles {
    /// Executables below that directory, which is made when the first one comes.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps an executable; of its name the last part counts.
    ///
    /// # Errors
    /// When it has no name, or cannot be written.
    pub fn store(&self, name: &str, _body: &[u8]) -> io::Result<StoredFile> {
        Err(io::Error::other(self.dir.join(name).display().to_string()))
    }

    /// Removes an executable that was stored.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, stored: &StoredFile) -> io::Result<()> {
        std::fs::remove_file(&stored.path)
    }
}

/// Reads a file, with Go's words when it cannot: `open /x: no such file or directory`.
///
/// # Errors
/// When it cannot be read.
pub fn read(_path: &Path) -> Result<Bytes, LoadError> {
    Err(LoadError::Unsupported)
}

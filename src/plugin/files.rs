//! Executables of plugins, kept as `<directory>/<sha256>/<name>`.
//!
//! A file is written under another name, synced, and renamed: under its own name it is whole, over a power loss too.
//! Two plugins of one content and name share a file; whoever removes it must know that nobody else needs it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Checksum, LoadError};

/// Of files and directories: nobody else may read, let alone change, what Gyre executes.
const ONLY_OWNER: u32 = 0o700;

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
    pub fn store(&self, name: &str, body: &[u8]) -> io::Result<StoredFile> {
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no file name"));
        let name = Path::new(name).file_name().ok_or_else(no_name)?;
        let checksum = Checksum::of(body);
        let dir = self.dir.join(checksum.to_string());
        DirBuilder::new().recursive(true).mode(ONLY_OWNER).create(&dir)?;
        let path = dir.join(name);
        write_whole(&dir, &path, body)?;
        // The rename, and the directories on the way to it.
        for dir in [&dir, &self.dir] {
            File::open(dir)?.sync_all()?;
        }
        Ok(StoredFile { path, checksum })
    }

    /// Removes an executable that was stored; one that is not there is as good as removed.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, stored: &StoredFile) -> io::Result<()> {
        match fs::remove_file(&stored.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match stored.path.parent().map(fs::remove_dir) {
            // Another name of the same content.
            Some(Err(error)) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Reads a file, with Go's words when it cannot: `open /x: no such file or directory`.
///
/// # Errors
/// When it cannot be read, or is no regular file: reading a device or a pipe may never end.
pub fn read(path: &Path) -> Result<Bytes, LoadError> {
    let read = fs::metadata(path).and_then(|of_file| match of_file.is_file() {
        true => fs::read(path),
        false => Err(io::Error::other("not a regular file")),
    });
    read.map(Bytes::from).map_err(|source| not_open(path, source))
}

/// Checks that a file is still what it was.
pub(super) async fn verify(path: &Path, loaded: Checksum) -> Result<(), LoadError> {
    let of_file = path.to_owned();
    let computed = tokio::task::spawn_blocking(move || checksum(&of_file)).await;
    let computed = computed.unwrap_or_else(|died| Err(io::Error::other(died)));
    let now = computed.map_err(|source| not_open(path, source))?;
    if now == loaded {
        Ok(())
    } else {
        Err(LoadError::Changed { now, loaded })
    }
}

fn checksum(path: &Path) -> io::Result<Checksum> {
    let (mut file, mut sum) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Checksum(sum.finalize().into())),
            read => sum.update(piece.get(..read).unwrap_or_default()),
        }
    }
}

fn not_open(path: &Path, source: io::Error) -> LoadError {
    LoadError::Open {
        path: path.to_owned(),
        source,
    }
}

/// Writes beside the path, then renames; what could not be finished is removed.
fn write_whole(dir: &Path, path: &Path, body: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = dir.join(format!(".{}-{number}", std::process::id()));
    let written = write(&temporary, body).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _removed = fs::remove_file(&temporary);
    }
    written
}

fn write(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(ONLY_OWNER)
        .open(path)?;
    // The mode above counts for new files only, and less what the umask takes away.
    file.set_permissions(Permissions::from_mode(ONLY_OWNER))?;
    file.write_all(body)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, PluginFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = PluginFiles::new(dir.path().join("plugins"));
        (dir, files)
    }

    #[test]
    fn a_file_is_kept_and_removed() {
        let (dir, files) = files();
        let stored = files.store("../../evil/plugin", b"abc").unwrap();
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(stored.path, dir.path().join("plugins").join(sum).join("plugin"));
        assert_eq!(stored.checksum.to_string(), sum);
        assert_eq!(fs::read(&stored.path).unwrap(), b"abc");
        assert_eq!(fs::metadata(&stored.path).unwrap().permissions().mode() & 0o777, 0o700);
        let again = files.store("plugin", b"abc").unwrap();
        assert_eq!(again, stored);
        let other_name = files.store("other", b"abc").unwrap();
        files.remove(&stored).unwrap();
        assert!(other_name.path.exists());
        files.remove(&other_name).unwrap();
        files.remove(&other_name).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("plugins")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let (_dir, files) = files();
        for name in ["", "..", "/", "a/.."] {
            assert!(files.store(name, b"").is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_changed_file_is_noticed() {
        let (_dir, files) = files();
        let stored = files.store("plugin", b"abc").unwrap();
        verify(&stored.path, stored.checksum).await.unwrap();
        fs::write(&stored.path, b"xyz").unwrap();
        let error = verify(&stored.path, stored.checksum).await.unwrap_err().to_string();
        let (now, loaded) = (Checksum::of(b"xyz"), stored.checksum);
        assert_eq!(
            error,
            format!("Current plugin checksum ({now}) does not match checksum when plugin was first loaded ({loaded}).")
        );
    }

    #[test]
    fn a_missing_file_in_gos_words() {
        let error = read(Path::new("/nonexistent")).unwrap_err().to_string();
        assert_eq!(error, "open /nonexistent: no such file or directory");
    }
}

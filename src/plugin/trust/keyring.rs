//! The keys that are trusted, as files that `gpgv` can read, and signatures beside them while they are checked.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{TrustError, armor};

/// What a keyring in a directory is named.
const EXTENSIONS: [&str; 3] = ["gpg", "pub", "pubring"];
/// The name of the one file that holds all keys.
const KEYS: &str = "trusted.gpg";

/// The keys that are trusted.
#[derive(Debug, Default)]
pub struct Keyring {
    scratch: PathBuf,
}

/// A file that is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Written(PathBuf);

impl Keyring {
    /// Reads keyrings, armored or binary: files, and of directories those named `*.gpg`, `*.pub` and `*.pubring`. All
    /// their keys are written to one file in `scratch`, which is made.
    ///
    /// # Errors
    /// When one cannot be read, or there is none.
    pub fn load(paths: &[PathBuf], scratch: &Path) -> Result<Self, TrustError> {
        let mut keys = Vec::new();
        for path in paths {
            read(path, &mut keys).map_err(|source| TrustError::Keyring {
                path: path.clone(),
                source,
            })?;
        }
        if keys.is_empty() {
            let source = io::Error::new(ErrorKind::NotFound, "no keyring is configured");
            return Err(TrustError::Keyring {
                path: PathBuf::new(),
                source,
            });
        }
        let scratch = std::path::absolute(scratch)?; // gpgv looks for relative ones in its own home
        fs::create_dir_all(&scratch)?;
        fs::write(scratch.join(KEYS), keys)?;
        Ok(Self { scratch })
    }

    /// What `gpgv` is given.
    pub(super) fn file(&self) -> PathBuf {
        self.scratch.join(KEYS)
    }

    /// Puts a signature where `gpgv` can read it.
    pub(super) async fn write_signature(&self, signature: &[u8]) -> io::Result<Written> {
        let file = Written(self.scratch.join(format!("{}.asc", Uuid::new_v4())));
        tokio::fs::write(file.path(), signature).await?;
        Ok(file)
    }
}

fn read(path: &Path, keys: &mut Vec<u8>) -> io::Result<()> {
    let files = if path.is_dir() {
        keyrings_in(path)?
    } else {
        vec![path.to_owned()]
    };
    if files.is_empty() {
        return Err(io::Error::new(
            ErrorKind::NotFound,
            "no *.gpg, *.pub or *.pubring is in it",
        ));
    }
    for file in files {
        let binary = armor::dearmor(&fs::read(&file)?);
        keys.extend(binary.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it is not an OpenPGP keyring"))?);
    }
    Ok(())
}

fn keyrings_in(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: io::Result<Vec<PathBuf>> = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect();
    let is_keyring = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    };
    let mut files: Vec<PathBuf> = entries?.into_iter().filter(is_keyring).collect();
    files.sort();
    Ok(files)
}

impl Written {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // What cannot be removed is a signature, which is no secret.
        fs::remove_file(&self.0).ok();
    }
}

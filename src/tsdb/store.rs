//! The files of an engine: their names, and runs of block files open for reading.
//!
//! All lie in one directory, so that what a crash has left can be found: `<number>.block`, `<number>.series`, and the
//! manifest. Numbers are hexadecimal and never given twice. A damaged file is set aside as `<name>.damaged`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{base::ErrorKind, journal::fs::Fs};

use super::{
    Error,
    block::{BlockError, BlockFile, SeriesId},
    manifest::{FileRecord, RunRecord},
};

const BLOCK: &str = "block";
const SERIES: &str = "series";
const DAMAGED: &str = "damaged";

/// The path of a block file.
pub(super) fn block_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016x}.{BLOCK}"))
}

/// The path of a series file.
pub(super) fn series_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016x}.{SERIES}"))
}

/// The number of a block or series file.
pub(super) fn number_of(name: &str) -> Option<u64> {
    let (number, kind) = name.split_once('.')?;
    (kind == BLOCK || kind == SERIES).then(|| u64::from_str_radix(number, 16).ok())?
}

/// Gives a damaged file a name under which it is kept, out of the way.
pub(super) fn set_aside(fs: &dyn Fs, path: &Path) -> Result<PathBuf, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(DAMAGED);
    let aside = PathBuf::from(name);
    if fs.exists(path).map_err(Error::io("look for", path))? {
        fs.rename(path, &aside).map_err(Error::io("set aside", path))?;
    }
    Ok(aside)
}

/// A block file and its number.
#[derive(Debug)]
pub(super) struct StoredFile {
    pub(super) record: FileRecord,
    pub(super) block: BlockFile,
}

/// Block files that have no series in common, all of one age.
#[derive(Debug)]
pub(super) struct Run {
    /// See [`super::tombstone`].
    pub(super) stamp: u64,
    /// By series.
    pub(super) files: Vec<Arc<StoredFile>>,
}

/// A block file that cannot be used.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) path: PathBuf,
    pub(super) what: String,
}

impl StoredFile {
    /// Opens a file; a damaged or missing one is unusable, a failing disk is an error.
    pub(super) fn open(fs: &dyn Fs, dir: &Path, record: FileRecord) -> Result<Result<Self, Unusable>, Error> {
        let path = block_path(dir, record.number);
        match BlockFile::open(fs, &path) {
            Ok(block) => Ok(Ok(Self { record, block })),
            Err(error) if is_damage(&error) => Ok(Err(Unusable {
                what: error.to_string(),
                path,
            })),
            Err(error) => Err(error.into()),
        }
    }
}

fn is_damage(error: &BlockError) -> bool {
    match error {
        BlockError::Io { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        _ => error.kind() == ErrorKind::Corrupt,
    }
}

impl Run {
    /// Opens the files of a run and says which cannot be used.
    pub(super) fn open(fs: &dyn Fs, dir: &Path, record: &RunRecord) -> Result<(Self, Vec<Unusable>), Error> {
        let (mut files, mut unusable) = (Vec::new(), Vec::new());
        for file in &record.files {
            match StoredFile::open(fs, dir, *file)? {
                Ok(file) => files.push(Arc::new(file)),
                Err(file) => unusable.push(file),
            }
        }
        let run = Self {
            stamp: record.stamp,
            files,
        };
        Ok((run, unusable))
    }

    pub(super) fn to_record(&self) -> RunRecord {
        RunRecord {
            stamp: self.stamp,
            files: self.files.iter().map(|file| file.record).collect(),
        }
    }

    /// The file that has rows of a series.
    pub(super) fn file_of(&self, series: SeriesId) -> Option<&Arc<StoredFile>> {
        self.files.iter().find(|file| file.block.contains(series))
    }

    /// Length of its files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.record.bytes).sum()
    }

    /// Whether two are the same: files are never in two runs.
    pub(super) fn is(&self, record: &RunRecord) -> bool {
        self.files
            .iter()
            .map(|file| file.record.number)
            .eq(record.files.iter().map(|file| file.number))
    }
}

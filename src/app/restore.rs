//! Restoring: a data directory out of a backup, while nothing runs on it.
//!
//! The archive is read twice: once to know that it is whole, before anything is created, then to unpack it beside the
//! directory, where the engines are opened to see that they take it. Only then it gets the directory's name, by one
//! rename; an interrupted restore leaves nothing under that name, and what it leaves beside it goes with the next one.
//!
//! Engines know by a record's number in the journal what they have. So the new journal begins after the record at which
//! the backup was cut: what is written from then on has greater numbers, and nothing is applied twice or passed over.

mod unpack;

use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    archive::{self, Piece, Reader, Totals},
    base::{BackendId, Clock, SystemClock},
    config::{BackendUrl, Config},
    journal::{self, fs::RealFs},
    meta,
    proxy::backup::{Described, Description, Entry},
    tsdb::{self, Engine},
};

use super::{embedded, stores};
use unpack::Unpacking;

/// A backup cannot be restored; the directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The archive is not whole.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A later version may have put it there.
    #[error("the backup holds {0:?}, which this version does not know")]
    Unknown(String),
    /// Without it nothing can be done.
    #[error("the backup has no {0}")]
    Missing(&'static str),
    /// The directory holds something already.
    #[error("{} is not empty: a backup is restored into a new or an empty directory", .0.display())]
    NotEmpty(PathBuf),
    /// The path has no name that a directory could get.
    #[error("{} names no directory", .0.display())]
    Nameless(PathBuf),
    /// The file system refuses.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The documents.
    #[error("documents: {0}")]
    Documents(#[from] meta::Error),
    /// The new journal, or the log of dead letters.
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
    /// An engine cannot be opened.
    #[error("engine of backend {backend:?}: {source}")]
    Engine {
        /// Its name.
        backend: String,
        /// Why.
        source: tsdb::Error,
    },
    /// An engine does not find what it should.
    #[error("engine of backend {backend:?}: {what}")]
    Damaged {
        /// Its name.
        backend: String,
        /// What is wrong.
        what: String,
    },
}

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What it says of itself.
    pub description: Description,
    /// What it holds.
    pub totals: Totals,
    file: PathBuf,
}

impl Checked {
    /// Names of backends with points in the backup that a configuration does not have embedded: they would be lost.
    #[must_use]
    pub fn missing_in(&self, config: &Config) -> Vec<&str> {
        let backends = || config.circles.iter().flat_map(|circle| &circle.backends);
        let is_there = |name: &str| backends().any(|known| known.name == name && known.url == BackendUrl::Embedded);
        let names = self.description.engines.iter().map(|engine| engine.name.as_str());
        names.filter(|name| !is_there(name)).collect()
    }

    /// Makes the data directory `dir` out of it, which must be empty or absent; `progress` is told of every piece's bytes.
    /// Nothing may run on it. Blocks.
    ///
    /// # Errors
    /// See [`RestoreError`].
    pub fn restore(&self, dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), RestoreError> {
        ensure_empty(dir)?;
        let (parent, unfinished) = Unfinished::create(dir)?;
        let mut unpacking = Unpacking::into(&unfinished.0);
        read(&self.file, |piece| {
            if let Piece::Data(bytes) = &piece {
                progress(bytes.len() as u64);
            }
            unpacking.take(piece)
        })?;
        unpacking.finish()?;
        let Description { engines, sequence, .. } = &self.description;
        let ids: Vec<u32> = engines.iter().map(|engine| engine.id).collect();
        journal::create_after(&RealFs, &unfinished.0.join(stores::JOURNAL), *sequence, &ids)?;
        for engine in engines {
            open_engine(&unfinished.0, engine, *sequence)?;
        }
        sync_tree(&unfinished.0)?;
        // the directory under that name is empty or absent, and stays so if this fails
        fs::rename(&unfinished.0, dir).map_err(failed("give the restored data the name", dir))?;
        sync_dir(&parent)
    }
}

/// Reads a whole backup; `progress` is told of every piece's bytes. Blocks.
///
/// # Errors
/// When it is cut or damaged anywhere, or of a later version.
pub fn check(file: &Path, progress: &mut dyn FnMut(u64)) -> Result<Checked, RestoreError> {
    let (mut description, mut is_open) = (Vec::new(), false);
    let totals = read(file, |piece| {
        match piece {
            Piece::Entry(name) => is_open = parse(name)? == Entry::Description,
            Piece::Data(bytes) => {
                progress(bytes.len() as u64);
                if is_open {
                    description.extend_from_slice(bytes);
                }
            }
        }
        Ok(())
    })?;
    let description = Description::from_json(&description).ok_or(RestoreError::Missing("description"))?;
    Ok(Checked {
        description,
        totals,
        file: file.to_owned(),
    })
}

fn read(file: &Path, mut each: impl FnMut(Piece<'_>) -> Result<(), RestoreError>) -> Result<Totals, RestoreError> {
    let opened = File::open(file).map_err(failed("open", file))?;
    let mut archive = Reader::new(BufReader::with_capacity(1 << 20, opened))?;
    while let Some(piece) = archive.next_piece()? {
        each(piece)?;
    }
    Ok(archive.totals())
}

fn parse(name: &str) -> Result<Entry<'_>, RestoreError> {
    Entry::parse(name).ok_or_else(|| RestoreError::Unknown(name.to_owned()))
}

/// That a directory is empty or absent, so that a backup can be restored into it.
///
/// # Errors
/// [`RestoreError::NotEmpty`], or when it cannot be read.
pub fn ensure_empty(dir: &Path) -> Result<(), RestoreError> {
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(RestoreError::NotEmpty(dir.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look into", dir)(error)),
    }
}

/// A directory beside the one to be made, removed when it is dropped before it got its name.
struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes one, and removes what an interrupted restore has left; also answers the directory in which it is.
    fn create(dir: &Path) -> Result<(PathBuf, Self), RestoreError> {
        let name = dir.file_name().ok_or_else(|| RestoreError::Nameless(dir.to_owned()))?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new(".")).to_owned();
        let path = parent.join(format!(".{}.restoring", name.to_string_lossy()));
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
            _ => {}
        }
        fs::create_dir_all(&path).map_err(failed("create", &path))?;
        Ok((parent, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            eprintln!("{} is of no use and can be removed: {error}", self.0.display());
        }
    }
}

/// Opens an engine to see that it has everything.
fn open_engine(data: &Path, described: &Described, sequence: u64) -> Result<(), RestoreError> {
    let backend = || described.name.clone();
    let damaged = |what| RestoreError::Damaged {
        backend: backend(),
        what,
    };
    let dir = embedded::dir(data, BackendId(described.id));
    if !fs::exists(&dir).map_err(failed("look for", &dir))? {
        return Err(RestoreError::Missing("files of one of its engines"));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let opened = Engine::open(Arc::new(RealFs), &dir, tsdb::Options::default(), clock);
    let (engine, recovery) = opened.map_err(|source| RestoreError::Engine {
        backend: backend(),
        source,
    })?;
    if let Some((path, what)) = recovery.damaged.first() {
        return Err(damaged(format!("{}: {what}", path.display())));
    }
    if engine.checkpoint() > sequence {
        return Err(damaged("it is ahead of the backup".to_owned()));
    }
    Ok(())
}

/// Makes the names in a directory and in those below it durable; the files are.
fn sync_tree(dir: &Path) -> Result<(), RestoreError> {
    for entry in fs::read_dir(dir).map_err(failed("look into", dir))? {
        let path = entry.map_err(failed("look into", dir))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        }
    }
    sync_dir(dir)
}

fn sync_dir(dir: &Path) -> Result<(), RestoreError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(failed("sync", dir))
}

fn failed(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.into();
    move |source| RestoreError::Io { action, path, source }
}

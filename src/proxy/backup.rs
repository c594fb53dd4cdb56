//! Backups: everything that this process holds itself, as it was after one record of the journal, in one archive.
//!
//! 1. [`super::local::cut`] finds a record behind everything acknowledged; each embedded engine is flushed when it has
//!    applied exactly the records up to it, and its files are pinned. So replicas agree in the archive, and nothing else
//!    of the journal is needed: whoever restores begins a journal after that record.
//! 2. The documents are read at one revision, and the dead letters, which may be some newer than the cut: those that the
//!    records before it led to are there.
//! 3. A thread reads the pinned files into an [`crate::archive`] as fast as the client takes it. When the client leaves,
//!    or takes nothing for long, the thread ends and the files are let go.
//!
//! Points of HTTP backends are in their own servers, and not in the archive, nor is what waits in the journal or in spill
//! files to be delivered to them; the archive names these backends.

mod contents;
mod pipe;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};

use crate::{
    archive,
    base::{Clock, ErrorKind},
    journal::{Journal, Seq},
    meta::Embedded,
    tsdb::{self, Snapshot, SnapshotFile},
};

use super::{
    ack::Note,
    dead_letters::DeadLetters,
    fleet::{Backend, Fleet},
    local::{Local, cut},
};

pub use contents::{Described, Description, Entry};
use pipe::Pipe;

/// How long an engine may take to come to the cut and flush.
const CUT_PATIENCE: Duration = Duration::from_secs(120);
/// Read from a file at once.
const READ_BYTES: usize = 256 << 10;

/// Makes backups of a running process.
#[derive(Debug)]
pub struct Backups {
    fleet: Arc<Fleet>,
    journal: Journal<Note>,
    documents: Arc<Embedded>,
    dead_letters: DeadLetters,
    clock: Arc<dyn Clock>,
    /// One at a time: each reads the disk as fast as it can.
    running: Arc<Semaphore>,
}

/// A backup could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Every backend is a server of its own.
    #[error("no backend is embedded: the points are in the backends' own servers, back these up")]
    NothingEmbedded,
    /// Another one is being made.
    #[error("another backup is being made")]
    Running,
    /// An engine's applier has ended.
    #[error("backend {0:?} does not apply the journal any more: restart first")]
    Standing(String),
    /// An engine did not come to the cut in time.
    #[error("backend {0:?} is too far behind: try again")]
    Behind(String),
    /// An engine could not be flushed.
    #[error("backend {backend:?}: {source}")]
    Engine {
        /// The backend.
        backend: String,
        /// Why.
        source: tsdb::Error,
    },
    /// The thread that makes the cut died.
    #[error("backup died: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Error {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NothingEmbedded => ErrorKind::Unsupported,
            Self::Running => ErrorKind::Busy,
            Self::Standing(_) | Self::Thread(_) => ErrorKind::Internal,
            Self::Behind(_) => ErrorKind::Timeout,
            Self::Engine { source, .. } => source.kind(),
        }
    }
}

type Engines = Vec<(Arc<Backend>, Arc<Local>)>;

impl Backups {
    /// Of everything in these.
    #[must_use]
    pub fn new(
        fleet: Arc<Fleet>,
        journal: Journal<Note>,
        documents: Arc<Embedded>,
        dead_letters: DeadLetters,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            fleet,
            journal,
            documents,
            dead_letters,
            clock,
            running: Arc::new(Semaphore::new(1)),
        }
    }

    /// Makes the cut and begins to send the archive; dropping the receiver ends it. An archive whose last piece is an
    /// error, or that just ends, is cut, and its reader notices.
    ///
    /// # Errors
    /// See [`Error`]; nothing was begun.
    pub async fn start(&self) -> Result<mpsc::Receiver<io::Result<Bytes>>, Error> {
        let running = Arc::clone(&self.running)
            .try_acquire_owned()
            .map_err(|_| Error::Running)?;
        let engines = self.engines();
        if engines.is_empty() {
            return Err(Error::NothingEmbedded);
        }
        let (sequence, snapshots) = self.snapshots(&engines).await?;
        let backup = Backup {
            description: self.describe(sequence),
            snapshots: engines.into_iter().map(|(backend, _)| backend).zip(snapshots).collect(),
            documents: self.documents.snapshot().to_json(),
            dead_letters: self.dead_letters.clone(),
            _running: running,
        };
        let (pipe, pieces) = Pipe::new(Handle::current());
        // It tells of its end through the pipe.
        drop(tokio::task::spawn_blocking(move || backup.send(pipe)));
        Ok(pieces)
    }

    fn engines(&self) -> Engines {
        let local = |backend: &Arc<Backend>| Some((Arc::clone(backend), Arc::clone(backend.local.as_ref()?)));
        self.fleet.backends.iter().filter_map(local).collect()
    }

    /// Snapshots of all engines after the same record.
    async fn snapshots(&self, engines: &Engines) -> Result<(Seq, Vec<Snapshot>), Error> {
        let (locals, journal): (Vec<_>, _) = (
            engines.iter().map(|(_, local)| Arc::clone(local)).collect(),
            self.journal.clone(),
        );
        let name = |at: usize| {
            engines
                .get(at)
                .map_or_else(String::new, |(backend, _)| backend.config.name.clone())
        };
        let cut = tokio::task::spawn_blocking(move || {
            let slots: Vec<_> = locals.iter().map(|local| &local.cut).collect();
            cut::cut(&slots, &journal)
        });
        let (sequence, waiting) = cut.await?.map_err(|closed| Error::Standing(name(closed)))?;
        let mut snapshots = Vec::with_capacity(waiting.len());
        for (at, snapshot) in waiting.into_iter().enumerate() {
            let snapshot = tokio::time::timeout(CUT_PATIENCE, snapshot).await;
            let snapshot = snapshot.map_err(|_| Error::Behind(name(at)))?;
            let snapshot = snapshot.map_err(|_| Error::Standing(name(at)))?;
            let failed = |source| Error::Engine {
                backend: name(at),
                source,
            };
            snapshots.push(snapshot.map_err(failed)?);
        }
        Ok((sequence, snapshots))
    }

    fn describe(&self, sequence: Seq) -> Description {
        let described = |backend: &Arc<Backend>| Described {
            id: backend.id.0,
            name: backend.config.name.clone(),
        };
        let (covered, others): (Vec<_>, Vec<_>) =
            self.fleet.backends.iter().partition(|backend| backend.local.is_some());
        Description {
            gyre: env!("CARGO_PKG_VERSION").to_owned(),
            made: self.clock.now().to_string(),
            sequence,
            engines: covered.into_iter().map(described).collect(),
            not_covered: others.into_iter().map(|backend| backend.config.name.clone()).collect(),
        }
    }
}

/// A backup being made.
struct Backup {
    description: Description,
    snapshots: Vec<(Arc<Backend>, Snapshot)>,
    documents: Vec<u8>,
    dead_letters: DeadLetters,
    _running: OwnedSemaphorePermit,
}

impl Backup {
    fn send(self, mut pipe: Pipe) {
        match archive::Writer::new(&mut pipe).and_then(|writer| self.write(writer)) {
            Ok(()) => tracing::info!(sequence = self.description.sequence, "backup made"),
            Err(error) => {
                tracing::warn!(%error, "backup not made");
                pipe.fail(error);
            }
        }
    }

    fn write(&self, mut archive: archive::Writer<&mut Pipe>) -> io::Result<()> {
        archive.entry(&Entry::Description.name())?;
        archive.data(&self.description.to_json())?;
        archive.entry(&Entry::Documents.name())?;
        archive.data(&self.documents)?;
        for (backend, snapshot) in &self.snapshots {
            let name = |file: &str| Entry::Engine { id: backend.id, file }.name();
            for (file, content) in snapshot.manifest() {
                archive.entry(&name(file))?;
                archive.data(&content)?;
            }
            for file in snapshot.files() {
                archive.entry(&name(&file.name))?;
                copy(snapshot, &file, &mut archive)?;
            }
        }
        self.dead_letters.each_encoded(|id, letter| {
            archive.entry(&Entry::DeadLetter(id).name())?;
            archive.data(letter)
        })?;
        archive.finish().map(drop)
    }
}

fn copy(snapshot: &Snapshot, file: &SnapshotFile, archive: &mut archive::Writer<&mut Pipe>) -> io::Result<()> {
    let opened = snapshot.open(file)?;
    let mut buffer = vec![0; READ_BYTES];
    let mut at = 0;
    while at < file.bytes {
        let wanted = usize::try_from(file.bytes - at).map_or(READ_BYTES, |rest| rest.min(READ_BYTES));
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        if opened.read_at(piece, at)? < wanted {
            let text = format!("{} is shorter than the manifest says", file.name);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        archive.data(piece)?;
        at += wanted as u64;
    }
    Ok(())
}

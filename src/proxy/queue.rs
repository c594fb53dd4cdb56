//! What waits for one backend: its part of the journal, and before it what was spilled.
//!
//! A backend that falls further behind than the journal should keep on its account has its part copied to a log of
//! its own (`spill/<backend id>`), so that the journal's segments can go. Spilled records keep the number they had in
//! the journal, as eight bytes before the record; a record found in both places is delivered once.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};

use crate::{
    base::BackendId,
    journal::{self, Entry, Journal, Seq, Start, fs::Fs},
};

use super::{ack::Note, fleet::Backend, record::Record};

/// The only consumer of a spill log.
const SPILL_CONSUMER: u32 = 0;

/// How much is copied to the spill log before the copied part of the journal is released.
const SPILL_STEP_BYTES: usize = 4 << 20;

/// The waiting records of one backend.
#[derive(Debug)]
pub struct Queue {
    backend: Arc<Backend>,
    journal: Journal<Note>,
    spill: Mutex<Option<Journal<()>>>,
    fs: Arc<dyn Fs>,
    spill_dir: PathBuf,
    spill_options: journal::Options,
}

/// Some records, in order, to be delivered together.
#[derive(Debug)]
pub struct Portion {
    /// The records of this backend.
    pub entries: Vec<Entry<Note>>,
    /// Journal number up to which this portion covers everything.
    pub through: Seq,
    spilled_through: Option<Seq>,
}

impl Queue {
    /// Opens the queue of `backend`: registers its cursor with the journal and reopens what it had spilled.
    /// A backend that the journal does not know starts at `start`.
    ///
    /// # Errors
    /// When the spill log cannot be opened. Reads files: not for an async thread.
    pub fn open(
        backend: Arc<Backend>,
        (journal, start): (Journal<Note>, Start),
        fs: Arc<dyn Fs>,
        spill_dir: PathBuf,
        spill_options: journal::Options,
    ) -> Result<Self, journal::Error> {
        let queue = Self {
            backend,
            journal,
            spill: Mutex::new(None),
            fs,
            spill_dir,
            spill_options,
        };
        let cursor = queue.journal.register(queue.id().0, start);
        let mut applied = cursor;
        if queue
            .fs
            .exists(&queue.spill_dir)
            .map_err(journal::Error::io("cannot find", &queue.spill_dir))?
        {
            let spill = queue.open_spill()?;
            let first = spill.read(spill.cursor(SPILL_CONSUMER).unwrap_or(0), 1, &mut |_| true)?;
            if let Some(entry) = first.entries.first() {
                applied = spilled(entry).map_or(cursor, |(seq, _)| seq.saturating_sub(1));
            }
            *queue.lock() = Some(spill);
        }
        queue.backend.condition.note_applied(applied);
        Ok(queue)
    }

    fn id(&self) -> BackendId {
        self.backend.id
    }

    /// Selects this backend's records, and what is no record at all, so that delivery reports it.
    fn is_ours(&self) -> impl FnMut(&[u8]) -> bool + use<> {
        let id = self.id();
        move |bytes| Record::read(bytes).map_or(true, |record| record.is_owned_by(id))
    }

    /// Whether [`Queue::next`] would touch no file.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.lock().is_none() && self.journal.in_memory(self.cursor())
    }

    /// Tells of every commit to the journal.
    #[must_use]
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.journal.subscribe()
    }

    /// The journal's record up to which everything was delivered or spilled.
    #[must_use]
    pub fn position(&self) -> Seq {
        self.cursor()
    }

    /// Whether some of it lies in the spill log.
    #[must_use]
    pub fn is_spilled(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether something may wait.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.lock().is_some() || self.cursor() < self.journal.committed()
    }

    /// The next records, up to about `max_bytes`; a single record may exceed that.
    ///
    /// # Errors
    /// When stored bytes cannot be read. May read files, see [`Queue::is_in_memory`].
    pub fn next(&self, max_bytes: usize) -> Result<Portion, journal::Error> {
        if let Some(portion) = self.next_spilled(max_bytes)? {
            return Ok(portion);
        }
        let batch = self.journal.read(self.cursor(), max_bytes, &mut self.is_ours())?;
        Ok(Portion {
            through: batch.scanned_to,
            entries: batch.entries,
            spilled_through: None,
        })
    }

    fn next_spilled(&self, max_bytes: usize) -> Result<Option<Portion>, journal::Error> {
        let Some(spill) = self.lock().clone() else {
            return Ok(None);
        };
        let batch = spill.read(spill.cursor(SPILL_CONSUMER).unwrap_or(0), max_bytes, &mut |_| true)?;
        let mut entries = Vec::with_capacity(batch.entries.len());
        for entry in &batch.entries {
            if let Some((seq, payload)) = spilled(entry) {
                entries.push(Entry {
                    seq,
                    payload,
                    note: None,
                });
            }
        }
        let Some(last) = entries.last() else {
            self.drop_spill();
            return Ok(None);
        };
        Ok(Some(Portion {
            through: last.seq,
            entries,
            spilled_through: Some(batch.scanned_to),
        }))
    }

    /// A portion has been delivered or put aside: it is not delivered again.
    pub fn done(&self, portion: &Portion) {
        match portion.spilled_through {
            Some(seq) => {
                if let Some(spill) = self.lock().as_ref() {
                    spill.advance(SPILL_CONSUMER, seq);
                }
            }
            None => self.journal.advance(self.id().0, portion.through),
        }
        self.backend.condition.note_applied(portion.through);
    }

    /// Bytes that wait, the journal's part estimated.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        let spilled = self
            .lock()
            .as_ref()
            .map_or(0, |spill| spill.bytes_after(spill.cursor(SPILL_CONSUMER).unwrap_or(0)));
        spilled + self.journal.bytes_after(self.cursor())
    }

    /// Bytes of journal that are kept on this backend's account.
    #[must_use]
    pub fn journal_bytes(&self) -> u64 {
        self.journal.bytes_after(self.cursor())
    }

    /// Copies this backend's part of the journal to its spill log and releases the journal. Reads and writes files.
    ///
    /// # Errors
    /// When the copy fails; what was not copied stays in the journal.
    pub fn spill(&self) -> Result<(), journal::Error> {
        let spill = match self.lock().clone() {
            Some(spill) => spill,
            None => self.open_spill()?,
        };
        *self.lock() = Some(spill.clone());
        let end = self.journal.committed();
        while self.cursor() < end {
            let batch = self
                .journal
                .read(self.cursor(), SPILL_STEP_BYTES, &mut self.is_ours())?;
            let mut last = None;
            for entry in &batch.entries {
                let mut payload = BytesMut::with_capacity(8 + entry.payload.len());
                payload.extend_from_slice(&entry.seq.to_le_bytes());
                payload.extend_from_slice(&entry.payload);
                last = Some(spill.append(payload.freeze(), None)?);
            }
            if let Some(commit) = last {
                commit.wait()?;
            }
            self.journal.advance(self.id().0, batch.scanned_to);
        }
        self.journal.save_cursors()
    }

    /// Saves how far delivery of the spilled part has come.
    ///
    /// # Errors
    /// When the cursor cannot be written.
    pub fn save(&self) -> Result<(), journal::Error> {
        let spill = self.lock().clone();
        spill.map_or(Ok(()), |spill| spill.save_cursors())
    }

    /// Gives up everything that waits: the backend is detached.
    pub fn abandon(&self) {
        self.journal.forget(self.id().0);
        self.drop_spill();
    }

    /// Takes the backend back, from the journal's end on. Writes files.
    ///
    /// # Errors
    /// When its cursor cannot be saved: a crash would forget that it was taken back.
    pub fn attach(&self) -> Result<(), journal::Error> {
        let cursor = self.journal.register(self.id().0, Start::End);
        self.backend.condition.note_applied(cursor);
        self.journal.save_cursors()
    }

    fn cursor(&self) -> Seq {
        self.journal
            .cursor(self.id().0)
            .unwrap_or_else(|| self.journal.committed())
    }

    fn open_spill(&self) -> Result<Journal<()>, journal::Error> {
        let (spill, recovery) = Journal::open(Arc::clone(&self.fs), &self.spill_dir, self.spill_options.clone())?;
        tracing::info!(backend = %self.backend.config.name, ?recovery, "spill log opened");
        spill.register(SPILL_CONSUMER, Start::Oldest);
        Ok(spill)
    }

    fn drop_spill(&self) {
        let Some(spill) = self.lock().take() else { return };
        if let Err(error) = spill.close().and_then(|()| {
            self.fs
                .remove_dir_all(&self.spill_dir)
                .map_err(journal::Error::io("cannot remove", &self.spill_dir))
        }) {
            tracing::warn!(backend = %self.backend.config.name, %error, "drained spill log could not be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Journal<()>>> {
        self.spill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spilled(entry: &Entry<()>) -> Option<(Seq, Bytes)> {
    let seq: [u8; 8] = entry.payload.get(..8)?.try_into().ok()?;
    Some((Seq::from_le_bytes(seq), entry.payload.slice(8..)))
}

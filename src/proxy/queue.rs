//! What waits for one backend: its part of the journal, and before it what was spilled.
//!
//! A backend that falls further behind than the journal should keep on its account has its part copied to a log of
//! its own (`spill/<backend id>`), so that the journal's segments can go. Spilled records keep the number they had in
//! the journal, as eight bytes before the record. After a crash a record may be found in both places; it is delivered
//! twice then, with all that follow it, which ends in the same state.
//!
//! The order survives crashes: nothing of the journal is delivered before the spill log durably says that all of it
//! was. The log stays when it is drained, with its last segment: files that were removed may come back after a crash,
//! and what they hold must not be taken for undelivered.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};

use crate::{
    base::BackendId,
    journal::{self, Entry, Journal, Seq, Start, SyncMode, fs::Fs},
};

use super::{ack::Note, fleet::Backend, record::Record};

/// The only consumer of a spill log.
const SPILL_CONSUMER: u32 = 0;

/// A record's number in the journal, before the record.
const NUMBER_BYTES: usize = 8;

/// How much is copied to the spill log before the copied part of the journal is released.
const SPILL_STEP_BYTES: usize = 4 << 20;

/// The waiting records of one backend. One at a time may take, spill or give up: see [`super::courier::Courier`].
#[derive(Debug)]
pub struct Queue {
    backend: Arc<Backend>,
    journal: Journal<Note>,
    spill: Mutex<Option<Spill>>,
    fs: Arc<dyn Fs>,
    spill_dir: PathBuf,
    spill_options: journal::Options,
}

#[derive(Debug)]
struct Spill {
    log: Journal<()>,
    /// All of it is delivered, and its saved cursor says so.
    drained: bool,
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
    /// A backend that the journal does not know starts with the oldest record: what it owns of them, if anything, was
    /// acknowledged before its cursor was first saved.
    ///
    /// # Errors
    /// When the spill log cannot be opened. Reads files: not for an async thread.
    pub fn open(
        backend: Arc<Backend>,
        journal: Journal<Note>,
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
            spill_options: journal::Options {
                // What the journal had synced must stay so, and what lies here is read long after it was written.
                sync: SyncMode::Always,
                tail_bytes: 0,
                // The last segment stays when it is drained.
                max_bytes: spill_options.max_bytes.saturating_add(spill_options.segment_bytes),
                max_record_bytes: spill_options.max_record_bytes.saturating_add(NUMBER_BYTES as u64),
                ..spill_options
            },
        };
        let cursor = queue.journal.register(queue.id().0, Start::Oldest);
        let mut applied = cursor;
        if queue
            .fs
            .exists(&queue.spill_dir)
            .map_err(journal::Error::io("cannot find", &queue.spill_dir))?
        {
            let log = queue.open_spill()?;
            let first = log.read(spill_cursor(&log), 1, &mut |_| true)?;
            if let Some(entry) = first.entries.first() {
                applied = spilled(entry).map_or(cursor, |(seq, _)| seq.saturating_sub(1));
            }
            *queue.lock() = Some(Spill { log, drained: false });
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
        !self.is_spilled() && self.journal.in_memory(self.cursor())
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
        self.lock().as_ref().is_some_and(|spill| !spill.drained)
    }

    /// Whether something may wait.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.is_spilled() || self.cursor() < self.journal.committed()
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
        let Some(log) = self.undrained() else {
            return Ok(None);
        };
        let cursor = spill_cursor(&log);
        if cursor >= log.committed() {
            log.save_cursors()?;
            self.set_drained(true);
            return Ok(None);
        }
        let batch = log.read(cursor, max_bytes, &mut |_| true)?;
        let entries: Vec<_> = batch
            .entries
            .iter()
            .filter_map(|entry| {
                let (seq, payload) = spilled(entry)?;
                Some(Entry {
                    seq,
                    payload,
                    note: None,
                })
            })
            .collect();
        Ok(Some(Portion {
            through: entries.last().map_or(0, |entry| entry.seq),
            entries,
            spilled_through: Some(batch.scanned_to),
        }))
    }

    /// A portion has been delivered or put aside: it is not delivered again.
    pub fn done(&self, portion: &Portion) {
        match portion.spilled_through {
            Some(seq) => {
                if let Some(spill) = self.lock().as_ref() {
                    spill.log.advance(SPILL_CONSUMER, seq);
                }
            }
            None => self.journal.advance(self.id().0, portion.through),
        }
        // After a crash while it was copied, the spilled part may lack records that the journal still has.
        self.backend.condition.note_applied(portion.through.min(self.cursor()));
    }

    /// Bytes that wait, the journal's part estimated.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        let spilled = self
            .lock()
            .as_ref()
            .map_or(0, |spill| spill.log.bytes_after(spill_cursor(&spill.log)));
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
        let log = self.spill_log()?;
        self.set_drained(false);
        let end = self.journal.committed();
        while self.cursor() < end {
            let batch = self
                .journal
                .read(self.cursor(), SPILL_STEP_BYTES, &mut self.is_ours())?;
            if !batch.entries.is_empty() {
                let copies = batch.entries.iter().map(|entry| (to_spill(entry), None));
                log.append_all(copies.collect())?.wait()?;
            }
            self.journal.advance(self.id().0, batch.scanned_to);
        }
        self.journal.save_cursors()
    }

    /// Saves how far delivery of the spilled part has come. Writes files.
    ///
    /// # Errors
    /// When the cursor cannot be written.
    pub fn save(&self) -> Result<(), journal::Error> {
        self.undrained().map_or(Ok(()), |log| log.save_cursors())
    }

    /// Saves for the last time and ends the spill log. Writes files.
    ///
    /// # Errors
    /// When the cursor cannot be written.
    pub fn close(&self) -> Result<(), journal::Error> {
        let spill = self.lock().take();
        spill.map_or(Ok(()), |spill| spill.log.close())
    }

    /// Gives up everything that waits: the backend is detached. Writes files.
    ///
    /// # Errors
    /// When the cursors cannot be written.
    pub fn abandon(&self) -> Result<(), journal::Error> {
        self.journal.forget(self.id().0);
        if let Some(log) = self.undrained() {
            log.advance(SPILL_CONSUMER, log.committed());
            log.save_cursors()?;
            self.set_drained(true);
        }
        self.journal.save_cursors()
    }

    /// Takes the backend back, from the journal's end on. Writes files.
    ///
    /// # Errors
    /// When the cursor cannot be written.
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

    /// The spill log, if something in it waits.
    fn undrained(&self) -> Option<Journal<()>> {
        let spill = self.lock();
        spill
            .as_ref()
            .filter(|spill| !spill.drained)
            .map(|spill| spill.log.clone())
    }

    fn set_drained(&self, drained: bool) {
        if let Some(spill) = self.lock().as_mut() {
            spill.drained = drained;
        }
    }

    fn spill_log(&self) -> Result<Journal<()>, journal::Error> {
        let open = self.lock().as_ref().map(|spill| spill.log.clone());
        if let Some(log) = open {
            return Ok(log);
        }
        let log = self.open_spill()?;
        *self.lock() = Some(Spill {
            log: log.clone(),
            drained: true,
        });
        Ok(log)
    }

    fn open_spill(&self) -> Result<Journal<()>, journal::Error> {
        let (log, recovery) = Journal::open(Arc::clone(&self.fs), &self.spill_dir, self.spill_options.clone())?;
        // The directory's own name and its parent's are as new as what is in it.
        for dir in self.spill_dir.ancestors().skip(1).take(2) {
            self.fs.sync_dir(dir).map_err(journal::Error::io("cannot sync", dir))?;
        }
        tracing::info!(backend = %self.backend.config.name, ?recovery, "spill log opened");
        log.register(SPILL_CONSUMER, Start::Oldest);
        Ok(log)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Spill>> {
        self.spill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spill_cursor(log: &Journal<()>) -> Seq {
    log.cursor(SPILL_CONSUMER).unwrap_or(0)
}

fn to_spill(entry: &Entry<Note>) -> Bytes {
    let mut payload = BytesMut::with_capacity(NUMBER_BYTES + entry.payload.len());
    payload.extend_from_slice(&entry.seq.to_le_bytes());
    payload.extend_from_slice(&entry.payload);
    payload.freeze()
}

fn spilled(entry: &Entry<()>) -> Option<(Seq, Bytes)> {
    let seq: [u8; NUMBER_BYTES] = entry.payload.get(..NUMBER_BYTES)?.try_into().ok()?;
    Some((Seq::from_le_bytes(seq), entry.payload.slice(NUMBER_BYTES..)))
}

//! The write-ahead log of the process: segmented, checksummed, synced for many appenders at once.
//!
//! * [`Journal::append`] queues a record and returns; one committer thread writes all that is queued with one write,
//!   syncs once, and completes every waiting [`Commit`]. Acknowledged means synced (with [`SyncMode::Always`]).
//! * Records are numbered from 1. A failed write uses its numbers up and leaves nothing behind: the file is cut back,
//!   or sealed where it was good, and the next segment's header says where that was.
//! * Every consumer has a cursor: the last record it is done with. A segment is deleted when all cursors passed it.
//!   Cursors are saved now and then; after a crash a consumer may see some records again, never miss one.
//! * Recent records that some consumer still needs stay in memory with a note for whoever waits for them, so that
//!   consumers that keep up read no file and find the note.
//! * When it is opened, a torn tail is cut; damage before the tail is refused or skipped, and reported. See
//!   `recovery.rs`; the formats are in `frame.rs` and `cursors.rs`.
//!
//! Synchronous: no runtime is needed. Files are touched by the committer, by [`Journal::read`] behind the memory, and
//! by opening, saving and closing.

mod committer;
mod cursors;
mod error;
mod frame;
pub mod fs;
mod reader;
mod recovery;
mod scan;
mod segment;
mod state;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

pub use error::Error;
pub use reader::{Batch, Entry};
pub use recovery::Recovery;

use frame::MAX_PAYLOAD;
use fs::Fs;
use state::Shared;

/// A record's number; the first is 1, and 0 means none.
pub type Seq = u64;

/// When appended records are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// Before they are acknowledged.
    Always,
    /// At most this long after they are acknowledged.
    Interval(Duration),
    /// When the operating system pleases, and when a segment is full.
    Never,
}

/// What to do about records that are damaged or missing in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// Do not open.
    Refuse,
    /// Go on without them, and say so.
    Skip,
}

/// Limits and ways of a journal.
#[derive(Debug, Clone)]
pub struct Options {
    /// A segment is closed when it has reached this size.
    pub segment_bytes: u64,
    /// Appending is refused beyond this size of all segments together.
    pub max_bytes: u64,
    /// Longest record; 2 GiB at the most.
    pub max_record_bytes: u64,
    /// Recent records kept in memory.
    pub tail_bytes: u64,
    /// When records are synced.
    pub sync: SyncMode,
    /// What to do about damage.
    pub on_damage: OnDamage,
}

/// Where a new consumer starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record there is.
    Oldest,
    /// After the newest.
    End,
}

/// Counters since the journal was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records written.
    pub records: u64,
    /// Times that waiting records were written and, if so configured, synced.
    pub commits: u64,
    /// Bytes held now by all segments, and by what waits to be written.
    pub bytes: u64,
}

/// The log. Clones share it. `N` is the note that stays in memory with a record.
pub struct Journal<N> {
    shared: Arc<Shared<N>>,
}

/// Completes when what was appended is as safe as configured.
#[derive(Debug)]
pub struct Commit {
    seq: Seq,
    done: oneshot::Receiver<Result<(), Error>>,
}

impl<N: Send + Sync + 'static> Journal<N> {
    /// Opens the journal in `dir`, creating it if there is none, and starts its thread, which runs until
    /// [`Journal::close`]. Reads all segments.
    ///
    /// # Errors
    /// [`Error::Damaged`] under [`OnDamage::Refuse`]; [`Error::Io`], also for a format of another version.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: Options) -> Result<(Self, Recovery), Error> {
        let (shared, report) = Shared::open(fs, dir, options)?;
        Shared::start_committer(&shared)?;
        Ok((Self { shared }, report))
    }

    /// Queues a record. It is dropped unwritten only if its commit says so.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::TooLarge`], [`Error::Closed`]; nothing was queued.
    pub fn append(&self, payload: Bytes, note: Option<Arc<N>>) -> Result<Commit, Error> {
        self.append_all(vec![(payload, note)])
    }

    /// Queues records that are committed together, numbered in order; the commit is for all or none of them. After a
    /// crash before it, some of the first may be there. No records are committed at once.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_all(&self, records: Vec<(Bytes, Option<Arc<N>>)>) -> Result<Commit, Error> {
        let limit = self.shared.options.max_record_bytes.min(MAX_PAYLOAD);
        if let Some((payload, _)) = records.iter().find(|(payload, _)| payload.len() as u64 > limit) {
            return Err(Error::TooLarge {
                len: payload.len(),
                limit,
            });
        }
        let (sender, done) = oneshot::channel();
        if records.is_empty() {
            let _heard = sender.send(Ok(()));
            return Ok(Commit {
                seq: self.shared.lock().next,
                done,
            });
        }
        let seq = self.shared.enqueue(records, sender)?;
        Ok(Commit { seq, done })
    }

    /// The newest record that is as safe as configured.
    #[must_use]
    pub fn committed(&self) -> Seq {
        *self.shared.committed.borrow()
    }

    /// Tells of every commit.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Seq> {
        self.shared.committed.subscribe()
    }

    /// Makes `consumer` hold the records after its cursor, and answers the cursor. A new one starts as told.
    pub fn register(&self, consumer: u32, start: Start) -> Seq {
        let mut state = self.shared.lock();
        let fresh = match start {
            Start::Oldest => state.oldest().saturating_sub(1),
            Start::End => state.committed,
        };
        *state.cursors.entry(consumer).or_insert(fresh)
    }

    /// `consumer` is done with everything up to `done`. Cursors never go back, nor ahead of what is committed.
    pub fn advance(&self, consumer: u32, done: Seq) {
        let mut state = self.shared.lock();
        let done = done.min(state.committed);
        if let Some(cursor) = state.cursors.get_mut(&consumer) {
            *cursor = done.max(*cursor);
            state.forget_done();
        }
    }

    /// Numbers on after `seq`, if that is ahead: a consumer has durably taken in records that this journal has lost since,
    /// unsynced as they were, and must not take new ones for those. To be called before anything is appended.
    pub fn number_after(&self, seq: Seq) {
        let mut state = self.shared.lock();
        if seq < state.next {
            return;
        }
        tracing::warn!(
            last = state.next - 1,
            seq,
            "the journal has lost records that were applied"
        );
        state.next = seq + 1;
        state.committed = seq;
        drop(state);
        self.shared.committed.send_replace(seq);
    }

    /// `consumer` has read everything up to `seq`, though it is not done with it: it keeps the segments, not the memory.
    pub fn note_read(&self, consumer: u32, seq: Seq) {
        let mut state = self.shared.lock();
        state.read_ahead.insert(consumer, seq);
        state.forget_done();
    }

    /// A registered consumer's cursor.
    #[must_use]
    pub fn cursor(&self, consumer: u32) -> Option<Seq> {
        self.shared.lock().cursors.get(&consumer).copied()
    }

    /// The registered consumers with their cursors.
    #[must_use]
    pub fn consumers(&self) -> Vec<(u32, Seq)> {
        self.shared
            .lock()
            .cursors
            .iter()
            .map(|(consumer, seq)| (*consumer, *seq))
            .collect()
    }

    /// `consumer` holds nothing any more.
    pub fn forget(&self, consumer: u32) {
        self.shared.lock().cursors.remove(&consumer);
    }

    /// Committed records after `after` that `wanted` selects by their payload, until some `max_bytes` of them or a
    /// bounded amount of others is reached; at least one if there is any within reach. Touches files only when
    /// [`Journal::in_memory`] says no.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Damaged`] when a file is not as it was.
    pub fn read(&self, after: Seq, max_bytes: usize, wanted: &mut dyn FnMut(&[u8]) -> bool) -> Result<Batch<N>, Error> {
        reader::read(&self.shared, after, max_bytes, wanted)
    }

    /// Whether the records after `after` are all in memory.
    #[must_use]
    pub fn in_memory(&self, after: Seq) -> bool {
        after >= self.shared.lock().tail_after
    }

    /// Makes the cursors durable, then deletes the segments that all of them passed. Nothing is deleted while nobody is
    /// registered.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save_cursors(&self) -> Result<(), Error> {
        self.shared.save_cursors()
    }

    /// An estimate of the bytes of the records after `seq`; what waits for a consumer that has come so far.
    #[must_use]
    pub fn bytes_after(&self, seq: Seq) -> u64 {
        let state = self.shared.lock();
        if seq >= state.committed {
            return 0;
        }
        state.segments.iter().map(|segment| segment.bytes_after(seq)).sum()
    }

    /// The configured limit of all segments together, bytes.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.shared.options.max_bytes
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.shared.lock();
        Stats {
            bytes: state.bytes,
            ..state.stats
        }
    }

    /// Commits what is queued, ends the thread and saves the cursors; later appends are refused.
    ///
    /// # Errors
    /// [`Error::Io`] when the cursors cannot be saved.
    pub fn close(&self) -> Result<(), Error> {
        self.shared.end_committer();
        self.shared.save_cursors()
    }
}

/// Makes the directory of a journal without records whose next record has the number after `seq`, and whose
/// `consumers`, at least one, are done with everything before: for a copy of what they have made of another journal.
/// The directory's own name is not made durable.
///
/// # Errors
/// [`Error::Io`].
pub fn create_after(fs: &dyn Fs, dir: &Path, seq: Seq, consumers: &[u32]) -> Result<(), Error> {
    fs.create_dir_all(dir).map_err(Error::io("cannot create", dir))?;
    let cursors = consumers.iter().map(|consumer| (*consumer, seq)).collect();
    cursors::save(fs, &dir.join(cursors::FILE), &cursors)
}

impl Commit {
    /// The number of the first record appended; the others follow.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Blocks until it is known; async code awaits the commit instead.
    ///
    /// # Errors
    /// When the records were not written.
    pub fn wait(self) -> Result<Seq, Error> {
        self.done
            .blocking_recv()
            .unwrap_or(Err(Error::Closed))
            .map(|()| self.seq)
    }
}

impl Future for Commit {
    type Output = Result<Seq, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let seq = self.seq;
        Pin::new(&mut self.done)
            .poll(context)
            .map(|done| done.unwrap_or(Err(Error::Closed)).map(|()| seq))
    }
}

impl<N> Clone for Journal<N> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<N> fmt::Debug for Journal<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("dir", &self.shared.dir)
            .field("committed", &*self.shared.committed.borrow())
            .finish_non_exhaustive()
    }
}

//! What appenders, readers and the committer share.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::{
    Error, Options, Recovery, Seq, Stats,
    cursors::{self, Cursors},
    frame::FRAME_LEN,
    fs::Fs,
    reader::{Entry, Place},
    recovery,
    segment::Segment,
};

pub(super) struct Shared<N> {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
    state: Mutex<State<N>>,
    /// Wakes the committer.
    pub(super) wake: Condvar,
    pub(super) committed: watch::Sender<Seq>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// One saves at a time, so that an older state never replaces a newer one.
    saving: Mutex<()>,
}

pub(super) struct State<N> {
    pub(super) queue: Vec<Queued<N>>,
    /// The number that the next record gets.
    pub(super) next: Seq,
    /// The last record that is known to everybody. Only when records or segments were lost is it ahead of `newest`:
    /// consumers had come further than the files do now.
    pub(super) committed: Seq,
    /// The last record in the files, or known to be lost: the one before the next segment.
    pub(super) newest: Seq,
    pub(super) segments: VecDeque<Segment>,
    /// Of the frames in all segments, being written, and waiting.
    pub(super) bytes: u64,
    pub(super) tail: VecDeque<Entry<N>>,
    pub(super) tail_bytes: u64,
    /// Every committed record after this one is in the tail.
    pub(super) tail_after: Seq,
    pub(super) cursors: Cursors,
    /// How far consumers have read ahead of their cursors: they need no memory for what they have read.
    pub(super) read_ahead: Cursors,
    pub(super) places: VecDeque<Place>,
    pub(super) stats: Stats,
    /// The committer sleeps until this many appends are queued; 0 when it is awake.
    pub(super) wake_at: usize,
    pub(super) closing: bool,
    /// Everybody has passed the segment being written: it is to be closed, so that it can go.
    pub(super) roll_wanted: bool,
}

/// Records that were appended together.
pub(super) struct Queued<N> {
    pub(super) first: Seq,
    pub(super) records: Vec<(Bytes, Option<Arc<N>>)>,
    pub(super) crcs: Vec<u32>,
    /// Of their frames.
    pub(super) bytes: u64,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

impl<N> Shared<N> {
    pub(super) fn open(fs: Arc<dyn Fs>, dir: &Path, options: Options) -> Result<(Arc<Self>, Recovery), Error> {
        fs.create_dir_all(dir).map_err(Error::io("cannot create", dir))?;
        let mut report = Recovery::default();
        let cursors = cursors::load(fs.as_ref(), &dir.join(cursors::FILE))?;
        report.cursors_lost = cursors.is_none();
        let cursors = cursors.unwrap_or_default();
        let done = cursors.values().min().copied();
        let mut found = recovery::recover(fs.as_ref(), dir, &options, done, &mut report)?;
        remove_passed(fs.as_ref(), dir, &mut found.segments, done.unwrap_or(0))?;
        // Cursors may be ahead when the records behind them were never synced: numbers are not used twice.
        let ahead = cursors.values().max().copied().unwrap_or(0);
        let next = found.next.max(ahead.saturating_add(1));
        let state = State {
            queue: Vec::new(),
            next,
            committed: next - 1,
            newest: found.last,
            bytes: found.segments.iter().map(Segment::bytes).sum(),
            segments: found.segments.into(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_after: next - 1,
            cursors,
            read_ahead: Cursors::new(),
            places: VecDeque::new(),
            stats: Stats::default(),
            wake_at: 0,
            closing: false,
            roll_wanted: false,
        };
        let (committed, _) = watch::channel(state.committed);
        let shared = Self {
            fs,
            dir: dir.to_owned(),
            options,
            state: Mutex::new(state),
            wake: Condvar::new(),
            committed,
            thread: Mutex::new(None),
            saving: Mutex::new(()),
        };
        Ok((Arc::new(shared), report))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<N>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers the records, at least one, and hands them to the committer.
    pub(super) fn enqueue(
        &self,
        records: Vec<(Bytes, Option<Arc<N>>)>,
        done: oneshot::Sender<Result<(), Error>>,
    ) -> Result<Seq, Error> {
        let crcs = records.iter().map(|(payload, _)| crc32c::crc32c(payload)).collect();
        let bytes = records
            .iter()
            .map(|(payload, _)| (FRAME_LEN + payload.len()) as u64)
            .sum();
        let mut state = self.lock();
        if state.closing {
            return Err(Error::Closed);
        }
        let limit = self.options.max_bytes;
        if bytes > limit.saturating_sub(state.bytes) {
            return Err(Error::Full {
                used: state.bytes,
                limit,
            });
        }
        let first = state.next;
        state.next += records.len() as u64;
        state.bytes += bytes;
        state.queue.push(Queued {
            first,
            records,
            crcs,
            bytes,
            done,
        });
        let wake = state.wake_at > 0 && state.queue.len() >= state.wake_at;
        if wake {
            state.wake_at = 0;
        }
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Ok(first)
    }

    /// Lets the committer sleep until `count` appends are queued, or so long.
    pub(super) fn await_queued<'a>(
        &self,
        mut state: MutexGuard<'a, State<N>>,
        count: usize,
        patience: Duration,
    ) -> MutexGuard<'a, State<N>> {
        state.wake_at = count;
        let (mut state, _) = self
            .wake
            .wait_timeout(state, patience)
            .unwrap_or_else(PoisonError::into_inner);
        state.wake_at = 0;
        state
    }

    pub(super) fn set_thread(&self, thread: JoinHandle<()>) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    /// Ends the committer; when several callers do, all return after it has ended.
    pub(super) fn end_committer(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        self.lock().closing = true;
        self.wake.notify_one();
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(dir = %self.dir.display(), "journal thread had panicked");
        }
    }

    pub(super) fn save_cursors(&self) -> Result<(), Error> {
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let cursors = self.lock().cursors.clone();
        cursors::save(self.fs.as_ref(), &self.dir.join(cursors::FILE), &cursors)?;
        let Some(done) = cursors.values().min().copied() else {
            return Ok(());
        };
        self.remove_segments(done)?;
        self.release_active(done);
        Ok(())
    }

    /// Removes the segments that everybody had passed when the cursors were saved.
    pub(super) fn remove_segments(&self, saved: Seq) -> Result<(), Error> {
        // The oldest first, so that no gap is left when the power fails.
        loop {
            // The lock must not be held while files are touched.
            let Some(segment) = self.lock().take_passed(saved) else {
                return Ok(());
            };
            if let Err(error) = self.fs.remove(&segment.path) {
                let failed = Error::io("cannot remove", &segment.path)(error);
                self.lock().put_back(segment);
                return Err(failed);
            }
        }
    }
}

/// Removes segments that every consumer had passed and whose removal a crash undid. Left in place, they would make
/// those removed after them look lost once nobody remembers having passed them.
fn remove_passed(fs: &dyn Fs, dir: &Path, segments: &mut Vec<Segment>, done: Seq) -> Result<(), Error> {
    let passed = segments
        .iter()
        .take_while(|segment| segment.last().is_some_and(|last| last <= done))
        .count();
    for segment in segments.drain(..passed) {
        fs.remove(&segment.path)
            .map_err(Error::io("cannot remove", &segment.path))?;
    }
    if passed > 0 {
        fs.sync_dir(dir).map_err(Error::io("cannot sync", dir))
    } else {
        Ok(())
    }
}

/// A segment that nobody needs is worth closing from this size on.
const WORTH_CLOSING: u64 = 1 << 20;

impl<N> Shared<N> {
    /// Asks for the segment being written to be closed and removed when nobody needs it.
    fn release_active(&self, done: Seq) {
        let mut state = self.lock();
        let passed = done >= state.newest && state.queue.is_empty();
        if passed
            && state
                .segments
                .back()
                .is_some_and(|active| active.bytes() >= WORTH_CLOSING)
        {
            state.roll_wanted = true;
            drop(state);
            self.wake.notify_one();
        }
    }
}

impl<N> State<N> {
    /// The oldest record there is, or the next one.
    pub(super) fn oldest(&self) -> Seq {
        let first = self.segments.iter().find_map(|segment| segment.extents.first());
        first.map_or(self.committed + 1, |extent| extent.first)
    }

    /// Takes out the oldest segment if its records are all at most `saved` and passed by everybody, also by those who
    /// registered since the cursors were saved; never the last, which is being written.
    fn take_passed(&mut self, saved: Seq) -> Option<Segment> {
        let done = self.cursors.values().min().copied()?.min(saved);
        let passed = |segment: &mut Segment| segment.last().is_none_or(|last| last <= done);
        let taken = if self.segments.len() > 1 {
            self.segments.pop_front_if(passed)
        } else {
            None
        };
        self.bytes -= taken.as_ref().map_or(0, Segment::bytes);
        taken
    }

    fn put_back(&mut self, segment: Segment) {
        self.bytes += segment.bytes();
        self.segments.push_front(segment);
    }

    /// Keeps a committed record in memory, and drops the oldest beyond the limit.
    pub(super) fn remember(&mut self, entry: Entry<N>, limit: u64) {
        self.tail_bytes += entry.cost();
        self.tail.push_back(entry);
        while self.tail_bytes > limit && self.tail.len() > 1 {
            self.forget_oldest();
        }
    }

    /// Drops what every consumer is done with from memory.
    pub(super) fn forget_done(&mut self) {
        let ahead = |(consumer, cursor): (&u32, &Seq)| {
            self.read_ahead
                .get(consumer)
                .map_or(*cursor, |ahead| *ahead.max(cursor))
        };
        let done = self.cursors.iter().map(ahead).min().unwrap_or(0);
        while self.tail.front().is_some_and(|entry| entry.seq <= done) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.tail.pop_front() {
            self.tail_bytes -= oldest.cost();
            self.tail_after = oldest.seq;
        }
    }
}

//! What appenders, readers and the committer share.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use bytes::Bytes;
use tokio::sync::{oneshot, watch};

use super::{
    Error, Options, Recovery, Seq, Stats,
    cursors::{self, Cursors},
    fs::Fs,
    reader::{Entry, Place},
    recovery,
    segment::Segment,
};

const CURSORS: &str = "cursors";

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
    pub(super) queued_bytes: u64,
    pub(super) next: Seq,
    pub(super) committed: Seq,
    pub(super) segments: VecDeque<Segment>,
    pub(super) tail: VecDeque<Entry<N>>,
    pub(super) tail_bytes: u64,
    /// Every committed record after this one is in the tail.
    pub(super) tail_after: Seq,
    pub(super) cursors: Cursors,
    pub(super) places: VecDeque<Place>,
    pub(super) stats: Stats,
    pub(super) idle: bool,
    pub(super) closing: bool,
}

/// Records that were appended together.
pub(super) struct Queued<N> {
    pub(super) first: Seq,
    pub(super) records: Vec<(Bytes, Option<Arc<N>>)>,
    pub(super) crcs: Vec<u32>,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

impl<N> Shared<N> {
    pub(super) fn open(fs: Arc<dyn Fs>, dir: &Path, options: Options) -> Result<(Arc<Self>, Recovery), Error> {
        fs.create_dir_all(dir).map_err(Error::io("cannot create", dir))?;
        let mut report = Recovery::default();
        let cursors = cursors::load(fs.as_ref(), &dir.join(CURSORS))?;
        let unreadable = cursors.is_none();
        let cursors = cursors.unwrap_or_default();
        let found = recovery::recover(fs.as_ref(), dir, &options, cursors.values().min().copied(), &mut report)?;
        report.cursors_lost = unreadable || (cursors.is_empty() && report.records > 0);
        // Cursors may be ahead when the records behind them were never synced: numbers are not used twice.
        let ahead = cursors.values().max().copied().unwrap_or(0);
        let (last, next) = (found.last, found.next.max(ahead + 1));
        let segments = found
            .segments
            .into_iter()
            .filter(|segment| segment.last().is_some())
            .collect();
        let state = State {
            queue: Vec::new(),
            queued_bytes: 0,
            next,
            committed: last.max(next - 1),
            segments,
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_after: last.max(next - 1),
            cursors,
            places: VecDeque::new(),
            stats: Stats::default(),
            idle: false,
            closing: false,
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

    /// Numbers the records and hands them to the committer.
    pub(super) fn enqueue(
        &self,
        records: Vec<(Bytes, Option<Arc<N>>)>,
        done: oneshot::Sender<Result<(), Error>>,
    ) -> Result<Seq, Error> {
        let crcs = records.iter().map(|(payload, _)| crc32c::crc32c(payload)).collect();
        let bytes: u64 = records.iter().map(|(payload, _)| payload.len() as u64).sum();
        let mut state = self.lock();
        if state.closing {
            return Err(Error::Closed);
        }
        let used = state.bytes() + state.queued_bytes;
        if used + bytes > self.options.max_bytes {
            return Err(Error::Full {
                used,
                limit: self.options.max_bytes,
            });
        }
        let first = state.next;
        state.next += records.len() as u64;
        state.queued_bytes += bytes;
        state.queue.push(Queued {
            first,
            records,
            crcs,
            done,
        });
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        if idle {
            self.wake.notify_one();
        }
        Ok(first)
    }

    pub(super) fn set_thread(&self, thread: JoinHandle<()>) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    pub(super) fn end_committer(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(dir = %self.dir.display(), "journal thread had panicked");
        }
    }

    pub(super) fn save_cursors(&self) -> Result<(), Error> {
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let cursors = self.lock().cursors.clone();
        cursors::save(self.fs.as_ref(), &self.dir.join(CURSORS), &cursors)?;
        let Some(done) = cursors.values().min().copied() else {
            return Ok(());
        };
        let passed = self.lock().take_passed(done);
        for segment in &passed {
            self.fs
                .remove(&segment.path)
                .map_err(Error::io("cannot remove", &segment.path))?;
        }
        Ok(())
    }
}

impl<N> State<N> {
    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(Segment::bytes).sum()
    }

    /// The oldest record there is, or the next one.
    pub(super) fn oldest(&self) -> Seq {
        let first = self.segments.iter().find_map(|segment| segment.extents.first());
        first.map_or(self.committed + 1, |extent| extent.first)
    }

    /// Takes out the segments whose records are all at most `done`; never the last, which is being written.
    fn take_passed(&mut self, done: Seq) -> Vec<Segment> {
        let active = self.segments.len().saturating_sub(1);
        let passed = self
            .segments
            .iter()
            .take(active)
            .take_while(|segment| segment.last().is_none_or(|last| last <= done))
            .count();
        self.segments.drain(..passed).collect()
    }

    /// Keeps a committed record in memory, and drops the oldest beyond the limit.
    pub(super) fn remember(&mut self, entry: Entry<N>, limit: u64) {
        self.tail_bytes += entry.cost();
        self.tail.push_back(entry);
        while self.tail_bytes > limit && self.tail.len() > 1 {
            let Some(oldest) = self.tail.pop_front() else { return };
            self.tail_bytes -= oldest.cost();
            self.tail_after = oldest.seq;
        }
    }
}

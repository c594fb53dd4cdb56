//! The one thread that writes.

use std::{io, path::Path, sync::Arc, time::Duration};

use crate::base::{Clock, SystemClock};

use super::{
    Error, Seq, SyncMode,
    frame::{FRAME_LEN, Frame, HEADER_LEN, Header},
    fs::AppendFile,
    reader::Entry,
    segment::{Extent, Segment},
    state::{Queued, Shared},
};

/// Frames are gathered up to this size for one write call: file systems take 1 MiB at twice the speed of 40 KiB pieces.
const WRITE_BYTES: usize = 1 << 20;
/// A payload from this size on is written from where it lies: then another call costs less than copying.
const COPY_BELOW: usize = 128 << 10;

struct Committer<N> {
    shared: Arc<Shared<N>>,
    active: Option<Active>,
    buffer: Vec<u8>,
    clock: SystemClock,
    /// Whether something written is not synced.
    unsynced: bool,
    /// When it must be, on the clock.
    sync_due: Duration,
    company: Company,
}

/// Whether to let those who were answered a moment ago join the next sync.
///
/// Without it, appenders that come back at once fall into two groups that take turns, and each sync serves half of
/// them. Pointless waits are remembered and made rarer.
#[derive(Debug, Default)]
struct Company {
    last: usize,
    skip: u32,
    misses: u32,
}

/// Longer than a client on the same machine takes to come back, shorter than most syncs.
const COMPANY_WAIT: Duration = Duration::from_micros(100);

impl Company {
    /// How many appends are worth waiting for when `queued` came during the last sync.
    fn expected(&mut self, queued: usize) -> usize {
        if self.skip > 0 {
            self.skip -= 1;
            return 1;
        }
        queued + self.last
    }

    fn came(&mut self, expected: usize, queued: usize) {
        self.last = queued;
        if expected <= 1 || queued * 4 >= expected * 3 {
            self.misses = 0;
            return;
        }
        self.misses = (self.misses + 1).min(8);
        self.skip = 1 << self.misses;
    }
}

/// The segment being written.
struct Active {
    file: Box<dyn AppendFile>,
    segment: Segment,
    len: u64,
}

impl<N: Send + Sync + 'static> Shared<N> {
    pub(super) fn start_committer(shared: &Arc<Self>) -> Result<(), Error> {
        let mut committer = Committer {
            shared: Arc::clone(shared),
            active: None,
            buffer: Vec::with_capacity(WRITE_BYTES),
            clock: SystemClock::new(),
            unsynced: false,
            sync_due: Duration::MAX,
            company: Company::default(),
        };
        let first = shared.lock().next;
        committer.active = Some(committer.roll(None, first)?);
        let name = "journal".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || committer.run());
        shared.set_thread(thread.map_err(Error::io("cannot start the thread of", &shared.dir))?);
        Ok(())
    }
}

impl<N> Committer<N> {
    fn run(mut self) {
        while let Some(queue) = self.wait() {
            if !queue.is_empty() {
                let written = self.write(&queue);
                self.publish(queue, written);
            }
            self.roll_if_wanted();
            if self.patience().is_zero() {
                self.sync_quietly();
            }
        }
        self.sync_quietly();
    }

    /// Waits for records; an empty answer means that it is time to sync, none that the journal is closing.
    fn wait(&mut self) -> Option<Vec<Queued<N>>> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let expected = self.company.expected(state.queue.len());
        while state.queue.is_empty() {
            let patience = self.patience();
            if patience.is_zero() {
                break;
            }
            if state.closing {
                return None;
            }
            if state.roll_wanted {
                break;
            }
            state = shared.await_queued(state, 1, patience);
        }
        if !state.closing && !state.roll_wanted && state.queue.len() < expected {
            state = shared.await_queued(state, expected, COMPANY_WAIT);
        }
        self.company.came(expected, state.queue.len());
        Some(std::mem::take(&mut state.queue))
    }

    /// Closes the segment being written when nobody needs what is in it.
    fn roll_if_wanted(&mut self) {
        let first = {
            let mut state = self.shared.lock();
            let wanted = std::mem::take(&mut state.roll_wanted) && state.queue.is_empty();
            wanted.then_some(state.newest + 1).filter(|first| *first == state.next)
        };
        let Some(first) = first else { return };
        let full = self.active.take();
        match self.roll(full, first) {
            Ok(active) => self.active = Some(active),
            Err(error) => return tracing::warn!(%error, "segment not closed early"),
        }
        if let Err(error) = self.shared.remove_segments(first - 1) {
            tracing::warn!(%error, "segment not removed: the next save tries again");
        }
    }

    /// How long a sync can wait.
    fn patience(&self) -> Duration {
        if self.unsynced {
            self.sync_due.saturating_sub(self.clock.elapsed())
        } else {
            Duration::MAX
        }
    }

    /// Writes and syncs the records; answers where they lie. After an error nothing of them is left, and the next
    /// write starts a new segment.
    fn write(&mut self, queue: &[Queued<N>]) -> Result<Extent, Error> {
        let (Some(first), Some(last)) = (queue.first(), queue.last()) else {
            return Err(Error::Closed);
        };
        let (first, last) = (first.first, last.first + last.records.len() as u64 - 1);
        let mut active = match self.active.take() {
            Some(active) if active.len < self.shared.options.segment_bytes && self.continues(&active, first) => active,
            full => self.roll(full, first)?,
        };
        let start = active.len;
        let always = self.shared.options.sync == SyncMode::Always;
        let written = active
            .append(queue, &mut self.buffer)
            .map_err(Error::io("cannot write", &active.segment.path));
        let synced = written.and_then(|end| {
            if always {
                active
                    .file
                    .sync()
                    .map_err(Error::io("cannot sync", &active.segment.path))?;
            }
            Ok(end)
        });
        match synced {
            Ok(end) => {
                active.len = end;
                self.active = Some(active);
                if !always && !self.unsynced {
                    self.note_unsynced();
                }
                Ok(Extent {
                    start,
                    end,
                    first,
                    last,
                })
            }
            Err(error) => {
                self.take_back(&active.segment.path, start, &error);
                Err(error)
            }
        }
    }

    /// Whether the record `first` may come next: a gap in the numbers is none when the header of a segment tells of it.
    fn continues(&self, active: &Active, first: Seq) -> bool {
        first == active.segment.first || first == self.shared.lock().newest + 1
    }

    fn note_unsynced(&mut self) {
        self.unsynced = true;
        self.sync_due = match self.shared.options.sync {
            SyncMode::Interval(interval) => self.clock.elapsed().saturating_add(interval),
            SyncMode::Always | SyncMode::Never => Duration::MAX,
        };
    }

    /// Cuts a failed write off, as well as the disk allows; the next segment's header disowns it in any case.
    fn take_back(&mut self, path: &Path, len: u64, error: &Error) {
        tracing::error!(segment = %path.display(), %error, "write failed: nothing of it is kept");
        // Cutting syncs what was good, too.
        self.unsynced = false;
        if let Err(error) = self.shared.fs.truncate(path, len) {
            tracing::error!(segment = %path.display(), %error, "failed write not cut off: left for the next segment to disown");
        }
    }

    /// Closes the segment that is full, and starts a new one for the record `first`.
    fn roll(&mut self, full: Option<Active>, first: Seq) -> Result<Active, Error> {
        if let Some(mut full) = full.filter(|_| self.unsynced) {
            self.unsynced = false;
            full.file.sync().map_err(Error::io("cannot sync", &full.segment.path))?;
        }
        let segment = Segment::new(&self.shared.dir, first);
        let previous = self.shared.lock().newest;
        let file = match self.create(&segment.path, Header { first, previous }) {
            Ok(file) => file,
            Err(error) => {
                self.remove_quietly(&segment.path);
                return Err(Error::io("cannot create", &segment.path)(error));
            }
        };
        let mut state = self.shared.lock();
        let unused = state.segments.pop_back_if(|last| last.extents.is_empty());
        state.segments.push_back(segment.clone());
        drop(state);
        // A disk that is full for long must not fill up with segments that never got a record.
        if let Some(unused) = unused.filter(|unused| unused.first != first) {
            self.remove_quietly(&unused.path);
        }
        Ok(Active {
            file,
            segment,
            len: HEADER_LEN as u64,
        })
    }

    fn create(&self, path: &Path, header: Header) -> io::Result<Box<dyn AppendFile>> {
        let mut file = self.shared.fs.create(path)?;
        file.append(&header.encode())?;
        file.sync()?;
        self.shared.fs.sync_dir(&self.shared.dir)?;
        Ok(file)
    }

    fn remove_quietly(&self, path: &Path) {
        if let Err(error) = self.shared.fs.remove(path) {
            tracing::warn!(segment = %path.display(), %error, "empty segment not removed");
        }
    }

    /// Makes written records known, and completes those who wait.
    fn publish(&self, queue: Vec<Queued<N>>, written: Result<Extent, Error>) {
        let mut waiting = Vec::with_capacity(queue.len());
        let mut state = self.shared.lock();
        if let (Ok(extent), Some(segment)) = (&written, state.segments.back_mut()) {
            segment.extend(*extent);
            state.committed = extent.last;
            state.newest = extent.last;
            state.stats.commits += 1;
        }
        for queued in queue {
            if written.is_ok() {
                state.stats.records += queued.records.len() as u64;
                for (seq, (payload, note)) in (queued.first..).zip(queued.records) {
                    state.remember(Entry { seq, payload, note }, self.shared.options.tail_bytes);
                }
            } else {
                state.bytes -= queued.bytes;
            }
            waiting.push(queued.done);
        }
        let committed = state.committed;
        drop(state);
        if written.is_ok() {
            self.shared.committed.send_replace(committed);
        }
        let outcome = written.map(drop);
        for done in waiting {
            // Whoever appended may have left.
            let _heard = done.send(outcome.clone());
        }
    }

    fn sync_quietly(&mut self) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let Some(active) = self.active.as_mut().filter(|_| unsynced) else {
            return;
        };
        if let Err(error) = active.file.sync() {
            tracing::error!(segment = %active.segment.path.display(), %error, "sync failed: records acknowledged since the last one are at risk");
            self.active = None;
        }
    }
}

impl<N> Drop for Committer<N> {
    /// However the thread ends, nobody waits for it in vain.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closing = true;
        let unwritten = std::mem::take(&mut state.queue);
        drop(state);
        drop(unwritten);
    }
}

impl Active {
    /// Writes the records of one write; answers where they end.
    fn append<N>(&mut self, queue: &[Queued<N>], buffer: &mut Vec<u8>) -> io::Result<u64> {
        buffer.clear();
        let mut end = self.len;
        let mut opens_write = true;
        for queued in queue {
            let numbered = (queued.first..).zip(queued.records.iter().zip(&queued.crcs));
            for (seq, ((payload, _), crc)) in numbered {
                let len = u32::try_from(payload.len()).map_err(io::Error::other)?;
                buffer.extend_from_slice(&Frame::new(seq, len, opens_write, *crc).encode());
                opens_write = false;
                end += (FRAME_LEN + payload.len()) as u64;
                if payload.len() < COPY_BELOW {
                    buffer.extend_from_slice(payload);
                }
                if payload.len() >= COPY_BELOW || buffer.len() >= WRITE_BYTES - COPY_BELOW - FRAME_LEN {
                    self.file.append(buffer)?;
                    buffer.clear();
                }
                if payload.len() >= COPY_BELOW {
                    self.file.append(payload)?;
                }
            }
        }
        if !buffer.is_empty() {
            self.file.append(buffer)?;
        }
        Ok(end)
    }
}

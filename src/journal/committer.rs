//! The one thread that writes.

use std::{sync::Arc, time::Duration};

use super::{
    Error, Seq, SyncMode,
    frame::{FRAME_LEN, Frame, HEADER_LEN, Header},
    fs::AppendFile,
    reader::Entry,
    segment::{Extent, Segment},
    state::{Queued, Shared},
};

/// A write buffer that grew larger than this for one commit is given back.
const KEEP_BUFFER: usize = 4 << 20;

struct Committer<N> {
    shared: Arc<Shared<N>>,
    active: Option<Active>,
    buffer: Vec<u8>,
    unsynced: bool,
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
            buffer: Vec::new(),
            unsynced: false,
        };
        let first = shared.lock().next;
        committer.roll(first)?;
        let name = "journal".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || committer.run());
        shared.set_thread(thread.map_err(Error::io("cannot start the thread of", &shared.dir))?);
        Ok(())
    }
}

impl<N: Send + Sync + 'static> Committer<N> {
    fn run(mut self) {
        while let Some(queue) = self.wait() {
            if queue.is_empty() {
                self.sync_quietly();
                continue;
            }
            let written = self.write(&queue);
            if written.is_err() {
                self.active = None;
            }
            self.publish(queue, written);
        }
        self.sync_quietly();
    }

    /// Waits for records; an empty answer means that it is time to sync, none that the journal is closing.
    fn wait(&self) -> Option<Vec<Queued<N>>> {
        let mut state = self.shared.lock();
        while state.queue.is_empty() {
            if state.closing {
                return None;
            }
            state.idle = true;
            let patience = match self.shared.options.sync {
                SyncMode::Interval(interval) if self.unsynced => interval,
                _ => Duration::MAX,
            };
            let (woken, timeout) = self
                .shared
                .wake
                .wait_timeout(state, patience)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() {
                state.idle = false;
                break;
            }
        }
        state.queued_bytes = 0;
        Some(std::mem::take(&mut state.queue))
    }

    /// Writes and syncs the records; answers where they lie. After an error nothing of them is left.
    fn write(&mut self, queue: &[Queued<N>]) -> Result<Extent, Error> {
        let (Some(first), Some(last)) = (queue.first(), queue.last()) else {
            return Err(Error::Closed);
        };
        let (first, last) = (first.first, last.first + last.records.len() as u64 - 1);
        if self
            .active
            .as_ref()
            .is_none_or(|active| active.len >= self.shared.options.segment_bytes)
        {
            self.roll(first)?;
        }
        self.fill_buffer(queue);
        let Some(active) = &mut self.active else {
            return Err(Error::Closed);
        };
        let start = active.len;
        let end = start + self.buffer.len() as u64;
        let mut result = active
            .file
            .append(&self.buffer)
            .map_err(Error::io("cannot write", &active.segment.path));
        if result.is_ok() && self.shared.options.sync == SyncMode::Always {
            result = active
                .file
                .sync()
                .map_err(Error::io("cannot sync", &active.segment.path));
        }
        if self.buffer.capacity() > KEEP_BUFFER {
            self.buffer = Vec::new();
        }
        if let Err(error) = result {
            self.take_back(start, &error);
            return Err(error);
        }
        active.len = end;
        self.unsynced = self.shared.options.sync != SyncMode::Always;
        Ok(Extent {
            start,
            end,
            first,
            last,
        })
    }

    fn fill_buffer(&mut self, queue: &[Queued<N>]) {
        self.buffer.clear();
        for queued in queue {
            let numbered = (queued.first..).zip(queued.records.iter().zip(&queued.crcs));
            for (seq, ((payload, _), crc)) in numbered {
                // Checked against the limit, which is below 4 GiB, when it was appended.
                let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
                self.buffer.reserve(FRAME_LEN + payload.len());
                self.buffer.extend_from_slice(&Frame::new(seq, len, *crc).encode());
                self.buffer.extend_from_slice(payload);
            }
        }
    }

    /// Cuts a failed write off, as well as the disk allows; the next segment's header disowns it in any case.
    fn take_back(&self, len: u64, error: &Error) {
        let Some(active) = &self.active else { return };
        let path = &active.segment.path;
        tracing::error!(segment = %path.display(), %error, "write failed: nothing of it is kept");
        if let Err(error) = self.shared.fs.truncate(path, len) {
            tracing::error!(segment = %path.display(), %error, "failed write not cut off: left for the next segment to disown");
        }
    }

    /// Starts a new segment for the record `first`.
    fn roll(&mut self, first: Seq) -> Result<(), Error> {
        if let Some(active) = &mut self.active
            && self.unsynced
        {
            active
                .file
                .sync()
                .map_err(Error::io("cannot sync", &active.segment.path))?;
            self.unsynced = false;
        }
        let fs = &self.shared.fs;
        let segment = Segment::new(&self.shared.dir, first);
        // Numbers skipped at the start are nobody's: only what a reader has seen counts as the one before.
        let previous = self
            .shared
            .lock()
            .segments
            .iter()
            .filter_map(Segment::last)
            .max()
            .unwrap_or(0);
        let previous = previous.max(self.shared.lock().tail.back().map_or(0, |entry| entry.seq));
        let previous = if previous == 0 { first - 1 } else { previous };
        let create = || -> std::io::Result<Box<dyn AppendFile>> {
            let mut file = fs.create(&segment.path)?;
            file.append(&Header { first, previous }.encode())?;
            file.sync()?;
            fs.sync_dir(&self.shared.dir)?;
            Ok(file)
        };
        let file = create().map_err(Error::io("cannot create", &segment.path))?;
        let mut state = self.shared.lock();
        // One that never got a record leaves no trace.
        state.segments.retain(|other| other.first != segment.first);
        state.segments.push_back(segment.clone());
        drop(state);
        self.active = Some(Active {
            file,
            segment,
            len: HEADER_LEN as u64,
        });
        Ok(())
    }

    /// Makes written records known, and completes those who wait.
    fn publish(&self, queue: Vec<Queued<N>>, written: Result<Extent, Error>) {
        let mut waiting = Vec::with_capacity(queue.len());
        let mut state = self.shared.lock();
        if let (Ok(extent), Some(segment)) = (&written, state.segments.back_mut()) {
            segment.extend(*extent);
            state.committed = extent.last;
            state.stats.commits += 1;
        }
        for Queued {
            first,
            records,
            crcs: _,
            done,
        } in queue
        {
            if written.is_ok() {
                state.stats.records += records.len() as u64;
                for (seq, (payload, note)) in (first..).zip(records) {
                    state.remember(Entry { seq, payload, note }, self.shared.options.tail_bytes);
                }
            }
            waiting.push(done);
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
        let Some(active) = self.active.as_mut().filter(|_| self.unsynced) else {
            return;
        };
        self.unsynced = false;
        if let Err(error) = active.file.sync() {
            tracing::error!(segment = %active.segment.path.display(), %error, "sync failed: records acknowledged since the last one are at risk");
            self.active = None;
        }
    }
}

//! Reading committed records: from memory, or from the files behind it.

use std::{ops::Range, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{
    Error, Seq,
    frame::FRAME_LEN,
    fs::ReadFile,
    scan::{Scan, Step},
    state::{Shared, State},
};

/// Records in memory looked at with one lock; appenders wait for some 10 µs.
const CHUNK: usize = 256;
/// Chunks looked at in one read at the most, so that a consumer that wants few records gives others a turn.
const MAX_CHUNKS: usize = 40;
/// Bytes of files behind the reader's place that are read through in one read at the most.
const MAX_SCANNED_BYTES: u64 = 32 << 20;
/// Places in files that are remembered for readers to continue at: more than there are consumers that lag.
const MAX_PLACES: usize = 256;
/// What a record in memory costs beside its payload: the entry and its share of the queue.
const ENTRY_COST: u64 = 64;

/// A committed record.
#[derive(Debug)]
pub struct Entry<N> {
    /// Its number.
    pub seq: Seq,
    /// Its bytes.
    pub payload: Bytes,
    /// The note, if the record is still in memory.
    pub note: Option<Arc<N>>,
}

/// What a read found.
#[derive(Debug)]
pub struct Batch<N> {
    /// The wanted records, in order.
    pub entries: Vec<Entry<N>>,
    /// Everything up to this number has been looked at; read on after it.
    pub scanned_to: Seq,
}

/// Where in a file the record after `after` starts.
#[derive(Debug, Clone)]
pub(super) struct Place {
    after: Seq,
    segment: Seq,
    offset: u64,
}

impl<N> Clone for Entry<N> {
    fn clone(&self) -> Self {
        Self {
            seq: self.seq,
            payload: self.payload.clone(),
            note: self.note.clone(),
        }
    }
}

impl<N> Entry<N> {
    pub(super) fn cost(&self) -> u64 {
        self.payload.len() as u64 + ENTRY_COST
    }
}

pub(super) fn read<N>(
    shared: &Shared<N>,
    after: Seq,
    max_bytes: usize,
    wanted: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Batch<N>, Error> {
    let mut batch = Batch {
        entries: Vec::new(),
        scanned_to: after,
    };
    // One record is always due.
    let max_bytes = max_bytes.max(1);
    if read_tail(shared, &mut batch, max_bytes, wanted) {
        return Ok(batch);
    }
    let state = shared.lock();
    let Some(mut stretch) = find(&state, after) else {
        // Nothing is left between here and the tail.
        batch.scanned_to = state.tail_after;
        return Ok(batch);
    };
    drop(state);
    let file = loop {
        match shared.fs.open(&stretch.path) {
            Ok(file) => break file,
            Err(error) => match find(&shared.lock(), after) {
                // Deleted in the meantime: a reader that holds nothing has been overtaken.
                Some(other) if other.segment != stretch.segment => stretch = other,
                _ => return Err(Error::io("cannot open", &stretch.path)(error)),
            },
        }
    };
    let place = read_file(file.as_ref(), &stretch, &mut batch, max_bytes, wanted)?;
    shared.lock().remember_place(place);
    Ok(batch)
}

impl<N> State<N> {
    fn remember_place(&mut self, place: Place) {
        self.places
            .retain(|other| (other.after, other.segment) != (place.after, place.segment));
        self.places.truncate(MAX_PLACES - 1);
        self.places.push_front(place);
    }

    /// The first records in memory after `after`; nothing when they are not all there any more.
    fn tail_chunk(&self, after: Seq) -> Option<Vec<Entry<N>>> {
        let start = self.tail.partition_point(|entry| entry.seq <= after);
        (after >= self.tail_after).then(|| self.tail.range(start..).take(CHUNK).cloned().collect())
    }
}

/// Reads on from `batch.scanned_to` in memory, if what comes next is there. No lock is held while `wanted` looks.
fn read_tail<N>(
    shared: &Shared<N>,
    batch: &mut Batch<N>,
    max_bytes: usize,
    wanted: &mut dyn FnMut(&[u8]) -> bool,
) -> bool {
    let after = batch.scanned_to;
    let mut bytes = 0;
    for _ in 0..MAX_CHUNKS {
        let state = shared.lock();
        let Some(chunk) = state.tail_chunk(batch.scanned_to) else {
            return batch.scanned_to > after;
        };
        let committed = state.committed;
        drop(state);
        if chunk.is_empty() {
            batch.scanned_to = batch.scanned_to.max(committed);
            return true;
        }
        for entry in chunk {
            if bytes >= max_bytes {
                return true;
            }
            batch.scanned_to = entry.seq;
            if wanted(&entry.payload) {
                bytes += entry.payload.len();
                batch.entries.push(entry);
            }
        }
    }
    true
}

/// A stretch of one file to read.
struct Stretch {
    path: PathBuf,
    segment: Seq,
    range: Range<u64>,
    last: Seq,
}

/// The stretch before the tail that holds the first record after `after`.
fn find<N>(state: &State<N>, after: Seq) -> Option<Stretch> {
    let segment = state
        .segments
        .iter()
        .find(|segment| segment.last().is_some_and(|last| last > after))?;
    let extent = segment.extents.iter().find(|extent| extent.last > after)?;
    if extent.first > state.tail_after {
        return None;
    }
    let place = state
        .places
        .iter()
        .find(|place| place.after == after && place.segment == segment.first);
    let start = place.map_or(extent.start, |place| place.offset).max(extent.start);
    let last = extent.last.min(state.tail_after);
    Some(Stretch {
        path: segment.path.clone(),
        segment: segment.first,
        range: start..extent.end,
        last,
    })
}

/// Reads on from `batch.scanned_to` in a file; answers where the next read can start.
fn read_file<N>(
    file: &dyn ReadFile,
    stretch: &Stretch,
    batch: &mut Batch<N>,
    max_bytes: usize,
    wanted: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Place, Error> {
    let mut scan = Scan::new(file, stretch.range.clone());
    let mut bytes = 0;
    let mut scanned_bytes = 0;
    while batch.scanned_to < stretch.last && bytes < max_bytes && scanned_bytes < MAX_SCANNED_BYTES {
        let offset = scan.offset();
        match scan.next().map_err(Error::io("cannot read", &stretch.path))? {
            Step::Record { seq, .. } if seq <= batch.scanned_to => {}
            Step::Record { seq, payload, .. } => {
                scanned_bytes += (FRAME_LEN + payload.len()) as u64;
                if wanted(payload) {
                    bytes += payload.len();
                    batch.entries.push(Entry {
                        seq,
                        payload: Bytes::copy_from_slice(payload),
                        note: None,
                    });
                }
                batch.scanned_to = seq;
            }
            Step::Bad | Step::End => {
                let (path, first) = (stretch.path.clone(), batch.scanned_to + 1);
                return Err(Error::Damaged {
                    path,
                    offset,
                    first,
                    last: stretch.last,
                });
            }
        }
    }
    Ok(Place {
        after: batch.scanned_to,
        segment: stretch.segment,
        offset: scan.offset(),
    })
}

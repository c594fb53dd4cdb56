//! Reading committed records: from memory, or from the files behind it.

use std::{ops::Range, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{
    Error, Seq,
    frame::FRAME_LEN,
    scan::{Scan, Step},
    state::{Shared, State},
};

/// Records looked at in one read at the most, so that a consumer that wants few of them gives others a turn.
const MAX_SCANNED: usize = 10_000;
/// Bytes of files read through in one read at the most.
const MAX_SCANNED_BYTES: u64 = 32 << 20;
/// Places in files that are remembered for readers to continue at.
const MAX_PLACES: usize = 64;
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
    let state = shared.lock();
    if after >= state.tail_after {
        return Ok(read_tail(&state, after, max_bytes, wanted));
    }
    let Some(stretch) = find(&state, after) else {
        // Nothing is left between here and the tail.
        return Ok(Batch {
            entries: Vec::new(),
            scanned_to: state.tail_after,
        });
    };
    drop(state);
    let (batch, place) = read_file(shared, after, &stretch, max_bytes, wanted)?;
    let mut state = shared.lock();
    if state.places.len() >= MAX_PLACES {
        state.places.pop_front();
    }
    state.places.push_back(place);
    Ok(batch)
}

fn read_tail<N>(state: &State<N>, after: Seq, max_bytes: usize, wanted: &mut dyn FnMut(&[u8]) -> bool) -> Batch<N> {
    let start = state.tail.partition_point(|entry| entry.seq <= after);
    let mut batch = Batch {
        entries: Vec::new(),
        scanned_to: after.max(state.committed),
    };
    let mut bytes = 0;
    for (scanned, entry) in state.tail.range(start..).enumerate() {
        if bytes >= max_bytes || scanned >= MAX_SCANNED {
            batch.scanned_to = entry.seq - 1;
            break;
        }
        if wanted(&entry.payload) {
            bytes += entry.payload.len();
            batch.entries.push(entry.clone());
        }
    }
    batch
}

/// A stretch of one file to read.
struct Stretch {
    path: PathBuf,
    segment: Seq,
    range: Range<u64>,
    last: Seq,
}

/// The stretch that holds the first record after `after`.
fn find<N>(state: &State<N>, after: Seq) -> Option<Stretch> {
    let segment = state
        .segments
        .iter()
        .find(|segment| segment.last().is_some_and(|last| last > after))?;
    let extent = segment.extents.iter().find(|extent| extent.last > after)?;
    let place = state
        .places
        .iter()
        .rev()
        .find(|place| place.after == after && place.segment == segment.first);
    let start = place.map_or(extent.start, |place| place.offset).max(extent.start);
    Some(Stretch {
        path: segment.path.clone(),
        segment: segment.first,
        range: start..extent.end,
        last: extent.last,
    })
}

fn read_file<N>(
    shared: &Shared<N>,
    after: Seq,
    stretch: &Stretch,
    max_bytes: usize,
    wanted: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(Batch<N>, Place), Error> {
    let cannot_read = || Error::io("cannot read", &stretch.path);
    let file = shared.fs.open(&stretch.path).map_err(cannot_read())?;
    let mut scan = Scan::new(file.as_ref(), stretch.range.clone(), shared.options.max_record_bytes);
    let mut batch = Batch {
        entries: Vec::new(),
        scanned_to: after,
    };
    let mut bytes = 0;
    let mut scanned_bytes = 0;
    while bytes < max_bytes && scanned_bytes < MAX_SCANNED_BYTES {
        let offset = scan.offset();
        match scan.next().map_err(cannot_read())? {
            Step::End => break,
            Step::Bad => {
                let first = batch.scanned_to + 1;
                return Err(Error::Damaged {
                    path: stretch.path.clone(),
                    offset,
                    first,
                    last: stretch.last,
                });
            }
            Step::Record { seq, payload } => {
                scanned_bytes += (FRAME_LEN + payload.len()) as u64;
                if seq > after && wanted(payload) {
                    bytes += payload.len();
                    batch.entries.push(Entry {
                        seq,
                        payload: Bytes::copy_from_slice(payload),
                        note: None,
                    });
                }
                batch.scanned_to = seq.max(after);
            }
        }
    }
    let place = Place {
        after: batch.scanned_to,
        segment: stretch.segment,
        offset: scan.offset(),
    };
    Ok((batch, place))
}

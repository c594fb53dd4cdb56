//! What a journal finds when it is opened: whole records, a torn tail, or damage.
//!
//! A tail is torn when nothing valid follows it: the writes it held were not acknowledged, or the last one's sync was
//! under way, so it is cut. A bad place with valid records behind it, a missing segment, or an unreadable header is
//! damage: records that were acknowledged are gone, and whoever opens the journal must say whether to go on. Two
//! things look like damage and are none: a hole in the last write, whose sync was under way as well, and the absence
//! of records that every consumer is done with.

use std::{ops::RangeInclusive, path::Path};

use super::{
    Error, OnDamage, Options, Seq,
    frame::{HEADER_LEN, Header},
    fs::{Fs, ReadFile},
    scan::{Scan, Step},
    segment::{Extent, Segment},
};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records found whole.
    pub records: u64,
    /// Bytes cut from the end.
    pub torn_bytes: u64,
    /// Records that are lost, when [`OnDamage::Skip`] allows to go on without them, or nobody was told of them.
    pub lost: Vec<RangeInclusive<Seq>>,
    /// Segments whose header is damaged; their records were found all the same.
    pub bad_headers: u64,
    /// The cursors could not be read: every consumer starts over from the oldest record.
    pub cursors_lost: bool,
}

impl Recovery {
    /// Whether an operator should hear of it.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.torn_bytes > 0 || !self.lost.is_empty() || self.bad_headers > 0 || self.cursors_lost
    }
}

/// The segments found, the last record found or lost, and the number that the next record may have.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segments: Vec<Segment>,
    pub(super) last: Seq,
    pub(super) next: Seq,
}

/// Reads all segments in `dir`. Every consumer is done with the records up to `done`.
pub(super) fn recover(
    fs: &dyn Fs,
    dir: &Path,
    options: &Options,
    done: Option<Seq>,
    report: &mut Recovery,
) -> Result<Found, Error> {
    let names = fs.list(dir).map_err(Error::io("cannot list", dir))?;
    let mut firsts: Vec<Seq> = names.iter().filter_map(|name| Segment::parse_name(name)).collect();
    firsts.sort_unstable();
    let stored: Vec<_> = firsts
        .iter()
        .map(|first| inspect(fs, dir, *first))
        .collect::<Result<_, _>>()?;
    // Without consumers nobody can miss what came before the oldest segment.
    let before = stored
        .first()
        .map_or(0, |oldest| oldest.previous.unwrap_or(oldest.segment.first - 1));
    let last = if done.is_some() { 0 } else { before };
    let mut recoverer = Recoverer {
        fs,
        options,
        report,
        done: done.unwrap_or(0),
        last,
        found: Vec::new(),
    };
    for (index, segment) in stored.iter().enumerate() {
        let good_up_to = stored.iter().skip(index + 1).find_map(|later| later.previous);
        recoverer.take(segment, good_up_to)?;
    }
    let Recoverer { last, found, .. } = recoverer;
    let next = found.last().map_or(1, |segment| segment.first).max(last + 1);
    Ok(Found {
        segments: found,
        last,
        next,
    })
}

/// A segment file before its records are read.
struct Stored {
    segment: Segment,
    header: Option<Header>,
    /// The last good record before it, as its header says, or else as its name says. `None` when it holds neither
    /// header nor record: creating it failed, or nothing of it is left.
    previous: Option<Seq>,
}

fn inspect(fs: &dyn Fs, dir: &Path, first: Seq) -> Result<Stored, Error> {
    let segment = Segment::new(dir, first);
    let cannot_read = || Error::io("cannot read", &segment.path);
    let file = fs.open(&segment.path).map_err(cannot_read())?;
    let mut bytes = [0; HEADER_LEN];
    let read = file.read_at(&mut bytes, 0).map_err(cannot_read())?;
    if let Some(version) = Header::foreign_version(bytes.get(..read).unwrap_or_default()) {
        let unknown = format!("segment format {version} is unknown");
        return Err(cannot_read()(std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            unknown,
        )));
    }
    let header = bytes
        .get(..read)
        .and_then(Header::decode)
        .filter(|header| header.first == first);
    let mut previous = header.map(|header| header.previous);
    if header.is_none()
        && frames(file.as_ref())
            .and_then(|mut frames| frames.resume(first))
            .map_err(cannot_read())?
    {
        previous = Some(first - 1);
    }
    Ok(Stored {
        segment,
        header,
        previous,
    })
}

fn frames(file: &dyn ReadFile) -> std::io::Result<Scan<'_>> {
    let len = file.len()?;
    Ok(Scan::new(file, len.min(HEADER_LEN as u64)..len))
}

struct Recoverer<'a> {
    fs: &'a dyn Fs,
    options: &'a Options,
    report: &'a mut Recovery,
    done: Seq,
    /// The last record known to be good, or known to be lost.
    last: Seq,
    found: Vec<Segment>,
}

impl Recoverer<'_> {
    /// Takes over the records of a segment; those above `good_up_to` belong to a write that failed. Behind the last
    /// segment with anything in it there is none who could say.
    fn take(&mut self, stored: &Stored, good_up_to: Option<Seq>) -> Result<(), Error> {
        let segment = &stored.segment;
        let file = self
            .fs
            .open(&segment.path)
            .map_err(Error::io("cannot open", &segment.path))?;
        match (stored.previous, good_up_to) {
            (Some(previous), _) => {
                if stored.header.is_none() {
                    self.report.bad_headers += 1;
                    self.damaged(segment, 0, segment.first, segment.first)?;
                }
                self.lose(segment, 0, self.last + 1, previous)?;
                self.take_records(segment.clone(), file.as_ref(), good_up_to)
            }
            (None, Some(_)) => {
                self.found.push(segment.clone());
                Ok(())
            }
            (None, None) => self.remove_torn(segment, file.as_ref()),
        }
    }

    fn take_records(
        &mut self,
        mut segment: Segment,
        file: &dyn ReadFile,
        good_up_to: Option<Seq>,
    ) -> Result<(), Error> {
        let path = segment.path.clone();
        let cannot_read = || Error::io("cannot read", &path);
        let mut scan = frames(file).map_err(cannot_read())?;
        let mut expected = segment.first;
        // Holes that no mark of a later write follows yet, where they begin, and the records behind them.
        let (mut holes, mut doubt, mut behind) = (Vec::new(), None, Vec::new());
        loop {
            let start = scan.offset();
            match scan.next().map_err(cannot_read())? {
                Step::End => break,
                Step::Record { seq, .. } if good_up_to.is_some_and(|limit| seq > limit) => break,
                Step::Record { seq, opens_write, .. } if seq >= expected => {
                    if seq > expected {
                        holes.push((start, expected..=seq - 1));
                    }
                    if opens_write || good_up_to.is_some() {
                        self.lose_all(&segment, &mut holes)?;
                        behind.drain(..).for_each(|extent| self.keep(&mut segment, extent));
                        doubt = None;
                    }
                    expected = seq + 1;
                    let extent = Extent {
                        start,
                        end: scan.offset(),
                        first: seq,
                        last: seq,
                    };
                    if doubt.is_some() {
                        behind.push(extent);
                    } else {
                        self.keep(&mut segment, extent);
                    }
                }
                // A number that went back was valid once: a stale block, as good as damage.
                Step::Record { .. } => {}
                Step::Bad => {
                    doubt.get_or_insert(start);
                    if !scan.resume(expected).map_err(cannot_read())? {
                        break;
                    }
                }
            }
        }
        // Behind the last mark lies only the last write, whose sync was under way.
        if let Some(at) = doubt.filter(|_| good_up_to.is_none()) {
            let len = file.len().map_err(cannot_read())?;
            self.cut(&segment, at, len)?;
        }
        self.found.push(segment);
        Ok(())
    }

    fn keep(&mut self, segment: &mut Segment, extent: Extent) {
        self.report.records += 1;
        self.last = self.last.max(extent.last);
        segment.extend(extent);
    }

    fn cut(&mut self, segment: &Segment, at: u64, len: u64) -> Result<(), Error> {
        self.report.torn_bytes += len - at;
        tracing::warn!(segment = %segment.path.display(), at, bytes = len - at, "cutting a torn tail");
        self.fs
            .truncate(&segment.path, at)
            .map_err(Error::io("cannot cut", &segment.path))
    }

    fn remove_torn(&mut self, segment: &Segment, file: &dyn ReadFile) -> Result<(), Error> {
        let bytes = file.len().map_err(Error::io("cannot read", &segment.path))?;
        self.report.torn_bytes += bytes;
        tracing::warn!(segment = %segment.path.display(), bytes, "removing a torn segment");
        self.fs
            .remove(&segment.path)
            .map_err(Error::io("cannot remove", &segment.path))
    }

    fn lose_all(&mut self, segment: &Segment, holes: &mut Vec<(u64, RangeInclusive<Seq>)>) -> Result<(), Error> {
        holes
            .drain(..)
            .try_for_each(|(offset, hole)| self.lose(segment, offset, *hole.start(), *hole.end()))
    }

    /// Accepts, if that is allowed, that some records are gone; none when `last` is before `first`.
    fn lose(&mut self, segment: &Segment, offset: u64, first: Seq, last: Seq) -> Result<(), Error> {
        self.last = self.last.max(last);
        let first = first.max(self.done.saturating_add(1));
        if first <= last {
            self.damaged(segment, offset, first, last)?;
            self.report.lost.push(first..=last);
        }
        Ok(())
    }

    fn damaged(&self, segment: &Segment, offset: u64, first: Seq, last: Seq) -> Result<(), Error> {
        tracing::error!(segment = %segment.path.display(), offset, first, last, "journal damaged");
        match self.options.on_damage {
            OnDamage::Refuse => Err(Error::Damaged {
                path: segment.path.clone(),
                offset,
                first,
                last,
            }),
            OnDamage::Skip => Ok(()),
        }
    }
}

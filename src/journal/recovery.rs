//! What a journal finds when it is opened: whole records, a torn tail, or damage.
//!
//! A tail is torn when nothing valid follows it: the writes it held were not acknowledged, or the last one's sync was
//! under way, so it is cut. A bad place with valid records behind it, a missing segment, or an unreadable header is
//! damage: records that were acknowledged are gone, and whoever opens the journal must say whether to go on.

use std::{ops::RangeInclusive, path::Path};

use super::{
    Error, OnDamage, Options, Seq,
    frame::{HEADER_LEN, Header},
    fs::{Fs, ReadFile},
    scan::{Scan, Step},
    segment::{Extent, Segment},
};

/// How far ahead a record's number may plausibly be when the scan looks for the next valid one.
const MAX_LOST: u64 = 1 << 32;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records found whole.
    pub records: u64,
    /// Bytes cut from the end.
    pub torn_bytes: u64,
    /// Records that are lost, when [`OnDamage::Skip`] allows to go on without them.
    pub lost: Vec<RangeInclusive<Seq>>,
    /// Segments whose header is damaged; their records were found all the same.
    pub bad_headers: u64,
    /// There are records, but no cursors that can be read: every consumer must start over from the oldest record.
    pub cursors_lost: bool,
}

impl Recovery {
    /// Whether an operator should hear of it.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.torn_bytes > 0 || !self.lost.is_empty() || self.bad_headers > 0 || self.cursors_lost
    }
}

/// The segments found, and the number that the next record may have.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) segments: Vec<Segment>,
    pub(super) last: Seq,
    pub(super) next: Seq,
}

struct Recoverer<'a> {
    fs: &'a dyn Fs,
    options: &'a Options,
    report: &'a mut Recovery,
    /// The last record known to be good, or known to be lost.
    last: Seq,
}

/// Reads all segments in `dir`. `oldest_needed` is the last record that every consumer is done with, if there are any:
/// a journal that starts later has lost segments.
pub(super) fn recover(
    fs: &dyn Fs,
    dir: &Path,
    options: &Options,
    oldest_needed: Option<Seq>,
    report: &mut Recovery,
) -> Result<Found, Error> {
    let names = fs.list(dir).map_err(Error::io("cannot list", dir))?;
    let mut firsts: Vec<Seq> = names.iter().filter_map(|name| Segment::parse_name(name)).collect();
    firsts.sort_unstable();
    let newest = firsts.last().copied();
    drop_unborn(fs, dir, &mut firsts)?;
    let mut found = Vec::new();
    let mut recoverer = Recoverer {
        fs,
        options,
        report,
        last: 0,
    };
    for (index, first) in firsts.iter().enumerate() {
        let mut segment = Segment::new(dir, *first);
        let file = fs
            .open(&segment.path)
            .map_err(Error::io("cannot open", &segment.path))?;
        let header = recoverer.read_header(&segment, file.as_ref())?;
        let previous = header.map_or(first.saturating_sub(1), |header| header.previous);
        if index == 0 {
            recoverer.last = oldest_needed.map_or(previous, |needed| needed.min(previous));
        }
        recoverer.expect_previous(&segment, previous)?;
        let next = firsts.get(index + 1).map(|next| Segment::new(dir, *next));
        recoverer.read_segment(&mut segment, file.as_ref(), header, next.as_ref())?;
        found.push(segment);
    }
    let last = recoverer.last;
    let next = newest.unwrap_or(1).max(last + 1);
    Ok(Found {
        segments: found,
        last,
        next,
    })
}

/// Leaves out the segments that never came to be: their header is synced before they get a record, and a full disk had
/// no room for it. Records that were cut off together with a header are missed by the next segment's.
fn drop_unborn(fs: &dyn Fs, dir: &Path, firsts: &mut Vec<Seq>) -> Result<(), Error> {
    let mut born = Vec::with_capacity(firsts.len());
    for first in firsts.iter() {
        let path = Segment::new(dir, *first).path;
        let file = fs.open(&path).map_err(Error::io("cannot open", &path))?;
        let len = file.len().map_err(Error::io("cannot read", &path))?;
        if len >= HEADER_LEN as u64 {
            born.push(*first);
        } else {
            tracing::warn!(segment = %path.display(), "segment without a header: left out");
        }
    }
    *firsts = born;
    Ok(())
}

impl Recoverer<'_> {
    fn read_header(&self, segment: &Segment, file: &dyn ReadFile) -> Result<Option<Header>, Error> {
        let mut bytes = [0; HEADER_LEN];
        let read = file
            .read_at(&mut bytes, 0)
            .map_err(Error::io("cannot read", &segment.path))?;
        let header = bytes.get(..read).and_then(Header::decode);
        Ok(header.filter(|header| header.first == segment.first))
    }

    /// Records up to `previous` must have been seen: what lies between is lost.
    fn expect_previous(&mut self, segment: &Segment, previous: Seq) -> Result<(), Error> {
        if self.last < previous {
            self.lose(segment, 0, self.last + 1, previous)?;
        }
        Ok(())
    }

    fn read_segment(
        &mut self,
        segment: &mut Segment,
        file: &dyn ReadFile,
        header: Option<Header>,
        next: Option<&Segment>,
    ) -> Result<(), Error> {
        let len = file.len().map_err(Error::io("cannot read", &segment.path))?;
        // What a later segment does not count as good belongs to a write that failed.
        let limit = match next {
            Some(next) => {
                let file = self.fs.open(&next.path).map_err(Error::io("cannot open", &next.path))?;
                self.read_header(next, file.as_ref())?
                    .map_or(next.first - 1, |header| header.previous)
            }
            None => Seq::MAX,
        };
        let start = len.min(HEADER_LEN as u64);
        let mut scan = Scan::new(file, start..len, self.options.max_record_bytes);
        let mut expected = segment.first;
        if header.is_none() {
            let any = scan
                .resume(segment.first - 1, MAX_LOST)
                .map_err(Error::io("cannot read", &segment.path))?;
            if !any && next.is_none() {
                return self.cut(segment, 0, len);
            }
        }
        loop {
            let offset = scan.offset();
            match scan.next().map_err(Error::io("cannot read", &segment.path))? {
                Step::End => break,
                Step::Record { seq, .. } if seq > limit => break,
                Step::Record { seq, .. } if seq >= expected => {
                    if seq > expected {
                        self.lose(segment, offset, expected, seq - 1)?;
                    }
                    expected = seq + 1;
                    let end = scan.offset();
                    self.keep(
                        segment,
                        Extent {
                            start: offset,
                            end,
                            first: seq,
                            last: seq,
                        },
                    );
                }
                // A number that went back was valid once: a stale block; as good as damage.
                Step::Record { .. } => {}
                Step::Bad => {
                    let resumed = scan
                        .resume(expected - 1, MAX_LOST)
                        .map_err(Error::io("cannot read", &segment.path))?;
                    if !resumed && next.is_none() {
                        return self.cut(segment, offset, len);
                    }
                    if !resumed {
                        break;
                    }
                }
            }
        }
        if header.is_none() {
            self.report.bad_headers += 1;
            tracing::error!(segment = %segment.path.display(), "segment header unreadable");
        }
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

    fn lose(&mut self, segment: &Segment, offset: u64, first: Seq, last: Seq) -> Result<(), Error> {
        tracing::error!(segment = %segment.path.display(), offset, first, last, "records lost");
        if self.options.on_damage == OnDamage::Refuse {
            return Err(Error::Damaged {
                path: segment.path.clone(),
                offset,
                first,
                last,
            });
        }
        self.last = self.last.max(last);
        self.report.lost.push(first..=last);
        Ok(())
    }
}

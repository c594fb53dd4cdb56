//! What is known of one segment file: which records lie where.

use std::path::{Path, PathBuf};

use super::Seq;

const SUFFIX: &str = ".seg";

/// Records that lie one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) first: Seq,
    pub(super) last: Seq,
}

/// A segment file. Without damage it has one extent, or none when it holds no record.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first: Seq,
    pub(super) extents: Vec<Extent>,
}

impl Segment {
    pub(super) fn new(dir: &Path, first: Seq) -> Self {
        Self {
            path: dir.join(Self::file_name(first)),
            first,
            extents: Vec::new(),
        }
    }

    fn file_name(first: Seq) -> String {
        format!("{first:020}{SUFFIX}")
    }

    /// The first record's number, if the file's name is a segment's.
    pub(super) fn parse_name(name: &str) -> Option<Seq> {
        let first = name.strip_suffix(SUFFIX)?.parse().ok().filter(|first| *first > 0)?;
        (Self::file_name(first) == name).then_some(first)
    }

    pub(super) fn last(&self) -> Option<Seq> {
        self.extents.last().map(|extent| extent.last)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.extents.iter().map(|extent| extent.end - extent.start).sum()
    }

    /// Notes records appended at the end, which lie behind the ones before.
    pub(super) fn extend(&mut self, appended: Extent) {
        match self.extents.last_mut() {
            Some(last) if last.end == appended.start && last.last + 1 == appended.first => {
                last.end = appended.end;
                last.last = appended.last;
            }
            _ => self.extents.push(appended),
        }
    }

    /// An estimate of the bytes of records after `seq`, as if all records of an extent were alike.
    pub(super) fn bytes_after(&self, seq: Seq) -> u64 {
        let of_extent = |extent: &Extent| {
            let bytes = extent.end - extent.start;
            if extent.first > seq {
                return bytes;
            }
            let records = extent.last - extent.first + 1;
            let after = extent.last.saturating_sub(seq);
            u64::try_from(u128::from(bytes) * u128::from(after) / u128::from(records)).unwrap_or(bytes)
        };
        self.extents.iter().map(of_extent).sum()
    }
}

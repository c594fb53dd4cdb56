//! The journal as its users see it, over a file system that can lose power, space and bytes.

mod crash;
mod damage;
mod failures;
mod model;
mod reading;

use std::{collections::BTreeMap, path::Path};

use super::{
    fs::{Fs, MemFs},
    segment::Segment,
    *,
};

/// Payloads by number.
type Records = BTreeMap<Seq, Vec<u8>>;

fn dir() -> &'static Path {
    Path::new("/journal")
}

/// Small limits, so that a few records fill segments and leave memory.
fn options() -> Options {
    Options {
        segment_bytes: 256,
        max_bytes: 1 << 20,
        max_record_bytes: 1 << 12,
        tail_bytes: 512,
        sync: SyncMode::Always,
        on_damage: OnDamage::Refuse,
    }
}

fn skipping() -> Options {
    Options {
        on_damage: OnDamage::Skip,
        ..options()
    }
}

fn try_open(fs: &MemFs, options: Options) -> Result<(Journal<u64>, Recovery), Error> {
    Journal::open(Arc::new(fs.clone()), dir(), options)
}

/// Opens what must be whole.
fn open(fs: &MemFs) -> Journal<u64> {
    let (journal, report) = try_open(fs, options()).unwrap();
    assert_eq!((report.torn_bytes, &report.lost, report.bad_headers), (0, &vec![], 0));
    journal
}

/// Bytes that tell `id` and no other, as far as `len` allows.
fn payload(id: u64, len: usize) -> Bytes {
    id.to_le_bytes()
        .into_iter()
        .chain((0..=u8::MAX).cycle())
        .take(len)
        .collect()
}

fn append(journal: &Journal<u64>, id: u64, len: usize) -> Result<Seq, Error> {
    journal.append(payload(id, len), Some(Arc::new(id)))?.wait()
}

fn append_many(journal: &Journal<u64>, ids: std::ops::Range<u64>, len: usize) {
    for id in ids {
        append(journal, id, len).unwrap();
    }
}

/// Reads to the end in batches.
fn read_after(journal: &Journal<u64>, after: Seq, max_bytes: usize) -> Records {
    let mut records = Records::new();
    let mut after = after;
    loop {
        let batch = journal.read(after, max_bytes, &mut |_| true).unwrap();
        for entry in batch.entries {
            assert!(entry.seq > after, "{} again after {after}", entry.seq);
            after = entry.seq;
            records.insert(entry.seq, entry.payload.to_vec());
        }
        assert!(batch.scanned_to >= after);
        after = batch.scanned_to;
        if after >= journal.committed() {
            return records;
        }
    }
}

fn read_all(journal: &Journal<u64>) -> Records {
    read_after(journal, 0, 200)
}

fn segment_paths(fs: &MemFs) -> Vec<std::path::PathBuf> {
    let names = fs.list(dir()).unwrap();
    names
        .iter()
        .filter(|name| Segment::parse_name(name).is_some())
        .map(|name| dir().join(name))
        .collect()
}

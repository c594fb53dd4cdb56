//! The head of a cluster's metadata: one small document that says which version is current, where its bytes are, and
//! which older versions are kept.
//!
//! ```text
//! /clusters/heads/{cluster}  {version, written_at, size, sha256, blob, history: [{the same}, ...]}   newest first
//! /clusters/blobs/{blob}/... the bytes of one version
//! ```
//!
//! A version is written by storing its blob under a new name and then swapping the head, so a head never points to bytes
//! that are not there, and the names of what a swap leaves behind are known.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::base::TimestampNs;

/// Most old versions that one write gives up: their deletion shares a transaction with the swap of the head.
const MAX_DROPPED: usize = 16;

/// What identifies bytes without holding them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Their number.
    pub size: u64,
    /// Their SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

/// One version, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub version: u64,
    /// When it was written, nanoseconds since the Unix epoch.
    pub written_at: TimestampNs,
    /// What its bytes are.
    #[serde(flatten)]
    pub digest: Digest,
    /// Names the stored bytes; no two versions share a name.
    pub blob: String,
}

/// The current version of a cluster's metadata, and the older ones that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The current version.
    #[serde(flatten)]
    pub current: Entry,
    /// Older ones, newest first.
    #[serde(default)]
    pub history: Vec<Entry>,
}

/// How much is kept of what was written, the current version included; that one is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Versions.
    pub versions: usize,
    /// Bytes of all kept versions together.
    pub bytes: u64,
}

/// The stored document is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged head of cluster metadata: {0}")]
pub struct InvalidHead(String);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            size: bytes.len() as u64,
            sha256,
        }
    }
}

impl Head {
    /// The head after `entry` was written over `before`, and the versions that are no longer kept.
    #[must_use]
    pub fn after(before: Option<Self>, entry: Entry, keep: Keep) -> (Self, Vec<Entry>) {
        let mut history = Vec::new();
        if let Some(before) = before {
            history.push(before.current);
            history.extend(before.history);
        }
        let kept = kept(&entry, &history, keep).max(history.len().saturating_sub(MAX_DROPPED));
        let dropped = history.split_off(kept);
        let current = entry;
        (Self { current, history }, dropped)
    }

    /// All kept versions, newest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.current).chain(&self.history)
    }

    /// The document as it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings always serialise into memory")
    }

    /// Reads a stored document; keys of later versions of Gyre are ignored.
    ///
    /// # Errors
    /// When it is not one.
    pub fn decode(document: &[u8]) -> Result<Self, InvalidHead> {
        let head: Self = serde_json::from_slice(document).map_err(|error| InvalidHead(error.to_string()))?;
        if matches!(head.current.version, 0 | u64::MAX) {
            return Err(InvalidHead(format!("version {}", head.current.version)));
        }
        Ok(head)
    }
}

/// How many of `history`, newest first, are kept beside `current`.
fn kept(current: &Entry, history: &[Entry], keep: Keep) -> usize {
    let mut bytes = current.digest.size;
    let fits = |entry: &&Entry| {
        bytes = bytes.saturating_add(entry.digest.size);
        bytes <= keep.bytes
    };
    let versions = keep.versions.saturating_sub(1);
    history.iter().take(versions).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEEP: Keep = Keep {
        versions: 10,
        bytes: 1000,
    };

    fn entry(version: u64, size: u64) -> Entry {
        Entry {
            version,
            written_at: TimestampNs(0),
            digest: Digest {
                size,
                sha256: String::new(),
            },
            blob: format!("blob-{version}"),
        }
    }

    fn written(sizes: &[u64], keep: Keep) -> (Head, Vec<Entry>) {
        let mut head = None;
        let mut dropped = Vec::new();
        for (version, size) in (1..).zip(sizes) {
            let (next, gone) = Head::after(head, entry(version, *size), keep);
            head = Some(next);
            dropped.extend(gone);
        }
        (head.expect("something was written"), dropped)
    }

    fn versions<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<u64> {
        entries.into_iter().map(|entry| entry.version).collect()
    }

    #[test]
    fn keeps_the_newest_versions() {
        let (head, dropped) = written(&[1; 12], KEEP);
        assert_eq!(versions(head.entries()), (3..=12).rev().collect::<Vec<_>>());
        assert_eq!(versions(&dropped), [1, 2]);
    }

    #[test]
    fn keeps_no_more_bytes_than_allowed_but_always_the_current_version() {
        let (head, dropped) = written(&[400, 400, 400], KEEP);
        assert_eq!((versions(head.entries()), versions(&dropped)), (vec![3, 2], vec![1]));
        let (head, dropped) = written(&[1, 1, 5000], KEEP);
        assert_eq!((versions(head.entries()), versions(&dropped)), (vec![3], vec![2, 1]));
    }

    #[test]
    fn a_smaller_limit_is_reached_step_by_step() {
        let (long, _) = written(
            &[1; 40],
            Keep {
                versions: 40,
                bytes: 1000,
            },
        );
        let (head, dropped) = Head::after(Some(long), entry(41, 1), KEEP);
        assert_eq!((head.entries().count(), dropped.len()), (25, MAX_DROPPED));
    }

    #[test]
    fn reads_what_it_writes_and_what_later_versions_add() {
        let (head, _) = written(&[1, 2, 3], KEEP);
        assert_eq!(Head::decode(&head.encode()), Ok(head.clone()));
        let mut later: serde_json::Value = serde_json::from_slice(&head.encode()).unwrap();
        later["author"] = "x".into();
        assert_eq!(Head::decode(later.to_string().as_bytes()), Ok(head));
    }

    #[test]
    fn refuses_damaged_documents() {
        let (head, _) = written(&[1], KEEP);
        let text = String::from_utf8(head.encode()).unwrap();
        for damaged in [
            String::new(),
            text.replace("\"version\":1", "\"version\":0"),
            text.replace("\"version\":1", "\"version\":18446744073709551615"),
            text.replace("\"blob\"", "\"blub\""),
        ] {
            assert!(Head::decode(damaged.as_bytes()).is_err(), "{damaged}");
        }
    }

    #[test]
    fn digests_are_sha_256() {
        // The first two examples of FIPS 180-4.
        let check = |bytes: &[u8], sha256: &str| assert_eq!(Digest::of(bytes).sha256, sha256);
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
    }

    proptest! {
        #[test]
        fn every_version_is_either_kept_or_dropped_once(
            sizes in prop::collection::vec(0_u64..600, 1..40),
            keep_versions in 1_usize..12,
            keep_bytes in 0_u64..2000,
        ) {
            let keep = Keep { versions: keep_versions, bytes: keep_bytes };
            let (head, mut all) = written(&sizes, keep);
            let kept: Vec<Entry> = head.entries().cloned().collect();
            prop_assert!(kept.len() <= keep_versions);
            prop_assert!(kept.len() == 1 || kept.iter().map(|entry| entry.digest.size).sum::<u64>() <= keep_bytes);
            prop_assert!(kept.is_sorted_by(|a, b| a.version > b.version));
            all.extend(kept);
            all.sort_by_key(|entry| entry.version);
            prop_assert_eq!(versions(&all), (1..=sizes.len() as u64).collect::<Vec<_>>());
        }
    }
}

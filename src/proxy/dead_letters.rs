//! What could never be delivered, kept with the reason until an operator replays or drops it.
//!
//! Dead letters live in a log of the journal's kind (`dead-letters/`), one record a letter:
//! `version u8 = 1 | time i64 | backend, db, policy, reason: u16 length + bytes | line(s)`, little-endian.

use std::{io, path::Path, sync::Arc};

use bytes::Bytes;
use serde::Serialize;

use crate::{
    base::TimestampNs,
    journal::{self, Journal, Seq, Start, fs::Fs},
};

/// The log's errors are the journal's.
pub use journal::Error;

const VERSION: u8 = 1;
/// The operator is the one consumer: what was replayed or dropped lies below the cursor.
const OPERATOR: u32 = 0;

/// The log of dead letters. Clones share it.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    log: Journal<()>,
}

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// When it was given up, nanoseconds since the epoch.
    pub time: i64,
    /// The backend that refused it.
    pub backend: String,
    /// The database it was meant for.
    pub db: String,
    /// The retention policy; empty means the default.
    pub policy: String,
    /// The backend's words.
    pub reason: String,
    /// Line protocol with nanosecond timestamps, newline-terminated; or a statement.
    pub lines: String,
}

/// A letter with its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbered {
    /// Rises by one a letter, never reused.
    pub id: Seq,
    /// The letter.
    #[serde(flatten)]
    pub letter: Letter,
}

impl DeadLetters {
    /// Opens the log in `dir`. Reads and writes files: not for an async thread.
    ///
    /// # Errors
    /// When the log cannot be read or is damaged.
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, options: journal::Options) -> Result<Self, Error> {
        let (log, recovery) = Journal::open(fs, dir, options)?;
        if recovery.needs_attention() {
            tracing::warn!(?recovery, "dead letters recovered");
        }
        log.register(OPERATOR, Start::Oldest);
        if let Err(error) = log.save_cursors() {
            tracing::warn!(%error, "cursor of the dead letters not saved");
        }
        Ok(Self { log })
    }

    /// Makes the log in `dir`, which must not exist, whose next letter has the number `id`. Writes files: not for an async
    /// thread.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_at(fs: Arc<dyn Fs>, dir: &Path, id: Seq, options: journal::Options) -> Result<Self, Error> {
        journal::create_after(&*fs, dir, id.saturating_sub(1), &[OPERATOR])?;
        Self::open(fs, dir, options)
    }

    /// Keeps a letter as [`DeadLetters::each_encoded`] gave it; returns when it is synced. Blocks.
    ///
    /// # Errors
    /// As [`DeadLetters::keep`].
    pub fn keep_encoded(&self, letter: Bytes) -> Result<(), Error> {
        self.log.append(letter, None)?.wait().map(drop)
    }

    /// Keeps a letter; resolves when it is synced.
    ///
    /// # Errors
    /// When it cannot be written; then the points must not be given up.
    pub async fn keep(&self, letter: &Letter) -> Result<(), Error> {
        self.log.append(letter.encode(), None)?.await.map(|_| ())
    }

    /// Keeps a letter; returns when it is synced. Blocks.
    ///
    /// # Errors
    /// As [`DeadLetters::keep`].
    pub fn keep_now(&self, letter: &Letter) -> Result<(), Error> {
        self.keep_encoded(letter.encode())
    }

    /// Letters that were neither replayed nor dropped.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.log.committed().saturating_sub(self.cursor())
    }

    /// The oldest letters after `after`, at most `limit` of them. Reads files: not for an async thread.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn list(&self, after: Seq, limit: usize) -> Result<Vec<Numbered>, Error> {
        let mut letters = Vec::new();
        let mut from = after.max(self.cursor());
        while letters.len() < limit && from < self.log.committed() {
            let batch = self.log.read(from, 1 << 20, &mut |_| true)?;
            let decoded = batch.entries.iter().filter_map(|entry| {
                Some(Numbered {
                    id: entry.seq,
                    letter: Letter::decode(&entry.payload)?,
                })
            });
            letters.extend(decoded);
            from = batch.scanned_to;
        }
        letters.truncate(limit);
        Ok(letters)
    }

    /// Hands over all letters that wait now, as they are encoded, from the oldest on. Reads files: not for an async
    /// thread.
    ///
    /// # Errors
    /// When the log cannot be read; those of `each`.
    pub fn each_encoded(&self, mut each: impl FnMut(Seq, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let (mut from, last) = (self.cursor(), self.log.committed());
        while from < last {
            let batch = self.log.read(from, 1 << 20, &mut |_| true).map_err(io::Error::other)?;
            for entry in batch.entries.iter().take_while(|entry| entry.seq <= last) {
                each(entry.seq, &entry.payload)?;
            }
            from = batch.scanned_to;
        }
        Ok(())
    }

    /// Forgets all letters up to and including `id`.
    ///
    /// # Errors
    /// When the cursor cannot be saved. Writes files: not for an async thread.
    pub fn drop_through(&self, id: Seq) -> Result<(), Error> {
        self.log.advance(OPERATOR, id.min(self.log.committed()));
        self.log.save_cursors()
    }

    /// Syncs and closes the log.
    ///
    /// # Errors
    /// When that fails.
    pub fn close(&self) -> Result<(), Error> {
        self.log.close()
    }

    fn cursor(&self) -> Seq {
        self.log.cursor(OPERATOR).unwrap_or(0)
    }
}

impl Letter {
    /// A letter given up at `now`.
    #[must_use]
    pub fn new(now: TimestampNs, backend: &str, target: (&str, &str), reason: &str, lines: &[u8]) -> Self {
        Self {
            time: now.0,
            backend: backend.to_owned(),
            db: target.0.to_owned(),
            policy: target.1.to_owned(),
            reason: reason.to_owned(),
            lines: String::from_utf8_lossy(lines).into_owned(),
        }
    }

    fn encode(&self) -> Bytes {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.time.to_le_bytes());
        for text in [&self.backend, &self.db, &self.policy, &self.reason] {
            // Names are bounded by the record they came from and reasons by `error_text`: the cut never bites.
            let kept = text.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(text.as_bytes());
            bytes.extend_from_slice(&u16::try_from(kept.len()).unwrap_or(u16::MAX).to_le_bytes());
            bytes.extend_from_slice(kept);
        }
        bytes.extend_from_slice(self.lines.as_bytes());
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else {
            return None;
        };
        let (time, mut rest) = rest.split_first_chunk::<8>()?;
        let mut text = || -> Option<String> {
            let (length, after) = rest.split_first_chunk::<2>()?;
            let (text, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = after;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        let (backend, db, policy, reason) = (text()?, text()?, text()?, text()?);
        let lines = String::from_utf8_lossy(rest).into_owned();
        Some(Self {
            time: i64::from_le_bytes(*time),
            backend,
            db,
            policy,
            reason,
            lines,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn letters_read_back(time in any::<i64>(), words in prop::array::uniform5(".{0,30}")) {
            let [backend, db, policy, reason, lines] = words;
            let letter = Letter { time, backend, db, policy, reason, lines };
            prop_assert_eq!(Letter::decode(&letter.encode()), Some(letter));
        }

        #[test]
        fn rubbish_is_no_letter(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _letter_or_not = Letter::decode(&bytes);
        }
    }
}

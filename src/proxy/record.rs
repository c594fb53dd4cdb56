//! What the journal holds: one record per request and set of owners.
//!
//! ```text
//! version u8 = 1 | kind u8 | accepted i64 | owners u16, then u32 each | db u16 + bytes | policy u16 + bytes | points u32 | body
//! ```
//! Integers are little-endian. The body of [`Kind::Lines`] is line protocol in nanoseconds, every line ended by a
//! newline; the body of [`Kind::Statement`] is one InfluxQL statement. The journal's frame carries the checksum.

use crate::base::{BackendId, ErrorKind, TimestampNs};

const VERSION: u8 = 1;

/// What a record's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Points as line protocol.
    Lines,
    /// One InfluxQL statement that changes data or schema.
    Statement,
}

/// A record, borrowed from the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What the body is.
    pub kind: Kind,
    /// When it was taken in, nanoseconds since the epoch: what is too old is judged by this, also when it is applied again.
    pub accepted: TimestampNs,
    owners: &'a [u8],
    /// The database it is meant for; may be empty for a statement.
    pub db: &'a str,
    /// The retention policy; empty means the database's default.
    pub policy: &'a str,
    /// Points in the body; 0 for a statement.
    pub points: u32,
    /// Line protocol or the statement's text.
    pub body: &'a [u8],
}

/// Stored bytes that are no record. The frame's checksum was right, so a newer or a broken Gyre wrote them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a journal record of version {VERSION}")]
pub struct NotARecord;

impl NotARecord {
    /// Always [`ErrorKind::Corrupt`].
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Corrupt
    }
}

/// Builds a record in one buffer, so that lines are copied once.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    points_at: usize,
    points: u32,
}

/// A name that does not fit a record's 16-bit length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("name of {0} bytes is longer than 65535")]
pub struct NameTooLong(usize);

impl Builder {
    /// Starts a record of `kind` for `owners`, taken in at `accepted`.
    ///
    /// # Errors
    /// When a name or the list of owners is longer than 65535.
    pub fn new(
        kind: Kind,
        accepted: TimestampNs,
        owners: &[BackendId],
        db: &str,
        policy: &str,
        body_hint: usize,
    ) -> Result<Self, NameTooLong> {
        let mut bytes = Vec::with_capacity(22 + owners.len() * 4 + db.len() + policy.len() + body_hint);
        bytes.push(VERSION);
        bytes.push(match kind {
            Kind::Lines => 1,
            Kind::Statement => 2,
        });
        bytes.extend_from_slice(&accepted.0.to_le_bytes());
        bytes.extend_from_slice(&length(owners.len())?);
        for owner in owners {
            bytes.extend_from_slice(&owner.0.to_le_bytes());
        }
        for name in [db, policy] {
            bytes.extend_from_slice(&length(name.len())?);
            bytes.extend_from_slice(name.as_bytes());
        }
        let points_at = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        Ok(Self {
            bytes,
            points_at,
            points: 0,
        })
    }

    /// Adds a point: its line without timestamp, and the timestamp in nanoseconds.
    pub fn push_line(&mut self, line: &[u8], time: i64) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b' ');
        push_decimal(&mut self.bytes, time);
        self.bytes.push(b'\n');
        self.points += 1;
    }

    /// Adds a point whose line is already complete: with its timestamp in nanoseconds, without a newline.
    pub fn push_complete_line(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.points += 1;
    }

    /// Sets the text of a statement.
    pub fn push_statement(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Points added so far.
    #[must_use]
    pub fn points(&self) -> u32 {
        self.points
    }

    /// The finished record.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if let Some(field) = self.bytes.get_mut(self.points_at..self.points_at + 4) {
            field.copy_from_slice(&self.points.to_le_bytes());
        }
        self.bytes
    }
}

fn length(n: usize) -> Result<[u8; 2], NameTooLong> {
    u16::try_from(n).map(u16::to_le_bytes).map_err(|_| NameTooLong(n))
}

/// Appends a decimal integer; `write!` would cost more than the rest of a short line.
fn push_decimal(out: &mut Vec<u8>, value: i64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are of another version or too short for what they announce.
    pub fn read(bytes: &'a [u8]) -> Result<Self, NotARecord> {
        let mut rest = bytes;
        let [VERSION, kind] = take(&mut rest, 2)? else {
            return Err(NotARecord);
        };
        let kind = match kind {
            1 => Kind::Lines,
            2 => Kind::Statement,
            _ => return Err(NotARecord),
        };
        let accepted: [u8; 8] = take(&mut rest, 8)?.try_into().map_err(|_| NotARecord)?;
        let owners = take_length(&mut rest)?;
        let owners = take(&mut rest, owners * 4)?;
        let db = take_name(&mut rest)?;
        let policy = take_name(&mut rest)?;
        let points: [u8; 4] = take(&mut rest, 4)?.try_into().map_err(|_| NotARecord)?;
        Ok(Self {
            kind,
            accepted: TimestampNs(i64::from_le_bytes(accepted)),
            owners,
            db,
            policy,
            points: u32::from_le_bytes(points),
            body: rest,
        })
    }

    /// The backends that must get this record.
    pub fn owners(&self) -> impl Iterator<Item = BackendId> + use<'a> {
        self.owners
            .chunks_exact(4)
            .map(|bytes| BackendId(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
    }

    /// Whether `backend` must get this record.
    #[must_use]
    pub fn is_owned_by(&self, backend: BackendId) -> bool {
        self.owners
            .chunks_exact(4)
            .any(|bytes| bytes == backend.0.to_le_bytes())
    }
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Result<&'a [u8], NotARecord> {
    let (taken, after) = rest.split_at_checked(n).ok_or(NotARecord)?;
    *rest = after;
    Ok(taken)
}

fn take_length(rest: &mut &[u8]) -> Result<usize, NotARecord> {
    let bytes: [u8; 2] = take(rest, 2)?.try_into().map_err(|_| NotARecord)?;
    Ok(usize::from(u16::from_le_bytes(bytes)))
}

fn take_name<'a>(rest: &mut &'a [u8]) -> Result<&'a str, NotARecord> {
    let n = take_length(rest)?;
    std::str::from_utf8(take(rest, n)?).map_err(|_| NotARecord)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_what_was_built(owners in prop::collection::vec(any::<u32>(), 0..5), db in ".{0,20}", policy in ".{0,20}",
                                lines in prop::collection::vec(("[a-z]{1,9} v=1", any::<i64>()), 0..9)) {
            let owners: Vec<_> = owners.into_iter().map(BackendId).collect();
            let mut builder = Builder::new(Kind::Lines, TimestampNs(-7), &owners, &db, &policy, 0).unwrap();
            let mut body = String::new();
            for (line, time) in &lines {
                builder.push_line(line.as_bytes(), *time);
                body.push_str(&format!("{line} {time}\n"));
            }
            let bytes = builder.finish();
            let record = Record::read(&bytes).unwrap();
            prop_assert_eq!((record.kind, record.accepted), (Kind::Lines, TimestampNs(-7)));
            prop_assert_eq!(record.owners().collect::<Vec<_>>(), owners);
            prop_assert_eq!((record.db, record.policy), (db.as_str(), policy.as_str()));
            prop_assert_eq!(record.points as usize, lines.len());
            prop_assert_eq!(record.body, body.as_bytes());
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _record_or_not = Record::read(&bytes);
        }
    }
}

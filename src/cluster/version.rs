//! Versioned metadata: what a write and a read get, decided from the stored state alone.
//!
//! A write names the version that its author has seen and is taken exactly when that is still the current one; 0 stands
//! for "never written", never for "whatever there is". A read names the version that its client has, and waits while that
//! is the current one.
//!
//! | stored | write of `v` | read with `v` |
//! |---|---|---|
//! | nothing | `v` = 0: stored as 1, else not found | not found, or held when the client wants to wait for the first version |
//! | `n` | `v` = `n`: stored as `n` + 1 | `v` = `n`: held |
//! | `n` | `v` = `n` - 1 with the stored bytes: the answer was lost, and is given again | answered |
//! | `n` | otherwise a conflict | `v` ≠ `n`, older or "from the future": answered |

use super::head::{Digest, Head};

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnWrite {
    /// It is to be stored as this version, if the head is still the one that was looked at.
    Store(u64),
    /// It was stored before, as this version, and its author did not hear of it.
    Replayed(u64),
    /// Its author has not seen the current version.
    Conflict,
    /// Its author has seen a version, and there is none.
    NotFound,
}

/// Decides a write of bytes with this digest by somebody who has seen the version `seen`.
#[must_use]
pub fn on_write(head: Option<&Head>, seen: u64, digest: &Digest) -> OnWrite {
    let Some(current) = head.map(|head| &head.current) else {
        return if seen == 0 {
            OnWrite::Store(1)
        } else {
            OnWrite::NotFound
        };
    };
    let version = current.version;
    if seen == version {
        OnWrite::Store(version.saturating_add(1))
    } else if seen.checked_add(1) == Some(version) && current.digest == *digest {
        OnWrite::Replayed(version)
    } else {
        OnWrite::Conflict
    }
}

/// Tells a cluster's metadata from what is written after they were deleted, when versions begin at 1 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life(pub u64);

/// What a poll sees of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The current version.
    pub version: u64,
    /// Since when there are versions.
    pub life: Life,
}

/// One read, over all the looks that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Poll {
    version: u64,
    for_creation: bool,
    held: Held,
}

/// What a poll waits on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    NotYet,
    AtVersion(Life),
    AtNothing,
}

/// What a look tells a poll to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Answer with what was seen.
    Answer,
    /// Wait for a change, then look again.
    Hold,
    /// Answer that there is nothing.
    NotFound,
}

impl Poll {
    /// A read by a client that has `version`, and may want to wait until there is one at all.
    #[must_use]
    pub fn new(version: u64, for_creation: bool) -> Self {
        Self {
            version,
            for_creation,
            held: Held::NotYet,
        }
    }

    /// Decides after a look at the current state; looks must be in the order of the states.
    pub fn look(&mut self, seen: Option<Seen>) -> Look {
        match (seen, self.held) {
            (None, Held::AtVersion(_)) => Look::NotFound,
            (None, Held::NotYet) if !self.for_creation => Look::NotFound,
            (None, Held::NotYet | Held::AtNothing) => self.hold(Held::AtNothing),
            (Some(_), Held::AtNothing) => Look::Answer,
            (Some(seen), _) if seen.version != self.version => Look::Answer,
            (Some(seen), Held::AtVersion(life)) if seen.life != life => Look::Answer,
            (Some(seen), Held::NotYet | Held::AtVersion(_)) => self.hold(Held::AtVersion(seen.life)),
        }
    }

    fn hold(&mut self, on: Held) -> Look {
        self.held = on;
        Look::Hold
    }
}

#[cfg(test)]
mod tests;

//! The way from a publisher to Gyre's own write path.

use std::fmt;

use bytes::Bytes;

use super::super::Answer;

/// Takes points into Gyre's own databases.
pub trait Sink: fmt::Debug + Send + Sync {
    /// Writes line protocol with times in nanoseconds into `db` and its retention policy (empty is the default);
    /// creates the database when it is missing. Answers when the points are as safe as any write.
    fn write(&self, db: &str, policy: &str, lines: Bytes) -> Answer<'_, ()>;
}

//! Placement: which backend of a circle owns a (database, measurement).
//!
//! Bit for bit influx-proxy's, so that Gyre can take over existing data:
//!
//! ```text
//! shard key   template "%db,%mm" expanded once         [`ShardKey`]
//! node key    of backend i, by the configured hash_key  [`HashKey`]
//! ring        256 points a backend: crc32(decimal(r) ++ node key), r = 0..=255
//! owner       of the least point strictly above crc32(shard key), else of the least point
//! ```
//!
//! A later backend takes over a point that an earlier one had, and everything of an earlier backend with the same
//! node key. With `idx`, replica 1 of node "10" and replica 11 of node "0" are the same text "110": from the 11th
//! backend on, each takes 25 points of an earlier one. That is kept, because data lie where it put them.
//!
//! The retention policy is not part of the key. Names are raw bytes: no case folding, no trimming.
//! Pure: no runtime, no files.

mod hash_key;
mod hash_ring;
mod shard_key;
#[cfg(test)]
mod tests;

pub use hash_key::HashKey;
pub use hash_ring::{Ring, RingArc, covered};
pub use shard_key::ShardKey;

use crate::base::ErrorKind;

/// A placement template that says nothing about what it places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// Every backend would have the same node key. The text is influx-proxy 2.5.12's.
    #[error("invalid hash_key, require idx, exi, name, url or template containing %idx")]
    HashKey,
    /// Everything would land on one backend. The text is influx-proxy 2.5.12's.
    #[error("invalid shard_key, require template containing %db or %mm")]
    ShardKey,
}

impl InvalidTemplate {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::HashKey | Self::ShardKey => ErrorKind::InvalidArgument,
        }
    }
}

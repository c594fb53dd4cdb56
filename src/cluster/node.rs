//! PURE. A registered process: its record in the store, and whether it lives.
//!
//! Two keys a node: the record, which outlives the node, and an empty one below `/nodes/alive/` that is bound to the
//! node's lease. The node is alive exactly while the second exists: the store decides, nobody else's clock does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::escape;
use crate::base::TimestampNs;

/// Every key that the registry follows starts with this: one watch sees nodes and hosts change in one order.
pub const FOLLOWED: &str = "/nodes/";
/// The next id, decimal: one sequence for nodes, managers and hosts, never reused.
pub const NEXT_ID: &str = "/ids/next";

const RECORDS: &str = "/nodes/records/";
const ALIVE: &str = "/nodes/alive/";
const HOSTS: &str = "/nodes/hosts/";
const HOST_NAMES: &str = "/nodes/host-names/";

/// What a registered process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// It registered over HTTP.
    Data,
    /// A Gyre process, which registered itself.
    Manager,
}

/// A registered process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique over all clusters, managers and hosts; above 0.
    pub id: u64,
    /// What it is.
    pub kind: NodeKind,
    /// The cluster under which it registered; empty for a manager.
    pub cluster: String,
    /// Its addresses, each followed by a comma, as it told them.
    pub ip: String,
    /// Its machine, as it told it; may be empty.
    pub hostname: String,
    /// `host:port` that others dial.
    pub bind: String,
    /// When it registered.
    pub registered_at: TimestampNs,
    /// How long it lives without a heartbeat.
    pub ttl: Duration,
    /// When its death was written down: somewhat after it happened.
    pub died_at: Option<TimestampNs>,
    /// The lease that keeps it alive; `None` when it is dead.
    pub lease: Option<u64>,
    /// The store's revision of its record.
    pub modified: u64,
}

/// A record as it is stored; unknown keys are ignored.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    id: u64,
    kind: NodeKind,
    cluster: String,
    ip: String,
    hostname: String,
    bind: String,
    /// Nanoseconds since the Unix epoch.
    registered_at: i64,
    ttl_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    died_at: Option<i64>,
}

impl Node {
    /// Whether its lease has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.lease.is_some()
    }

    /// Whether a heartbeat at the time `now` brings the dead node back, which it may for `window` after its death.
    #[must_use]
    pub fn may_revive(&self, window: Duration, now: TimestampNs) -> bool {
        let window_ns = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
        // A death that nobody has noted yet was just now.
        let died_at = self.died_at.unwrap_or(now);
        now.0 < died_at.0.saturating_add(window_ns)
    }

    /// The record as it is stored; lease and revision are not part of it.
    #[must_use]
    pub fn to_document(&self) -> Vec<u8> {
        let document = Document {
            id: self.id,
            kind: self.kind,
            cluster: self.cluster.clone(),
            ip: self.ip.clone(),
            hostname: self.hostname.clone(),
            bind: self.bind.clone(),
            registered_at: self.registered_at.0,
            ttl_ms: u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX),
            died_at: self.died_at.map(|at| at.0),
        };
        serde_json::to_vec(&document).expect("texts and numbers always serialise")
    }

    /// Reads a record that was put at the revision `modified`; the node is dead until its lease is known.
    ///
    /// # Errors
    /// When it is not a record.
    pub fn from_document(json: &[u8], modified: u64) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_slice(json)?;
        Ok(Self {
            id: document.id,
            kind: document.kind,
            cluster: document.cluster,
            ip: document.ip,
            hostname: document.hostname,
            bind: document.bind,
            registered_at: TimestampNs(document.registered_at),
            ttl: Duration::from_millis(document.ttl_ms),
            died_at: document.died_at.map(TimestampNs),
            lease: None,
            modified,
        })
    }
}

/// What a followed key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A record.
    Record(u64),
    /// The sign of life of a node.
    Alive(u64),
    /// A host.
    Host(u64),
}

impl Key {
    /// What `key` holds; `None` for what the registry need not know.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let id = |prefix| key.strip_prefix(prefix)?.parse().ok();
        id(RECORDS)
            .map(Self::Record)
            .or_else(|| id(ALIVE).map(Self::Alive))
            .or_else(|| id(HOSTS).map(Self::Host))
    }
}

/// Where the record of a node is; keys sort as ids do.
#[must_use]
pub fn record_key(id: u64) -> String {
    format!("{RECORDS}{id:020}")
}

/// Where the sign of life of a node is.
#[must_use]
pub fn alive_key(id: u64) -> String {
    format!("{ALIVE}{id:020}")
}

/// Where a host is.
#[must_use]
pub fn host_key(id: u64) -> String {
    format!("{HOSTS}{id:020}")
}

/// Where the id of the host of that name is.
#[must_use]
pub fn host_name_key(hostname: &str) -> String {
    format!("{HOST_NAMES}{}", escape(hostname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let node = Node {
            id: 8319,
            kind: NodeKind::Data,
            cluster: "a b/c".to_owned(),
            ip: "10.0.0.1,".to_owned(),
            hostname: "ä\n".to_owned(),
            bind: "10.0.0.1:8888".to_owned(),
            registered_at: TimestampNs(1_471_629_858_000_000_000),
            ttl: Duration::from_secs(15),
            died_at: None,
            lease: None,
            modified: 7,
        };
        let dead = Node {
            died_at: Some(TimestampNs(1_471_629_873_000_000_000)),
            ..node.clone()
        };
        for node in [node, dead] {
            assert_eq!(Node::from_document(&node.to_document(), 7).unwrap(), node);
        }
        assert!(Node::from_document(b"{}", 1).is_err());
    }

    #[test]
    fn keys_name_what_they_hold() {
        assert_eq!(record_key(12), "/nodes/records/00000000000000000012");
        let check = |key: &str, expect| assert_eq!(Key::parse(key), expect, "{key}");
        check(&record_key(12), Some(Key::Record(12)));
        check(&alive_key(u64::MAX), Some(Key::Alive(u64::MAX)));
        check(&host_key(3), Some(Key::Host(3)));
        check(&host_name_key("3"), None);
        check("/nodes/records/x", None);
        assert_eq!(host_name_key("a/b c.ä"), "/nodes/host-names/a%2Fb%20c.%C3%A4");
    }
}

//! PURE. The rules of the control plane as functions of documents and a time: which nodes live and what follows from
//! their deaths, what a host is and how it changes, what a write or a read of versioned metadata gets.
//!
//! Stores, leases and timers are the actors' business, statuses and bodies are `http`'s.

mod brake;
pub mod head;
pub mod host;
pub mod host_patch;
pub mod host_query;
pub mod key;
pub mod node;
pub mod page;
mod registration;
mod registry;
mod snapshot;
pub mod version;

pub use host::{Host, HostPatch};
pub use node::{Node, NodeKind};
pub use registration::{InvalidRegistration, Registration};
pub use registry::{BadDocument, Change, Consequence, Registry, Rules};
pub use snapshot::{HostEntry, Snapshot};

//! PURE. The rules of the control plane as functions of documents and a time: what a host is and how it changes.
//!
//! Stores, leases and timers are the actors' business, statuses and bodies are `http`'s.

pub mod host;

pub use host::{Host, HostPatch};

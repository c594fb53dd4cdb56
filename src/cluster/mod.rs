//! The rules of the control plane: what documents say and what follows from them.
//!
//! Pure: functions of documents, requests and times. `actors` reads and writes the documents, `http` speaks the
//! protocols.

pub mod head;
pub mod version;

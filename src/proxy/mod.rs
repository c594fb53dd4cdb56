//! What stands between the front door and the backends.
//!
//! A write: [`intake`] scans and routes the lines of a request into one [`record`] per set of owners, appends them
//! to the journal and, if asked, waits on an [`ack`]. A [`courier`] per backend reads the journal from its own
//! cursor and sends what that backend owns, in order; [`verdict`] says what an answer means, [`resolve`] finds the
//! lines a backend refuses, and [`dead_letters`] keeps what nobody could be told about.
//!
//! A query: [`plan`] decides per statement which backends can answer it, [`choice`] orders the replicas, and
//! [`reader`] relays or merges their answers.
//!
//! [`backup`] copies what embedded backends hold, all at the same place in the journal.
//!
//! [`shared`] is the store of what several processes must know alike, or its copy: who is detached ([`attachment`]), the
//! schema ([`lookup`]), and the ring in force ([`agreement`]).
//!
//! [`fleet`], [`record`], [`verdict`], [`plan`], [`choice`] and [`schema`] are pure decisions.

pub mod ack;
pub mod agreement;
pub mod attachment;
pub mod backup;
pub mod choice;
pub mod client;
pub mod courier;
pub mod dead_letters;
pub mod fleet;
pub mod health;
pub mod intake;
pub mod local;
pub mod lookup;
pub mod plan;
pub mod queue;
pub mod reader;
pub mod readiness;
pub mod record;
pub mod registry;
pub mod resolve;
pub mod route_cache;
pub mod schema;
pub mod shared;
#[cfg(test)]
pub(crate) mod testing;
pub mod verdict;
pub mod watermark;

//! Words that every module shares: error kinds, time, sizes, durations, budgets, identities.
//!
//! Pure: no runtime, no files, no sockets. The system clock is reachable only through [`clock::Clock`].

pub mod budget;
pub mod clock;
pub mod duration;
pub mod error;
pub mod ids;
pub mod iso8601;
pub mod size;
pub mod time;

pub use budget::{ByteBudget, Reserved};
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::ErrorKind;
pub use ids::{BackendId, CircleId};
pub use size::ByteSize;
pub use time::{TimestampNs, TimestampUs};

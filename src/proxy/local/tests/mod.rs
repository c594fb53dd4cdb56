//! Embedded backends behind one journal, on a disk that forgets what was not synced.

mod life;
mod log;
mod power;
mod sent;

//! Embedded backends behind one journal: on a disk that forgets what was not synced, and with threads that die.

mod life;
mod log;
mod power;
mod sent;
mod threads;

//! What must survive crashes, partitions and full disks: every acknowledged point, and everybody else's latency.
//!
//! A [`fleet`] is Gyre in front of two circles of two real InfluxDB servers, each behind a network that can be broken.
//! A [`schedule`] is a seeded list of faults; [`writers`] write through all of it and enter what they sent and what
//! was acknowledged in the [`ledger`], which in the end is compared with every [`replica`].
//! [`power`] takes the power away from the write path alone, in-process, on a disk that forgets what was not synced.
//! A failed run prints its schedule; `GYRE_TEST_SEED` repeats it.

mod fleet;
pub(crate) mod ledger;
pub(crate) mod replica;
pub(crate) mod schedule;
pub(crate) mod writers;

mod crash;
mod disk;
mod partition;
mod power;

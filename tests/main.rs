//! Black-box tests: the real binary on loopback, real InfluxDB servers behind it, real clients in front.
//!
//! One binary for all of them, so that the dependency graph is linked once; a module per API family, and [`faults`]
//! for crashes, partitions and full disks. Tests wait for conditions, never for time, and choose no port by hand.
//!
//! | environment | meaning |
//! |---|---|
//! | `GYRE_TEST_LONG=1` | long rounds run whole; without it a seeded part of them |
//! | `GYRE_TEST_SEED=N` | seed of the fault schedules and of the differential test, as a failed run printed it |
//! | `GYRE_CONFORMANCE=DIR` | recorded cases to replay beside the project's own |
//! | `GYRE_BIN=FILE` | the server under test, instead of the one that cargo built |

#![cfg(test)]

mod actors;
mod architecture;
mod boot;
mod cli;
mod clients;
mod cluster;
mod conformance;
mod embedded;
mod faults;
mod limits;
mod meta;
mod query;
mod snap;
mod support;
mod write;

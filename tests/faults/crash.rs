//! Promise 1: acknowledged is durable, whatever is killed, and whenever.

use super::{
    fleet::{BACKENDS, Fleet},
    schedule::{self, Schedule},
};
use crate::support;

#[test]
fn killed_under_load_it_keeps_every_acknowledged_point() {
    let rounds = if support::long() { 20 } else { 3 };
    Fleet::start().torture(&Schedule::kills(schedule::seed(), rounds, BACKENDS));
}

#[test]
fn in_a_storm_of_faults_it_keeps_every_acknowledged_point() {
    let faults = if support::long() { 60 } else { 10 };
    Fleet::start_on_small_disk().torture(&Schedule::storm(schedule::seed(), faults, BACKENDS));
}

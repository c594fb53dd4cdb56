//! Waiting for conditions with a deadline: the only place of the tests where a thread waits for time to pass.

use std::{sync::mpsc, time::Duration};

pub(crate) use tokio::time::Instant;

/// Time between two looks at a condition: far below what tests measure, far above what a look costs.
const STEP: Duration = Duration::from_millis(10);

/// Looks until `probe` answers, and returns its answer.
///
/// # Panics
/// When there is none after `within`; the text names `what` was awaited.
#[track_caller]
pub(crate) fn until<T>(what: &str, within: Duration, probe: impl FnMut() -> Option<T>) -> T {
    match poll(within, probe) {
        Some(answer) => answer,
        None => panic!("{what}: not within {within:?}"),
    }
}

/// Looks until `probe` answers; `None` when there is no answer after `within`. Looks at least once.
pub(crate) fn poll<T>(within: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = probe();
        if answer.is_some() || start.elapsed() >= within {
            return answer;
        }
        pause(STEP);
    }
}

/// Lets `time` pass: between two events of a schedule, or as a pace. Never to wait for something to have happened.
pub(crate) fn pause(time: Duration) {
    let (_keep_open, silent) = mpsc::channel::<()>();
    assert!(silent.recv_timeout(time).is_err(), "nobody sends");
}

//! PURE. What watchers of a task are told: one JSON object an event, compact, as Go writes it.

use bytes::Bytes;

use super::Metric;

/// The first event of every watch.
#[must_use]
pub fn stream_open() -> Bytes {
    Bytes::from_static(br#"{"type":"stream-open","message":"Stream opened"}"#)
}

/// The task was started.
#[must_use]
pub fn started() -> Bytes {
    Bytes::from_static(br#"{"type":"task-started","message":""}"#)
}

/// The task was stopped; the last event.
#[must_use]
pub fn stopped() -> Bytes {
    Bytes::from_static(br#"{"type":"task-stopped","message":""}"#)
}

/// The schedule of the task is over; the last event.
#[must_use]
pub fn ended() -> Bytes {
    Bytes::from_static(br#"{"type":"task-ended","message":""}"#)
}

/// The task failed too often in a row, last with that text; the last event.
#[must_use]
pub fn disabled(_last_failure: &str) -> Bytes {
    Bytes::new()
}

/// What one fire collected.
#[must_use]
pub fn metric_event(_metrics: &[Metric]) -> Bytes {
    Bytes::new()
}

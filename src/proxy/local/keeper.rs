//! Keeps an embedded engine in shape: flushes, compacts and enforces retention, on a thread of its own.
//!
//! A keeper that panics is started again, a little later each time: all that it does begins anew from the engine's state,
//! and files left half written do not count. If it died while it changed that state, the backend is out until a restart:
//! without a keeper the memory and the journal would fill.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use super::applier::ApplierParts;

/// How often the engine's needs are looked at when nobody says that there are some.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Time without a new record after which what lies in memory is flushed: restarts are quick then, and files small.
const IDLE: Duration = Duration::from_secs(5);
/// What part of the journal's limit may be kept for a backend before it is flushed.
const HELD_SHARE: u64 = 4;
/// First wait before a restart; doubled each time up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// A keeper that lived this long has recovered: the next restart is quick again.
const HEALTHY_AFTER: Duration = Duration::from_mins(2);

/// Keeps the engine until `stopping`; restarts what panics.
pub(super) fn run(parts: &ApplierParts, woken: &Receiver<()>, stopping: &AtomicBool) {
    let mut backoff = MIN_BACKOFF;
    loop {
        let alive_since = parts.clock.elapsed();
        // The engine's locks tell whether what it left can be used.
        let kept = catch_unwind(AssertUnwindSafe(|| keep(parts, woken, stopping)));
        if kept.is_ok() {
            return;
        }
        if parts.local.engine.is_broken() {
            return parts.take_out(stopping);
        }
        if parts.clock.elapsed().saturating_sub(alive_since) > HEALTHY_AFTER {
            backoff = MIN_BACKOFF;
        }
        parts.restarts.inc();
        tracing::error!(backend = %parts.backend.config.name, ?backoff, "keeper died: restarting");
        pause(parts, woken, stopping, backoff);
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// Waits, but not longer than until `stopping`.
fn pause(parts: &ApplierParts, woken: &Receiver<()>, stopping: &AtomicBool, time: Duration) {
    let until = parts.clock.elapsed() + time;
    while !stopping.load(Ordering::Acquire) {
        let left = until.saturating_sub(parts.clock.elapsed());
        if left.is_zero() || woken.recv_timeout(left) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

/// Flushes, compacts and enforces retention when it is time.
fn keep(parts: &ApplierParts, woken: &Receiver<()>, stopping: &AtomicBool) {
    let now = || parts.clock.elapsed();
    let (mut seen, mut idle_at) = (0, Some(now() + IDLE));
    let mut retention_at = now().saturating_add(parts.retention_check);
    while !stopping.load(Ordering::Acquire) {
        // Woken, or time to look: both mean to look.
        if woken.recv_timeout(LOOK_EVERY.min(parts.retention_check)) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        while woken.try_recv().is_ok() {}
        let newest = parts.journal.committed();
        if newest != seen {
            (seen, idle_at) = (newest, Some(now() + IDLE));
        }
        let is_idle = idle_at.take_if(|at| *at <= now()).is_some();
        if is_idle || is_flush_due(parts) {
            flush(parts);
        }
        if parts.local.engine.maintenance_due().compaction {
            compact(parts, stopping);
        }
        if retention_at <= now() {
            enforce_retention(parts);
            retention_at = now().saturating_add(parts.retention_check);
        }
    }
}

/// Whether memory is full, or the journal keeps too much for want of a flush, most of it other backends' perhaps.
pub(super) fn is_flush_due(parts: &ApplierParts) -> bool {
    let engine = &parts.local.engine;
    let held = parts.journal.bytes_after(engine.checkpoint());
    engine.maintenance_due().flush || held >= parts.journal.max_bytes() / HELD_SHARE
}

/// Makes everything applied durable, and lets the journal forget it.
pub(super) fn flush(parts: &ApplierParts) {
    match parts.local.engine.flush() {
        Ok(checkpoint) => parts.journal.advance(parts.backend.id.0, checkpoint),
        Err(error) => {
            tracing::error!(backend = %parts.backend.config.name, %error, "flush failed: the journal keeps what it held");
        }
    }
}

/// Compacts what can be compacted, unless `stopping`.
pub(super) fn compact(parts: &ApplierParts, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) {
        match parts.local.engine.compact_once() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                return tracing::error!(backend = %parts.backend.config.name, %error, "compaction failed");
            }
        }
    }
}

/// Drops what has expired.
pub(super) fn enforce_retention(parts: &ApplierParts) {
    match parts.local.engine.enforce_retention(parts.clock.now()) {
        Ok(0) => {}
        Ok(groups) => tracing::info!(backend = %parts.backend.config.name, groups, "expired data dropped"),
        Err(error) => tracing::error!(backend = %parts.backend.config.name, %error, "retention not enforced"),
    }
}

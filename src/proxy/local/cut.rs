//! A cut: one place in the journal at which every engine of the process is copied, so that the copies agree.
//!
//! Engines apply the journal each at its own pace and must not wait for each other. Whoever wants a cut takes the locks
//! of all slots, which appliers hold while they read the journal, so that it is known how far the farthest has read. The
//! cut is there, or at the newest committed record when that is later: it lies behind everything acknowledged, and
//! before everything that any of them will read. Each stops there of itself, is copied, and goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::{
    journal::{Batch, Journal, Seq},
    tsdb::{self, Snapshot},
};

/// A snapshot to come; it ends without one when the applier ends.
pub(in crate::proxy) type Snapshotting = oneshot::Receiver<Result<Snapshot, tsdb::Error>>;

/// Where one applier is told of cuts.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Slot {
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// An applier runs.
    is_open: bool,
    /// How far it has read.
    read_to: Seq,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Cut {
    at: Seq,
    answer: oneshot::Sender<Result<Snapshot, tsdb::Error>>,
}

/// Asks the appliers of all these slots for a snapshot after the same record; which one, and the snapshots to come in
/// the order of the slots. Waits for appliers that read the journal: not for an async thread. Slots must always be given
/// in the same order.
///
/// # Errors
/// The position of a slot whose applier does not run.
pub(in crate::proxy) fn cut<N: Send + Sync + 'static>(
    slots: &[&Slot],
    journal: &Journal<N>,
) -> Result<(Seq, Vec<Snapshotting>), usize> {
    let mut states: Vec<_> = slots.iter().map(|slot| slot.lock()).collect();
    if let Some(closed) = states.iter().position(|state| !state.is_open) {
        return Err(closed);
    }
    // readers see a record a moment before it counts as committed
    let read = states.iter().map(|state| state.read_to).max();
    let at = journal.committed().max(read.unwrap_or(0));
    let ask = |state: &mut MutexGuard<'_, State>| {
        let (answer, snapshotting) = oneshot::channel();
        // an earlier one whose asker has left, as there is only one backup at a time
        state.cut = Some(Cut { at, answer });
        snapshotting
    };
    let snapshotting = states.iter_mut().map(ask).collect();
    drop(states);
    slots.iter().for_each(|slot| slot.wanted.notify_one());
    Ok((at, snapshotting))
}

impl Slot {
    /// An applier runs.
    pub(super) fn open(&self) {
        self.lock().is_open = true;
    }

    /// The applier has ended.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_open = false;
        state.cut = None;
    }

    /// Waits until a cut was asked for.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Reads the journal, and leaves what lies behind a cut for the next time.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn while_reading<N, E>(&self, read: impl FnOnce() -> Result<Batch<N>, E>) -> Result<Batch<N>, E> {
        let mut state = self.lock();
        let mut batch = read()?;
        if let Some(cut) = &state.cut {
            batch.entries.retain(|entry| entry.seq <= cut.at);
            batch.scanned_to = batch.scanned_to.min(cut.at);
        }
        state.read_to = state.read_to.max(batch.scanned_to);
        Ok(batch)
    }

    /// Who waits for a snapshot, when everything up to the cut was applied.
    pub(super) fn take_due(&self, applied: Seq) -> Option<oneshot::Sender<Result<Snapshot, tsdb::Error>>> {
        let cut = self.lock().cut.take_if(|cut| cut.at <= applied)?;
        (!cut.answer.is_closed()).then_some(cut.answer)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use bytes::Bytes;

    use super::*;
    use crate::journal::{OnDamage, Options, SyncMode, fs::MemFs};

    fn journal() -> Journal<()> {
        let options = Options {
            segment_bytes: 1 << 20,
            max_bytes: 1 << 20,
            max_record_bytes: 100,
            tail_bytes: 1 << 20,
            sync: SyncMode::Always,
            on_damage: OnDamage::Refuse,
        };
        Journal::open(Arc::new(MemFs::new()), Path::new("/j"), options)
            .unwrap()
            .0
    }

    fn append(journal: &Journal<()>) -> Seq {
        journal
            .append(Bytes::from_static(b"record"), None)
            .unwrap()
            .wait()
            .unwrap()
    }

    fn read(slot: &Slot, journal: &Journal<()>, after: Seq) -> Seq {
        let batch = slot
            .while_reading(|| journal.read(after, 1 << 20, &mut |_| true))
            .unwrap();
        assert_eq!(batch.entries.last().map_or(after, |entry| entry.seq), batch.scanned_to);
        batch.scanned_to
    }

    #[test]
    fn everybody_stops_after_the_same_record() {
        let (journal, ahead, behind) = (journal(), Slot::default(), Slot::default());
        journal.register(1, crate::journal::Start::Oldest);
        [&ahead, &behind].iter().for_each(|slot| slot.open());
        for _ in 0..3 {
            append(&journal);
        }
        assert_eq!(read(&ahead, &journal, 0), 3);
        let (at, waiting) = cut(&[&ahead, &behind], &journal).unwrap();
        assert_eq!((at, waiting.len()), (3, 2));
        append(&journal);
        assert!(behind.take_due(2).is_none());
        for (slot, after) in [(&ahead, 3), (&behind, 0), (&behind, 2)] {
            assert_eq!(read(slot, &journal, after), 3);
        }
        assert!(ahead.take_due(3).is_some() && behind.take_due(3).is_some());
        assert!(behind.take_due(3).is_none());
        assert_eq!(read(&behind, &journal, 3), 4);
        journal.close().unwrap();
    }

    #[test]
    fn nobody_waits_for_an_applier_that_does_not_run() {
        let (journal, runs, ended) = (journal(), Slot::default(), Slot::default());
        runs.open();
        assert_eq!(cut(&[&runs, &ended], &journal).unwrap_err(), 1);
        ended.open();
        let (_, mut waiting) = cut(&[&runs, &ended], &journal).unwrap();
        ended.close();
        assert!(waiting.pop().unwrap().blocking_recv().is_err());
        drop(waiting);
        assert!(runs.take_due(0).is_none(), "whoever asked has left");
        journal.close().unwrap();
    }
}

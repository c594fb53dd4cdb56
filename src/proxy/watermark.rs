//! How far a backend must have got before it may answer for a measurement.
//!
//! Every acknowledged record raises the mark of its measurements; a backend whose cursor has reached the mark has
//! applied all of them. The marks live in a fixed table indexed by a hash, so memory is bounded and a collision only
//! makes a replica wait for a neighbour's record.

use std::sync::atomic::{AtomicU64, Ordering};

/// 2^16 marks of 8 bytes: with 10 000 busy measurements fewer than one in six shares its mark.
const SLOTS: usize = 1 << 16;

/// The table of marks; one per process.
#[derive(Debug)]
pub struct Watermarks {
    slots: Box<[AtomicU64]>,
    everything: AtomicU64,
}

/// Which mark a measurement has; cheap to compute once and keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(u16);

impl Slot {
    /// The slot of a shard key's hash.
    #[must_use]
    pub fn of(hash: u32) -> Self {
        let folded = (hash >> 16) ^ (hash & 0xffff);
        Self(u16::try_from(folded).unwrap_or(u16::MAX))
    }
}

impl Watermarks {
    /// A table for a journal whose last record is `tip`: what was acknowledged before the start is not known per
    /// measurement, so everything is marked with it.
    #[must_use]
    pub fn starting_at(tip: u64) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(tip),
        }
    }

    /// Notes that record `seq` touches the measurement of `slot`.
    pub fn raise(&self, slot: Slot, seq: u64) {
        self.slots[usize::from(slot.0)].fetch_max(seq, Ordering::AcqRel);
    }

    /// Notes that record `seq` may touch anything, as a schema statement does.
    pub fn raise_all(&self, seq: u64) {
        self.everything.fetch_max(seq, Ordering::AcqRel);
    }

    /// The record up to which a backend must have applied its part to answer for the measurement of `slot`.
    #[must_use]
    pub fn mark(&self, slot: Slot) -> u64 {
        self.slots[usize::from(slot.0)]
            .load(Ordering::Acquire)
            .max(self.everything.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_rise_and_never_fall() {
        let marks = Watermarks::starting_at(7);
        let (cpu, mem) = (Slot::of(0x0001_0000), Slot::of(0x0002_0000));
        assert_eq!(marks.mark(cpu), 7);
        marks.raise(cpu, 9);
        marks.raise(cpu, 8);
        assert_eq!((marks.mark(cpu), marks.mark(mem)), (9, 7));
        marks.raise_all(20);
        assert_eq!((marks.mark(cpu), marks.mark(mem)), (20, 20));
    }
}

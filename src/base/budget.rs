//! One process-wide count of bytes in flight; what does not fit is refused, never queued without bound.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A bounded number of bytes that requests, deliveries and results share. Clones share the count.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    used: AtomicU64,
    limit: u64,
}

/// Bytes taken from a [`ByteBudget`]; dropping it gives them back.
#[derive(Debug)]
pub struct Reserved {
    shared: Arc<Shared>,
    bytes: u64,
}

impl ByteBudget {
    /// A budget of `limit` bytes, none of them used.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                used: AtomicU64::new(0),
                limit,
            }),
        }
    }

    /// Takes `bytes`, or nothing when they do not fit.
    #[must_use]
    pub fn try_reserve(&self, bytes: u64) -> Option<Reserved> {
        let mut reserved = Reserved {
            shared: Arc::clone(&self.shared),
            bytes: 0,
        };
        reserved.try_grow(bytes).then_some(reserved)
    }

    /// Bytes taken and not yet given back.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// The most that may be taken at once.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.shared.limit
    }
}

impl Reserved {
    /// Takes `more` bytes on top, or leaves everything as it is and answers `false`.
    pub fn try_grow(&mut self, more: u64) -> bool {
        let limit = self.shared.limit;
        let take = |used: u64| used.checked_add(more).filter(|sum| *sum <= limit);
        let taken = self
            .shared
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok();
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Takes over what another part of the same budget holds.
    pub fn absorb(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.shared.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_taken() {
        let budget = ByteBudget::new(100);
        let mut first = budget.try_reserve(60).unwrap();
        assert!(budget.try_reserve(41).is_none());
        assert!(!first.try_grow(41));
        assert!(first.try_grow(40));
        assert_eq!(budget.used(), 100);
        let mut second = budget.try_reserve(0).unwrap();
        second.absorb(first);
        assert_eq!((second.bytes(), budget.used()), (100, 100));
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}

//! The circles and backends that points are spread over, and who owns what.
//!
//! A circle is one full replica of all data on its own hash ring; a measurement has one owner in every circle.
//! The shape of the fleet is fixed while the process lives; what changes per backend (in reach, how far its cursor
//! has come, how busy it is) is published by its actor in a [`Condition`] that the hot paths read without asking.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    base::{BackendId, CircleId},
    config,
    ring::{Ring, ShardKey},
};

use super::{local::Local, watermark::Slot};

/// All circles.
#[derive(Debug)]
pub struct Fleet {
    /// In the order of the configuration.
    pub circles: Vec<Circle>,
    /// Every backend of every circle, in order.
    pub backends: Vec<Arc<Backend>>,
    shard_key: ShardKey,
}

/// One replica of all data.
#[derive(Debug)]
pub struct Circle {
    /// Its position.
    pub id: CircleId,
    /// Its configured name.
    pub name: String,
    /// Its hash ring; yields positions in `members`.
    pub ring: Ring,
    /// Its backends, in the order of the configuration.
    pub members: Vec<Arc<Backend>>,
}

/// One server that holds points.
#[derive(Debug)]
pub struct Backend {
    /// Its number in the journal.
    pub id: BackendId,
    /// The circle it belongs to.
    pub circle: CircleId,
    /// How it was configured.
    pub config: config::Backend,
    /// The engine, when the backend is embedded.
    pub local: Option<Arc<Local>>,
    /// What is known of it now.
    pub condition: Condition,
}

/// What is known of a backend now. Written by its actor and by the requests in flight, read by everybody.
#[derive(Debug, Default)]
pub struct Condition {
    alive: AtomicBool,
    detached: AtomicBool,
    /// The shared store says so too.
    known_detached: AtomicBool,
    applied: AtomicU64,
    owned: AtomicU64,
    waiting_bytes: AtomicU64,
    reads_in_flight: AtomicUsize,
    latency_us: AtomicU64,
}

/// The owners of one measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Position in [`Fleet::backends`] of the owner in each circle, in the order of circles.
    pub owners: Arc<[usize]>,
    /// Its watermark.
    pub slot: Slot,
}

impl Fleet {
    /// Puts circles together; `backends` are those of all circles in order.
    #[must_use]
    pub fn new(circles: Vec<Circle>, shard_key: ShardKey) -> Self {
        let backends = circles
            .iter()
            .flat_map(|circle| circle.members.iter().map(Arc::clone))
            .collect();
        Self {
            circles,
            backends,
            shard_key,
        }
    }

    /// Where the points of a measurement belong. `name` is the name that placement hashes (see
    /// [`crate::influx::line::placement_name`]).
    #[must_use]
    pub fn placement(&self, db: &[u8], name: &[u8]) -> Placement {
        let hash = self.shard_key.hash(db, name);
        let mut first = 0;
        let mut owners = Vec::with_capacity(self.circles.len());
        for circle in &self.circles {
            owners.push(first + circle.ring.owner_at(hash));
            first += circle.members.len();
        }
        Placement {
            owners: owners.into(),
            slot: Slot::of(hash),
        }
    }

    /// The backends of all circles as owners, for what concerns everybody.
    #[must_use]
    pub fn everyone(&self) -> Vec<usize> {
        (0..self.backends.len()).collect()
    }

    /// Whether another circle holds everything that `backend` owns: one none of whose members has missed data.
    #[must_use]
    pub fn can_spare(&self, backend: &Backend) -> bool {
        let is_whole = |circle: &Circle| circle.members.iter().all(|member| !member.condition.is_detached());
        self.circles
            .iter()
            .any(|circle| circle.id != backend.circle && is_whole(circle))
    }

    /// The backend with this number, if it is still configured.
    #[must_use]
    pub fn by_id(&self, id: BackendId) -> Option<&Arc<Backend>> {
        self.backends.iter().find(|backend| backend.id == id)
    }
}

impl Condition {
    /// The backend answers pings.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// The backend missed data for good and must be rebuilt before it is used again.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    /// The backend may be asked.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.is_alive() && !self.is_detached()
    }

    /// Sets whether the backend answers.
    pub fn set_alive(&self, alive: bool) {
        self.alive.store(alive, Ordering::Release);
    }

    /// Sets whether the backend is left out.
    pub fn set_detached(&self, detached: bool) {
        self.detached.store(detached, Ordering::Release);
    }

    /// Whether the shared store says that the backend is left out.
    #[must_use]
    pub fn is_known_detached(&self) -> bool {
        self.known_detached.load(Ordering::Acquire)
    }

    /// Sets what the shared store says.
    pub fn set_known_detached(&self, detached: bool) {
        self.known_detached.store(detached, Ordering::Release);
    }

    /// Notes that a record of this backend was appended to the journal.
    pub fn note_owned(&self, seq: u64) {
        self.owned.fetch_max(seq, Ordering::AcqRel);
    }

    /// Notes that everything of this backend up to `seq` has been applied.
    pub fn note_applied(&self, seq: u64) {
        self.applied.fetch_max(seq, Ordering::AcqRel);
    }

    /// Whether everything of this backend up to `mark` has been applied: either its cursor passed the mark, or the
    /// last record it owns lies below its cursor.
    #[must_use]
    pub fn has_reached(&self, mark: u64) -> bool {
        let applied = self.applied.load(Ordering::Acquire);
        applied >= mark.min(self.owned.load(Ordering::Acquire))
    }

    /// The last record of this backend in the journal.
    #[must_use]
    pub fn last_owned(&self) -> u64 {
        self.owned.load(Ordering::Acquire)
    }

    /// Bytes of journal between the cursor and the end, including what was spilled.
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Sets the waiting bytes.
    pub fn set_waiting_bytes(&self, bytes: u64) {
        self.waiting_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Reads in flight.
    #[must_use]
    pub fn reads_in_flight(&self) -> usize {
        self.reads_in_flight.load(Ordering::Relaxed)
    }

    /// Smoothed time to answer, microseconds.
    #[must_use]
    pub fn latency_us(&self) -> u64 {
        self.latency_us.load(Ordering::Relaxed)
    }

    /// Takes a new latency into the average: one part new in four, so that four slow answers are enough to tell.
    pub fn note_latency_us(&self, sample: u64) {
        let smooth = |old: u64| Some(if old == 0 { sample } else { (old * 3 + sample) / 4 });
        // The closure never declines, so the update cannot fail.
        let _previous = self
            .latency_us
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, smooth);
    }
}

/// Counts a read as in flight until it is dropped.
#[derive(Debug)]
pub struct ReadInFlight(Arc<Backend>);

impl ReadInFlight {
    /// Starts counting.
    #[must_use]
    pub fn on(backend: &Arc<Backend>) -> Self {
        backend.condition.reads_in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(backend))
    }
}

impl Drop for ReadInFlight {
    fn drop(&mut self) {
        self.0.condition.reads_in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

//! What the processes of a fleet must agree on before one of them may serve data: the ring in force.
//!
//! The first process stores the ring that it is configured with. One that is configured otherwise would write points to
//! backends where the others do not look for them, and read where they are not: it answers 503 until its operator has
//! corrected its configuration, or put its ring in force for all. A process that is alone changes it by restarting.
//!
//! Statements that change schema go to all owners in one journal's order, but several processes have several journals:
//! then they need every owner in reach, so that none is left behind to learn of it after the writes of another process.

pub mod ring;

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{
    fleet::Backend,
    shared::{OutOfReach, Shared, Topic},
};
use crate::{
    base::ErrorKind,
    meta::{self, Compare, Condition, Event, KeyValue, Op, Response, Revision, Txn, Update},
};

use ring::RingDocument;

/// The ring in force, the one configured here, and with whom they are shared.
#[derive(Debug)]
pub struct Agreement {
    shared: Arc<Shared>,
    configured: RingDocument,
    in_force: ArcSwap<InForce>,
}

/// The ring in force, if it is known, as of a revision of the store.
#[derive(Debug)]
struct InForce {
    revision: Revision,
    ring: Option<RingDocument>,
    verdict: Result<(), Disagreement>,
}

/// Why this process may not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// Nobody has told what is in force.
    #[error("ring in force is unknown: the meta store has not told it yet")]
    Unknown,
    /// The ring in force is another.
    #[error("configured ring differs from the one in force: {0}")]
    Differs(String),
    /// The shared store is out of reach.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// Not all owners are in reach.
    #[error("backend {0:?} is out of reach: a change of schema needs every owner")]
    OwnerOutOfReach(String),
}

impl Disagreement {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown | Self::Differs(_) | Self::OutOfReach(_) | Self::OwnerOutOfReach(_) => ErrorKind::Unavailable,
        }
    }
}

impl Agreement {
    /// Finds out which ring is in force. A process that is alone puts its own in force, and warns when it was another.
    ///
    /// # Errors
    /// When the store cannot be read, or, by a process that is alone, written.
    pub async fn open(shared: Arc<Shared>, configured: RingDocument) -> Result<Self, meta::Error> {
        let known = shared.known(Topic::Ring).await?.iter().find_map(read);
        let agreement = Self {
            in_force: ArcSwap::from_pointee(InForce::new(Revision(0), known, &configured)),
            shared,
            configured,
        };
        if agreement.shared.is_alone() {
            match &agreement.in_force.load().verdict {
                Ok(()) => return Ok(agreement),
                Err(Disagreement::Differs(difference)) => {
                    tracing::warn!(%difference, "ring changed: points that the old one placed elsewhere are not found");
                }
                Err(_) => {}
            }
            agreement.put_in_force().await?;
        }
        Ok(agreement)
    }

    /// The shared store.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The ring that this process is configured with.
    #[must_use]
    pub fn configured(&self) -> &RingDocument {
        &self.configured
    }

    /// The ring in force, if it is known.
    #[must_use]
    pub fn in_force(&self) -> Option<RingDocument> {
        self.in_force.load().ring.clone()
    }

    /// That points may be written and read.
    ///
    /// # Errors
    /// [`Disagreement::Unknown`], [`Disagreement::Differs`].
    pub fn check(&self) -> Result<(), Disagreement> {
        if !self.shared.is_known() {
            return Err(Disagreement::Unknown);
        }
        self.in_force.load().verdict.clone()
    }

    /// That the schema may be changed on these backends.
    ///
    /// # Errors
    /// See [`Disagreement`].
    pub fn check_change<'a>(&self, owners: impl IntoIterator<Item = &'a Arc<Backend>>) -> Result<(), Disagreement> {
        self.check()?;
        if self.shared.is_alone() {
            return Ok(());
        }
        self.shared.require()?;
        // One that is detached is rebuilt before it is used again.
        let is_missing = |backend: &&Arc<Backend>| !backend.condition.is_alive() && !backend.condition.is_detached();
        match owners.into_iter().find(is_missing) {
            Some(backend) => Err(Disagreement::OwnerOutOfReach(backend.config.name.clone())),
            None => Ok(()),
        }
    }

    /// Puts the configured ring in force for all.
    ///
    /// # Errors
    /// When the store fails or is out of reach.
    pub async fn put_in_force(&self) -> Result<(), meta::Error> {
        let revision = self.shared.put(Topic::Ring.prefix(), self.document().into()).await?;
        self.adopt(revision, Some(self.configured.clone()));
        Ok(())
    }

    /// Takes up what the store says of the ring; the first process that finds none puts its own in force.
    pub async fn changed(&self, update: &Update) {
        match update {
            Update::Lost(_) => {}
            Update::Reset(page) => match page.entries.iter().find(|kv| is_ring(&kv.key)) {
                Some(kv) => self.adopt(kv.modified, read(kv)),
                None => self.propose().await,
            },
            Update::Changed(batch) => {
                for event in batch.events.iter().filter(|event| is_ring(event.key())) {
                    match event {
                        Event::Put(kv) => self.adopt(batch.revision, read(kv)),
                        Event::Delete(_) => self.propose().await,
                    }
                }
            }
        }
    }

    /// Puts the configured ring in force if there is none, else takes up the one that is.
    async fn propose(&self) {
        let key = Topic::Ring.prefix();
        let txn = Txn {
            when: vec![Compare::new(key, Condition::Absent)],
            then: vec![Op::put(key, self.document())],
            otherwise: vec![Op::Get(key.into())],
        };
        match self.shared.txn(txn).await {
            Ok(done) if done.succeeded => self.adopt(done.revision, Some(self.configured.clone())),
            Ok(done) => match done.responses.first() {
                Some(Response::Got(Some(kv))) => self.adopt(kv.modified, read(kv)),
                _ => tracing::error!("ring is neither there nor absent"),
            },
            Err(error) => tracing::error!(%error, "ring not put in force: tried again when the meta store is back"),
        }
    }

    /// Takes a ring as the one in force, unless a later one is known.
    fn adopt(&self, revision: Revision, ring: Option<RingDocument>) {
        let adopted = Arc::new(InForce::new(revision, ring, &self.configured));
        let before = self.in_force.rcu(|known| match known.revision > revision {
            true => Arc::clone(known),
            false => Arc::clone(&adopted),
        });
        if before.verdict == self.in_force.load().verdict {
            return;
        }
        match &adopted.verdict {
            Ok(()) => tracing::info!("configured ring is in force"),
            Err(error) => tracing::error!(%error, "points are neither written nor read"),
        }
    }

    fn document(&self) -> Vec<u8> {
        serde_json::to_vec(&self.configured).expect("texts always serialise")
    }
}

impl InForce {
    fn new(revision: Revision, ring: Option<RingDocument>, configured: &RingDocument) -> Self {
        let difference = ring.as_ref().map(|ring| ring.difference(configured));
        Self {
            revision,
            ring,
            verdict: match difference {
                None => Err(Disagreement::Unknown),
                Some(Some(difference)) => Err(Disagreement::Differs(difference)),
                Some(None) => Ok(()),
            },
        }
    }
}

fn is_ring(key: &str) -> bool {
    key == Topic::Ring.prefix()
}

fn read(kv: &KeyValue) -> Option<RingDocument> {
    if !is_ring(&kv.key) {
        return None;
    }
    let read = serde_json::from_slice(&kv.value);
    read.inspect_err(|error| tracing::error!(%error, "stored ring cannot be read"))
        .ok()
}

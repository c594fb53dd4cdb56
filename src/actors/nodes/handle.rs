//! The way to the node registry: what is known, and how it is changed.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{oneshot, watch};

use crate::{
    actors::guard::{Guarded, Refused, guard},
    base::{Clock, ErrorKind, TimestampNs},
    cluster::{HostPatch, Node, NodeKind, Registration, Rules, Snapshot},
    meta::{self, LeaseId, MetaStore, Revision},
};

use super::{
    Crash, NodeRegistryActor, Register, Stop,
    change::{self, Found},
    register::Request,
};

/// Registrations under way at once: as many nodes as may come back together.
const CAPACITY: usize = 16 << 10;
/// How long a change waits until the snapshot has it; what is stored is answered even so.
const CATCH_UP: Duration = Duration::from_secs(2);

/// What the registry's actor is made of; survives its restarts.
#[derive(Debug, Clone)]
pub struct NodesParts {
    /// The shared store.
    pub store: Arc<dyn MetaStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The registry's times.
    pub rules: Rules,
}

/// The way to the node registry. Clones share it.
#[derive(Clone)]
pub struct NodesHandle {
    actor: Guarded<NodeRegistryActor>,
    shared: Arc<Shared>,
}

/// A node whose lease was just granted or extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The node.
    pub node: Arc<Node>,
    /// When its lease ends without another heartbeat.
    pub expires_at: TimestampNs,
}

/// The registry did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NodesError {
    /// No such live node, or no such host.
    #[error("Key not found")]
    NotFound,
    /// The actor cannot take it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store failed, or cannot be reached.
    #[error(transparent)]
    Store(#[from] meta::Error),
    /// Others changed the same documents again and again.
    #[error("too many changes at once")]
    Contended,
    /// A document in the store cannot be read.
    #[error("document {0} cannot be read")]
    BadDocument(String),
}

/// What the actor and its handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<dyn MetaStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Rules,
    current: ArcSwap<Snapshot>,
    published: watch::Sender<Arc<Snapshot>>,
    is_braked: AtomicBool,
}

impl NodesError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Refused(refused) => refused.kind(),
            // A store that fails is as good as one that is out of reach: the same request may succeed later.
            Self::Store(meta::Error::Storage(_)) => ErrorKind::Unavailable,
            Self::Store(error) => error.kind(),
            Self::Contended => ErrorKind::Busy,
            Self::BadDocument(_) => ErrorKind::Corrupt,
        }
    }
}

impl NodesHandle {
    /// Starts the actor on the current arbiter.
    #[must_use]
    pub fn start(parts: NodesParts, restarts: Counter) -> Self {
        let NodesParts { store, clock, rules } = parts;
        let unknown = Arc::new(Snapshot::unknown());
        let shared = Arc::new(Shared {
            store,
            clock,
            rules,
            current: ArcSwap::new(Arc::clone(&unknown)),
            published: watch::Sender::new(unknown),
            is_braked: AtomicBool::new(false),
        });
        let for_actor = Arc::clone(&shared);
        let make = move |life| NodeRegistryActor::new(Arc::clone(&for_actor), life);
        Self {
            actor: guard("node registry".to_owned(), CAPACITY, restarts, make),
            shared,
        }
    }

    /// What is known now.
    #[must_use]
    pub fn view(&self) -> Arc<Snapshot> {
        self.shared.current()
    }

    /// The time by which documents are stamped.
    #[must_use]
    pub fn now(&self) -> TimestampNs {
        self.shared.clock.now()
    }

    /// What is known, and every later state of it; one that is overtaken may be left out.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.shared.published.subscribe()
    }

    /// Whether nothing follows from deaths for now, because there were too many at once.
    #[must_use]
    pub fn is_braked(&self) -> bool {
        self.shared.is_braked.load(Ordering::Relaxed)
    }

    /// Waits until the store was heard, or not longer than `within`; whether it was.
    pub async fn loaded(&self, within: Duration) -> bool {
        let mut snapshots = self.subscribe();
        let loaded = snapshots.wait_for(|snapshot| !snapshot.stale);
        tokio::time::timeout(within, loaded).await.is_ok()
    }

    /// Registers a node under a new id; or, when it names the id that it had and that node is dead, under that one.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn register(&self, cluster: &str, registration: Registration) -> Result<Registered, NodesError> {
        if let Some(previous) = registration.previous
            && let Some(node) = change::reclaim(&self.shared, cluster, previous, &registration).await?
        {
            return Ok(node);
        }
        self.register_as(NodeKind::Data, cluster, registration).await
    }

    /// Registers a process of that kind under a new id.
    pub(super) async fn register_as(
        &self,
        kind: NodeKind,
        cluster: &str,
        registration: Registration,
    ) -> Result<Registered, NodesError> {
        let lease = self.shared.store.lease_grant(self.shared.rules.ttl).await?;
        let (reply, registered) = oneshot::channel();
        let request = Request {
            kind,
            cluster: cluster.to_owned(),
            registration,
            lease,
            reply,
        };
        self.actor.ask(Register(request)).await?;
        let (node, revision) = registered.await.map_err(|_| Refused::Gone)??;
        Ok(self.shared.registered(node, revision).await)
    }

    /// Extends the life of a node by one time to live; within the revive window it brings a dead one back.
    ///
    /// # Errors
    /// [`NodesError::NotFound`] when it is dead or not of this cluster; when the store cannot be reached.
    pub async fn refresh(&self, cluster: &str, id: u64) -> Result<Registered, NodesError> {
        let known = self.view().data_node(id).cloned();
        if let Some(node) = known.filter(|node| node.cluster == cluster)
            && let Some(lease) = node.lease
            && self.shared.keep_alive(lease).await?
        {
            return Ok(self.shared.extended(node));
        }
        // Not known here, or no longer: what the store says counts, others may have changed it just now.
        match change::find(&self.shared, cluster, id).await? {
            Found::Alive(node, lease) if self.shared.keep_alive(lease).await? => {
                Ok(self.shared.extended(Arc::new(node)))
            }
            Found::Alive(..) | Found::Unknown => Err(NodesError::NotFound),
            Found::Dead(node) => change::revive(&self.shared, node).await,
        }
    }

    /// Removes a node, alive or dead.
    ///
    /// # Errors
    /// [`NodesError::NotFound`] when there is none of that id in this cluster; when it cannot be stored.
    pub async fn deregister(&self, cluster: &str, id: u64) -> Result<(), NodesError> {
        change::deregister(&self.shared, NodeKind::Data, cluster, id).await
    }

    /// Changes a host as an operator wants it.
    ///
    /// # Errors
    /// [`NodesError::NotFound`] when there is no such host; when it cannot be stored.
    pub async fn patch_host(&self, id: u64, patch: HostPatch) -> Result<(), NodesError> {
        change::patch_host(&self.shared, id, &patch).await
    }

    /// Removes a Gyre process from the list.
    pub(super) async fn deregister_manager(&self, id: u64) -> Result<(), NodesError> {
        change::deregister(&self.shared, NodeKind::Manager, "", id).await
    }

    /// Extends a lease; whether it was still there.
    pub(super) async fn keep_alive(&self, lease: u64) -> Result<bool, NodesError> {
        self.shared.keep_alive(lease).await
    }

    /// How long a node lives without a heartbeat.
    pub(super) fn ttl(&self) -> Duration {
        self.shared.rules.ttl
    }

    /// Ends the actor.
    ///
    /// # Errors
    /// When it is gone already.
    pub async fn stop(&self) -> Result<(), Refused> {
        self.actor.expect_end();
        self.actor.ask(Stop).await
    }

    /// Makes the actor panic, for tests of its supervision.
    #[doc(hidden)]
    pub async fn crash(&self) {
        let _gone = self.actor.ask(Crash).await;
    }
}

impl fmt::Debug for NodesHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodesHandle")
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn publish(&self, snapshot: Snapshot, is_braked: bool) {
        let snapshot = Arc::new(snapshot);
        self.set_braked(is_braked);
        self.current.store(Arc::clone(&snapshot));
        self.published.send_replace(snapshot);
    }

    pub(super) fn set_braked(&self, is_braked: bool) {
        self.is_braked.store(is_braked, Ordering::Relaxed);
    }

    /// Waits until the snapshot has the change of that revision, for a bounded time.
    pub(super) async fn catch_up(&self, revision: Revision) {
        if !self.reaches(revision.0).await {
            tracing::warn!(%revision, "a change is stored, but not heard of yet");
        }
    }

    /// Waits until something newer than that snapshot is known, for a bounded time.
    pub(super) async fn next_after(&self, snapshot: &Snapshot) {
        let _in_time = self.reaches(snapshot.revision + 1).await;
    }

    async fn reaches(&self, revision: u64) -> bool {
        if self.current.load().revision >= revision {
            return true;
        }
        let mut snapshots = self.published.subscribe();
        let reached = snapshots.wait_for(|snapshot| snapshot.revision >= revision);
        tokio::time::timeout(CATCH_UP, reached).await.is_ok()
    }

    /// The answer to a change of a node that was stored at `revision`.
    pub(super) async fn registered(&self, node: Node, revision: Revision) -> Registered {
        let answer = self.extended(Arc::new(node));
        self.catch_up(revision).await;
        answer
    }

    fn extended(&self, node: Arc<Node>) -> Registered {
        let ttl = i64::try_from(node.ttl.as_nanos()).unwrap_or(i64::MAX);
        Registered {
            node,
            expires_at: TimestampNs(self.clock.now().0.saturating_add(ttl)),
        }
    }

    pub(super) fn current(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Ends a lease that nothing is bound to any more; should that fail, it ends by itself.
    pub(super) async fn end_lease(&self, lease: u64) {
        if let Err(error) = self.store.lease_revoke(LeaseId(lease)).await {
            tracing::debug!(%error, lease, "lease is left to end by itself");
        }
    }

    async fn keep_alive(&self, lease: u64) -> Result<bool, NodesError> {
        match self.store.lease_keep_alive(LeaseId(lease)).await {
            Ok(()) => Ok(true),
            Err(meta::Error::LeaseNotFound(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

//! This process as a node: registered at start, kept alive, registered anew when it was lost, removed in the end.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::cluster::{NodeKind, Registration};

use super::handle::{NodesError, NodesHandle};

/// Heartbeats in one time to live: one may be lost, and another late.
const HEARTBEATS: u32 = 3;
/// How long the start, and the end, wait for the store.
const PATIENCE: Duration = Duration::from_secs(2);

/// This process's registration; it ends with [`OwnNode::stop`].
#[derive(Debug)]
pub struct OwnNode {
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// The record and the lease that stand for this process now.
#[derive(Debug, Clone, Copy)]
struct Current {
    id: u64,
    lease: u64,
}

impl OwnNode {
    /// Registers this process as a manager; when the store cannot be reached within two seconds, later.
    pub async fn start(nodes: NodesHandle, registration: Registration) -> Self {
        let registered = timeout(PATIENCE, register(&nodes, &registration)).await;
        let current = registered.unwrap_or_else(|_| {
            tracing::warn!("store does not answer: this process is not registered yet");
            None
        });
        let (stop, stopped) = oneshot::channel();
        let running = tokio::task::spawn_local(keep(nodes, registration, current, stopped));
        Self { stop, running }
    }

    /// Removes the record, if the store answers in time; else it dies with its lease.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.running.await {
            tracing::error!(%error, "upkeep of this process's registration died");
        }
    }
}

async fn keep(
    nodes: NodesHandle,
    registration: Registration,
    mut current: Option<Current>,
    mut stopped: oneshot::Receiver<()>,
) {
    let every = nodes.ttl() / HEARTBEATS;
    let mut beat = tokio::time::interval_at(Instant::now() + every, every);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = beat.tick() => {}
        }
        tokio::select! {
            _ = &mut stopped => break,
            next = beat_once(&nodes, &registration, current) => current = next,
        }
    }
    if let Some(Current { id, .. }) = current {
        match timeout(PATIENCE, nodes.deregister_manager(id)).await {
            Ok(Ok(()) | Err(NodesError::NotFound)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "this process stays listed until its lease ends"),
            Err(_) => tracing::warn!("store does not answer: this process stays listed until its lease ends"),
        }
    }
}

/// One heartbeat; what stands for this process after it.
async fn beat_once(nodes: &NodesHandle, registration: &Registration, current: Option<Current>) -> Option<Current> {
    let Some(known) = current else {
        return register(nodes, registration).await;
    };
    match nodes.keep_alive(known.lease).await {
        Ok(true) if is_listed(nodes, known.id) => current,
        Ok(_) => {
            tracing::warn!(
                node = known.id,
                "this process's registration was lost: it registers again"
            );
            register(nodes, registration).await
        }
        Err(error) => {
            tracing::warn!(%error, "heartbeat of this process failed");
            current
        }
    }
}

fn is_listed(nodes: &NodesHandle, id: u64) -> bool {
    let snapshot = nodes.view();
    snapshot.stale || snapshot.managers.iter().any(|node| node.id == id)
}

async fn register(nodes: &NodesHandle, registration: &Registration) -> Option<Current> {
    match nodes.register_as(NodeKind::Manager, "", registration.clone()).await {
        Ok(registered) => {
            let node = Arc::unwrap_or_clone(registered.node);
            let lease = node.lease?;
            tracing::info!(node = node.id, bind = %node.bind, "this process is registered");
            Some(Current { id: node.id, lease })
        }
        Err(error) => {
            tracing::warn!(%error, "this process could not be registered");
            None
        }
    }
}

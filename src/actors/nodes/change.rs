//! Changes of one node or host: each reads, decides, and writes on the condition that nothing has moved meanwhile.

use crate::{
    base::TimestampNs,
    cluster::{
        HostPatch, Node, NodeKind, Registration, Snapshot,
        node::{alive_key, host_key, record_key},
    },
    meta::{Compare, Condition, Op, Revision, Txn},
};

use super::{
    handle::{NodesError, Registered, Shared},
    register::{ATTEMPTS, StoredHost, host_of, hosts_named, put_alive, put_host},
};

/// What the store has of a node.
pub(super) enum Found {
    /// It lives by this lease.
    Alive(Node, u64),
    /// It is dead.
    Dead(Node),
    /// There is no such node in that cluster.
    Unknown,
}

/// Reads a data node of a cluster.
pub(super) async fn find(shared: &Shared, cluster: &str, id: u64) -> Result<Found, NodesError> {
    let found = find_any(shared, id).await?;
    Ok(match found {
        Found::Alive(node, _) | Found::Dead(node) if !is_of(&node, NodeKind::Data, cluster) => Found::Unknown,
        found => found,
    })
}

fn is_of(node: &Node, kind: NodeKind, cluster: &str) -> bool {
    node.kind == kind && node.cluster == cluster
}

async fn find_any(shared: &Shared, id: u64) -> Result<Found, NodesError> {
    let (record, alive) = (record_key(id), alive_key(id));
    let Some(entry) = shared.store.get(&record).await? else {
        return Ok(Found::Unknown);
    };
    let read = Node::from_document(&entry.value, entry.modified.0);
    let mut node = read.map_err(|_| NodesError::BadDocument(record))?;
    let alive = shared.store.get(&alive).await?;
    node.lease = alive.and_then(|entry| entry.lease).map(|lease| lease.0);
    Ok(match node.lease {
        Some(lease) => Found::Alive(node, lease),
        None => Found::Dead(node),
    })
}

/// Brings a dead node back under its id, if its death was not too long ago.
pub(super) async fn revive(shared: &Shared, node: Node) -> Result<Registered, NodesError> {
    if !node.may_revive(shared.rules.revive_window, shared.clock.now()) {
        return Err(NodesError::NotFound);
    }
    bring_back(shared, node).await?.ok_or(NodesError::NotFound)
}

/// Registers a dead node again under the id that it had; `None` when it does not have it any more.
pub(super) async fn reclaim(
    shared: &Shared,
    cluster: &str,
    id: u64,
    registration: &Registration,
) -> Result<Option<Registered>, NodesError> {
    let Found::Dead(node) = find(shared, cluster, id).await? else {
        return Ok(None);
    };
    if node.hostname != registration.hostname {
        return Ok(None);
    }
    let node = Node {
        ip: registration.ip.clone(),
        bind: registration.bind.clone(),
        registered_at: shared.clock.now(),
        ttl: shared.rules.ttl,
        ..node
    };
    bring_back(shared, node).await
}

/// Gives a dead node a new lease; `None` when it changed meanwhile.
async fn bring_back(shared: &Shared, mut node: Node) -> Result<Option<Registered>, NodesError> {
    let lease = shared.store.lease_grant(node.ttl).await?;
    (node.died_at, node.lease) = (None, Some(lease.0));
    let mut txn = Txn {
        when: vec![
            Compare::new(record_key(node.id), Condition::Modified(Revision(node.modified))),
            Compare::new(alive_key(node.id), Condition::Absent),
        ],
        ..Txn::default()
    };
    put_alive(&mut txn, &node, lease);
    let hosts = hosts_named(shared.store.as_ref(), vec![&node.hostname]).await?;
    for host in hosts.into_values() {
        if let StoredHost::Known(host, modified) = host {
            put_host(&mut txn, &host.returned(shared.clock.now()), modified);
        }
    }
    let result = shared.store.txn(txn).await?;
    if result.succeeded {
        return Ok(Some(shared.registered(node, result.revision).await));
    }
    shared.end_lease(lease.0).await;
    Ok(None)
}

/// Removes a node; its host is lost when no other node of it lives.
pub(super) async fn deregister(shared: &Shared, kind: NodeKind, cluster: &str, id: u64) -> Result<(), NodesError> {
    for _ in 0..ATTEMPTS {
        let (Found::Alive(node, _) | Found::Dead(node)) = find_any(shared, id).await? else {
            return Err(NodesError::NotFound);
        };
        if !is_of(&node, kind, cluster) {
            return Err(NodesError::NotFound);
        }
        shared.catch_up(Revision(node.modified)).await;
        let snapshot = shared.current();
        let result = shared.store.txn(removal(&node, &snapshot, shared.clock.now())).await?;
        if result.succeeded {
            if let Some(lease) = node.lease {
                shared.end_lease(lease).await;
            }
            shared.catch_up(result.revision).await;
            return Ok(());
        }
        shared.next_after(&snapshot).await;
    }
    Err(NodesError::Contended)
}

/// Deletes the record first, so that whoever follows does not take the node for one that has just died.
fn removal(node: &Node, snapshot: &Snapshot, now: TimestampNs) -> Txn {
    let record = record_key(node.id);
    let mut txn = Txn {
        when: vec![Compare::new(
            record.as_str(),
            Condition::Modified(Revision(node.modified)),
        )],
        then: vec![Op::Delete(record.into()), Op::Delete(alive_key(node.id).into())],
        otherwise: Vec::new(),
    };
    if let (true, Some(entry)) = (node.is_alive(), snapshot.host_by_name(&node.hostname)) {
        let host = if snapshot.others_live_on(&node.hostname, node.id) {
            entry.host.as_ref().clone()
        } else {
            entry.host.lost(now)
        };
        put_host(&mut txn, &host, Revision(entry.modified));
    }
    txn
}

/// Changes a host as an operator wants it.
pub(super) async fn patch_host(shared: &Shared, id: u64, patch: &HostPatch) -> Result<(), NodesError> {
    let key = host_key(id);
    for _ in 0..ATTEMPTS {
        let entry = shared.store.get(&key).await?.ok_or(NodesError::NotFound)?;
        let host = host_of(&entry)?.patched(patch, shared.clock.now());
        let mut txn = Txn::default();
        put_host(&mut txn, &host, entry.modified);
        let result = shared.store.txn(txn).await?;
        if result.succeeded {
            shared.catch_up(result.revision).await;
            return Ok(());
        }
    }
    Err(NodesError::Contended)
}

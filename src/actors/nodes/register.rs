//! Registrations, many in one transaction: their ids follow each other, and one commit serves them all.
//!
//! Ids come from one sequence, which moves in the same transaction. A host comes to exist with its first node, and is
//! active again when a node registers.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use tokio::sync::oneshot;

use crate::{
    cluster::{
        Host, Node, NodeKind, Registration,
        node::{NEXT_ID, alive_key, host_key, host_name_key, record_key},
    },
    meta::{Compare, Condition, KeyValue, LeaseId, MetaStore, Op, Revision, Txn},
};

use super::handle::{NodesError, Shared};

/// Registrations in one transaction: with the sequence's two, each has at most five comparisons and operations, of the
/// 128 that a transaction may have.
pub(super) const AT_ONCE: usize = 25;
/// Attempts to write while others write the same: each lost one means that another process had success.
pub(super) const ATTEMPTS: usize = 100;
/// The longest name of a host, in characters; a node on a machine with a longer one, or none, has no host.
const MAX_HOSTNAME: usize = 250;

/// One registration on its way.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) kind: NodeKind,
    pub(super) cluster: String,
    pub(super) registration: Registration,
    /// Granted already; when the registration fails, it ends by itself.
    pub(super) lease: LeaseId,
    pub(super) reply: oneshot::Sender<Result<(Node, Revision), NodesError>>,
}

/// A host as the store has it.
pub(super) enum StoredHost {
    /// With the revision that put it.
    Known(Host, Revision),
    /// There is none of that name.
    Absent,
}

/// Registers all of them, or none, and tells each.
pub(super) async fn register_all(shared: &Shared, requests: Vec<Request>) {
    let stored = try_register(shared, &requests).await;
    let mut nodes = stored.map(|(nodes, revision)| (nodes.into_iter(), revision));
    for request in requests {
        let answer = match &mut nodes {
            Ok((nodes, revision)) => nodes.next().map(|node| (node, *revision)).ok_or(NodesError::Contended),
            Err(error) => Err(error.clone()),
        };
        // A client that left leaves a node behind, which dies with its lease.
        drop(request.reply.send(answer));
    }
}

async fn try_register(shared: &Shared, requests: &[Request]) -> Result<(Vec<Node>, Revision), NodesError> {
    let store = shared.store.as_ref();
    for _ in 0..ATTEMPTS {
        let sequence = store.get(NEXT_ID).await?;
        let names = requests.iter().map(|request| request.registration.hostname.as_str());
        let hosts = hosts_named(store, names.collect()).await?;
        let (nodes, txn) = plan(shared, requests, sequence.as_ref(), hosts)?;
        let result = store.txn(txn).await?;
        if result.succeeded {
            return Ok((nodes, result.revision));
        }
    }
    Err(NodesError::Contended)
}

fn plan(
    shared: &Shared,
    requests: &[Request],
    sequence: Option<&KeyValue>,
    hosts: BTreeMap<&str, StoredHost>,
) -> Result<(Vec<Node>, Txn), NodesError> {
    let now = shared.clock.now();
    let mut next = next_id(sequence)?;
    let mut take_id = || {
        let id = next;
        next += 1;
        id
    };
    let mut txn = Txn::default();
    let mut nodes = Vec::with_capacity(requests.len());
    for request in requests {
        let registration = request.registration.clone();
        let node = Node {
            id: take_id(),
            kind: request.kind,
            cluster: request.cluster.clone(),
            ip: registration.ip,
            hostname: registration.hostname,
            bind: registration.bind,
            registered_at: now,
            ttl: shared.rules.ttl,
            died_at: None,
            lease: Some(request.lease.0),
            modified: 0,
        };
        put_alive(&mut txn, &node, request.lease);
        nodes.push(node);
    }
    for (hostname, host) in hosts {
        match host {
            StoredHost::Known(host, modified) => put_host(&mut txn, &host.returned(now), modified),
            StoredHost::Absent => create_host(&mut txn, &Host::new(take_id(), hostname, now)),
        }
    }
    let unchanged = sequence.map_or(Condition::Absent, |entry| Condition::Modified(entry.modified));
    txn.when.push(Compare::new(NEXT_ID, unchanged));
    txn.then.push(Op::put(NEXT_ID, next.to_string()));
    Ok((nodes, txn))
}

/// Puts a node's sign of life and its record, in this order: whoever follows never sees a record that is dead at first.
pub(super) fn put_alive(txn: &mut Txn, node: &Node, lease: LeaseId) {
    txn.then.push(Op::put_leased(alive_key(node.id), "", lease));
    txn.then.push(Op::put(record_key(node.id), node.to_document()));
}

/// Puts a host, on the condition that nobody else has put it since it was read.
pub(super) fn put_host(txn: &mut Txn, host: &Host, read_at: Revision) {
    let key = host_key(host.id);
    txn.when.push(Compare::new(key.as_str(), Condition::Modified(read_at)));
    txn.then.push(Op::put(key, document(host)));
}

fn create_host(txn: &mut Txn, host: &Host) {
    let name = host_name_key(&host.hostname);
    txn.when.push(Compare::new(name.as_str(), Condition::Absent));
    txn.then.push(Op::put(name, host.id.to_string()));
    txn.then.push(Op::put(host_key(host.id), document(host)));
}

fn document(host: &Host) -> Vec<u8> {
    serde_json::to_vec(host).expect("texts and numbers always serialise")
}

/// The hosts of these machines, each once.
pub(super) async fn hosts_named<'a>(
    store: &dyn MetaStore,
    mut names: Vec<&'a str>,
) -> Result<BTreeMap<&'a str, StoredHost>, NodesError> {
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !name.is_empty() && name.chars().nth(MAX_HOSTNAME).is_none());
    let hosts = try_join_all(names.iter().map(|name| host_named(store, name))).await?;
    Ok(names.into_iter().zip(hosts).collect())
}

async fn host_named(store: &dyn MetaStore, hostname: &str) -> Result<StoredHost, NodesError> {
    let name = host_name_key(hostname);
    let Some(entry) = store.get(&name).await? else {
        return Ok(StoredHost::Absent);
    };
    let key = host_key(number(&entry)?);
    let entry = store.get(&key).await?.ok_or(NodesError::BadDocument(key))?;
    Ok(StoredHost::Known(host_of(&entry)?, entry.modified))
}

/// The host that a document holds.
pub(super) fn host_of(entry: &KeyValue) -> Result<Host, NodesError> {
    serde_json::from_slice(&entry.value).map_err(|_| NodesError::BadDocument(entry.key.as_ref().to_owned()))
}

fn next_id(sequence: Option<&KeyValue>) -> Result<u64, NodesError> {
    sequence.map_or(Ok(1), number)
}

fn number(entry: &KeyValue) -> Result<u64, NodesError> {
    let text = std::str::from_utf8(&entry.value).ok();
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| NodesError::BadDocument(entry.key.as_ref().to_owned()))
}

//! What follows from deaths, written so that any number of processes may do it at once: the first one wins.

use futures_util::{StreamExt, stream};

use crate::{
    base::TimestampNs,
    cluster::{
        Consequence, HostEntry, Node,
        node::{alive_key, record_key},
    },
    meta::{self, Compare, Condition, Op, Revision, Txn},
};

use super::{CONSEQUENCES_AT_ONCE, handle::Shared, register::put_host};

/// What came of writing consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The store has answered them all; those whose condition no longer held are nobody's any more, or come again.
    Written,
    /// The store failed.
    Failed,
}

/// Writes them, many at once.
pub(super) async fn write_all(shared: &Shared, due: Vec<Consequence>) -> Outcome {
    let written = stream::iter(due.iter().map(|consequence| write(shared, consequence)));
    let answers: Vec<_> = written.buffer_unordered(CONSEQUENCES_AT_ONCE).collect().await;
    match answers.into_iter().find_map(Result::err) {
        None => Outcome::Written,
        Some(error) => {
            tracing::warn!(%error, "what follows from deaths is not stored yet");
            Outcome::Failed
        }
    }
}

async fn write(shared: &Shared, consequence: &Consequence) -> Result<(), meta::Error> {
    let txn = match consequence {
        Consequence::Died {
            node,
            at,
            host,
            is_last,
        } => death(node, *at, host.as_ref(), *is_last),
        Consequence::Purge(node) => purge(node),
    };
    let result = shared.store.txn(txn).await?;
    if result.succeeded {
        tell(consequence);
    }
    Ok(())
}

fn tell(consequence: &Consequence) {
    match consequence {
        Consequence::Died {
            node, host, is_last, ..
        } => {
            tracing::info!(node = node.id, cluster = %node.cluster, hostname = %node.hostname, "node died");
            if let Some(entry) = host.as_ref().filter(|entry| *is_last && entry.host.is_active) {
                tracing::warn!(host = entry.host.id, hostname = %entry.host.hostname, "host is lost");
            }
        }
        Consequence::Purge(node) => tracing::debug!(node = node.id, "dead node is forgotten"),
    }
}

fn still_dead(node: &Node) -> Txn {
    Txn {
        when: vec![
            Compare::new(record_key(node.id), Condition::Modified(Revision(node.modified))),
            Compare::new(alive_key(node.id), Condition::Absent),
        ],
        ..Txn::default()
    }
}

fn death(node: &Node, at: TimestampNs, host: Option<&HostEntry>, is_last: bool) -> Txn {
    let mut txn = still_dead(node);
    let noted = Node {
        died_at: Some(at),
        ..node.clone()
    };
    txn.then.push(Op::put(record_key(node.id), noted.to_document()));
    if let Some(HostEntry { host, modified }) = host {
        let host = if is_last { host.lost(at) } else { host.as_ref().clone() };
        put_host(&mut txn, &host, Revision(*modified));
    }
    txn
}

fn purge(node: &Node) -> Txn {
    let mut txn = still_dead(node);
    txn.then.push(Op::Delete(record_key(node.id).into()));
    txn
}

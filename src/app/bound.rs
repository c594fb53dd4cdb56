//! Backends that are bound to registered nodes: each gets the address of its node, and loses it when the node dies.
//!
//! One task follows the registry. While that cannot be read it says nothing new, and the last addresses stand, also over
//! a restart: they are remembered in this process's own store. While so many nodes died at once that nothing follows from
//! it, a dead node keeps its backend in use, and pings tell whether that is there. Pausing or deactivating a host concerns
//! its work; a backend there stays in use for as long as its node lives.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::{
    actors::{BackendHandle, NodesHandle},
    base::BackendId,
    cluster::{Node, Snapshot},
    config::{BackendUrl, HttpUrl, NodeUrl},
    meta::{self, Embedded, MetaStore},
    proxy::fleet::{Backend, Fleet},
};

use super::embedded;

/// How often deaths from which nothing follows yet are looked at again; their nodes were silent for longer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A backend that is where a node is.
struct Bound {
    backend: Arc<Backend>,
    actor: BackendHandle,
    url: NodeUrl,
    found: Found,
}

/// What the registry says of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// None of that name is registered.
    Unknown,
    /// None of that name is alive.
    Dead,
    /// It is alive, but what it registered is not `host:port`.
    Nowhere { bind: String },
    /// It is alive, and its server is there.
    At(HttpUrl),
}

/// What follows from what the registry says.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Nothing.
    Same,
    /// Nothing yet.
    Held,
    /// The backend is to be where this says.
    Changed(Found),
}

/// Where a node was, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct LastKnown {
    /// The backend's URL as it was configured then.
    url: String,
    /// The server's.
    server: String,
}

/// Where a backend is before anything was heard of the registry: at its fixed address, or where its node was last.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn first_address(
    store: &dyn MetaStore,
    id: BackendId,
    url: &BackendUrl,
) -> Result<Option<HttpUrl>, meta::Error> {
    let BackendUrl::Node(url) = url else {
        return Ok(url.fixed().cloned());
    };
    let stored = store.get(&key(id)).await?;
    let last = stored.and_then(|entry| serde_json::from_slice::<LastKnown>(&entry.value).ok());
    // What cannot be read is as good as nothing: the registry knows better in a moment.
    Ok(last
        .filter(|last| last.url == url.as_configured())
        .and_then(|last| last.server.parse().ok()))
}

/// Keeps the addresses of bound backends up to date, and remembers them in `store`; `actors` are those of the remote
/// backends, in order.
pub(super) fn follow(
    fleet: &Fleet,
    actors: &[BackendHandle],
    nodes: NodesHandle,
    store: Arc<Embedded>,
) -> JoinHandle<()> {
    let mut all = all_bound(fleet, actors);
    tokio::task::spawn_local(async move {
        let mut registry = nodes.subscribe();
        while !all.is_empty() {
            let snapshot = Arc::clone(&registry.borrow_and_update());
            let mut is_held = false;
            for bound in &mut all {
                match next(&bound.found, &bound.url, &snapshot, nodes.is_braked()) {
                    Next::Same => {}
                    Next::Held => is_held = true,
                    Next::Changed(found) => bound.publish(found, store.as_ref()).await,
                }
            }
            tokio::select! {
                changed = registry.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_AGAIN), if is_held => {}
            }
        }
    })
}

fn all_bound(fleet: &Fleet, actors: &[BackendHandle]) -> Vec<Bound> {
    let remote = fleet.backends.iter().filter(|backend| embedded::is_remote(backend));
    let bound = remote
        .zip(actors)
        .filter_map(|(backend, actor)| match &backend.config.url {
            BackendUrl::Node(url) => Some(Bound {
                backend: Arc::clone(backend),
                actor: actor.clone(),
                url: url.clone(),
                found: match backend.address.load().as_deref() {
                    None => Found::Unknown,
                    Some(server) => Found::At(server.clone()),
                },
            }),
            BackendUrl::Embedded | BackendUrl::Http(_) => None,
        });
    bound.collect()
}

impl Bound {
    /// Publishes what was found, tells the backend's actor, and remembers it.
    async fn publish(&mut self, found: Found, store: &dyn MetaStore) {
        self.log(&found);
        let server = found.server().cloned();
        self.found = found;
        self.backend.address.store(server.clone().map(Arc::new));
        let backend = &self.backend.config.name;
        if let Err(error) = self.actor.look_again().await {
            tracing::debug!(%backend, %error, "address not told: it shows at the next ping");
        }
        if let Err(error) = remember(store, self.backend.id, &self.url, server.as_ref()).await {
            tracing::warn!(%backend, %error, "address not remembered: a restart has to wait for the registry");
        }
    }

    fn log(&self, found: &Found) {
        let (backend, node) = (&self.backend.config.name, self.url.as_configured());
        match found {
            Found::Unknown => tracing::warn!(%backend, node, "backend's node is not registered: not used until it is"),
            Found::Dead => tracing::warn!(%backend, node, "backend's node is dead: not used until it is back"),
            Found::Nowhere { bind } => {
                tracing::warn!(%backend, node, bind, "backend's node registers what is not host:port: not used");
            }
            Found::At(server) => {
                tracing::info!(%backend, node, address = server.base(), "backend is where its node is");
            }
        }
    }
}

impl Found {
    fn server(&self) -> Option<&HttpUrl> {
        match self {
            Self::At(server) => Some(server),
            Self::Unknown | Self::Dead | Self::Nowhere { .. } => None,
        }
    }
}

fn find(url: &NodeUrl, registry: &Snapshot) -> Found {
    let Some(node) = registry.live_node(&url.cluster, &url.hostname) else {
        let is_it = |node: &Arc<Node>| node.cluster == url.cluster && node.hostname == url.hostname;
        let is_known = registry.data.iter().any(is_it);
        return if is_known { Found::Dead } else { Found::Unknown };
    };
    let nowhere = || Found::Nowhere {
        bind: node.bind.clone(),
    };
    url.server(&node.bind).map_or_else(nowhere, Found::At)
}

/// What becomes of what was found last.
fn next(last: &Found, url: &NodeUrl, registry: &Snapshot, is_braked: bool) -> Next {
    let now = find(url, registry);
    if registry.stale || now == *last {
        Next::Same
    } else if now == Found::Dead && is_braked {
        Next::Held
    } else {
        Next::Changed(now)
    }
}

/// Stores where the node of a backend is; `None`: that it is nowhere.
async fn remember(
    store: &dyn MetaStore,
    id: BackendId,
    url: &NodeUrl,
    server: Option<&HttpUrl>,
) -> Result<(), meta::Error> {
    let key = key(id);
    let Some(server) = server else {
        return store.delete(&key).await.map(drop);
    };
    let last = LastKnown {
        url: url.as_configured().to_owned(),
        server: server.base(),
    };
    let document = serde_json::to_vec(&last).expect("texts always serialise");
    store.put(&key, document.into()).await.map(drop)
}

fn key(backend: BackendId) -> String {
    format!("/last-known/addresses/{backend}")
}

#[cfg(test)]
mod tests;

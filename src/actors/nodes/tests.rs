//! Two registries on one store, as in two processes: whatever one acknowledges, both come to know, and once.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use prometheus_client::metrics::counter::Counter;
use tempfile::TempDir;

use super::{NodesHandle, NodesParts};
use crate::{
    base::{Clock, SystemClock},
    cluster::{HostPatch, Registration, Rules, Snapshot},
    meta::{Embedded, HistoryLimit, MetaStore},
};

/// Longest time until news come through.
const SOON: Duration = Duration::from_secs(20);
const TTL: Duration = Duration::from_secs(1);

/// Starts two registries on a fresh store and runs the test on them.
fn with_two<T: Future<Output = ()>>(test: impl FnOnce(NodesHandle, NodesHandle) -> T) {
    let dir = TempDir::new().unwrap();
    actix_rt::System::new().block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let file = dir.path().join("meta.redb");
        let store = Embedded::open(&file, Arc::clone(&clock), HistoryLimit::DEFAULT).unwrap();
        let store: Arc<dyn MetaStore> = Arc::new(store);
        let start = || {
            let parts = NodesParts {
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                rules: Rules {
                    ttl: TTL,
                    retention: Duration::from_secs(3600),
                    revive_window: Duration::from_secs(3600),
                    brake_hold: Duration::ZERO,
                },
            };
            NodesHandle::start(parts, Counter::default())
        };
        let (one, other) = (start(), start());
        assert!(one.loaded(SOON).await && other.loaded(SOON).await);
        test(one, other).await;
    });
}

fn on(hostname: &str) -> Registration {
    Registration {
        hostname: hostname.to_owned(),
        bind: "h:1".to_owned(),
        ..Registration::default()
    }
}

/// Waits until a registry's snapshot is as wanted.
async fn until(nodes: &NodesHandle, wanted: impl FnMut(&Arc<Snapshot>) -> bool) {
    let mut snapshots = nodes.subscribe();
    let reached = tokio::time::timeout(SOON, snapshots.wait_for(wanted)).await;
    assert!(reached.is_ok(), "not reached: {:?}", nodes.view());
}

#[test]
fn ids_are_given_once_though_both_give_them() {
    with_two(|one, other| async move {
        let hosts = ["a", "b", "c"];
        let register = |at: usize| {
            let nodes = if at.is_multiple_of(2) { &one } else { &other };
            nodes.register("c", on(hosts[at % 3]))
        };
        let registered = join_all((0..60).map(register)).await;
        let mut ids: Vec<_> = registered.into_iter().map(|node| node.unwrap().node.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 60);
        until(&one, |snapshot| snapshot.data.len() == 60).await;
        assert_eq!(one.view().hosts.len(), 3, "one host a machine");
    });
}

#[test]
fn a_host_follows_its_nodes_whoever_serves_them() {
    with_two(|one, other| async move {
        let first = one.register("c", on("a")).await.unwrap().node.id;
        let second = other.register("c", on("a")).await.unwrap().node.id;
        let is_active = |snapshot: &Arc<Snapshot>| snapshot.host_by_name("a").is_some_and(|entry| entry.host.is_active);
        other.deregister("c", first).await.unwrap();
        assert!(is_active(&other.view()), "the second still lives");
        until(&one, |snapshot| !is_active(snapshot)).await;
        assert!(
            one.view().data_node(second).is_some_and(|node| !node.is_alive()),
            "now it has died"
        );
        one.refresh("c", second).await.unwrap();
        assert!(is_active(&one.view()), "a node came back");
        until(&other, is_active).await;
    });
}

#[test]
fn a_patch_is_seen_at_once_and_survives_the_actor() {
    with_two(|one, other| async move {
        one.register("c", on("a")).await.unwrap();
        let id = one.view().hosts[0].host.id;
        let pause = HostPatch {
            is_paused: Some(true),
            ..HostPatch::default()
        };
        one.patch_host(id, pause).await.unwrap();
        assert!(one.view().host(id).is_some_and(|entry| entry.host.is_paused));
        one.crash().await;
        until(&other, |snapshot| {
            snapshot.host(id).is_some_and(|entry| entry.host.is_paused)
        })
        .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let node = one.register("c", on("b")).await.unwrap().node;
        assert!(one.view().data_node(node.id).is_some(), "the new actor follows again");
        assert!(one.view().host(id).is_some_and(|entry| entry.host.is_paused));
    });
}

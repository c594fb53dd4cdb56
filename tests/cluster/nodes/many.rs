//! Many heartbeats, also across a restart: nobody who says in time that it lives is ever shown as dead.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::cluster::stores::Store;
use crate::support::{
    gyre::Gyre,
    http::{Client, Connection},
    wait::{self, Instant},
};

use super::{id_of, life::short_lived, shown};

/// Longest time until all nodes are registered.
const SOON: Duration = Duration::from_secs(30);
const NODES: usize = 500;
const CONNECTIONS: usize = 10;
const TTL: &str = "6s";
/// Each node's time between two heartbeats: far below the lease, so that a busy machine does not make one late.
const HEARTBEAT: Duration = Duration::from_millis(660);
/// More than a lease, before the restart and after it.
const ROUND: Duration = Duration::from_secs(8);

#[test]
fn nobody_dies_who_is_refreshed_also_across_a_restart() {
    Store::ALL.into_iter().for_each(nobody_dies);
}

fn nobody_dies(store: Store) {
    let mut gyre = Gyre::start(short_lived(store.config()).set("nodes", "ttl", TTL));
    let (registered, heartbeats) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let over = AtomicBool::new(false);
    let client = gyre.client();
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let ids = register(&client);
                registered.fetch_add(ids.len(), Ordering::SeqCst);
                beat(&client, &ids, &over, &heartbeats);
            });
        }
        let _over_also_when_it_fails = SetWhenDropped(&over);
        wait::until("all are registered", SOON, || {
            (registered.load(Ordering::SeqCst) == NODES).then_some(())
        });
        watch(&gyre);
        gyre.restart();
        watch(&gyre);
    });
    let sent = heartbeats.load(Ordering::SeqCst);
    println!("{sent} heartbeats of {NODES} nodes");
    assert!(sent > NODES * 6);
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Registers this connection's share of the nodes.
fn register(client: &Client) -> Vec<u64> {
    let one = |_| id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    (0..NODES / CONNECTIONS).map(one).collect()
}

/// Looks again and again: all nodes are alive whenever there is a list.
fn watch(gyre: &Gyre) {
    let (client, start) = (gyre.client(), Instant::now());
    while start.elapsed() < ROUND {
        let list = shown(&client, "/nodes/c");
        let nodes = list.as_array().expect("a list");
        let dead: Vec<_> = nodes
            .iter()
            .filter(|node| node["alive"] != true)
            .map(|node| &node["id"])
            .collect();
        assert!(
            nodes.len() == NODES && dead.is_empty(),
            "dead after {:?}: {dead:?}",
            start.elapsed()
        );
        wait::pause(Duration::from_millis(50));
    }
}

/// Refreshes each of these nodes at its pace, over one connection as long as the server keeps it.
fn beat(client: &Client, ids: &[u64], over: &AtomicBool, heartbeats: &AtomicUsize) {
    let mut connection = None;
    while !over.load(Ordering::SeqCst) {
        let round = Instant::now();
        for id in ids {
            if refresh(client, &mut connection, *id) {
                heartbeats.fetch_add(1, Ordering::SeqCst);
            }
        }
        wait::pause(HEARTBEAT.saturating_sub(round.elapsed()));
    }
}

/// Whether the server heard it; while it is being restarted it does not.
fn refresh(client: &Client, connection: &mut Option<Connection>, id: u64) -> bool {
    let Some(mut open) = connection.take().or_else(|| client.connect().ok()) else {
        return false;
    };
    let Ok(answer) = open.send("PUT", &format!("/nodes/c/{id}"), &[], b"") else {
        return false;
    };
    assert_eq!(answer.status, 200, "{}", answer.text());
    *connection = Some(open);
    true
}

//! Many heartbeats, also across a restart: nobody who says in time that it lives is ever shown as dead.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::support::{
    gyre::Gyre,
    http::{Client, Connection},
    wait::{self, Instant},
};

use super::{embedded, id_of, life::short_lived, shown};

const NODES: usize = 500;
const CONNECTIONS: usize = 10;
/// Each node's time between two heartbeats: a third of the lease.
const HEARTBEAT: Duration = Duration::from_millis(660);
/// Three leases before the restart, and as many after it.
const ROUND: Duration = Duration::from_secs(6);

#[test]
fn nobody_dies_who_is_refreshed_also_across_a_restart() {
    let mut gyre = embedded(|config| short_lived(config).set("nodes", "ttl", "4s"));
    let nodes = register(&gyre.client());
    let heartbeats = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    let client = gyre.client();
    thread::scope(|scope| {
        for ids in nodes.chunks(NODES / CONNECTIONS) {
            scope.spawn(|| beat(&client, ids, &over, &heartbeats));
        }
        watch(&gyre);
        gyre.restart();
        watch(&gyre);
        over.store(true, Ordering::SeqCst);
    });
    let sent = heartbeats.load(Ordering::SeqCst);
    println!("{sent} heartbeats of {NODES} nodes");
    assert!(sent > NODES * 6);
}

fn register(client: &Client) -> Vec<u64> {
    let one = |_| id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    (0..NODES).map(one).collect()
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

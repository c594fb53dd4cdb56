//! Who lives and who dies, and what follows from it.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    gyre::{Config, Gyre},
    http::Client,
    wait::{self, Instant},
};

use super::{assert_key_not_found, embedded, id_of, ids, send, shown};

/// Longest time until a death shows: a short lease, on a loaded machine.
const SOON: Duration = Duration::from_secs(20);
/// How often these nodes say that they live.
const HEARTBEAT: Duration = Duration::from_millis(300);

/// The configuration under which nodes die while one looks.
pub(crate) fn short_lived(config: Config) -> Config {
    config.set("nodes", "self_register", false).set("nodes", "ttl", "2s")
}

/// Acceptance case 5, in real time: a node lives as long as it is refreshed, and no longer.
pub(crate) fn lives_while_refreshed(gyre: &Gyre) {
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    let target = format!("/nodes/c/{id}");
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(7) {
        assert_eq!(send(&client, "PUT", &target).status, 200);
        assert!(is_alive(&client, id), "after {:?}", start.elapsed());
        wait::pause(HEARTBEAT);
    }
    wait::until("it dies", SOON, || (!is_alive(&client, id)).then_some(()));
    assert_key_not_found(&send(&client, "PUT", &target));
    assert!(!is_alive(&client, id), "the dead stay listed");
    assert!(id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#)) > id);
    assert_eq!(send(&client, "DELETE", &target).status, 200, "the dead can be removed");
}

/// A dead node gets its id back when it asks for it from the same machine.
pub(crate) fn comes_back_under_its_id(gyre: &Gyre) {
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    wait::until("it dies", SOON, || (!is_alive(&client, id)).then_some(()));
    let ask = |host: &str| format!(r#"{{"hostname":"{host}","bindAddress":"new:1","id":{id}}}"#);
    assert!(
        id_of(&client.post("/nodes/c", ask("b").as_bytes())) > id,
        "another machine"
    );
    assert!(
        id_of(&client.post("/nodes/d", ask("a").as_bytes())) > id,
        "another cluster"
    );
    assert_eq!(id_of(&client.post("/nodes/c", ask("a").as_bytes())), id);
    let list = shown(&client, "/nodes/c");
    assert_eq!(list[0]["bindAddress"], "new:1");
    assert!(is_alive(&client, id));
}

#[test]
fn a_node_lives_while_it_is_refreshed() {
    lives_while_refreshed(&embedded(short_lived));
}

#[test]
fn a_dead_node_comes_back_under_its_id() {
    comes_back_under_its_id(&embedded(short_lived));
}

#[test]
fn within_the_revive_window_a_heartbeat_brings_a_node_back() {
    let gyre = embedded(|config| {
        short_lived(config)
            .set("nodes", "revive_window", "1h")
            .set("nodes", "retention", "0s")
    });
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    wait::until("its host is lost", SOON, || {
        (host(&client)["is_active"] == false).then_some(())
    });
    assert!(!is_alive(&client, id));
    assert_eq!(send(&client, "PUT", &format!("/nodes/c/{id}")).status, 200);
    assert!(is_alive(&client, id));
    assert_eq!(host(&client)["is_active"], true);
}

#[test]
fn the_dead_are_forgotten_after_the_retention() {
    let gyre = embedded(|config| short_lived(config).set("nodes", "retention", "0s"));
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c", b""));
    wait::until("it is forgotten", SOON, || {
        ids(&client, "/nodes/c").is_empty().then_some(())
    });
    assert_key_not_found(&send(&client, "DELETE", &format!("/nodes/c/{id}")));
}

#[test]
fn a_host_is_lost_with_its_last_node_and_not_before() {
    let gyre = embedded(|config| config.set("nodes", "ttl", "10m"));
    let client = gyre.client();
    let nodes = [0, 1].map(|_| id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#)));
    assert_eq!(send(&client, "DELETE", &format!("/nodes/c/{}", nodes[0])).status, 200);
    assert_eq!(host(&client)["is_active"], true);
    assert_eq!(send(&client, "DELETE", &format!("/nodes/c/{}", nodes[1])).status, 200);
    assert_eq!(host(&client)["is_active"], false);
}

#[test]
fn when_most_nodes_expire_at_once_no_host_is_lost() {
    let gyre = embedded(|config| short_lived(config).set("nodes", "retention", "0s"));
    let client = gyre.client();
    let nodes = [0; 4].map(|_| id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#)));
    wait::until("all are dead", SOON, || {
        nodes.iter().all(|id| !is_alive(&client, *id)).then_some(())
    });
    assert_eq!(gyre.metric("gyre_node_expiry_brake{}"), 1.0);
    assert_eq!(ids(&client, "/nodes/c"), nodes, "and none is forgotten");
    assert_eq!(host(&client)["is_active"], true);
}

/// The only host.
#[track_caller]
fn host(client: &Client) -> Value {
    shown(client, "/v6/nodes/")["results"][0].clone()
}

/// Whether the node is listed as alive; it must be listed.
#[track_caller]
fn is_alive(client: &Client, id: u64) -> bool {
    let list = shown(client, "/nodes");
    let nodes = list["influx"].as_array().expect("a list");
    let node = nodes.iter().find(|node| node["id"] == id).expect("it is listed");
    node["alive"] == true
}

//! Acceptance case 21: what was acknowledged survives a kill, and ids go on above the old maximum.

use serde_json::Value;

use super::{embedded, id_of, lasting, send, shown};

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut gyre = embedded(lasting);
    let mut known: Vec<u64> = Vec::new();
    for round in 0..5 {
        let body = format!(r#"{{"hostname":"host-{round}"}}"#);
        let id = id_of(&gyre.client().post("/nodes/c", body.as_bytes()));
        assert!(known.iter().all(|earlier| *earlier < id), "{id} after {known:?}");
        known.push(id);
        gyre.kill9();
        gyre.restart();
        let list = shown(&gyre.client(), "/nodes/c");
        let nodes = list.as_array().expect("a list");
        let alive: Vec<_> = nodes
            .iter()
            .filter(|node| node["alive"] == true)
            .map(|node| &node["id"])
            .collect();
        assert_eq!(
            alive,
            known
                .iter()
                .map(|id| Value::from(*id))
                .collect::<Vec<_>>()
                .iter()
                .collect::<Vec<_>>()
        );
    }
    for id in &known {
        assert_eq!(
            send(&gyre.client(), "PUT", &format!("/nodes/c/{id}")).status,
            200,
            "one ttl of grace"
        );
    }
    let last = *known.last().expect("some");
    assert_eq!(send(&gyre.client(), "DELETE", &format!("/nodes/c/{last}")).status, 200);
    gyre.kill9();
    gyre.restart();
    assert_eq!(super::ids(&gyre.client(), "/nodes/c"), known[..4]);
    assert!(
        id_of(&gyre.client().post("/nodes/c", b"")) > last,
        "not even a removed id is given again"
    );
}

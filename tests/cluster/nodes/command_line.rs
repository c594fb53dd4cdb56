//! `gyre nodes`: what it shows and what it changes.

use serde_json::Value;

use crate::support::{cli, gyre::Gyre};

use super::{embedded, id_of, lasting};

fn run(gyre: &Gyre, arguments: &[&str]) -> cli::Finished {
    cli::gyre_with(arguments, &[("GYRE_URL", &format!("http://{}", gyre.addr()))])
}

#[track_caller]
fn succeed(gyre: &Gyre, arguments: &[&str]) -> String {
    let finished = run(gyre, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished.stdout
}

/// What the table says of the host of the only node.
#[track_caller]
fn condition(gyre: &Gyre) -> String {
    let table = succeed(gyre, &["nodes", "list"]);
    let row = table.lines().last().expect("a row").to_owned();
    row.split("yes").last().expect("it is alive").trim().to_owned()
}

#[test]
fn nodes_are_listed_paused_resumed_and_deactivated() {
    let gyre = embedded(lasting);
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/a+b", br#"{"hostname":"machine","bindAddress":"h:1"}"#));
    let table = succeed(&gyre, &["nodes", "list"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["ID", "CLUSTER", "HOSTNAME", "ADDRESS", "ALIVE", "HOST"]
    );
    let row = format!("{id} a b machine h:1 yes active");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>().join(" "), row);
    assert_eq!(
        succeed(&gyre, &["nodes", "pause", "machine", "--reason", "disk"]),
        "machine paused\n"
    );
    assert_eq!(condition(&gyre), "paused: disk");
    assert_eq!(succeed(&gyre, &["nodes", "resume", "machine"]), "machine resumed\n");
    assert_eq!(condition(&gyre), "active");
    assert_eq!(
        succeed(&gyre, &["nodes", "deactivate", "machine"]),
        "machine deactivated\n"
    );
    assert_eq!(condition(&gyre), "inactive");
    let json: Value = serde_json::from_str(&succeed(&gyre, &["nodes", "list", "--json"])).expect("JSON");
    assert_eq!(
        (&json["influx"][0]["id"], &json["hosts"][0]["is_active"]),
        (&id.into(), &false.into())
    );
    let other = succeed(&gyre, &["nodes", "list", "--cluster", "other"]);
    assert_eq!(other.lines().count(), 1, "{other}");
    let unknown = run(&gyre, &["nodes", "pause", "nobody"]);
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(1), "no host named \"nobody\"\n")
    );
}

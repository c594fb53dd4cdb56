//! One host: what it shows, and what changes it.

use std::thread;

use serde_json::{Value, json};

use crate::support::gyre::Gyre;

use super::{change, detail, host, patch, send, shown};

pub(super) fn patches(gyre: &Gyre) {
    let mut names = (0..).map(|n| format!("host-{n}"));
    let mut check = |before: &str, body: &str, is_paused: bool, reason: Value| {
        let id = host(gyre, &names.next().unwrap());
        if !before.is_empty() {
            change(gyre, id, before);
        }
        change(gyre, id, body);
        change(gyre, id, body);
        let now = detail(gyre, id);
        assert_eq!(
            (&now["is_paused"], &now["pause_reason"]),
            (&json!(is_paused), &reason),
            "{body}"
        );
    };
    let disk = r#"{"is_paused":true,"pause_reason":"disk"}"#;
    check("", r#"{"is_paused":true,"pause_reason":"x"}"#, true, json!("x"));
    check("", r#"{"is_paused":false,"pause_reason":"x"}"#, false, Value::Null);
    check("", r#"{"is_paused":"t"}"#, true, Value::Null);
    check("", r#"{"pause_reason":"x"}"#, false, json!("x"));
    check(disk, r#"{"is_paused":true}"#, true, json!("disk"));
    check(disk, r#"{"pause_reason":null}"#, true, Value::Null);
    check(disk, r#"{"is_active":false}"#, true, json!("disk"));
    check(disk, r#"{"is_paused":true,"is_paused":false}"#, false, Value::Null);
    let long = "é".repeat(250);
    check("", &json!({"pause_reason": long}).to_string(), false, json!(long));
}

pub(super) fn deprecation(gyre: &Gyre) {
    let id = host(gyre, "a");
    let fresh = detail(gyre, id);
    change(gyre, id, r#"{"is_paused":true}"#);
    let paused = detail(gyre, id);
    assert_eq!(paused["deprecated"], Value::Null);
    assert_eq!(paused["created"], fresh["created"]);
    assert_ne!(paused["last_modified"], fresh["last_modified"]);
    change(gyre, id, r#"{"is_active":false}"#);
    let inactive = detail(gyre, id);
    assert_eq!(inactive["is_active"], false);
    assert_eq!(inactive["deprecated"], inactive["last_modified"]);
    change(gyre, id, r#"{"is_active":false}"#);
    change(gyre, id, r#"{"is_paused":false}"#);
    assert_eq!(detail(gyre, id)["deprecated"], inactive["deprecated"]);
    change(gyre, id, r#"{"is_active":true}"#);
    assert_eq!(detail(gyre, id)["deprecated"], Value::Null);
}

pub(super) fn form(gyre: &Gyre) {
    let id = host(gyre, "häst");
    let target = format!("/v6/nodes/{id}/");
    let answer = gyre.client().get(&target);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("vary"), Some("Accept"));
    let created = answer.json()["created"].as_str().unwrap().to_owned();
    let expect = format!(
        r#"{{"id":{id},"hostname":"häst","pause_reason":null,"is_paused":false,"is_active":true,"deprecated":null,"created":"{created}","last_modified":"{created}"}}"#
    );
    assert_eq!(answer.text(), expect);
    assert!([20, 27].contains(&created.len()) && created.ends_with('Z'), "{created}");
    let list = gyre.client().get("/v6/nodes/").text();
    assert_eq!(
        list,
        format!(r#"{{"count":1,"next":null,"previous":null,"results":[{expect}]}}"#)
    );
    let indented = send(gyre, "GET", &target, &[("Accept", "application/json; indent=4")], b"").text();
    assert!(
        indented.starts_with(&format!("{{\n    \"id\": {id},\n    \"hostname\": \"häst\"")),
        "{indented}"
    );
    let head = send(gyre, "HEAD", &target, &[], b"");
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("application/json"))
    );
    let done = patch(gyre, id, r#"{"is_paused":true}"#);
    assert_eq!(
        (done.status, done.body.len(), done.header("content-type")),
        (204, 0, None)
    );
}

pub(super) fn concurrent_patches(gyre: &Gyre) {
    let id = host(gyre, "a");
    let pause = |n: usize| format!(r#"{{"is_paused":true,"pause_reason":"round {n}"}}"#);
    let resume = |n: usize| format!(r#"{{"is_paused":false,"pause_reason":"round {n}"}}"#);
    thread::scope(|scope| {
        for n in 0..50 {
            scope.spawn(move || change(gyre, id, &if n % 2 == 0 { pause(n) } else { resume(n) }));
        }
    });
    let last = detail(gyre, id);
    let has_reason = last["pause_reason"].is_string();
    assert_eq!(last["is_paused"], has_reason, "{last}");
}

pub(super) fn paths(gyre: &Gyre) {
    let id = host(gyre, "a");
    let expect = detail(gyre, id);
    assert_eq!(shown(gyre, &format!("/v6/nodes/0000{id}/")), expect);
    assert_eq!(shown(gyre, &format!("/v7/nodes/{id}/")), expect);
    assert_eq!(shown(gyre, "/v7/nodes/")["count"], 1);
    let check = |method: &str, target: &str, status: u16, location: &str| {
        let answer = send(gyre, method, target, &[], b"");
        assert_eq!(
            (answer.status, answer.header("location")),
            (status, Some(location)),
            "{method} {target}"
        );
    };
    check("GET", "/v6/nodes", 301, "/v6/nodes/");
    check("HEAD", "/v7/nodes?order=id&order=x", 301, "/v7/nodes/?order=id&order=x");
    check("GET", &format!("/v6/nodes/{id}"), 301, &format!("/v6/nodes/{id}/"));
    check("PATCH", &format!("/v6/nodes/{id}"), 308, &format!("/v6/nodes/{id}/"));
}

//! Bad input: the right status and body, and nothing changed.

use serde_json::json;

use crate::support::{gyre::Gyre, http::Client};

use super::{ids, send, shown};

/// The largest registration, in bytes.
const LIMIT: usize = 64 << 10;

pub(super) fn methods(gyre: &Gyre) {
    let client = gyre.client();
    let check = |target: &str, allowed: &str, refused: &[&str]| {
        for method in refused {
            let answer = send(&client, method, target);
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some(allowed)),
                "{method} {target}"
            );
            assert_eq!(answer.json()["code"], "method_not_allowed");
        }
    };
    check(
        "/nodes",
        "GET, HEAD, OPTIONS",
        &["POST", "PUT", "DELETE", "PATCH", "BREW"],
    );
    check("/nodes/c", "GET, HEAD, OPTIONS, POST", &["PUT", "DELETE", "PATCH"]);
    check("/nodes/c/1", "DELETE, OPTIONS, PUT", &["GET", "POST", "PATCH"]);
    for target in ["/nodes/c/1/x", "/nodes/c/1//", "/nodes/a/b/c/d"] {
        let answer = send(&client, "GET", target);
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (404, &json!("error")),
            "{target}"
        );
    }
    assert_eq!(shown(&client, "/nodes")["influx"], json!([]));
}

pub(super) fn paths(gyre: &Gyre) {
    let client = gyre.client();
    let long = "x".repeat(256);
    for name in ["", "%00", "a%0Ab", "%7F", "%C2%85", "%FF", "%", "%zz", "%2", &long] {
        for (method, target) in [
            ("GET", format!("/nodes/{name}/")),
            ("POST", format!("/nodes/{name}/")),
            ("PUT", format!("/nodes/{name}/1")),
            ("DELETE", format!("/nodes/{name}/1")),
        ] {
            assert_refused(&client, method, &target, b"");
        }
    }
    for id in [
        "abc",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "%31",
        "18446744073709551616",
        "%20",
        "1%20",
    ] {
        for method in ["PUT", "DELETE"] {
            assert_refused(&client, method, &format!("/nodes/c/{id}"), b"");
        }
    }
    for id in ["0", "00", "18446744073709551615"] {
        super::assert_key_not_found(&send(&client, "PUT", &format!("/nodes/c/{id}")));
    }
    let largest = "%C3%A4".repeat(127);
    assert_eq!(client.post(&format!("/nodes/{largest}"), b"").status, 200);
    assert_eq!(client.post("/nodes/c", b"").status, 200, "a name of 255 bytes at most");
}

pub(super) fn bodies(gyre: &Gyre) {
    let client = gyre.client();
    let bad: [&[u8]; 13] = [
        b"{",
        b"[]",
        b"null",
        b"5",
        b"\"a\"",
        b"{} {}",
        b"hostname=a",
        b"{\"ip\":\"\xff\"}",
        br#"{"ip":5}"#,
        br#"{"hostname":["a"]}"#,
        br#"{"hostname":true}"#,
        br#"{"bindAddress":{}}"#,
        br#"{"bind-address":1,"bindAddress":"a:1"}"#,
    ];
    bad.into_iter()
        .for_each(|body| assert_refused(&client, "POST", "/nodes/c", body));
    assert_eq!(ids(&client, "/nodes/c"), [0; 0]);
    let odd = json!({"ip": "\"\\\u{1}ä", "hostname": " x/y%\n", "bindAddress": "a b:1", "unknown": {"ip": 5}});
    let answer = client.post("/nodes/c", odd.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let node = &shown(&client, "/nodes/c")[0];
    for key in ["ip", "hostname", "bindAddress"] {
        assert_eq!(node[key], odd[key], "told as it came");
    }
}

pub(super) fn unfinished(gyre: &Gyre) {
    let client = gyre.client();
    let padded = |length: usize| format!("{:<length$}", r#"{"hostname":"a"}"#);
    let large = client.post("/nodes/c", padded(LIMIT + 1).as_bytes());
    assert_eq!((large.status, &large.json()["code"]), (413, &json!("too_large")));
    for body in [
        "Content-Length: 100\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n40\r\n{}",
    ] {
        let mut connection = client.connect().expect("it listens");
        let request = format!("POST /nodes/c HTTP/1.1\r\nHost: x\r\n{body}");
        connection.send_raw(request.as_bytes()).expect("it is open");
        connection.finish_sending().expect("it is open");
        // Nobody may be left to hear it, but what is heard is a refusal.
        if let Ok(answer) = connection.read_response(true) {
            assert_eq!(answer.status, 400);
        }
    }
    assert_eq!(ids(&client, "/nodes/c"), [0; 0]);
    assert_eq!(client.post("/nodes/c", padded(LIMIT).as_bytes()).status, 200);
}

#[track_caller]
fn assert_refused(client: &Client, method: &str, target: &str, body: &[u8]) {
    let answer = client.request(method, target, &[], body);
    let answer = answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    let shown = String::from_utf8_lossy(body);
    assert_eq!(answer.status, 400, "{method} {target} {shown}: {}", answer.text());
    let error = answer.json();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!("error"), &json!("bad_request")),
        "{target}"
    );
    assert!(error["message"].is_string() && error.get("id").is_none());
}

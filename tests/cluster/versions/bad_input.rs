//! What no well-behaved client sends.

use super::{path, store, told};
use crate::support::gyre::Gyre;

/// The default of `meta.max_blob`.
const LIMIT: usize = 16 << 20;

/// Bad versions, names and waits are refused, whatever the method, and nothing is stored.
pub(super) fn table(gyre: &Gyre) {
    let client = gyre.client();
    let bad_versions = [
        "abc",
        "-1",
        "+1",
        "1.5",
        "0x1",
        "1e3",
        "18446744073709551616",
        "%20",
        "1%00",
        "%C3%A4",
    ];
    let long = "x".repeat(256);
    let bad_names = ["", "%", "%zz", "%ff", "a%00", "a%0Ab", "%7F", "%C2%85", &long];
    let versions = bad_versions.map(|version| format!("/clusters/bad/versions/{version}"));
    let old = bad_versions.map(|version| format!("/clusters/bad/history/{version}"));
    let names = bad_names.map(|name| format!("/clusters/{name}/versions/0"));
    for target in versions.iter().chain(&names) {
        for method in ["GET", "POST", "PUT"] {
            refused(gyre, method, target);
        }
    }
    old.iter().for_each(|target| refused(gyre, "GET", target));
    bad_names
        .iter()
        .for_each(|name| refused(gyre, "GET", &format!("/clusters/{name}/history")));
    // An empty name, and then nothing, is the collection.
    bad_names[1..]
        .iter()
        .for_each(|name| refused(gyre, "DELETE", &format!("/clusters/{name}")));
    for wait in ["", "0s", "999ms", "601s", "11m", "-1s", "5", "abc", "1.5s"] {
        refused(gyre, "GET", &format!("/clusters/bad/versions/0?wait={wait}"));
    }
    for (version, name) in [(0, "bad"), (0, "%"), (0, &long[..255])] {
        assert_eq!(client.get(&path(name, version)).status, 404, "{name}");
    }
}

#[track_caller]
fn refused(gyre: &Gyre, method: &str, target: &str) {
    let answer = gyre.client().request(method, target, &[], b"body").expect("an answer");
    assert_eq!(answer.status, 400, "{method} {target}: {}", answer.text());
    let error = answer.json();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&"error".into(), &"bad_request".into())
    );
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()) && error.get("id").is_none());
}

/// Acceptance case 20: the limit itself is stored and comes back; one byte more is not, however it is announced.
pub(super) fn sizes(gyre: &Gyre) {
    let client = gyre.client();
    let largest: Vec<u8> = (0_u32..).flat_map(u32::to_le_bytes).take(LIMIT).collect();
    let over = [largest.as_slice(), b"x"].concat();
    assert_eq!(client.post(&path("sizes", 0), &over).status, 413);
    let mut chunked = client.connect().expect("it listens");
    let head = "POST /clusters/sizes/versions/0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let size = format!("{:x}\r\n", over.len());
    // The server may close the connection before it has read everything, but only after it has answered.
    drop(chunked.send_raw(&[head.as_bytes(), size.as_bytes(), &over, b"\r\n0\r\n\r\n"].concat()));
    let refused = chunked.read_response(true).expect("an answer");
    assert_eq!((refused.status, &refused.json()["code"]), (413, &"too_large".into()));
    assert_eq!(client.get(&path("sizes", 0)).status, 404);
    store(&client, "sizes", 0, &largest);
    let read = client.get(&path("sizes", 0));
    assert!(told(&read) == (200, Some(1), largest.as_slice()), "{}", read.body.len());
    let conflict = client.post(&path("sizes", 0), b"x");
    assert!(
        told(&conflict) == (409, Some(1), largest.as_slice()),
        "{}",
        conflict.body.len()
    );
}

pub(super) fn half_bodies(gyre: &Gyre) {
    let client = gyre.client();
    for body in [
        "Content-Length: 100\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n40\r\nhalf",
    ] {
        let mut connection = client.connect().expect("it listens");
        let request = format!("POST /clusters/half/versions/0 HTTP/1.1\r\nHost: x\r\n{body}");
        connection.send_raw(request.as_bytes()).expect("it is open");
        connection.finish_sending().expect("it is open");
        // Nobody may be left to hear it, but what is heard is a refusal.
        if let Ok(answer) = connection.read_response(true) {
            assert_eq!(answer.status, 400);
        }
    }
    assert_eq!(client.get(&path("half", 0)).status, 404);
}

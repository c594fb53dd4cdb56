//! Requests that are slow, huge or not for any route.

use std::time::Duration;

use super::{Door, brief};
use crate::support::{influxd::Influxd, wait::Instant};

#[test]
fn unknown_paths_and_methods_are_told_so() {
    let door = Door::open(|config| config);
    let client = door.client();
    for path in [
        "/",
        "/nope",
        "/write/",
        "//write",
        "/WRITE",
        "/query/x",
        "/api/v2",
        "/gyre",
        "/%2e%2e/etc",
        "/ping/",
    ] {
        let answer = client.get(path);
        assert_eq!(brief(&answer), (404, "404 page not found\n".to_owned()), "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8"),
            "{path}"
        );
    }
    let cases = [
        ("GET", "/write"),
        ("PUT", "/write"),
        ("DELETE", "/query"),
        ("GET", "/api/v2/write"),
        ("BREW", "/query"),
    ];
    for (method, path) in cases {
        let answer = client.request(method, path, &[], b"").expect("there is an answer");
        assert_eq!(
            brief(&answer),
            (405, "Method Not Allowed\n".to_owned()),
            "{method} {path}"
        );
        assert!(
            answer.header("allow").is_some_and(|allow| allow.contains("POST")),
            "{method} {path}"
        );
    }
    door.assert_healthy();
}

#[test]
fn head_and_options_are_answered_as_by_influxdb() {
    let (door, influxd) = (Door::open(|config| config), Influxd::start());
    for (method, path) in [
        ("HEAD", "/ping"),
        ("HEAD", "/write?db=d"),
        ("HEAD", "/query?db=d"),
        ("HEAD", "/nope"),
        ("OPTIONS", "/write"),
        ("OPTIONS", "/query"),
        ("OPTIONS", "/nope"),
        ("GET", "/write"),
        ("PATCH", "/query"),
    ] {
        let [ours, theirs] = [door.client(), influxd.client()].map(|client| {
            let mut connection = client.connect().expect("it listens");
            let answer = connection.send(method, path, &[], b"").expect("there is an answer");
            // A body where none belongs would be read as the next answer.
            assert_eq!(
                connection
                    .send("GET", "/ping", &[], b"")
                    .expect("it is still open")
                    .status,
                204
            );
            let mut allow: Vec<String> = answer
                .header("allow")
                .unwrap_or_default()
                .split(", ")
                .map(str::to_owned)
                .collect();
            allow.sort();
            (brief(&answer), allow)
        });
        assert_eq!(ours, theirs, "{method} {path}");
    }
}

#[test]
fn pages_of_other_origins_may_ask() {
    let (door, influxd) = (Door::open(|config| config), Influxd::start());
    for (method, path) in [
        ("OPTIONS", "/query"),
        ("OPTIONS", "/write"),
        ("GET", "/ping"),
        ("GET", "/query?q=x"),
        ("POST", "/write"),
        ("PUT", "/query"),
        ("GET", "/nope"),
    ] {
        let [ours, theirs] = [door.client(), influxd.client()].map(|client| {
            let answer = client
                .request(method, path, &[("Origin", "http://grafana")], b"")
                .expect("an answer");
            let headers = answer
                .head
                .headers
                .iter()
                .filter(|(name, _)| name.starts_with("access-control-"));
            let mut headers: Vec<(String, String)> = headers.cloned().collect();
            headers.sort();
            (answer.status, headers)
        });
        assert_eq!(ours, theirs, "{method} {path}");
    }
}

#[test]
fn what_is_not_http_is_refused() {
    let door = Door::open(|config| config);
    let header = format!("X-Large: {}\r\n", "x".repeat(1 << 20));
    let many: String = (0..5_000).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("GET /query?q={} HTTP/1.1\r\n", "x".repeat(1 << 20));
    for request in [
        "\x00\x01\x02\x03\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("GET /ping HTTP/1.1\r\n{header}\r\n"),
        format!("GET /ping HTTP/1.1\r\n{many}\r\n"),
        format!("{long}\r\n"),
        "POST /write?db=d HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(),
        "POST /write?db=d HTTP/1.1\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\nm v=1 1".to_owned(),
        "POST /write?db=d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned(),
    ] {
        let shown = request.get(..60).unwrap_or(&request);
        let mut connection = door.client().connect().expect("it listens");
        // The server may have closed before it has read everything.
        connection.send_raw(request.as_bytes()).unwrap_or_default();
        if let Ok(answer) = connection.read_response(true) {
            assert!((400..500).contains(&answer.status), "{shown:?}: {}", answer.status);
        }
    }
    assert!(door.backend.lines().is_empty());
    door.assert_healthy();
}

#[test]
fn a_slow_client_is_dropped() {
    let door = Door::open(|config| config.set("http", "request_timeout", "500ms"));
    for start in [
        "GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        "POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nm v=1 1\n",
        "POST /query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nq=",
    ] {
        let mut connection = door.client().connect().expect("it listens");
        let asked_at = Instant::now();
        connection.send_raw(start.as_bytes()).expect("it is open");
        let answer = connection.read_response(true).expect("it is told");
        assert_eq!(answer.status, 408, "{start:?}");
        assert!(asked_at.elapsed() < Duration::from_secs(5), "{start:?}");
    }
    assert!(door.backend.lines().is_empty());
    assert_eq!(door.gyre.metric("gyre_memory_budget_used_bytes{}"), 0.0);
    door.assert_healthy();
}

#[test]
fn many_silent_connections_leave_room_for_others() {
    let door = Door::open(|config| config);
    let silent: Vec<_> = (0..500).filter_map(|_| door.client().connect().ok()).collect();
    assert_eq!(silent.len(), 500);
    door.assert_healthy();
}

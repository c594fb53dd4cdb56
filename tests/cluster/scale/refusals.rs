//! What is wrong with a request: the right status and body, and nothing changed.

use serde_json::json;

use crate::support::gyre::Gyre;

use super::{change, detail, detail_text, host, patch, send, shown};

const NOBODY: u64 = 9999;

pub(super) fn parameters(gyre: &Gyre) {
    let check = |query: &str, text: &str| {
        let answer = gyre.client().get(&format!("/v6/nodes/?{query}"));
        assert_eq!((answer.status, answer.text()), (400, detail_text(text)), "{query}");
    };
    let (no_start, no_end, no_boolean) = (
        "Invalid ISO timestamp format for parameter: started",
        "Invalid ISO timestamp format for parameter: ended",
        "Parameter must be a valid boolean: \"is_active\"",
    );
    for text in [
        "",
        "2015-01-01T00:00:00",
        "2015-02-30T00:00:00Z",
        "2015-01-01T00:00:00+01:00",
        "P999999999D",
        "%zz",
        "%",
    ] {
        check(&format!("started={text}"), no_start);
    }
    for text in ["P1Y", "P1W", "p1d", "-P1D", "2015-01-01"] {
        check(&format!("ended={text}"), no_end);
    }
    for text in ["yes", "", "2", "%zz", "%00"] {
        check(&format!("is_active={text}"), no_boolean);
    }
    let range = |start: &str, end: &str| format!("started={start}-01-01T00:00:00Z&ended={end}-01-01T00:00:00Z");
    check(&range("2015", "2015"), "Start and end values must be different");
    check(&range("2016", "2015"), "Start time must come before end time");
    check("order=nope", "Invalid order field: \"nope\"");
    check("order=hostname,id", "Invalid order field: \"hostname,id\"");
    check("order=id&order=", "Invalid order field: \"\"");
    check("page=0&is_active=x", no_boolean);
}

pub(super) fn bodies(gyre: &Gyre) {
    let id = host(gyre, "a");
    change(gyre, id, r#"{"is_paused":true,"pause_reason":"disk"}"#);
    let before = detail(gyre, id);
    let check = |id: u64, body: &str, status: u16, expect: String| {
        let answer = patch(gyre, id, body);
        assert_eq!((answer.status, answer.text()), (status, expect), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{body}");
    };
    let bare = |text: &str| json!(text).to_string();
    for to in [id, NOBODY] {
        check(to, r#"{"foo":1}"#, 400, bare("Unexpected fields: foo"));
        check(to, r#"{"hostname":"x"}"#, 400, bare("Unexpected fields: hostname"));
        check(
            to,
            r#"{"is_paused":false,"id":3,"foo":1}"#,
            400,
            bare("Unexpected fields: id, foo"),
        );
        check(to, "{}", 400, bare("No fields specified for update."));
        check(to, "", 400, bare("No fields specified for update."));
        check(to, "[]", 400, detail_text("Request body must be a JSON object."));
        for broken in ["{", "not json", r#"{"is_paused":true} x"#] {
            let answer = patch(gyre, to, broken);
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                answer.status == 400 && detail.starts_with("JSON parse error - "),
                "{broken}"
            );
        }
    }
    let too_long = json!({"pause_reason": "é".repeat(251)}).to_string();
    for (body, text) in [
        (r#"{"is_paused":"maybe"}"#, "Invalid value for field: \"is_paused\""),
        (r#"{"is_paused":null}"#, "Invalid value for field: \"is_paused\""),
        (r#"{"is_active":[]}"#, "Invalid value for field: \"is_active\""),
        (r#"{"pause_reason":7}"#, "Invalid value for field: \"pause_reason\""),
        (&too_long, "Value too long for field: \"pause_reason\" (max 250)"),
    ] {
        check(id, body, 400, detail_text(text));
        check(NOBODY, body, 404, detail_text("Not found."));
    }
    check(
        NOBODY,
        r#"{"is_paused":false,"pause_reason":"x"}"#,
        404,
        detail_text("Not found."),
    );
    assert_eq!(detail(gyre, id), before);
}

pub(super) fn requests(gyre: &Gyre) {
    let id = host(gyre, "a");
    let target = format!("/v6/nodes/{id}/");
    let before = detail(gyre, id);
    let check = |method: &str, target: &str, headers: &[(&str, &str)], status: u16, text: &str| {
        let answer = send(gyre, method, target, headers, br#"{"is_paused":true}"#);
        assert_eq!(
            (answer.status, answer.text()),
            (status, detail_text(text)),
            "{method} {target}"
        );
        answer.header("allow").map(str::to_owned)
    };
    for method in ["POST", "PUT", "DELETE", "BREW"] {
        let text = format!("Method \"{method}\" not allowed.");
        let allow = check(method, &target, &[], 405, &text);
        assert_eq!(allow.as_deref(), Some("GET, PATCH, HEAD, OPTIONS"));
        let allow = check(method, "/v7/nodes/", &[], 405, &text);
        assert_eq!(allow.as_deref(), Some("GET, HEAD, OPTIONS"));
    }
    check("PATCH", "/v6/nodes/", &[], 405, "Method \"PATCH\" not allowed.");
    for (target, allow) in [
        (target.as_str(), "GET, PATCH, HEAD, OPTIONS"),
        ("/v6/nodes/", "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(gyre, "OPTIONS", target, &[], b"");
        assert_eq!((answer.status, answer.header("allow")), (200, Some(allow)));
    }
    for nowhere in [
        "/v6/nodes/0/",
        "/v6/nodes/9999/",
        "/v6/nodes/99999999999999999999/",
        "/v6/nodes/abc/",
        "/v6/nodes/-1/",
        "/v6/nodes/1x/",
        "/v6/nodes/%D9%A1/",
        "/v6/nodes/1/tasks/",
        "/v6/nodes/abc",
        "/v6/status/",
    ] {
        check("GET", nowhere, &[], 404, "Not found.");
    }
    for other_version in ["/v5/nodes/", "/v8/nodes/", "/v60/nodes/"] {
        assert_eq!(gyre.client().get(other_version).status, 404, "{other_version}");
    }
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let text = format!("Unsupported media type \"{media_type}\" in request.");
        check("PATCH", &target, &[("Content-Type", media_type)], 415, &text);
    }
    let excluded = "Could not satisfy the request Accept header.";
    check("GET", &target, &[("Accept", "text/csv")], 406, excluded);
    check("DELETE", &target, &[("Accept", "text/csv")], 406, excluded);
    assert_eq!(detail(gyre, id), before);
    let with_charset = [("Content-Type", "Application/JSON; charset=utf-8")];
    let answer = send(gyre, "PATCH", &target, &with_charset, br#"{"is_paused":true}"#);
    assert_eq!(answer.status, 204);
}

pub(super) fn unfinished(gyre: &Gyre) {
    let id = host(gyre, "a");
    let before = detail(gyre, id);
    let start = format!("PATCH /v6/nodes/{id}/ HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n");
    for rest in [
        "Content-Length: 100\r\n\r\n{\"is_paused\":true}",
        "Transfer-Encoding: chunked\r\n\r\n12\r\n{\"is_paused\":true}\r\n",
    ] {
        let mut connection = gyre.client().connect().unwrap();
        connection.send_raw(format!("{start}{rest}").as_bytes()).unwrap();
        connection.finish_sending().unwrap();
        let refused = connection
            .read_response(true)
            .map_or(true, |answer| answer.status >= 400);
        assert!(refused, "{rest}");
    }
    let huge = json!({"pause_reason": "x".repeat(1 << 20)}).to_string();
    let answer = patch(gyre, id, &huge);
    assert_eq!(
        (answer.status, answer.text()),
        (413, detail_text("Request Entity Too Large"))
    );
    assert_eq!(detail(gyre, id), before);
    assert_eq!(shown(gyre, "/v6/nodes/")["count"], 1);
}

//! Answers to the byte, and limits.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::{
    snap::{multipart, start},
    support::{gyre::Gyre, gzip, http::Response},
};

fn ask(gyre: &Gyre, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    gyre.client().request(method, path, headers, body).expect("an answer")
}

#[test]
fn envelopes_to_the_byte() {
    let gyre = start(|config| config);
    let check = |path: &str, status: u16, expect: &str| {
        let answer = gyre.client().get(path);
        assert_eq!((answer.status, answer.text().as_str()), (status, expect), "{path}");
    };
    check(
        "/v1/plugins",
        200,
        "{\n  \"meta\": {\n    \"code\": 200,\n    \"message\": \"Plugin list returned\",\n    \"type\": \"plugin_list_returned\",\n    \
         \"version\": 1\n  },\n  \"body\": {}\n}",
    );
    check(
        "/v1/tasks",
        200,
        "{\n  \"meta\": {\n    \"code\": 200,\n    \"message\": \"Scheduled tasks retrieved\",\n    \
         \"type\": \"scheduled_task_list_returned\",\n    \"version\": 1\n  },\n  \"body\": {\n    \"ScheduledTasks\": []\n  }\n}",
    );
    check(
        "/v1/tasks/x%3Cy",
        404,
        "{\n  \"meta\": {\n    \"code\": 404,\n    \"message\": \"Task not found: ID(x\\u003cy)\",\n    \"type\": \"error\",\n    \
         \"version\": 1\n  },\n  \"body\": {\n    \"message\": \"Task not found: ID(x\\u003cy)\",\n    \"fields\": {}\n  }\n}",
    );
    check("/v2/plugins", 200, "{}\n");
    check("/v2/tasks", 200, "{\n  \"tasks\": []\n}\n");
    check(
        "/v2/tasks/x",
        404,
        "{\n  \"message\": \"Task not found: ID(x)\",\n  \"fields\": {}\n}\n",
    );
    check(
        "/v1/plugins/?a=%3C&b",
        301,
        "<a href=\"/v1/plugins?a=%3C&amp;b\">Moved Permanently</a>.\n\n",
    );
}

#[test]
fn settings_are_written_as_go_does() {
    let gyre = start(|config| config);
    let body = "{\"text\":\"<&>\u{2028}\\u0007\",\"float\":2.50,\"whole\":3.0,\"big\":1e30,\"$HOME\":\"$HOME\"}";
    let answer = ask(&gyre, "PUT", "/v2/plugins////config", &[], body.as_bytes());
    let expect = "{\n  \"$HOME\": \"$HOME\",\n  \"big\": 1e+30,\n  \"float\": 2.5,\n  \
                  \"text\": \"\\u003c&\\u003e\\u2028\\u0007\",\n  \"whole\": 3\n}\n";
    assert_eq!((answer.status, answer.text().as_str()), (200, expect));
    let inherited = gyre.client().get("/v2/plugins/collector/any/7/config");
    assert_eq!(inherited.text(), expect);
}

#[test]
fn what_cannot_be_read_is_named() {
    let gyre = start(|config| config);
    let no_text = ask(&gyre, "POST", "/v2/tasks", &[], b"\xff");
    let expect = "{\n  \"message\": \"invalid character 'ÿ' looking for beginning of value\",\n  \"fields\": {}\n}\n";
    assert_eq!((no_text.status, no_text.text().as_str()), (500, expect));
    let no_type = ask(&gyre, "POST", "/v2/plugins", &[("Content-Type", "")], b"x");
    let expect = "{\n  \"message\": \"mime: no media type\",\n  \"fields\": {}\n}\n";
    assert_eq!((no_type.status, no_type.text().as_str()), (415, expect));
}

#[test]
fn uploads_are_bounded() {
    let gyre = start(|config| config.set("telemetry", "max_plugin_size", "64KiB"));
    let upload = |headers: &[(&str, &str)], content: &[u8]| {
        let body = multipart::body(&[("x", "plugin", content)]);
        let headers = [&[("Content-Type", multipart::MEDIA_TYPE)], headers].concat();
        ask(&gyre, "POST", "/v1/plugins", &headers, &body).status
    };
    assert_eq!(upload(&[], &[b'x'; 65 << 10]), 413, "too large");
    let compressed = &[("Plugin-Compression", "gzip")];
    assert_eq!(
        upload(compressed, &gzip::bomb(65 << 10)),
        413,
        "too large when inflated"
    );
    assert_eq!(upload(compressed, b"no gzip"), 400, "not compressed");
    assert_eq!(upload(&[], b"junk"), 500, "no plugin");
}

#[test]
fn built_in_plugins_are_loaded_by_name() {
    let gyre = start(|config| config);
    let json = &[("Content-Type", "application/json")];
    for (uri, message) in [
        ("mock:1", "Plugins loaded: mock(collector v1)"),
        ("builtin:mock", "Plugins loaded: mock(collector v2)"),
        ("passthru", "Plugins loaded: passthru(processor v1)"),
    ] {
        let answer = ask(
            &gyre,
            "POST",
            "/v1/plugins",
            json,
            format!("{{\"uri\":\"{uri}\"}}").as_bytes(),
        );
        assert_eq!(
            (answer.status, answer.json()["meta"]["message"].as_str()),
            (201, Some(message)),
            "{uri}"
        );
    }
    let file = gyre.client().get("/v1/plugins/collector/mock/1?download=true");
    assert_eq!(
        (file.status, file.json()["body"]["message"].as_str()),
        (500, Some("plugin has no file"))
    );
    let unloaded = ask(&gyre, "DELETE", "/v2/plugins/collector/mock/1", &[], b"");
    assert_eq!((unloaded.status, unloaded.text().as_str()), (204, ""));
}

#[test]
fn curl_uploads_and_follows() {
    let gyre = start(|config| config);
    let url = |path: &str| format!("http://{}{path}", gyre.addr());
    let mut curl = Command::new("curl")
        .args([
            "-sS",
            "-F",
            "snap-plugins=@-;filename=snap-plugin-collector-mock1",
            &url("/v1/plugins"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is installed");
    curl.stdin.take().expect("piped").write_all(b"").expect("curl reads");
    let loaded = curl.wait_with_output().expect("curl ends").stdout;
    let loaded = String::from_utf8_lossy(&loaded);
    assert!(loaded.contains("Plugins loaded: mock(collector v1)"), "{loaded}");
    let list = Command::new("curl")
        .args(["-sSL", &url("/V1/Plugins/")])
        .output()
        .expect("curl runs");
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("/v1/plugins/collector/mock/1"), "{list}");
}

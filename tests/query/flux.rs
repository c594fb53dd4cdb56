//! `/api/v2/query`: a script goes to the owner of its measurement, and its answer comes back as it is.

use crate::support::{
    gyre::{Config, Gyre},
    null_backend::NullBackend,
};

const SCRIPT: &str = r#"from(bucket: "d/autogen") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "NAME")"#;

fn post(gyre: &Gyre, content_type: &str, body: &str) -> (u16, String) {
    let headers = [("Content-Type", content_type), ("Accept", "application/csv")];
    let answer = gyre
        .client()
        .request("POST", "/api/v2/query?org=o", &headers, body.as_bytes());
    let answer = answer.expect("an answer");
    (answer.status, answer.text())
}

#[test]
fn scripts_go_to_the_owner() {
    let backends = [NullBackend::start(&["d"]), NullBackend::start(&["d"])];
    let gyre = Gyre::start(Config::new(vec![backends.iter().map(NullBackend::url).collect()]));
    let asked = |n: usize| {
        backends[n]
            .queries()
            .iter()
            .filter(|query| query.target == "/api/v2/query")
            .count()
    };
    for (name, owner) in ["cpu", "mem", "disk", "net", "my load"].map(|name| (name, owner(&gyre, name))) {
        let script = SCRIPT.replace("NAME", name);
        let json =
            serde_json::json!({"query": script, "type": "flux", "dialect": {"annotations": ["group"]}}).to_string();
        for (content_type, body) in [("application/vnd.flux", &script), ("application/json", &json)] {
            let before = [asked(0), asked(1)];
            assert_eq!(
                post(&gyre, content_type, body),
                (200, NullBackend::FLUX_ANSWER.to_owned())
            );
            let mut expect = before;
            expect[owner] += 1;
            assert_eq!([asked(0), asked(1)], expect, "{name}");
            let received = backends[owner].queries().pop().expect("it was asked");
            assert_eq!(&received.body, body);
        }
    }
}

#[test]
fn scripts_without_one_owner_are_refused() {
    let backend = NullBackend::start(&["d"]);
    let gyre = Gyre::start(Config::new(vec![vec![backend.url()]]).set("proxy", "databases", vec!["d"]));
    let flux = "application/vnd.flux";
    let forbidden = SCRIPT.replace("d/autogen", "e");
    for (content_type, body, why) in [
        (flux, "", "bucket"),
        (flux, "buckets()", "bucket"),
        (flux, r#"from(bucket: "d") |> range(start: -1h)"#, "measurement"),
        (
            flux,
            r#"from(bucket: "d") |> filter(fn: (r) => r._measurement =~ /x/)"#,
            "measurement",
        ),
        (
            flux,
            r#"from(bucket: "d") |> filter(fn: (r) => r._measurement == "a" or r._measurement == "b")"#,
            "measurement",
        ),
        (flux, forbidden.as_str(), "database forbidden: e"),
        ("application/json", "{", "failed parsing request body as JSON"),
        ("application/json", "{}", "request body requires either spec or query"),
        (
            "application/json",
            r#"{"query":"x","type":"sql"}"#,
            "unknown query type: sql",
        ),
    ] {
        let (status, text) = post(&gyre, content_type, body);
        assert!(
            (400..500).contains(&status) && text.contains(why),
            "{body}: {status} {text}"
        );
        assert!(text.starts_with("{\"error\":"), "{text}");
    }
    assert!(backend.queries().iter().all(|query| query.target != "/api/v2/query"));
}

/// Which of the two has a measurement.
fn owner(gyre: &Gyre, measurement: &str) -> usize {
    let target = format!("/replica?db=d&mm={}", crate::support::http::encode(measurement));
    let shown = gyre.client().get(&target).json();
    usize::from(shown[0]["name"] == "backend-1-2")
}

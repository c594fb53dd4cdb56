//! `/api/v2/write`: buckets are databases with or without a policy.

use serde_json::json;

use super::{Cluster, column};

#[test]
fn buckets_name_databases_and_policies() {
    let cluster = Cluster::start(|config| config);
    let client = cluster.gyre.client();
    client.query(
        "",
        "CREATE DATABASE d; CREATE RETENTION POLICY keep ON d DURATION 0s REPLICATION 1",
    );
    let cases = [
        ("bucket=d", "m v=1i 1000000001", 1_000_000_001_i64),
        ("bucket=d&org=any&precision=ns", "m v=1i 1000000002", 1_000_000_002),
        ("bucket=d&precision=us", "m v=1i 1000003", 1_000_003_000),
        ("bucket=d%2F&precision=ms", "m v=1i 1004", 1_004_000_000),
        ("bucket=d/keep&precision=s", "m v=1i 5", 5_000_000_000),
    ];
    for (parameters, line, time) in cases {
        let answer = client.post(&format!("/api/v2/write?{parameters}"), line.as_bytes());
        assert_eq!((answer.status, answer.text()), (204, String::new()), "{parameters}");
        let policy = if parameters.contains("keep") { "keep" } else { "autogen" };
        let query = format!("SELECT v FROM d.{policy}.m WHERE time = {time}");
        assert_eq!(column(&client, "d", &query), [json!(1)], "{parameters}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let cluster = Cluster::start(|config| config);
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    let cases = [
        (
            "",
            404,
            r#"bucket name \"\" is missing a slash; not in \"database/retention-policy\" format"#,
        ),
        (
            "bucket=/x",
            404,
            r#"bucket name \"/x\" is in db/rp form but has an empty database"#,
        ),
        ("bucket=nope", 404, r#"database not found: \"nope\""#),
        (
            "bucket=d&precision=n",
            400,
            r#"invalid precision \"n\" (use ns, us, ms or s)"#,
        ),
        ("bucket=d/nope", 500, "retention policy not found: nope"),
    ];
    for (parameters, status, error) in cases {
        let answer = client.post(&format!("/api/v2/write?{parameters}"), b"m v=1i 1");
        let expect = (status, format!("{{\"error\":\"{error}\"}}\n"));
        assert_eq!((answer.status, answer.text()), expect, "{parameters}");
    }
    let partial = client.post("/api/v2/write?bucket=d", b"m v=1i 1\nbad");
    let text = "{\"error\":\"partial write: unable to parse 'bad': missing fields dropped=0\"}\n";
    assert_eq!((partial.status, partial.text().as_str()), (400, text));
}

#[test]
fn only_listed_databases_may_be_written() {
    let cluster = Cluster::start(|config| config.set("proxy", "databases", vec!["d"]));
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    let secret = cluster.servers[0].client();
    secret.query("", "CREATE DATABASE secret");
    assert_eq!(client.write("d", "m v=1i 1").0, 204);
    for target in ["/write?db=secret", "/api/v2/write?bucket=secret/autogen"] {
        let answer = client.post(target, b"m v=1i 1");
        let expect = (403, "{\"error\":\"database forbidden: secret\"}\n".to_owned());
        assert_eq!((answer.status, answer.text()), expect, "{target}");
    }
    assert_eq!(
        column(&secret, "secret", "SELECT v FROM m"),
        Vec::<serde_json::Value>::new()
    );
}

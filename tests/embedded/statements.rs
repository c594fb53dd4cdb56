//! Statements by hand, to the embedded engine and to a live influxd over the same points: status, error and body must be
//! the same. What is generated instead is in [`super::differential`].

use crate::support::{
    http::{Client, Response, encode},
    influxd::Influxd,
};

/// Kept under policies `autogen` and `rp1` of the database `db0`.
const POINTS: [(&str, &str); 2] = [
    (
        "",
        "cpu,host=a,region=w value=1,n=1i,s=\"one\",b=true 1000000000
cpu,host=b,region=w value=2.5,n=2i,s=\"two\",b=false 2000000000
cpu value=5 -1000000000
mem,host=a,a\\ b=c\\,d used=1i 1000000000",
    ),
    ("rp1", "cpu,host=z other=7i 5"),
];

/// The default database, and a statement.
const STATEMENTS: &[(&str, &str)] = &[
    // A `WITH` whose parts are all the defaults.
    ("", "CREATE DATABASE d1 WITH SHARD DURATION 0s"),
    ("", "SHOW RETENTION POLICIES ON d1"),
    ("", "CREATE DATABASE d2 WITH SHARD DURATION INF"),
    ("", "SHOW RETENTION POLICIES ON d2"),
    ("", "CREATE DATABASE d3 WITH NAME \"\""),
    ("", "SHOW RETENTION POLICIES ON d3"),
    ("", "CREATE DATABASE d4 WITH DURATION 61m REPLICATION 2 NAME \"my rp\""),
    ("", "SHOW RETENTION POLICIES ON d4"),
    (
        "",
        "ALTER RETENTION POLICY \"my rp\" ON d4 DEFAULT SHARD DURATION 1h DURATION 5h",
    ),
    ("", "SHOW RETENTION POLICIES ON d4"),
    ("", "ALTER RETENTION POLICY \"my rp\" ON d4 DURATION 1h DURATION 2h"),
    ("", "DROP RETENTION POLICY nope ON nodb"),
    // Sources with a database of their own need no default one in lists that look at points, else they do.
    ("", "SHOW SERIES FROM db0..cpu"),
    ("", "SHOW SERIES FROM db0..cpu, db0.rp1./.*/"),
    ("", "SHOW SERIES FROM db0..cpu, mem"),
    ("", "SHOW SERIES FROM nodb..cpu"),
    ("", "SHOW SERIES ON db1 FROM db0..cpu"),
    ("", "SHOW FIELD KEYS FROM db0..cpu"),
    ("", "SHOW FIELD KEYS FROM db0.rp1.cpu"),
    ("", "SHOW FIELD KEYS FROM db0..cpu, mem"),
    ("", "SHOW TAG KEYS FROM db0..cpu"),
    ("", "SHOW TAG VALUES FROM db0..cpu WITH KEY = host"),
    ("", "SHOW SERIES EXACT CARDINALITY FROM db0..cpu"),
    ("", "SHOW FIELD KEY EXACT CARDINALITY FROM db0..cpu"),
    ("", "SHOW MEASUREMENT EXACT CARDINALITY FROM db0..cpu"),
    ("", "SHOW TAG KEY EXACT CARDINALITY FROM db0..cpu"),
    ("", "SHOW TAG VALUES EXACT CARDINALITY FROM db0..cpu WITH KEY = host"),
    ("", "SHOW SERIES CARDINALITY FROM db0..cpu, mem"),
    // Times beyond what nanoseconds of 64 bits hold.
    ("db0", "SELECT value FROM cpu WHERE time > '9999-12-31T23:59:59Z'"),
    ("db0", "SELECT value FROM cpu WHERE time > '9999-12-31 23:59:59.999'"),
    ("db0", "SELECT value FROM cpu WHERE time > '0000-01-01'"),
    ("db0", "SELECT value FROM cpu WHERE time > '2262-04-12'"),
    ("db0", "SELECT value FROM cpu WHERE time > '1970-01-01T00:00:01+01:00'"),
    // Intervals of no length are none.
    (
        "db0",
        "SELECT sum(n) FROM cpu WHERE time >= 0 AND time < 5s GROUP BY time(-1s)",
    ),
    (
        "db0",
        "SELECT sum(n) FROM cpu WHERE time >= 0 AND time < 5s GROUP BY time(0s), host",
    ),
    // Casts, wildcards and names.
    ("db0", "SELECT *::tag, value FROM cpu"),
    (
        "db0",
        "SELECT value::integer, n::float, s::integer, host::field FROM cpu",
    ),
    ("db0", "SELECT /val|n/ FROM cpu, rp1.cpu"),
    ("db0", "SELECT \"value\" AS \"a b\" FROM \"db0\"..\"cpu\" -- comment"),
    ("db0", "SELECT value FROM cpu WHERE host = 'it\\'s' OR n = 1.0"),
    // Rows that become points; what cannot is left out.
    ("db0", "SELECT value INTO a1 FROM cpu"),
    ("db0", "SELECT * FROM a1"),
    ("db0", "SELECT * INTO rp1.a2 FROM cpu GROUP BY host"),
    ("db0", "SELECT * FROM rp1.a2 GROUP BY *"),
    (
        "db0",
        "SELECT mean(value), count(n) INTO d1..:MEASUREMENT FROM /cpu|mem/ GROUP BY *",
    ),
    ("d1", "SELECT * FROM cpu, mem GROUP BY *"),
    (
        "db0",
        "SELECT sum(n) INTO a3 FROM cpu WHERE time >= 0 AND time < 5s GROUP BY time(1s)",
    ),
    ("db0", "SELECT * FROM a3"),
    ("db0", "SELECT value INTO nodb..x FROM cpu"),
    ("db0", "SELECT value INTO d1.nope.x FROM cpu"),
    ("", "SELECT value INTO x FROM db0..cpu"),
    ("db0", "SELECT nope INTO a4 FROM cpu"),
    ("db0", "SELECT s AS value INTO a1 FROM cpu"),
];

#[test]
fn answers_are_those_of_influxdb() {
    let (gyre, influxd) = (super::start(1, 1), Influxd::start());
    let clients = [influxd.client(), gyre.client()];
    for client in &clients {
        client.query("", "CREATE DATABASE db0");
        client.query("", "CREATE RETENTION POLICY rp1 ON db0 DURATION INF REPLICATION 1");
        for (policy, lines) in POINTS {
            let written = client.post(&format!("/write?db=db0&rp={policy}"), lines.as_bytes());
            assert_eq!((written.status, written.text()), (204, String::new()));
        }
    }
    let differences: Vec<String> = STATEMENTS
        .iter()
        .filter_map(|case| difference(&clients, case))
        .collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// How the second server's answer is not the first's.
fn difference([influxd, gyre]: &[Client; 2], (db, statement): &(&str, &str)) -> Option<String> {
    let target = format!("/query?db={db}&q={}", encode(statement));
    let ask = |client: &Client| print(&client.post(&target, b""));
    let (expect, got) = (ask(influxd), ask(gyre));
    (expect != got).then(|| format!("{statement}\n  expect {expect}\n  got    {got}"))
}

fn print(answer: &Response) -> String {
    let error = answer.header("x-influxdb-error").unwrap_or_default();
    format!("{} {error} {}", answer.status, answer.text())
}

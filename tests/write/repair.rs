//! Databases and policies that are gone from one backend only: created anew as they were, and delivery goes on.

use serde_json::{Value, json};

use super::{Cluster, await_column};
use crate::support::influxd::Influxd;

const SCHEMA: &str = "CREATE DATABASE \"d b\"; \
    CREATE RETENTION POLICY \"keep\" ON \"d b\" DURATION 30d REPLICATION 1 SHARD DURATION 12h; \
    CREATE RETENTION POLICY \"de fault\" ON \"d b\" DURATION 10w REPLICATION 1 DEFAULT";

/// A time that neither policy forgets: the point must be younger than thirty days.
fn now() -> i64 {
    let since = std::fs::metadata("/proc/self").and_then(|of_this_process| of_this_process.modified());
    let nanos = since
        .expect("this process has a start")
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is after 1970")
        .as_nanos();
    i64::try_from(nanos).expect("it is before 2262")
}

/// The policies of a server, in the order of their names.
#[track_caller]
fn policies(server: &Influxd) -> Vec<Value> {
    let answer = server.client().query("", "SHOW RETENTION POLICIES ON \"d b\"");
    let rows = answer.pointer("/results/0/series/0/values").and_then(Value::as_array);
    let mut rows = rows.cloned().unwrap_or_default();
    rows.sort_by_key(|row| row[0].to_string());
    rows
}

/// Writes to both policies, breaks one owner by `statement`, writes again: it has the policies again, and these values.
#[track_caller]
fn survives(statement: &str, kept: &[i64], default: &[i64]) {
    let cluster = Cluster::start(|config| config.set("proxy", "ack_timeout", "10s"));
    let (client, time) = (cluster.gyre.client(), now());
    client.query("", SCHEMA);
    let owner = cluster.owners("d%20b", "m")[1];
    let before = policies(owner);
    let write = |value: i64| {
        for (number, policy) in (0..).zip(["keep", "de%20fault", ""]) {
            let target = format!("/write?db=d%20b&rp={policy}");
            let line = format!("m v={value}i {}", time + 10 * value + number);
            let answer = client.post(&target, line.as_bytes());
            assert_eq!((answer.status, answer.text()), (204, String::new()), "{target}");
        }
    };
    let holds = |kept: &[i64], default: &[i64]| {
        let values = |numbers: &[i64]| numbers.iter().map(|n| json!(n)).collect::<Vec<_>>();
        await_column(&owner.client(), "d b", "SELECT v FROM keep.m", &values(kept));
        await_column(&owner.client(), "d b", "SELECT v FROM \"de fault\".m", &values(default));
    };
    write(1);
    holds(&[1], &[1, 1]);
    owner.client().query("d b", statement);
    write(2);
    holds(kept, default);
    assert_eq!(policies(owner), before);
    assert_eq!(client.get("/gyre/dead-letters").json()["count"], 0);
}

#[test]
fn a_database_dropped_on_one_backend() {
    survives("DROP DATABASE \"d b\"", &[2], &[2, 2]);
}

#[test]
fn a_policy_dropped_on_one_backend() {
    survives("DROP RETENTION POLICY keep ON \"d b\"", &[2], &[1, 1, 2, 2]);
}

#[test]
fn a_default_policy_dropped_on_one_backend() {
    survives("DROP RETENTION POLICY \"de fault\" ON \"d b\"", &[1, 2], &[2, 2]);
}

#[test]
fn a_policy_made_behind_gyres_back_is_learnt() {
    let cluster = Cluster::start(|config| config.set("proxy", "ack_timeout", "10s"));
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    let owners = cluster.owners("d", "m");
    owners[0]
        .client()
        .query("", "CREATE RETENTION POLICY mine ON d DURATION INF REPLICATION 1");
    let answer = client.post("/write?db=d&rp=mine", b"m v=1i 1");
    assert_eq!((answer.status, answer.text()), (204, String::new()));
    for owner in owners {
        await_column(&owner.client(), "d", "SELECT v FROM mine.m", &[json!(1)]);
    }
}

//! Statements that change schema or data, and what is there afterwards.

use super::side_by_side::{DB, SideBySide, target};

const LINES: &str = "\
cpu,host=a v=1 10
cpu,host=b v=2 20
mem,host=a v=3 30
mem,host=b v=4 40
disk,host=a v=5 50
net,host=a v=6 60
my\\ net,host=b v=7 70
";

/// What is there, each by name as influxd keeps names of emptied measurements or not.
const CONTENTS: [&str; 6] = [
    "SELECT v FROM /.*/",
    "SHOW MEASUREMENTS",
    "SHOW SERIES",
    "SHOW TAG VALUES WITH KEY = host",
    "SHOW DATABASES",
    "SHOW RETENTION POLICIES ON d",
];

fn check(statements: &[&str]) {
    let both = SideBySide::with(LINES);
    for statement in statements {
        both.same(DB, statement);
        for query in CONTENTS {
            both.same(DB, query);
        }
    }
}

#[test]
fn data_are_deleted_everywhere() {
    check(&[
        "DELETE FROM cpu WHERE time < 15",
        "DELETE FROM nothing",
        "DELETE WHERE host = 'b' AND time <= 40",
        "DELETE FROM /ne/ WHERE host = 'a'",
        "DELETE FROM cpu WHERE v > 1",
        "DELETE FROM d.autogen.cpu",
        "DELETE",
        "DELETE FROM /.*/",
    ]);
}

#[test]
fn series_and_measurements_are_dropped_everywhere() {
    check(&[
        "DROP SERIES FROM cpu WHERE host = 'a'",
        "DROP SERIES FROM /^m/ WHERE host = 'b'",
        "DROP SERIES FROM cpu WHERE time > 0",
        "DROP SERIES WHERE host = 'nobody'",
        "DROP MEASUREMENT disk",
        "DROP MEASUREMENT disk",
        "DROP MEASUREMENT \"my net\"",
        "DROP MEASUREMENT nothing",
        "DROP SERIES FROM /.*/",
    ]);
}

#[test]
fn databases_and_policies_are_the_same_everywhere() {
    check(&[
        "CREATE DATABASE d",
        "CREATE DATABASE \"e e\" WITH DURATION 2d",
        "CREATE DATABASE \"\"",
        "CREATE RETENTION POLICY p ON d DURATION 2h REPLICATION 1",
        "CREATE RETENTION POLICY p ON d DURATION 2h REPLICATION 1",
        "CREATE RETENTION POLICY p ON d DURATION 3h REPLICATION 1",
        "CREATE RETENTION POLICY p2 ON d DURATION 1m REPLICATION 1",
        "CREATE RETENTION POLICY p2 ON nowhere DURATION 1h REPLICATION 1",
        "CREATE RETENTION POLICY p2 ON d DURATION 1h REPLICATION 0",
        "ALTER RETENTION POLICY p ON d DURATION 4h SHARD DURATION 1h DEFAULT",
        "ALTER RETENTION POLICY nothing ON d DURATION 4h",
        "ALTER RETENTION POLICY p ON d SHARD DURATION 8h",
        "DROP RETENTION POLICY p ON d",
        "DROP RETENTION POLICY nothing ON d",
        "ALTER RETENTION POLICY autogen ON d DEFAULT",
        "DROP DATABASE nothing",
        "DROP DATABASE \"e e\"",
        "DROP DATABASE d",
        "DROP MEASUREMENT cpu",
        "DELETE FROM cpu",
        "CREATE DATABASE d",
    ]);
}

/// A query that changes something is warned about when it came with GET.
#[test]
fn get_is_warned_about() {
    let both = SideBySide::with(LINES);
    for statement in [
        "CREATE DATABASE e",
        "CREATE DATABASE f; SHOW DATABASES; DROP DATABASE f",
        "DELETE FROM cpu WHERE time < 15",
        "DROP SERIES FROM mem",
        "SELECT v FROM net",
        "CREATE RETENTION POLICY p ON d DURATION 2h REPLICATION 1",
    ] {
        both.same_request("GET", &target(DB, statement, ""), &[], b"");
        both.same_request("GET", &target(DB, statement, "&chunked=true"), &[], b"");
    }
}

/// A database that was dropped and made again is empty, and takes points.
#[test]
fn database_can_be_made_again() {
    let both = SideBySide::with(LINES);
    for _ in 0..2 {
        both.same(DB, "DROP DATABASE d");
        both.write(DB, "cpu v=1 1\n");
        both.same(DB, "SHOW MEASUREMENTS");
        both.same(DB, "CREATE DATABASE d");
        both.write(DB, "cpu v=1 1\nmem v=1 1\n");
        both.same(DB, "SELECT v FROM cpu, mem");
    }
}

/// Points of a policy are found there, and only there.
#[test]
fn policies_hold_points_of_their_own() {
    let both = SideBySide::start();
    both.same(DB, "CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1");
    for (policy, lines) in [
        ("", "cpu v=1 1\nmem v=2 2\n"),
        ("p", "cpu v=3 3\nmem v=4 4\n"),
        ("nothing", "cpu v=5 5\n"),
    ] {
        both.same_request("POST", &format!("/write?db=d&rp={policy}"), &[], lines.as_bytes());
    }
    for query in [
        "SELECT v FROM cpu, mem",
        "SELECT v FROM p.cpu, p.mem",
        "SELECT v FROM d.p./.*/",
        "SELECT v FROM p.cpu, mem",
        "SELECT v FROM d.nothing.cpu",
    ] {
        both.same(DB, query);
        both.same_with(DB, query, "&rp=p");
        both.same_with(DB, query, "&rp=nothing");
    }
    for query in [
        "SHOW FIELD KEYS FROM p.cpu",
        "SHOW SERIES FROM p.cpu, p.mem",
        "SHOW TAG KEYS FROM p.cpu",
    ] {
        both.same(DB, query);
    }
}

//! `SHOW` in all its forms: every owner's part, as one answer.

use super::side_by_side::{DB, SideBySide, error, target};

const LINES: &str = "\
cpu,host=a,region=west usage=1.5,cores=4i 60000000000
cpu,host=b,region=east usage=2 60000000000
mem,host=a,region=west free=7i,state=\"s\" 60000000000
mem,host=c free=7i 60000000000
disk,host=a,path=/ used=1 60000000000
disk,host=b,path=/a\\ b\\,c\\=d used=1 60000000000
net,if=eth0 up=true 60000000000
load v=1 60000000000
z\\ z,ta\\ g=ä v=1 60000000000
";

#[test]
fn schema_is_one() {
    let both = SideBySide::with(LINES);
    both.same(
        "",
        "CREATE DATABASE e WITH DURATION 3d REPLICATION 1 SHARD DURATION 1h NAME p",
    );
    both.same("", "CREATE RETENTION POLICY q ON e DURATION INF REPLICATION 1");
    for query in [
        "SHOW DATABASES",
        "SHOW RETENTION POLICIES",
        "SHOW RETENTION POLICIES ON e",
        "SHOW RETENTION POLICIES ON nowhere",
        "SHOW MEASUREMENTS",
        "SHOW MEASUREMENTS ON d LIMIT 2",
        "SHOW MEASUREMENTS LIMIT 2 OFFSET 1",
        "SHOW MEASUREMENTS OFFSET 100",
        "SHOW MEASUREMENTS ON nowhere",
        "SHOW MEASUREMENTS WITH MEASUREMENT = cpu",
        "SHOW MEASUREMENTS WITH MEASUREMENT =~ /[cm]/ LIMIT 1",
        "SHOW MEASUREMENTS WHERE region = 'west'",
        "SHOW MEASUREMENTS WHERE host =~ /b|c/ ORDER BY time LIMIT 2",
        "SHOW SERIES",
        "SHOW SERIES LIMIT 3 OFFSET 2",
        "SHOW SERIES FROM cpu, mem, net",
        "SHOW SERIES FROM /^[cd]/ WHERE host = 'a' LIMIT 1",
        "SHOW SERIES ON d FROM cpu",
        "SHOW TAG KEYS",
        "SHOW TAG KEYS LIMIT 1",
        "SHOW TAG KEYS LIMIT 1 OFFSET 1",
        "SHOW TAG KEYS FROM cpu, net",
        "SHOW TAG KEYS ON d FROM /d/ WHERE path =~ /./",
        "SHOW TAG VALUES WITH KEY = host",
        "SHOW TAG VALUES WITH KEY = host LIMIT 1 OFFSET 1",
        "SHOW TAG VALUES WITH KEY IN (host, path)",
        "SHOW TAG VALUES WITH KEY =~ /.*/ WHERE region != 'east'",
        "SHOW TAG VALUES WITH KEY != host",
        "SHOW TAG VALUES FROM cpu, disk WITH KEY = host WHERE host = 'b'",
        "SHOW TAG VALUES ON d FROM /.*/ WITH KEY = \"ta g\"",
        "SHOW FIELD KEYS",
        "SHOW FIELD KEYS FROM mem, load",
        "SHOW FIELD KEYS ON d FROM /m|l/ LIMIT 1",
        "SHOW FIELD KEYS LIMIT 1 OFFSET 1",
        "SHOW FIELD KEYS FROM d.autogen.cpu",
        "SHOW SERIES FROM nothing",
        "SHOW FIELD KEYS FROM nothing",
        "SHOW TAG VALUES FROM nothing WITH KEY = host",
        "SHOW TAG VALUES",
    ] {
        both.same(DB, query);
        both.same_with(DB, query, "&chunked=true&chunk_size=2");
        both.same("", query);
    }
    both.same("nowhere", "SHOW MEASUREMENTS");
    both.same("nowhere", "SHOW TAG KEYS");
    both.same("nowhere", "SHOW SERIES");
}

#[test]
fn cardinalities_add_up() {
    let both = SideBySide::with(LINES);
    for query in [
        "SHOW SERIES CARDINALITY",
        "SHOW SERIES EXACT CARDINALITY",
        "SHOW SERIES EXACT CARDINALITY ON d FROM cpu, mem",
        "SHOW SERIES CARDINALITY FROM cpu",
        "SHOW MEASUREMENT CARDINALITY",
        "SHOW MEASUREMENT EXACT CARDINALITY",
        "SHOW MEASUREMENT EXACT CARDINALITY WHERE host = 'a'",
        "SHOW TAG KEY CARDINALITY",
        "SHOW TAG KEY EXACT CARDINALITY",
        "SHOW TAG KEY EXACT CARDINALITY FROM /[cd]/",
        "SHOW TAG VALUES CARDINALITY WITH KEY = host",
        "SHOW TAG VALUES EXACT CARDINALITY WITH KEY = host",
        "SHOW FIELD KEY CARDINALITY",
        "SHOW FIELD KEY EXACT CARDINALITY",
    ] {
        both.same(DB, query);
    }
}

#[test]
fn every_backend_tells_about_itself() {
    let both = SideBySide::with(LINES);
    for query in [
        "SHOW SHARDS",
        "SHOW SHARD GROUPS",
        "SHOW STATS",
        "SHOW DIAGNOSTICS",
        "SHOW QUERIES",
        "SHOW STATS FOR 'indexes'",
    ] {
        let answer = both.gyre().post(&target(DB, query, ""), b"");
        assert_eq!((answer.status, error(&answer).as_str()), (200, ""), "{query}");
        assert!(
            answer.json()["results"][0]["series"].is_array(),
            "{query}: {}",
            answer.text()
        );
    }
}

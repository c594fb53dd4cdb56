//! `SELECT ... INTO`: the points that one InfluxDB would have written, wherever they came from and belong.

use super::side_by_side::{DB, SideBySide};

const LINES: &str = "\
cpu,host=a,region=west f=1,i=4i,s=\"x \\\"y\\\"\",b=true 60000000000
cpu,host=b,region=ea\\ st f=2.5,i=5i 120000000000
cpu f=3 180000000000
mem,host=a f=7,i=7i 60000000000
z\\ z,ta\\ g=ä f=1 60000000000
";

#[test]
fn rows_become_points() {
    let both = SideBySide::with(LINES);
    both.same("", "CREATE DATABASE e");
    both.same("", "CREATE RETENTION POLICY q ON d DURATION INF REPLICATION 1");
    for (into, read) in [
        ("SELECT f, i INTO a1 FROM cpu", "SELECT * FROM a1"),
        ("SELECT * INTO a2 FROM cpu", "SELECT * FROM a2"),
        ("SELECT * INTO a3 FROM cpu GROUP BY *", "SELECT * FROM a3 GROUP BY *"),
        ("SELECT mean(f), max(i) INTO a4 FROM cpu", "SELECT * FROM a4"),
        (
            "SELECT sum(i) INTO q.a5 FROM cpu WHERE time < 4m GROUP BY time(1m), host fill(none)",
            "SELECT * FROM q.a5 GROUP BY *",
        ),
        (
            "SELECT count(f) INTO a6 FROM cpu WHERE time >= 0s AND time < 5m GROUP BY time(1m) fill(null)",
            "SELECT * FROM a6",
        ),
        (
            "SELECT f INTO e..:MEASUREMENT FROM /.*/ GROUP BY host",
            "SELECT f FROM e..cpu, e..mem GROUP BY host",
        ),
        ("SELECT f INTO e.autogen.a7 FROM cpu, mem", "SELECT * FROM e..a7"),
        (
            "SELECT f INTO \"a 8\" FROM \"z z\" GROUP BY \"ta g\"",
            "SHOW SERIES FROM \"a 8\"",
        ),
        (
            "SELECT max(f) INTO a9 FROM (SELECT f FROM cpu) tz('Asia/Kolkata')",
            "SELECT * FROM a9",
        ),
        ("SELECT f INTO b3 FROM cpu GROUP BY time(1m)", "SELECT * FROM b3"),
        ("SELECT nothing INTO b1 FROM cpu", "SELECT * FROM b1"),
        ("SELECT s AS f INTO mem FROM cpu GROUP BY *", "SELECT * FROM mem"),
        ("SELECT f INTO nowhere..x FROM cpu", "SHOW FIELD KEYS FROM a1"),
        ("SELECT f INTO d.nothing.x FROM cpu", "SHOW FIELD KEYS FROM a2"),
    ] {
        both.same(DB, into);
        both.same(DB, read);
    }
    both.same("", "SELECT f INTO x FROM d..cpu");
    both.same(DB, "SELECT f INTO b2 FROM cpu; SELECT * FROM b2");
}

//! What is not answered says so.

use super::side_by_side::{DB, SideBySide};

const LINES: &str = "a v=1 1\nb v=1 1\nc v=1 1\ne v=1 1\nf v=1 1\n";

#[test]
fn refusals_are_clear() {
    let both = SideBySide::with(LINES);
    let owners = "different backends";
    let numbered = "numbered by each backend";
    for (query, why) in [
        ("SELECT * INTO x FROM /.*/", owners),
        ("SELECT max(v) FROM (SELECT v INTO x FROM a)", "INTO is not supported"),
        ("SELECT * FROM /.*/", owners),
        ("SELECT /v/ FROM a, b, c, e, f", owners),
        ("SELECT count(*) FROM a, b, c, e, f", owners),
        ("SELECT v FROM a, b, c, e, f GROUP BY *", owners),
        ("SELECT v FROM a, b, c, e, f GROUP BY /x/", owners),
        ("SELECT max(v) FROM (SELECT v FROM /.*/)", owners),
        ("SELECT max(v) FROM (SELECT v FROM a), b, c, e, f", owners),
        ("EXPLAIN SELECT v FROM /.*/", owners),
        ("KILL QUERY 1", numbered),
        ("DROP SHARD 1", numbered),
        ("CREATE USER u WITH PASSWORD 'p'", "user management"),
        ("SHOW USERS", "user management"),
        ("SHOW GRANTS FOR u", "user management"),
        ("GRANT READ ON d TO u", "user management"),
        ("REVOKE ALL PRIVILEGES FROM u", "user management"),
        ("SET PASSWORD FOR u = 'p'", "user management"),
        ("DROP USER u", "user management"),
        ("SHOW CONTINUOUS QUERIES", "continuous queries"),
        (
            "CREATE CONTINUOUS QUERY q ON d BEGIN SELECT mean(v) INTO x FROM a GROUP BY time(1m) END",
            "continuous queries",
        ),
        ("DROP CONTINUOUS QUERY q ON d", "continuous queries"),
        ("SHOW SUBSCRIPTIONS", "subscriptions"),
        (
            "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://h:1'",
            "subscriptions",
        ),
        ("DROP SUBSCRIPTION s ON d.autogen", "subscriptions"),
    ] {
        both.refused(DB, query, why);
        both.refused(DB, &format!("SHOW DATABASES; {query}"), why);
    }
    both.same(DB, "SHOW MEASUREMENTS");
}

use super::super::{Params, parse};
use super::*;

fn one(text: &str) -> Statement {
    let mut statements = parse(text, &Params::new()).unwrap();
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0)
}

fn classified(text: &str, kind: Kind, read_only: bool, rights: &[Right]) {
    let statement = one(text);
    assert_eq!(statement.kind(), kind, "{text}");
    assert_eq!(statement.is_read_only(), read_only, "{text}");
    assert_eq!(statement.rights(), rights, "{text}");
}

fn read(database: &str) -> Right {
    Right::Read(Some(database.to_owned()))
}

fn write(database: &str) -> Right {
    Right::Write(Some(database.to_owned()))
}

#[test]
fn knows_what_reads() {
    let check = classified;
    check("SELECT x FROM m", Kind::Select, true, &[Right::Read(None)]);
    check(
        "SELECT x INTO d.r.n FROM m, e..o",
        Kind::Select,
        false,
        &[Right::Read(None), read("e"), write("d")],
    );
    check("SELECT x FROM (SELECT x FROM d..m)", Kind::Select, true, &[read("d")]);
    check("EXPLAIN SELECT x FROM m", Kind::Explain, true, &[Right::Read(None)]);
    check("SHOW DATABASES", Kind::ShowMeta, true, &[Right::Anyone]);
    check("SHOW MEASUREMENTS ON d", Kind::ShowSchema, true, &[read("d")]);
    check("SHOW SERIES CARDINALITY ON d", Kind::ShowSchema, true, &[read("d")]);
    check(
        "SHOW TAG KEY CARDINALITY FROM d..m",
        Kind::ShowSchema,
        true,
        &[read("d")],
    );
    check("SHOW RETENTION POLICIES", Kind::ShowMeta, true, &[Right::Read(None)]);
    check("SHOW USERS", Kind::ShowUsers, true, &[Right::Admin]);
    check("SHOW SHARDS", Kind::ShowServer, true, &[Right::Admin]);
    check("SHOW QUERIES", Kind::ShowServer, true, &[Right::Read(None)]);
}

#[test]
fn knows_what_changes() {
    let check = classified;
    check("CREATE DATABASE d", Kind::Database, false, &[Right::Admin]);
    check(
        "DROP RETENTION POLICY r ON d",
        Kind::RetentionPolicy,
        false,
        &[write("d")],
    );
    check(
        "ALTER RETENTION POLICY r ON d DEFAULT",
        Kind::RetentionPolicy,
        false,
        &[Right::Admin],
    );
    check(
        "CREATE CONTINUOUS QUERY q ON d BEGIN SELECT x INTO e.r.n FROM m END",
        Kind::ContinuousQuery,
        false,
        &[read("d"), write("e")],
    );
    check(
        "DROP CONTINUOUS QUERY q ON d",
        Kind::ContinuousQuery,
        false,
        &[write("d")],
    );
    check("DROP SUBSCRIPTION s ON d.r", Kind::Subscription, false, &[Right::Admin]);
    check("DELETE FROM m", Kind::DeleteData, false, &[Right::Write(None)]);
    check("DROP SERIES FROM m", Kind::DeleteData, false, &[Right::Write(None)]);
    check("DROP MEASUREMENT m", Kind::DeleteData, false, &[Right::Admin]);
    check("DROP SHARD 1", Kind::DropShard, false, &[Right::Admin]);
    check("GRANT READ ON d TO u", Kind::Users, false, &[Right::Admin]);
    check("KILL QUERY 1", Kind::Kill, false, &[Right::Admin]);
}

#[test]
fn finds_every_source() {
    let check = |text: &str, expect: &[&str]| {
        let sources = one(text).resolved_sources("db0");
        let shown: Vec<String> = sources
            .iter()
            .map(|source| {
                format!(
                    "{}|{}|{}",
                    source.database,
                    source.policy.as_deref().unwrap_or("-"),
                    source.name
                )
            })
            .collect();
        assert_eq!(shown, expect, "{text}");
    };
    check(
        "SELECT x FROM m, d.r.n, r.o, e../p/",
        &["db0|-|m", "d|r|n", "db0|r|o", "e|-|/p/"],
    );
    check(
        "SELECT x FROM (SELECT x FROM m, (SELECT y FROM n)), o",
        &["db0|-|m", "db0|-|n", "db0|-|o"],
    );
    check("SHOW SERIES ON d FROM m, e..n", &["d|-|m", "e|-|n"]);
    check("SHOW MEASUREMENTS ON d WITH MEASUREMENT =~ /m/", &["d|-|/m/"]);
    check("SHOW MEASUREMENTS", &[]);
    check("DELETE FROM m WHERE time < 5", &["db0|-|m"]);
    check("DROP MEASUREMENT m", &["db0|-|m"]);
    check(
        "CREATE CONTINUOUS QUERY q ON d BEGIN SELECT x INTO n FROM m END",
        &["d|-|m"],
    );
    check("DROP DATABASE d", &[]);
}

#[test]
fn warns_of_changes_by_get() {
    let check = |text: &str, shown: Option<&str>| {
        let warning = shown.map(|shown| {
            format!("deprecated use of '{shown}' in a read only context, please use a POST request instead")
        });
        assert_eq!(one(text).read_only_warning(), warning, "{text}");
    };
    check("drop database d", Some("DROP DATABASE d"));
    check(
        "CREATE USER u WITH PASSWORD 'secret'",
        Some("CREATE USER u WITH PASSWORD [REDACTED]"),
    );
    check("SELECT x INTO n FROM m", Some("SELECT x INTO n FROM m"));
    check("SELECT x FROM m", None);
    check("DELETE FROM m", None);
    check("KILL QUERY 5", None);
}

#[test]
fn names_columns() {
    let check = |text: &str, expect: &[&str]| {
        let Statement::Select(select) = one(text) else {
            panic!("{text} is a query");
        };
        assert_eq!(select.column_names(), expect, "{text}");
    };
    check("SELECT x, mean(y), z AS a FROM m", &["x", "mean", "a"]);
    check("SELECT mean(x), mean(y), mean(z) FROM m", &["mean", "mean_1", "mean_2"]);
    check("SELECT x + y * 2, (x), 5 * mean(z) FROM m", &["x_y", "x", "mean"]);
    check("SELECT x, x AS x_1, x FROM m", &["x", "x_1", "x_2"]);
    check("SELECT top(x, host, 3) FROM m", &["top", "host"]);
    check("SELECT top(x, host, 3) INTO n FROM m", &["top"]);
}

//! Names that need quotes or escapes: what is written is found, and placed where queries look for it.

use super::side_by_side::{DB, SideBySide, target};

/// As in line protocol, and the name that is stored.
const NAMES: &[(&str, &str)] = &[
    ("plain", "plain"),
    ("with\\ space", "with space"),
    ("with\\,comma", "with,comma"),
    ("a=b", "a=b"),
    ("c\\=d", "c=d"),
    ("me\\as", "me\\as"),
    ("two\\\\slashes", "two\\\\slashes"),
    ("\\first", "\\first"),
    ("\"quoted\"", "\"quoted\""),
    ("'single'", "'single'"),
    ("in\"side", "in\"side"),
    ("naïve-日本語-🌍", "naïve-日本語-🌍"),
    ("SELECT", "SELECT"),
    ("a.b.c", "a.b.c"),
    ("1st", "1st"),
    ("/slash/", "/slash/"),
    ("{brace}", "{brace}"),
    ("$dollar%25", "$dollar%25"),
    ("tab\there", "tab\there"),
];

#[test]
fn names_written_are_found() {
    let both = SideBySide::start();
    for (written, _) in NAMES {
        both.write(DB, &format!("{written} v=1i 1\n"));
    }
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    for (written, stored) in NAMES {
        let query = format!("SELECT v FROM {}", quoted(stored));
        both.same(DB, &query);
        both.same(DB, &format!("{query}, nothing, more"));
        both.same(DB, &format!("SHOW FIELD KEYS FROM {}", quoted(stored)));
        both.same(DB, &format!("SHOW SERIES FROM {}", quoted(stored)));
        let found = both.gyre().post(&target(DB, &query, ""), b"").text();
        assert!(found.contains("\"values\""), "{written}: {query}: {found}");
    }
    for query in [
        "SELECT v FROM /.*/",
        "SHOW MEASUREMENTS",
        "SHOW SERIES",
        "SHOW FIELD KEYS",
    ] {
        both.same(DB, query);
    }
    for (_, stored) in NAMES {
        both.same(DB, &format!("DROP MEASUREMENT {}", quoted(stored)));
    }
    both.same(DB, "SHOW MEASUREMENTS");
}

#[test]
fn tags_fields_and_databases_may_be_odd() {
    let both = SideBySide::start();
    for db in ["a b", "a.b", "ä", "a\"b", "a'b", "a\\b", "a/b", "a,b"] {
        let name = db.replace('\\', "\\\\").replace('"', "\\\"");
        both.same("", &format!("CREATE DATABASE \"{name}\""));
        both.write(
            db,
            "m,ta\\ g=va\\,l\\=ue\\ x,ü=\\\\ f\\ i\\,e=1,\"q\"=2 1\nn,x=y f=1 1\n",
        );
        both.same(db, "SELECT * FROM m");
        both.same(db, "SHOW SERIES");
        both.same("", &format!("SHOW TAG VALUES ON \"{name}\" WITH KEY =~ /.*/"));
        both.same("", &format!("SELECT \"f i,e\" FROM \"{name}\"..m, \"{name}\"..n"));
        both.same(
            "",
            &format!("SELECT \"f i,e\", f FROM \"{name}\".autogen./m|n/ WHERE \"ta g\" = 'va,l=ue x'"),
        );
    }
    both.same("", "SHOW DATABASES");
}

//! The commands: what `gyre export` writes, `gyre import` and the `influx` client read back, backups, the metadata of
//! clusters, plugins, metrics and tasks.

mod backup;
mod meta;
mod telemetry;

use std::{fs, net::SocketAddr, path::Path};

use serde_json::Value;

use crate::{
    embedded,
    support::{cli, dir, gyre::Gyre, gzip, http::Client, influxd::Influxd},
};

const DB: &str = "odd db";

const POINTS: &str = r#"plain,t=a f=1,i=-9007199254740993i,b=true,s="text" 1767225600000000001
plain,t=b f=0.1 1767225600000000002
plain f=1e300,b=false,s="" 1767225600000000003
plain,t=a f=-1.7976931348623157e308,i=9223372036854775807i 1767225600000000004
same,same=tag same="field" 1767225600000000005
same same="field alone" 1767225600000000006
same,same=tag other=1i 1767225600000000007
odd\ name\,with\ "all",k\ e\,y\==v\ a\,l\=ü,имя=значение f\ i\,e\=ld="say \"hi\" \\ # , = i" 1767225600000000008
select from=1,where=2i -5
"#;

fn gyre(addr: SocketAddr, arguments: &[&str]) -> cli::Finished {
    cli::gyre_with(arguments, &[("GYRE_URL", &format!("http://{addr}"))])
}

#[track_caller]
fn succeed(addr: SocketAddr, arguments: &[&str]) -> cli::Finished {
    let finished = gyre(addr, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished
}

/// A server with [`POINTS`] in the default policy and one point in another.
fn filled() -> Gyre {
    filled_over(1, 1)
}

/// The same over some circles of embedded backends.
fn filled_over(circles: usize, per_circle: usize) -> Gyre {
    let gyre = embedded::start(circles, per_circle);
    let client = gyre.client();
    client.query("", &format!("CREATE DATABASE \"{DB}\" WITH DURATION INF NAME first"));
    client.query(
        "",
        &format!("CREATE RETENTION POLICY \"second one\" ON \"{DB}\" DURATION 10000w REPLICATION 1 SHARD DURATION 2d"),
    );
    assert_eq!(client.write(DB, POINTS), (204, String::new()));
    let target = "/write?db=odd%20db&rp=second%20one";
    assert_eq!(
        client.post(target, b"plain,t=z i=3i,f=2 1767225600000000009").status,
        204
    );
    gyre
}

/// Everything that the database says about itself.
fn contents(client: &Client) -> Vec<Value> {
    let statements = [
        "SHOW RETENTION POLICIES",
        "SHOW SERIES",
        "SHOW FIELD KEYS",
        "SELECT * FROM \"first\".plain",
        "SELECT *::field FROM \"first\"./.*/ GROUP BY *",
        "SELECT *::field FROM \"second one\".plain GROUP BY *",
    ];
    statements
        .map(|statement| client.query(DB, statement)["results"][0].clone())
        .into()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

#[test]
fn a_reader_that_left_ends_a_command_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let finished = cli::gyre_into(&["version"], writer.into());
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_import_of_an_export_is_the_same_database() {
    let (from, to, dir) = (filled(), embedded::start(1, 1), dir::temp_dir());
    for (name, gzip) in [("plain", false), ("gzip", true)] {
        let file = dir.path().join(name);
        let mut arguments = vec!["export", "--db", DB, "--out", text(&file)];
        arguments.extend(gzip.then_some("--gzip"));
        let exported = succeed(from.addr(), &arguments);
        assert!(exported.stderr.starts_with("exported 10 points"), "{}", exported.stderr);
        assert_eq!(fs::read(&file).unwrap().starts_with(&[0x1f, 0x8b]), gzip);
        let imported = succeed(to.addr(), &["import", text(&file), "--batch", "3"]);
        assert!(imported.stderr.starts_with("imported 10 points"), "{}", imported.stderr);
        assert_eq!(contents(&to.client()), contents(&from.client()));
        to.client().query("", &format!("DROP DATABASE \"{DB}\""));
    }
}

#[test]
fn the_influx_client_reads_an_export() {
    let (from, to, dir) = (filled(), Influxd::start(), dir::temp_dir());
    let file = dir.path().join("export");
    succeed(from.addr(), &["export", "--db", DB, "--out", text(&file)]);
    let (host, port) = (to.addr().ip().to_string(), to.addr().port().to_string());
    let arguments = ["-host", &host, "-port", &port, "-import", "-path", text(&file)];
    let read = cli::run("influx", &arguments);
    assert_eq!(read.code, Some(0), "{}{}", read.stdout, read.stderr);
    assert_eq!(contents(&Client::new(to.addr())), contents(&from.client()));
}

#[test]
fn a_part_can_be_exported() {
    let from = filled();
    let lines = |arguments: &[&str]| {
        let all = [&["export", "--db", DB, "--out", "-"], arguments].concat();
        let printed = succeed(from.addr(), &all).stdout;
        let lines = printed.split("\n# DML\n").nth(1).expect("a DML part").lines();
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).count()
    };
    assert_eq!(lines(&["--rp", "second one"]), 1);
    assert_eq!(lines(&["--measurement", "same", "--measurement", "select"]), 4);
    assert_eq!(lines(&["--end", "-5"]), 1);
    assert_eq!(lines(&["--start", "2026-01-01T00:00:00.000000008Z"]), 2);
    assert_eq!(
        lines(&["--start", "1767225600000000002", "--end", "1767225600000000003"]),
        2
    );
    let refused = gyre(from.addr(), &["export", "--db", "nowhere", "--out", "-"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("database not found: nowhere"),
        "{}",
        refused.stderr
    );
}

#[test]
fn refused_lines_have_their_numbers_and_the_others_are_kept() {
    let (to, dir) = (embedded::start(1, 1), dir::temp_dir());
    to.client().query("", "CREATE DATABASE d");
    let file = dir.path().join("lines.gz");
    let lines = "# a comment\nm v=1 1\nm v= 2\nm v=3 3\nm v=4i 4\nm s=\"two\nlines\" 5\nm s=\"open 6\nm v=7 7\n";
    fs::write(&file, gzip::compress(lines.as_bytes())).unwrap();
    let nowhere = gyre(to.addr(), &["import", text(&file)]);
    assert!(
        nowhere.stderr.contains("the file names no database"),
        "{}",
        nowhere.stderr
    );
    let imported = gyre(to.addr(), &["import", text(&file), "--db", "d", "--precision", "s"]);
    assert_eq!(imported.code, Some(1));
    let said: Vec<&str> = imported.stderr.lines().collect();
    assert!(
        said[0].starts_with("line 3: unable to parse 'm v= 2': missing field value"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("line 8: unable to parse 'm s=\"open 6': "),
        "{said:?}"
    );
    assert!(
        said[2].starts_with("line 5: ") && said[2].contains("field type conflict"),
        "{said:?}"
    );
    assert!(said[3].starts_with("imported 4 points"), "{said:?}");
    assert_eq!(said[4], "3 lines were refused");
    let rows = to.client().query("d", "SELECT v, s FROM m")["results"][0]["series"][0]["values"].clone();
    let second = 1_000_000_000_i64;
    let expected = serde_json::json!([
        [second, 1, null],
        [3 * second, 3, null],
        [5 * second, null, "two\nlines"],
        [7 * second, 7, null]
    ]);
    assert_eq!(rows, expected);
}

#[test]
fn an_answer_of_many_chunks_is_exported_whole() {
    let (from, dir) = (embedded::start(1, 1), dir::temp_dir());
    let file = dir.path().join("points");
    let points: String = (0..12_000).map(|n| format!("m,t={} v={n}i {n}\n", n % 2)).collect();
    fs::write(
        &file,
        format!("# DDL\nCREATE DATABASE d\n# DML\n# CONTEXT-DATABASE:d\n{points}"),
    )
    .unwrap();
    succeed(from.addr(), &["import", text(&file)]);
    let exported = succeed(from.addr(), &["export", "--db", "d", "--out", text(&file)]);
    assert!(
        exported.stderr.starts_with("exported 12000 points"),
        "{}",
        exported.stderr
    );
    let mut expected: Vec<&str> = points.lines().collect();
    let written = fs::read_to_string(&file).unwrap();
    let mut written: Vec<&str> = written.lines().filter(|line| line.starts_with("m,")).collect();
    expected.sort_unstable();
    written.sort_unstable();
    assert_eq!(written, expected);
}

//! `influx` 1.6.7, the command line of Debian's influxdb-client.

use std::fs;

use super::run;
use crate::support::{cluster::Cluster, dir};

/// Runs `influx` against the cluster; what it printed.
#[track_caller]
fn influx(cluster: &Cluster, arguments: &[&str]) -> String {
    let addr = cluster.gyre.addr();
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let mut all = vec!["-host", &host, "-port", &port];
    all.extend(arguments);
    run("influx", &all, "install Debian's influxdb-client package")
}

#[test]
fn queries_are_answered() {
    let cluster = Cluster::start(2, 2);
    let execute = |format: &str, text: &str| influx(&cluster, &["-database", "d", "-format", format, "-execute", text]);
    assert_eq!(execute("csv", "CREATE DATABASE d"), "");
    assert_eq!(execute("csv", "INSERT cpu,host=a v=1.5,n=3i 1000000001"), "");
    assert_eq!(execute("csv", "INSERT mem,host=b v=2 2000000000"), "");
    assert_eq!(
        execute("csv", "SELECT v, n FROM cpu"),
        "name,time,v,n\ncpu,1000000001,1.5,3\n"
    );
    let both = execute("csv", "SELECT v FROM cpu, mem");
    assert_eq!(both, "name,time,v\ncpu,1000000001,1.5\nname,time,v\nmem,2000000000,2\n");
    let seconds = influx(
        &cluster,
        &[
            "-database",
            "d",
            "-precision",
            "s",
            "-format",
            "csv",
            "-execute",
            "SELECT v FROM mem",
        ],
    );
    assert_eq!(seconds, "name,time,v\nmem,2,2\n");
    let local = influx(
        &cluster,
        &[
            "-database",
            "d",
            "-precision",
            "rfc3339",
            "-format",
            "csv",
            "-execute",
            "SELECT v FROM cpu",
        ],
    );
    assert_eq!(local, "name,time,v\ncpu,1970-01-01T00:00:01.000000001Z,1.5\n");
    assert!(execute("column", "SHOW MEASUREMENTS").contains("cpu\nmem\n"));
    assert!(execute("json", "SHOW TAG VALUES WITH KEY = host").contains(r#"["host","b"]"#));
}

#[test]
fn file_is_imported() {
    let cluster = Cluster::start(2, 2);
    let dir = dir::temp_dir();
    let file = dir.path().join("import.txt");
    let points: String = (0..6000).map(|n| format!("m{},host=a v={n}i {n}\n", n % 5)).collect();
    let text = format!(
        "# DDL\nCREATE DATABASE imported\nCREATE RETENTION POLICY kept ON imported DURATION INF REPLICATION 1\n\n\
         # DML\n# CONTEXT-DATABASE: imported\n# CONTEXT-RETENTION-POLICY: kept\n\n{points}"
    );
    fs::write(&file, text).expect("the test's directory is writable");
    let path = file.to_str().expect("temporary paths are UTF-8");
    let printed = influx(&cluster, &["-import", "-path", path, "-precision", "s"]);
    assert!(printed.is_empty() || !printed.contains("error"), "{printed}");
    let client = cluster.gyre.client();
    let counted = client.query("imported", "SELECT count(v), max(v) FROM kept./m/");
    let series = counted["results"][0]["series"].as_array().expect("series").clone();
    let counts: Vec<_> = series.iter().map(|series| series["values"][0][1].as_i64()).collect();
    assert_eq!(counts, [Some(1200); 5]);
    let last = client.query("imported", "SELECT last(v) FROM kept.m4");
    assert_eq!(
        last["results"][0]["series"][0]["values"],
        serde_json::json!([[5_999_000_000_000_i64, 5999]])
    );
}

//! `gyre meta`: what one command writes the others read.

use std::{fs, process::Command, time::Duration};

use serde_json::{Value, json};

use super::{gyre, succeed, text};
use crate::{
    embedded,
    support::{dir, gyre as server, process::Process, wait},
};

/// An odd name takes the same way as any other.
const CLUSTER: &str = "a b/c";

#[test]
fn versions_are_written_read_and_listed() {
    let (gyre_server, dir) = (embedded::start(1, 1), dir::temp_dir());
    let at = gyre_server.addr();
    let (one, out) = (dir.path().join("one"), dir.path().join("out"));
    fs::write(&one, b"\x00\xff").unwrap();
    let missing = gyre(at, &["meta", "get", CLUSTER]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("Key not found"), "{}", missing.stderr);

    let put = |version, json: &[&str]| {
        gyre(
            at,
            &[&["meta", "put", CLUSTER, "--version", version, text(&one)], json].concat(),
        )
    };
    assert_eq!(put("0", &[]).stdout, "stored version 1\n");
    assert_eq!(
        serde_json::from_str::<Value>(&put("1", &["--json"]).stdout).unwrap(),
        json!({"version": 2})
    );
    let late = put("7", &[]);
    assert_eq!(
        (late.code, late.stderr.as_str()),
        (Some(1), "nothing stored: the current version is 2\n")
    );

    let got = succeed(at, &["meta", "get", CLUSTER, "--out", text(&out)]);
    assert_eq!(
        (got.stdout.as_str(), fs::read(&out).unwrap()),
        ("version 2, 2 bytes\n", b"\x00\xff".to_vec())
    );
    let got = succeed(at, &["meta", "get", CLUSTER, "--json"]).stdout;
    let expect = json!({"version": 2, "size": 2, "body": "AP8="});
    assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), expect);

    let table = succeed(at, &["meta", "history", CLUSTER]).stdout;
    let first_words: Vec<_> = table.lines().map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first_words, [Some("version"), Some("2"), Some("1")]);
    let list = succeed(at, &["meta", "history", CLUSTER, "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()[1]["version"], 1);
}

#[test]
fn a_watch_prints_every_version() {
    let (gyre_server, dir) = (embedded::start(1, 1), dir::temp_dir());
    let printed = dir.path().join("printed");
    let url = format!("http://{}", gyre_server.addr());
    let mut command = Command::new(server::binary());
    command.args(["meta", "watch", CLUSTER, "--json", "--url", &url]);
    let _watch = Process::start("watch", &command, &printed);
    for version in 0..3 {
        let answer = gyre_server
            .client()
            .post(&format!("/clusters/a+b%2Fc/versions/{version}"), b"xy");
        assert_eq!(answer.status, 200);
        let expect = format!("{}\n", json!({"version": version + 1, "size": 2}));
        wait::until(&expect, Duration::from_secs(20), || {
            let so_far = fs::read_to_string(&printed).expect("it is there");
            so_far.ends_with(&expect).then_some(())
        });
    }
}

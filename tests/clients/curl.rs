//! `curl` with compressed bodies.

use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};

use super::run;
use crate::support::{cluster::Cluster, dir};

#[test]
fn compressed_bodies_are_understood() {
    let cluster = Cluster::start(1, 2);
    let url = format!("http://{}", cluster.gyre.addr());
    let dir = dir::temp_dir();
    let gzip = |name: &str, text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text.as_bytes()).expect("memory takes everything");
        let path = dir.path().join(name);
        fs::write(&path, packed.finish().expect("memory takes everything")).expect("the test's directory is writable");
        format!("@{}", path.display())
    };
    let curl = |arguments: &[&str]| {
        let mut all = vec!["--silent", "--show-error", "--write-out", "%{http_code}"];
        all.extend(arguments);
        run("curl", &all, "install curl")
    };
    let packed = "Content-Encoding: gzip";
    let (write, query) = (format!("{url}/write?db=d"), format!("{url}/query?db=d&epoch=ns"));
    assert!(curl(&[&query, "--data-urlencode", "q=CREATE DATABASE d"]).ends_with("200"));
    let lines: String = (0..3000).map(|n| format!("m{},host=a v={n}i {n}\n", n % 3)).collect();
    let body = gzip("lines.gz", &lines);
    assert_eq!(curl(&[&write, "--header", packed, "--data-binary", &body]), "204");
    assert_eq!(
        curl(&[
            &write,
            "--header",
            packed,
            "--header",
            "Transfer-Encoding: chunked",
            "--data-binary",
            &body
        ]),
        "204"
    );
    let counted = curl(&[
        "--compressed",
        &query,
        "--data-urlencode",
        "q=SELECT count(v) FROM m0, m1, m2",
    ]);
    assert_eq!(counted.matches("[[0,1000]]").count(), 3, "{counted}");
    let refused = curl(&[&write, "--header", packed, "--data-binary", "m v=1"]);
    assert!(refused.contains("\"error\"") && refused.ends_with("400"), "{refused}");
}

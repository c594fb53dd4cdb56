//! How queries arrive and answers leave: methods, forms, formats, chunks, compression.

use std::io::Read;

use super::side_by_side::{DB, SideBySide, target};
use crate::support::http::encode;

const LINES: &str = "\
cpu,host=a usage=1.5,cores=4i,note=\"a,b \\\"c\\\"\",up=true 60000000001
cpu,host=b usage=2 120000000000
mem,host=a usage=3,free=9223372036854775807i 60000000000
disk,host=ä\\,\\ ö usage=1e300,note=\"x\" 60000000000
";

/// Of one owner, of several, of all, and one that changes something.
const QUERIES: [&str; 5] = [
    "SELECT * FROM cpu",
    "SELECT usage, note, up FROM cpu, mem, disk GROUP BY host",
    "SHOW TAG VALUES WITH KEY = host",
    "SELECT * FROM mem; SHOW MEASUREMENTS; SELECT nothing FROM cpu; SELECT free FROM mem, disk",
    "CREATE DATABASE e",
];

#[test]
fn formats_are_chosen_by_accept() {
    let both = SideBySide::with(LINES);
    for accept in [
        "application/json",
        "application/csv",
        "text/csv",
        "application/x-msgpack",
        "*/*",
        "text/html",
        "text/html, application/x-msgpack",
        "application/x-msgpack;q=0.5, application/csv",
    ] {
        for query in QUERIES {
            for more in ["", "&epoch=ms", "&chunked=true&chunk_size=1", "&pretty=true"] {
                both.same_request("POST", &target(DB, query, more), &[("Accept", accept)], b"");
            }
        }
    }
}

#[test]
fn chunks_are_cut_as_influxdb_does() {
    let both = SideBySide::start();
    for (n, name) in ["a", "b", "c"].iter().enumerate() {
        let lines: String = (0..7)
            .map(|row| format!("{name},t={} v={row} {row}\n", row % (n + 1)))
            .collect();
        both.write(DB, &lines);
    }
    for size in ["", "1", "2", "3", "7", "0", "-1", "x"] {
        for query in [
            "SELECT v FROM a",
            "SELECT v FROM a, b, c",
            "SELECT v FROM a, b, c GROUP BY t",
            "SHOW TAG VALUES WITH KEY = t",
            "SHOW TAG KEYS",
            "SHOW FIELD KEYS",
            "SHOW MEASUREMENTS",
            "SHOW SERIES",
            "SHOW RETENTION POLICIES",
            "SHOW SERIES EXACT CARDINALITY",
        ] {
            both.same_with(DB, query, &format!("&chunked=true&chunk_size={size}"));
            both.same_with(DB, query, &format!("&chunk_size={size}"));
        }
    }
}

#[test]
fn queries_arrive_in_many_ways() {
    let both = SideBySide::with(LINES);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let multipart = ("Content-Type", "multipart/form-data; boundary=xyz");
    for query in QUERIES {
        let q = encode(query);
        both.same_request("GET", &target(DB, query, ""), &[], b"");
        both.same_request("POST", "/query", &[form], format!("db=d&q={q}&epoch=s").as_bytes());
        both.same_request("POST", "/query?db=d&epoch=s", &[form], format!("q={q}").as_bytes());
        both.same_request(
            "POST",
            "/query?db=nowhere&q=SHOW+DATABASES",
            &[form],
            format!("db=d&q={q}").as_bytes(),
        );
        both.same_request("POST", &format!("/query?db=d&q={q}"), &[form], b"");
        let file = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"q\"; filename=\"q.txt\"\r\nContent-Type: text/plain\r\n\r\n{query}\r\n--xyz--\r\n"
        );
        both.same_request("POST", "/query?db=d", &[multipart], file.as_bytes());
        let field = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"db\"\r\n\r\nd\r\n--xyz\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n{query}\r\n--xyz--\r\n"
        );
        both.same_request("POST", "/query", &[multipart], field.as_bytes());
    }
}

#[test]
fn bad_requests_are_refused_alike() {
    let both = SideBySide::with(LINES);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for (method, target) in [
        ("GET", "/query"),
        ("POST", "/query"),
        ("GET", "/query?q=%20"),
        ("GET", "/query?q=SELECT"),
        ("GET", "/query?q=SELECT+v+FROM+cpu"),
        ("GET", "/query?db=nowhere&q=SELECT+v+FROM+cpu"),
        ("GET", "/query?db=nowhere&q=SELECT+v+FROM+cpu,mem"),
        ("GET", "/query?db=d&q=SELECT+v+FROM+cpu&pretty=true&epoch=s"),
        ("GET", "/query?db=d&q=SELEC+v+FROM+cpu&pretty=true"),
        ("GET", "/query?db=d&q=SELECT+v,+mean(v)+FROM+cpu"),
        ("GET", "/query?db=d&q=SELECT+v,+mean(v)+FROM+cpu,mem,disk"),
        ("GET", "/query?db=d&q=SELECT+mean(v)+FROM+cpu+GROUP+BY+time(0s)"),
        ("GET", "/query?db=d&q=SELECT+v+FROM+/[/"),
        ("GET", "/query?db=d&q=SELECT+v+FROM+cpu+tz('Nowhere/X')"),
        ("GET", "/query?db=d&q=SELECT+v+FROM+cpu+WHERE+time+%3E+'x'"),
        ("GET", "/query?db=d&q=SHOW+NOTHING"),
        ("GET", "/query?db=d&q=SELECT+%22a%0Ab%22+FROM+cpu+WHERE+'%01"),
        ("GET", "/query?db=d&q=%zz&q=SELECT+v+FROM+mem"),
        ("PUT", "/query"),
        ("DELETE", "/query"),
        ("GET", "/query/"),
        ("GET", "/nothing"),
        ("GET", "/"),
        ("HEAD", "/ping"),
        ("GET", "/write?db=d"),
    ] {
        both.same_request(method, target, &[], b"");
        if target.starts_with("/query?") {
            both.same_request(method, target, &[("Accept", "application/csv")], b"");
            both.same_request(method, target, &[("Accept", "application/x-msgpack")], b"");
        }
    }
    both.same_request("POST", "/query", &[form], b"q=%zz");
}

#[test]
fn answers_are_compressed_when_asked_for() {
    let both = SideBySide::with(LINES);
    for query in QUERIES {
        let target = target(DB, query, "");
        let plain = both.gyre().request("POST", &target, &[], b"").unwrap();
        let packed = both
            .gyre()
            .request("POST", &target, &[("Accept-Encoding", "gzip")], b"")
            .unwrap();
        assert_eq!(plain.header("content-encoding"), None);
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{query}");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed.body)
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain.body, "{query}");
    }
}

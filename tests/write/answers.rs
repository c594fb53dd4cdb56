//! What clients of `/write` are told and what is stored then: the same as by a lone InfluxDB asked the same.

use serde_json::Value;

use super::Cluster;
use crate::support::{gzip, http::Client, influxd::Influxd};

/// Parameters after `db`, and a body.
type Case = (&'static str, &'static [u8]);

const PRECISIONS: &[Case] = &[
    ("", b"m v=1i 1500000000000000001"),
    ("&precision=n", b"m v=2i 1500000000000000001"),
    ("&precision=u", b"m v=3i 1500000000000001"),
    ("&precision=ms", b"m v=4i 1500000000001"),
    ("&precision=s", b"m v=5i 1500000001"),
    ("&precision=m", b"m v=6i 25000000"),
    ("&precision=h", b"m v=7i 416666"),
    ("&precision=s", b"m v=8i -5\nm v=9i -05"),
    ("&precision=h", b"m v=1i 2562047788015"),
    ("&consistency=all", b"m v=1i 1"),
    ("&rp=autogen", b"m v=1i 1"),
    ("&rp=nope", b"m v=1i 1"),
];

const SHAPES: &[Case] = &[
    ("", b""),
    ("", b"\n\n \n"),
    ("", b"# nothing but a comment"),
    ("", b"# first\nm v=1i 1\n  # second\nm v=2i 2\n"),
    ("", b"  m v=1i 1\n\tm v=2i 2\n"),
    ("", b"m v=1i 1 \nm   v=2i   2   \n"),
    ("", b"m,b=2,a=1 v=1i 1\nm,a=1,b=2 v=2i 1"),
    ("", b"m\\ x,t\\,a\\=g=a\\ b f\\ x=1,g=\"quo\\\"ted\\\\\" 1"),
    ("", b"m s=\"two\nlines\" 1\nm s=\"x,y z=\" 2"),
    ("", b"m a=1,b=1i,c=t,d=TRUE,e=False,f=\"\",g=-1.5e-3,h=1.,i=-0 1"),
    ("", "mäß,t=ü v=\"\u{1f980}\" 1".as_bytes()),
    ("", b"m v=1i 1\nm v=2i 1\nm w=3i 1\n"),
    ("", b"a v=1i 1\nb v=1i 1\nc v=1i 1\nd v=1i 1\ne v=1i 1\nf v=1i 1"),
];

const REFUSED: &[Case] = &[
    ("", b"m"),
    ("", b"m v"),
    ("", b"m v= 1"),
    ("", b"m =1 1"),
    ("", b"m, v=1 1"),
    ("", b"m,t v=1 1"),
    ("", b"m,t= v=1 1"),
    ("", b"m,=x v=1 1"),
    ("", b",t=1 v=1 1"),
    ("", b"m v=x 1"),
    ("", b"m v=1ii 1"),
    ("", b"m v=9223372036854775808i 1"),
    ("", b"m v=1e999 1"),
    ("", b"m v=NaN 1"),
    ("", b"m v=\"open 1"),
    ("", b"m v=1 x"),
    ("", b"m v=1 9223372036854775808"),
    ("", b"m v=1 9223372036854775807"),
    ("", b"m v=1i 1 2"),
    ("", b"good v=1i 1\nbad\ngood v=2i 2\nbad v=\n"),
    ("", b"bad\nworse v\n# comment\n,x"),
    ("", b"<bad & 'quoted'> \"x\"\ngood v=1i 1"),
    ("&precision=s", b"good v=1i 1\nm v=1i 9223372036854775807"),
];

const CONFLICTS: &[Case] = &[
    ("", b"m v=1i 1\nm v=\"text\" 2\nm v=3i 3"),
    ("", b"m v=1i 1\nm v=2 2\nm v=true 3"),
    ("", b"m v=1i 1\nbad\nm v=2 2"),
    ("", b"m v=1i 1,w=2i\nm w=1i 1\nm w=2 2\nm v=3i 3"),
];

/// A server that answers writes, and what it holds.
struct Asked<'a> {
    client: &'a Client,
    db: &'a str,
}

impl Asked<'_> {
    /// Status, error header and body.
    fn write(&self, (parameters, body): Case) -> (u16, Option<String>, String) {
        let answer = self.client.post(&format!("/write?db={}{parameters}", self.db), body);
        let header = answer.header("x-influxdb-error").map(str::to_owned);
        (answer.status, header, answer.text())
    }

    fn content(&self) -> Vec<Value> {
        let names = self.client.query(self.db, "SHOW MEASUREMENTS");
        let rows = names.pointer("/results/0/series/0/values").and_then(Value::as_array);
        let names = rows.into_iter().flatten().filter_map(|row| row[0].as_str());
        let quoted = names.map(|name| name.replace('\\', "\\\\").replace('"', "\\\""));
        quoted
            .map(|name| {
                self.client
                    .query(self.db, &format!("SELECT * FROM \"{name}\" GROUP BY *"))
            })
            .collect()
    }
}

#[test]
fn same_answers_and_points_as_a_lone_influxdb() {
    let cluster = Cluster::start(|config| config.set("proxy", "ack_timeout", "10s"));
    let lone = Influxd::start();
    let (gyre, lone) = (cluster.gyre.client(), lone.client());
    let cases = [PRECISIONS, SHAPES, REFUSED, CONFLICTS].concat();
    let mut wrong = Vec::new();
    for (number, case) in cases.into_iter().enumerate() {
        let db = format!("case{number}");
        for server in [&gyre, &lone] {
            server.query("", &format!("CREATE DATABASE {db}"));
        }
        let [ours, theirs] = [&gyre, &lone].map(|client| {
            let asked = Asked { client, db: &db };
            (asked.write(case), asked.content())
        });
        if ours != theirs {
            let (parameters, body) = case;
            let body = String::from_utf8_lossy(body);
            wrong.push(format!("{parameters} {body:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn databases_are_named_and_known() {
    let cluster = Cluster::start(|config| config);
    let lone = Influxd::start();
    let (gyre, lone) = (cluster.gyre.client(), lone.client());
    for target in [
        "/write",
        "/write?db=",
        "/write?db=nope",
        "/write?db=a%20%22b%22%C3%A9&rp=x",
    ] {
        let [ours, theirs] = [&gyre, &lone].map(|client| {
            let answer = client.post(target, b"m v=1i 1");
            let header = answer.header("x-influxdb-error").map(str::to_owned);
            (answer.status, header, answer.text())
        });
        assert_eq!(ours, theirs, "{target}");
    }
    let precision = gyre.post("/write?db=d&precision=us", b"m v=1i 1");
    assert_eq!(precision.status, 400);
    let text = "{\"error\":\"invalid precision \\\"us\\\" (use n, u, ms, s, m or h)\"}\n";
    assert_eq!(precision.text(), text);
}

/// InfluxDB 1.6 takes the carriage return for a part of the timestamp; influx-proxy's clients may send it.
#[test]
fn carriage_returns_end_lines() {
    let cluster = Cluster::start(|config| config);
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    assert_eq!(
        client.write("d", "m v=1i 1\r\nm v=2i 2\r\n\r\n# x\r\nm v=3i 3\r"),
        (204, String::new())
    );
    assert_eq!(super::column(&client, "d", "SELECT v FROM m"), [1, 2, 3]);
}

#[test]
fn compressed_bodies_are_written() {
    let cluster = Cluster::start(|config| config);
    let client = cluster.gyre.client();
    client.query("", "CREATE DATABASE d");
    let lines: String = (0..50_000).map(|n| format!("m{} v={n}i {n}\n", n % 7)).collect();
    let body = gzip::compress(lines.as_bytes());
    let answer = client.request("POST", "/write?db=d", &[("Content-Encoding", "gzip")], &body);
    assert_eq!(answer.expect("it answers").status, 204);
    let counts: i64 = (0..7)
        .filter_map(|n| super::column(&client, "d", &format!("SELECT count(v) FROM m{n}"))[0].as_i64())
        .sum();
    assert_eq!(counts, 50_000);
}

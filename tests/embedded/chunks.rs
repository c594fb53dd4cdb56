//! Answers in chunks: the bytes of influxd, whatever the statement, the size and the format.

use crate::support::{
    http::{Client, Response, encode},
    influxd::Influxd,
};

const DB: &str = "chunks";
const SIZES: [&str; 5] = ["1", "2", "3", "10000", "0"];
const FORMATS: [&str; 3] = ["application/json", "application/csv", "application/x-msgpack"];

const STATEMENTS: &[&str] = &[
    "SELECT * FROM cpu",
    "SELECT v FROM cpu GROUP BY host",
    "SELECT v FROM cpu GROUP BY * ORDER BY time DESC",
    "SELECT v FROM cpu LIMIT 4",
    "SELECT v FROM cpu GROUP BY host LIMIT 2 OFFSET 1",
    "SELECT v FROM cpu GROUP BY host, dc SLIMIT 2 SOFFSET 1",
    "SELECT v FROM cpu, mem GROUP BY host",
    "SELECT * FROM /.*/",
    "SELECT mean(v) FROM cpu WHERE time >= 0 AND time < 12 GROUP BY time(2ns), host",
    "SELECT mean(v) FROM cpu WHERE time >= 0 AND time < 12 GROUP BY time(1ns) fill(0)",
    "SELECT max(m) FROM (SELECT mean(v) AS m FROM cpu WHERE time >= 0 AND time < 12 GROUP BY time(2ns), host) GROUP BY host",
    "SELECT top(v, host, 3) FROM cpu",
    "SELECT text, v FROM cpu WHERE v > 3",
    "SELECT v FROM cpu WHERE v > 1000",
    "SELECT v FROM nothing",
    "SELECT v FROM cpu TZ('Europe/Berlin')",
    "SELECT v FROM nowhere..cpu",
    "SELECT v FROM cpu LIMIT 2; SELECT v FROM nothing; SELECT v FROM cpu GROUP BY host; SHOW DATABASES",
    "SELECT v FROM cpu; SELECT v FROM mem; SELECT nofunction(v) FROM cpu",
    "SHOW MEASUREMENTS",
    "SHOW SERIES",
    "SHOW TAG KEYS",
    "SHOW TAG VALUES WITH KEY = host",
    "SHOW FIELD KEYS",
    "SHOW MEASUREMENTS; SELECT v FROM cpu LIMIT 3; SHOW TAG KEYS; SELECT * FROM mem",
];

#[test]
fn chunks_are_those_of_influxdb() {
    let (gyre, influxd) = (super::start(1, 1), Influxd::start());
    let clients = [influxd.client(), gyre.client()];
    let cpu = (0..12).map(|n| format!("cpu,dc=d{},host=h{} v={n},text=\"t, {n}\" {n}\n", n % 2, n % 3));
    let mem = (0..5).map(|n| format!("mem,host=h{n} v={n}.5 {n}\n"));
    let lines: String = cpu.chain(mem).collect();
    for client in &clients {
        client.query("", &format!("CREATE DATABASE {DB}"));
        assert_eq!(client.write(DB, &lines).0, 204);
    }
    let mut differences = Vec::new();
    for statement in STATEMENTS {
        for size in SIZES {
            for format in FORMATS.iter().filter(|format| !has_any_order(statement, format)) {
                let [expect, got] = clients.each_ref().map(|client| ask(client, statement, size, format));
                if parts(&expect) != parts(&got) {
                    let (expect, got) = (expect.text(), got.text());
                    differences.push(format!("{statement} by {size} as {format}\n{expect}\n{got}"));
                }
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn ask(client: &Client, statement: &str, size: &str, format: &str) -> Response {
    let target = format!("/query?db={DB}&chunked=true&chunk_size={size}&q={}", encode(statement));
    let answer = client.request("POST", &target, &[("Accept", format)], b"");
    answer.unwrap_or_else(|error| panic!("{statement}: {error}"))
}

fn parts(answer: &Response) -> (u16, Option<&str>, &[u8]) {
    (answer.status, answer.header("content-type"), &answer.body)
}

/// Go writes maps, which the tags are in MessagePack, in any order.
fn has_any_order(statement: &str, format: &str) -> bool {
    format.ends_with("msgpack") && (statement.contains("GROUP BY *") || statement.contains("host, dc"))
}

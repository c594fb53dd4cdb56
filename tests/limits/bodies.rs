//! Bodies that are too large, too long or broken.

use std::time::Duration;

use super::{Door, brief, error};
use crate::support::{gzip, http::Response, wait};

/// Resident memory that a debug build with its journal's tail and all threads may reach over these tests.
const MEMORY: u64 = 600 << 20;

const LARGE: usize = 100 << 20;

fn too_large() -> (u16, String) {
    (413, error("Request Entity Too Large"))
}

#[track_caller]
fn post(door: &Door, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let answer = door.client().request("POST", "/write?db=d", headers, body);
    answer.expect("there is an answer")
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let door = Door::open(|config| config);
    let before = door.gyre.process().peak_bytes();
    assert_eq!(brief(&post(&door, &[], &vec![b'\n'; LARGE])), too_large());
    door.assert_healthy();
    let mut chunked = door.client().connect().expect("it listens");
    let head = b"POST /write?db=d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    chunked.send_raw(head).expect("it is open");
    let chunk = [b"100000\r\n".as_slice(), &[b'\n'; 1 << 20], b"\r\n"].concat();
    // The server may close the connection before it has read everything, but only after it has answered.
    let sent = (0..LARGE >> 20).try_for_each(|_| chunked.send_raw(&chunk));
    assert!(sent.is_err() || chunked.send_raw(b"0\r\n\r\n").is_ok());
    assert_eq!(
        chunked
            .read_response(true)
            .map(|answer| brief(&answer))
            .expect("an answer"),
        too_large()
    );
    door.assert_healthy();
    // The limit is 64 MiB; a growing buffer doubles, and is there twice while it is copied.
    let grown = door.gyre.process().peak_bytes() - before;
    assert!(grown < 256 << 20, "grown by {grown} bytes");
}

#[test]
fn a_body_at_the_limit_is_written() {
    let door = Door::open(|config| config.set("proxy", "ack_timeout", "20s"));
    let line = format!("m s=\"{}\" 1\n", "x".repeat(1000));
    let body = line.repeat((60 << 20) / line.len());
    assert_eq!(brief(&post(&door, &[], body.as_bytes())), (204, String::new()));
    assert!(
        door.backend
            .writes()
            .iter()
            .map(|write| write.body.len())
            .sum::<usize>()
            == body.len()
    );
    door.assert_healthy();
    assert!(
        door.gyre.process().peak_bytes() < MEMORY,
        "{}",
        door.gyre.process().peak_bytes()
    );
}

#[test]
fn lines_over_the_limit_are_refused_and_the_others_written() {
    let door = Door::open(|config| config);
    let long = format!("m s=\"{}\" 1\n", "x".repeat(10 << 20));
    let tags: String = (0..1_000_000).map(|n| format!(",t{n}=1")).collect();
    for (line, length) in [(&long, long.len() - 1), (&format!("m{tags} v=1 1\n"), tags.len() + 7)] {
        let answer = post(&door, &[], format!("a v=1 1\n{line}b v=1 1\n").as_bytes());
        let (shown, long) = (&line.get(..128).expect("it is ASCII"), "line too long");
        let text = format!("partial write: unable to parse '{shown}...': {long}: {length} > 1048576 bytes dropped=0");
        assert_eq!((answer.status, &answer.json()["error"]), (400, &text.into()));
    }
    assert_eq!(door.backend.lines(), ["a v=1 1", "b v=1 1", "a v=1 1", "b v=1 1"]);
    door.assert_healthy();
}

#[test]
fn a_million_tags_are_more_than_a_key_may_have() {
    let door = Door::open(|config| config.set("http", "max_line", "32MiB"));
    let tags: String = (0..1_000_000).map(|n| format!(",t{n:07}=1")).collect();
    let answer = post(&door, &[], format!("m{tags} v=1 1").as_bytes());
    let text = answer.text();
    assert!(
        answer.status == 400 && text.contains("max key length exceeded"),
        "{}",
        text.get(..200).unwrap_or(&text)
    );
    door.assert_healthy();
}

#[test]
fn garbage_is_refused_in_valid_json() {
    let door = Door::open(|config| config);
    let mut state = 1_u32;
    let noise = (0..200_000).map(|_| {
        // xorshift32: any noise will do.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    });
    let noise: Vec<u8> = noise.collect();
    for body in [
        noise.as_slice(),
        &[0; 100_000],
        &[0xff; 1000],
        b"\"\\\\\\\"",
        b"=,=,=, =,= =",
        b"\xef\xbb\xbfm v=1 1\n\xff",
    ] {
        let answer = post(&door, &[], body);
        assert!(matches!(answer.status, 204 | 400), "{}", answer.status);
        if answer.status == 400 {
            assert!(answer.json()["error"].is_string());
        }
    }
    door.assert_healthy();
}

#[test]
fn half_a_body_changes_nothing() {
    let door = Door::open(|config| config);
    for encoding in [
        "Content-Length: 100\r\n\r\nm v=1 1\n",
        "Transfer-Encoding: chunked\r\n\r\n40\r\nm v=1 1\n",
    ] {
        let mut connection = door.client().connect().expect("it listens");
        let request = format!("POST /write?db=d HTTP/1.1\r\nHost: x\r\n{encoding}");
        connection.send_raw(request.as_bytes()).expect("it is open");
        connection.finish_sending().expect("it is open");
        // Nobody may be left to hear it, but what is heard is a refusal.
        if let Ok(answer) = connection.read_response(true) {
            assert_eq!(answer.status, 400);
        }
    }
    wait::until("the bytes are given back", Duration::from_secs(5), || {
        (door.gyre.metric("gyre_memory_budget_used_bytes{}") == 0.0).then_some(())
    });
    assert!(door.backend.lines().is_empty());
    door.assert_healthy();
}

#[test]
fn encodings_other_than_gzip_are_refused() {
    let door = Door::open(|config| config);
    for encoding in ["deflate", "br", "gzip, gzip", "GZIP", "zstd", "\u{e9}"] {
        let answer = post(&door, &[("Content-Encoding", encoding)], b"m v=1 1");
        assert!(
            answer.status == 400 && answer.text().contains("unsupported content encoding"),
            "{encoding}"
        );
    }
    assert_eq!(post(&door, &[("Content-Encoding", "identity")], b"m v=1 1").status, 204);
    door.assert_healthy();
}

#[test]
fn broken_gzip_is_refused() {
    let door = Door::open(|config| config);
    let whole = gzip::compress(b"m v=1 1\n".repeat(1000).as_slice());
    let (mut flipped, half) = (whole.clone(), whole.len() / 2);
    flipped[half] ^= 0x55;
    let mut wrong_sum = whole.clone();
    let end = wrong_sum.len() - 8;
    wrong_sum[end] ^= 1;
    let cases: [(&[u8], &str); 5] = [
        (&whole[..half], "unexpected EOF"),
        (&whole[..5], "unexpected EOF"),
        (b"not gzip at all", "unable to decode gzip body"),
        (&wrong_sum, "unable to decode gzip body"),
        (&flipped, "unable to decode gzip body"),
    ];
    for (body, text) in cases {
        assert_eq!(
            brief(&post(&door, &[("Content-Encoding", "gzip")], body)),
            (400, error(text))
        );
    }
    assert!(door.backend.lines().is_empty());
    door.assert_healthy();
}

#[test]
fn a_gzip_bomb_stays_small() {
    let door = Door::open(|config| config.set("http", "max_decompressed", "64MiB"));
    let before = door.gyre.process().peak_bytes();
    let bomb = gzip::bomb(1 << 30);
    for _ in 0..6 {
        assert_eq!(brief(&post(&door, &[("Content-Encoding", "gzip")], &bomb)), too_large());
    }
    let grown = door.gyre.process().peak_bytes() - before;
    assert!(grown < 300 << 20, "grown by {grown} bytes");
    assert_eq!(door.gyre.metric("gyre_memory_budget_used_bytes{}"), 0.0);
    door.assert_healthy();
}

#[test]
fn too_many_bytes_in_flight_are_refused_for_now() {
    let door = Door::open(|config| {
        config
            .set("memory", "budget", "4MiB")
            .set("http", "max_body", "3MiB")
            .set("http", "max_decompressed", "4MiB")
            .set("journal", "tail", "1MiB")
            .set("delivery", "batch_bytes", "1MiB")
            .set("query", "max_merged", "1MiB")
    });
    let mut waiting = door.client().connect().expect("it listens");
    let head = format!(
        "POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\nm v=1 1\n",
        3 << 20
    );
    waiting.send_raw(head.as_bytes()).expect("it is open");
    wait::until("the body's bytes are reserved", Duration::from_secs(5), || {
        (door.gyre.metric("gyre_memory_budget_used_bytes{}") >= (3 << 20) as f64).then_some(())
    });
    let body = "\n".repeat(2 << 20);
    let refused = post(&door, &[], body.as_bytes());
    assert_eq!(brief(&refused), (503, error("too many bytes in flight: try again")));
    assert_eq!(refused.header("retry-after"), Some("1"));
    door.assert_healthy();
    drop(waiting);
    wait::until("the bytes are given back", Duration::from_secs(5), || {
        (post(&door, &[], body.as_bytes()).status == 204).then_some(())
    });
}

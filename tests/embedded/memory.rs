//! What an answer takes in memory while it streams: a few chunks, however long it is. Points that are not flushed yet
//! count extra: a query takes its own copy of them.

use std::time::Duration;

use crate::support::{
    self,
    http::encode,
    wait::{self, Instant},
};

const DB: &str = "memory";
const ROWS_AT_ONCE: usize = 50_000;
/// A process that is left alone flushes after some seconds.
const FLUSHED: Duration = Duration::from_secs(60);
/// A few chunks with their text, and what the allocator keeps.
const MOST: u64 = 100 << 20;

#[test]
fn a_long_answer_in_chunks_takes_little_memory_and_begins_at_once() {
    let rows = if support::long() { 5_000_000 } else { 400_000 };
    let gyre = super::start(1, 1);
    let client = gyre.client();
    client.query("", &format!("CREATE DATABASE {DB}"));
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        let lines: String = (first..first + ROWS_AT_ONCE)
            .map(|n| format!("m,host=h{} v={n},text=\"row {n}\" {n}\n", n % 4))
            .collect();
        assert_eq!(client.write(DB, &lines).0, 204);
    }
    wait::until("everything is flushed", FLUSHED, || {
        (gyre.metric("gyre_engine_memtable_bytes{backend=\"backend-1-1\"}") == 0.0).then_some(())
    });
    let before = gyre.process().resident_bytes();
    let asked = Instant::now();
    let mut connection = client.connect().expect("it listens");
    let target = format!("/query?db={DB}&epoch=ns&chunked=true&q={}", encode("SELECT * FROM m"));
    let request = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    connection.send_raw(request.as_bytes()).expect("it is read");
    assert_eq!(connection.read_head().expect("an answer").status, 200);
    let (mut begun, mut chunks, mut peak, mut last) = (None, 0, before, Vec::new());
    while let Some(chunk) = connection.read_chunk().expect("a whole answer") {
        begun = begun.or_else(|| Some(asked.elapsed()));
        chunks += 1;
        peak = peak.max(gyre.process().resident_bytes());
        last = chunk;
    }
    let (begun, ended) = (begun.expect("an answer"), asked.elapsed());
    println!(
        "{rows} rows in {chunks} chunks: {begun:?} to the first, {ended:?} to the last, {} KiB over {} KiB",
        (peak - before) >> 10,
        before >> 10
    );
    let end = format!(
        "[{},\"h{}\",\"row {}\",{}]]}}]}}]}}\n",
        rows - 1,
        (rows - 1) % 4,
        rows - 1,
        rows - 1
    );
    assert!(String::from_utf8_lossy(&last).ends_with(&end));
    assert!(peak - before < MOST, "{} bytes more", peak - before);
    assert!(begun * 4 < ended, "the first chunk came with the last");
}

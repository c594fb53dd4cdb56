//! `load query`: one statement again and again.

use super::{
    args::Args,
    client::Client,
    stats::{Observed, now, percentile},
};

/// Runs it and prints the report; fails at the first answer that is no success.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let mut client = Client::new(args.server()?);
    let statement = args.text("q", "");
    if statement.is_empty() {
        return Err("--q INFLUXQL is missing".to_owned());
    }
    let target = format!("/query?db={}&q={}", encode(args.text("db", "bench")), encode(statement));
    let count: usize = args.number("count", 100)?;
    let observed = Observed::start(args.text("pid", ""));
    let (mut times, mut bytes) = (Vec::with_capacity(count), 0);
    for _ in 0..count {
        let start = now();
        let answer = client.post(&target, b"").map_err(|error| error.to_string())?;
        times.push(start.elapsed());
        if answer.status != 200 {
            return Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        }
        bytes = answer.body.len();
    }
    times.sort();
    let [p50, p99, max] = [500, 990, 1000].map(|share| percentile(&times, share));
    let (cpu, peak) = (observed.cpu_us_per(count), observed.peak_mib());
    println!(
        "queries={count} answer_bytes={bytes} p50={p50} p99={p99} max={max} cpu_per_query={cpu:.1} peak_mib={peak}"
    );
    Ok(())
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

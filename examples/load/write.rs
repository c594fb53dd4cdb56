//! `load write`: one thread makes batches, the others send them as fast as the server answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use super::{
    args::Args,
    client::Client,
    stats::{Observed, now, percentile},
    workload::Workload,
};

/// Batches made in advance, so that making them is never what is measured.
const AHEAD: usize = 64;

type Batches = Arc<Mutex<Receiver<(String, usize)>>>;

/// What one connection did, or all of them together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    times: Vec<Duration>,
    /// Lines that were accepted.
    pub(crate) lines: usize,
    bytes: usize,
    errors: usize,
    /// The first answer that was no success, or what broke a connection.
    pub(crate) first_error: Option<String>,
}

/// Runs it and prints the report.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let observed = Observed::start(args.text("pid", ""));
    let (total, elapsed) = send_workload(args)?;
    report(total, elapsed, &observed);
    Ok(())
}

/// Sends everything; what became of it, and how long it took. What is refused is no error here.
pub(crate) fn send_workload(args: &Args) -> Result<(Tally, Duration), String> {
    let server = args.server()?.to_owned();
    let path = args.text("path", "/write");
    let separator = if path.contains('?') { '&' } else { '?' };
    let target = format!("{path}{separator}db={}", args.text("db", "bench"));
    let connections: usize = args.number("connections", 8)?;
    let workload = Workload::from_args(args)?;

    let (sender, receiver) = mpsc::sync_channel(AHEAD);
    let batches: Batches = Arc::new(Mutex::new(receiver));
    let start = now();
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (batches, server, target) = (Arc::clone(&batches), server.clone(), target.clone());
            thread::spawn(move || send_all(&batches, &server, &target))
        })
        .collect();
    workload.each_batch(|body, lines| sender.send((body, lines)).is_ok());
    drop(sender);
    let mut total = Tally::default();
    for thread in threads {
        total.add(thread.join().map_err(|_| "a connection's thread panicked")?);
    }
    Ok((total, start.elapsed()))
}

fn send_all(batches: &Batches, server: &str, target: &str) -> Tally {
    let mut client = Client::new(server);
    let mut tally = Tally::default();
    loop {
        let batch = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((body, lines)) = batch else { return tally };
        let start = now();
        let answer = client.post(target, body.as_bytes());
        tally.times.push(start.elapsed());
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => {
                tally.lines += lines;
                tally.bytes += body.len();
            }
            Ok(answer) => tally.fail(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))),
            Err(error) => tally.fail(error.to_string()),
        }
    }
}

impl Tally {
    fn fail(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }

    fn add(&mut self, mut other: Self) {
        self.times.append(&mut other.times);
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

fn report(mut total: Tally, elapsed: Duration, observed: &Observed) {
    let Tally {
        times,
        lines,
        bytes,
        errors,
        first_error,
    } = &mut total;
    times.sort();
    let seconds = elapsed.as_secs_f64();
    println!(
        "lines={lines} requests={} seconds={seconds:.2} lines_per_s={:.0} mb_per_s={:.1} errors={errors} p50={} p99={} \
         max={} cpu_per_line={:.3} cpu_per_request={:.1} peak_mib={}",
        times.len(),
        *lines as f64 / seconds,
        *bytes as f64 / seconds / 1e6,
        percentile(times, 500),
        percentile(times, 990),
        percentile(times, 1000),
        observed.cpu_us_per(*lines),
        observed.cpu_us_per(times.len()),
        observed.peak_mib(),
    );
    if let Some(error) = first_error {
        eprintln!("first error: {error}");
    }
}

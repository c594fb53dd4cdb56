//! `load nodes`: registers nodes, then lets each say at its pace that it lives, while somebody looks at the list.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    args::Args,
    client::Client,
    stats::{Observed, now, percentile},
};

/// Time between two looks at the list.
const LOOK: Duration = Duration::from_secs(1);

/// What one connection is to do.
#[derive(Debug, Clone)]
struct Plan {
    server: String,
    nodes: usize,
    interval: Duration,
    rounds: usize,
}

/// What a connection did, or all of them together.
#[derive(Debug, Default)]
struct Tally {
    times: Vec<Duration>,
    errors: usize,
    first_error: Option<String>,
}

/// Runs it and prints the report.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let connections: usize = args.number("connections", 100)?;
    let nodes: usize = args.number("nodes", 10_000)?;
    let interval = Duration::from_secs(args.number("interval", 5)?);
    let plan = Plan {
        server: args.server()?.to_owned(),
        nodes: nodes.div_ceil(connections),
        interval,
        rounds: args.number("rounds", 6)?,
    };
    let start = now();
    let registered = on_each(connections, || plan.clone(), |plan| plan.register())?;
    let registering = start.elapsed();
    let observed = Observed::start(args.text("pid", ""));
    let start = now();
    let over = Arc::new(AtomicBool::new(false));
    let looking = {
        let (server, over) = (plan.server.clone(), Arc::clone(&over));
        thread::spawn(move || look(&server, &over))
    };
    let mut ids = registered.into_iter();
    let make = || (plan.clone(), ids.next().unwrap_or_default());
    let tallies = on_each(connections, make, |(plan, ids)| plan.refresh(&ids))?;
    let elapsed = start.elapsed();
    over.store(true, Ordering::SeqCst);
    let (lists, dead) = looking.join().map_err(|_| "the looking thread panicked")?;
    report(nodes, registering, elapsed, tallies, lists, dead, &observed);
    Ok(())
}

/// Does `work` on a thread for each connection.
fn on_each<P, T, W>(connections: usize, mut make: impl FnMut() -> P, work: W) -> Result<Vec<T>, String>
where
    P: Send + 'static,
    T: Send + 'static,
    W: Fn(P) -> T + Copy + Send + 'static,
{
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let plan = make();
            thread::spawn(move || work(plan))
        })
        .collect();
    let joined = threads.into_iter().map(thread::JoinHandle::join);
    joined
        .map(|done| done.map_err(|_| "a connection's thread panicked".to_owned()))
        .collect()
}

impl Plan {
    fn register(self) -> Vec<u64> {
        let mut client = Client::new(&self.server);
        let mut one = || {
            client
                .post("/nodes/load", br#"{"hostname":"load","bindAddress":"10.0.0.1:8888"}"#)
                .ok()
        };
        (0..self.nodes).filter_map(|_| id_of(&one()?.body)).collect()
    }

    fn refresh(self, ids: &[u64]) -> Tally {
        let mut client = Client::new(&self.server);
        let mut tally = Tally::default();
        let start = now();
        let pace = self.interval / u32::try_from(ids.len().max(1)).unwrap_or(u32::MAX);
        for (number, id) in (0..).zip(std::iter::repeat_n(ids, self.rounds).flatten()) {
            pause_until(start + pace * number);
            let asked = now();
            let answer = client.send("PUT", &format!("/nodes/load/{id}"), b"");
            tally.times.push(asked.elapsed());
            let error = match answer {
                Ok(answer) if answer.status == 200 => continue,
                Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
                Err(error) => error.to_string(),
            };
            tally.errors += 1;
            tally.first_error.get_or_insert(error);
        }
        tally
    }
}

/// Reads the list until it is over: how long each reading took, and how many dead nodes were shown in all.
fn look(server: &str, over: &AtomicBool) -> (Vec<Duration>, usize) {
    let mut client = Client::new(server);
    let (mut times, mut dead) = (Vec::new(), 0);
    while !over.load(Ordering::SeqCst) {
        let asked = now();
        if let Ok(answer) = client.send("GET", "/nodes", b"") {
            times.push(asked.elapsed());
            // Managers come first; one that was killed is dead in truth.
            let list = String::from_utf8_lossy(&answer.body);
            let data = list.split_once("\"influx\":").map_or("", |(_, data)| data);
            dead += data.matches("\"alive\":false").count();
        }
        pause_until(asked + LOOK);
    }
    (times, dead)
}

/// The number after the first `"id":`.
fn id_of(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"id\":")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn pause_until(time: Instant) {
    let (_keep_open, silent) = mpsc::channel::<()>();
    // Nobody sends: this is a pause.
    let _timeout = silent.recv_timeout(time.saturating_duration_since(now()));
}

fn report(
    nodes: usize,
    registering: Duration,
    elapsed: Duration,
    tallies: Vec<Tally>,
    mut lists: Vec<Duration>,
    dead: usize,
    observed: &Observed,
) {
    let mut times: Vec<_> = tallies.iter().flat_map(|tally| tally.times.iter().copied()).collect();
    times.sort();
    lists.sort();
    let errors: usize = tallies.iter().map(|tally| tally.errors).sum();
    let seconds = elapsed.as_secs_f64();
    println!(
        "nodes={nodes} registering_s={:.2} refreshes={} seconds={seconds:.1} errors={errors} p50={} p99={} max={} \
         list_p50={} list_max={} shown_dead={dead} cpu_per_refresh={:.1} core_percent={:.1} peak_mib={}",
        registering.as_secs_f64(),
        times.len(),
        percentile(&times, 500),
        percentile(&times, 990),
        percentile(&times, 1000),
        percentile(&lists, 500),
        percentile(&lists, 1000),
        observed.cpu_us_per(times.len()),
        observed.cpu_us_per(1) / 1e4 / seconds,
        observed.peak_mib(),
    );
    if let Some(error) = tallies.into_iter().find_map(|tally| tally.first_error) {
        eprintln!("first error: {error}");
    }
}

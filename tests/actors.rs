//! Actors that panic under load: nothing acknowledged is lost, writes and queries go on, and somebody counts.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use gyre::{app::App, config};
use tokio::sync::oneshot;

use crate::{
    faults::{
        ledger::{Key, Ledger, Point, Replica},
        writers::Writers,
    },
    support::{
        dir,
        http::{Client, query_target},
        null_backend::NullBackend,
        wait,
    },
};

const DB: &str = "actors";
const CIRCLES: usize = 2;
const PER_CIRCLE: usize = 2;
/// One for each circle and each backend, the node registry, versioned metadata, the plugins, and two for the tasks.
const ACTORS: u64 = 11;
/// Each doubles the wait before a restart, which begins with 10 ms.
const CRASHES: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(20);

/// Gyre in this process, on a thread that is its system thread.
struct InProcess {
    addr: SocketAddr,
    crash: mpsc::Sender<oneshot::Sender<usize>>,
    thread: thread::JoinHandle<()>,
}

#[test]
fn when_all_actors_panic_under_load_nothing_acknowledged_is_lost() {
    let backends: Vec<_> = (0..CIRCLES * PER_CIRCLE).map(|_| NullBackend::start(&[DB])).collect();
    let gyre = InProcess::start(&backends);
    let client = Client::new(gyre.addr);
    let ledger = Arc::new(Ledger::default());
    let writers = Writers::start(3, &client, DB, &ledger);
    let over = Arc::new(AtomicBool::new(false));
    let reader = read_until(&over, &client);
    let mut tasks = Vec::new();
    for crash in 1..=CRASHES {
        let before = ledger.len();
        wait::until("writes go on", PATIENCE, || (ledger.len() > before + 100).then_some(()));
        tasks.push(gyre.crash_actors());
        wait::until("every restart is counted", PATIENCE, || {
            (restarts(&client) == crash * ACTORS).then_some(())
        });
    }
    let before = ledger.len();
    wait::until("writes go on after the last crash", PATIENCE, || {
        (ledger.len() > before + 100).then_some(())
    });
    writers.finish();
    over.store(true, Ordering::SeqCst);
    assert!(reader.join().expect("every query is answered") > 0);
    assert!(
        tasks.last() <= tasks.first().map(|first| first + 8).as_ref(),
        "tasks of the dead remain: {tasks:?}"
    );
    let mut wrong = String::new();
    let complete = wait::poll(PATIENCE, || {
        wrong = backends
            .chunks(PER_CIRCLE)
            .map(|circle| ledger.check(&replica(circle)))
            .filter(|report| !report.is_clean())
            .map(|report| report.to_string())
            .collect();
        wrong.is_empty().then_some(())
    });
    assert!(complete.is_some(), "of {} acknowledged:\n{wrong}", ledger.len());
    println!("{} points acknowledged; tasks at each crash {tasks:?}", ledger.len());
    gyre.stop();
}

impl InProcess {
    fn start(backends: &[NullBackend]) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let dir = dir::temp_dir();
        let config = config::parse(Path::new("gyre.toml"), &configuration(dir.path(), backends), []);
        let config = config.expect("a valid configuration");
        let (crash, crashes) = mpsc::channel::<oneshot::Sender<usize>>();
        let (sender, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let app = App::start(config).await.expect("starts");
                sender.send(app.addresses()[0]).expect("the test waits");
                let crashes = Arc::new(std::sync::Mutex::new(crashes));
                let next = || {
                    let crashes = Arc::clone(&crashes);
                    let wait = move || crashes.lock().expect("nobody panics").recv().ok();
                    async { tokio::task::spawn_blocking(wait).await.expect("nobody panics") }
                };
                while let Some(done) = next().await {
                    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
                    app.crash_actors().await;
                    done.send(tasks).expect("the test waits");
                }
                app.stop().await;
            });
            drop(dir);
        });
        Self {
            addr: started.recv().expect("starts"),
            crash,
            thread,
        }
    }

    /// Makes every actor panic; answers how many tasks there were on the system thread before.
    fn crash_actors(&self) -> usize {
        let (done, crashed) = oneshot::channel();
        self.crash.send(done).expect("runs");
        crashed.blocking_recv().expect("runs")
    }

    fn stop(self) {
        drop(self.crash);
        self.thread.join().expect("stops in order");
    }
}

fn configuration(dir: &Path, backends: &[NullBackend]) -> String {
    let mut text = format!(
        "[http]\nlisten = [\"127.0.0.1:0\"]\nworkers = 1\n[data]\ndir = {:?}\n[delivery]\nspill_after = \"64KiB\"\n[telemetry]\ndefault_task = false\n",
        dir.join("data")
    );
    for (number, backend) in backends.iter().enumerate() {
        if number % PER_CIRCLE == 0 {
            text.push_str(&format!("[[circles]]\nname = \"c{number}\"\n"));
        }
        let url = backend.url();
        text.push_str(&format!(
            "[[circles.backends]]\nname = \"b{number}\"\nurl = \"{url}\"\n"
        ));
    }
    text
}

/// Queries again and again; answers how often.
fn read_until(over: &Arc<AtomicBool>, client: &Client) -> thread::JoinHandle<usize> {
    let (over, client) = (Arc::clone(over), client.clone());
    thread::spawn(move || {
        let mut answered = 0;
        while !over.load(Ordering::SeqCst) {
            let answer = client.get(&query_target(DB, "SELECT mean(v) FROM m0"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            answered += 1;
        }
        answered
    })
}

fn restarts(client: &Client) -> u64 {
    let metrics = client.get("/metrics").text();
    let counters = metrics.lines().filter(|line| line.contains("actor_restarts_total{"));
    counters
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum()
}

/// What a circle holds: of each server the last value that came under each key.
fn replica(circle: &[NullBackend]) -> Replica {
    let mut replica = Replica::new();
    for backend in circle {
        let points = backend.lines();
        let points = points.iter().filter_map(|line| Point::parse(line));
        let last: BTreeMap<Key, i64> = points.map(|point| (point.key, point.value)).collect();
        for (key, value) in last {
            replica.entry(key).or_default().push(value);
        }
    }
    replica
}

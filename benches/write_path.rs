//! Nanoseconds per point from a request's body to the acknowledgement: scan, route, journal without sync.

use std::{fmt::Write as _, path::Path, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gyre::{
    base::{BackendId, CircleId, Clock, SystemClock},
    config::{self, Ack, Config},
    influx::line::{Limits, Precision},
    journal::{self, Journal, OnDamage, Start, SyncMode, fs::RealFs},
    meta::{Embedded, HistoryLimit, MetaStore},
    obs::WriteMetrics,
    proxy::{
        agreement::{Agreement, ring::RingDocument},
        client::{Client, ClientOptions},
        fleet::{Backend, Circle, Condition, Fleet},
        intake::{Intake, Write},
        lookup::Lookup,
        schema::Database,
        shared::Shared,
        watermark::Watermarks,
    },
    ring::Ring,
};

const DB: &str = "bench";
const LINES: u64 = 1000;
const CIRCLES: u32 = 2;
const PER_CIRCLE: u32 = 2;

/// Four servers that nobody asks.
fn configuration() -> Config {
    let mut text = String::new();
    for circle in 0..CIRCLES {
        write!(text, "[[circles]]\nname = \"c{circle}\"\n").expect("a string");
        for backend in 0..PER_CIRCLE {
            let name = format!("b{circle}-{backend}");
            write!(
                text,
                "[[circles.backends]]\nname = \"{name}\"\nurl = \"http://127.0.0.1:1\"\n"
            )
            .expect("a string");
        }
    }
    config::parse(Path::new("gyre.toml"), &text, []).expect("a valid configuration")
}

fn fleet(config: &Config) -> Fleet {
    let mut ids = (1..).map(BackendId);
    let circles = (0..).map(CircleId).zip(&config.circles).map(|(id, circle)| Circle {
        id,
        name: circle.name.clone(),
        ring: Ring::new(&circle.node_keys(&config.proxy.hash_key)).expect("has members"),
        members: circle
            .backends
            .iter()
            .zip(&mut ids)
            .map(|(backend, number)| {
                Arc::new(Backend {
                    id: number,
                    circle: id,
                    config: backend.clone(),
                    local: None,
                    condition: Condition::default(),
                })
            })
            .collect(),
    });
    Fleet::new(circles.collect(), config.proxy.shard_key.clone())
}

async fn intake(dir: &Path) -> (Intake, Client) {
    let config = configuration();
    let fleet = Arc::new(fleet(&config));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Embedded::open(&dir.join("meta"), Arc::clone(&clock), HistoryLimit::DEFAULT);
    let store: Arc<dyn MetaStore> = Arc::new(store.expect("the temporary directory is empty"));
    let options = journal::Options {
        segment_bytes: 64 << 20,
        max_bytes: 16 << 30,
        max_record_bytes: 32 << 20,
        tail_bytes: 64 << 20,
        sync: SyncMode::Never,
        on_damage: OnDamage::Refuse,
    };
    let opened = Journal::open(Arc::new(RealFs), &dir.join("journal"), options);
    let (journal, _) = opened.expect("the temporary directory is empty");
    let shared = Arc::new(Shared::alone(store));
    let agreement = Agreement::open(Arc::clone(&shared), RingDocument::of(&config)).await;
    let lookup = Lookup::open(Arc::clone(&fleet), shared, Arc::clone(&clock)).await;
    let lookup = Arc::new(lookup.expect("a new store"));
    lookup
        .learn(DB, Database::default())
        .await
        .expect("the process is alone");
    let timeout = Duration::from_secs(1);
    let client_options = ClientOptions {
        timeout,
        connect_timeout: timeout,
        connections: 1,
    };
    let client = Client::new(fleet.backends.iter().map(AsRef::as_ref), client_options).expect("plain HTTP");
    let intake = Intake {
        agreement: Arc::new(agreement.expect("a new store")),
        watermarks: Arc::new(Watermarks::starting_at(0)),
        fleet,
        journal,
        lookup,
        clock,
        ack: Ack::Journal,
        statement_timeout: timeout,
        limits: Limits {
            max_line: 1 << 20,
            max_errors: 1 << 16,
        },
        databases: config.proxy.databases,
        metrics: WriteMetrics::default(),
    };
    (intake, client)
}

/// What Telegraf's CPU plugin sends, more or less.
fn body() -> String {
    let line = |n: u64| {
        let (cpu, host, region) = (n % 16, n % 7, n % 3);
        format!("cpu{cpu},host=h{host},region=r{region} usage=7.5,idle=3i 1700000000{n:09}\n")
    };
    (0..LINES).map(line).collect()
}

fn writing(criterion: &mut Criterion) {
    // Connections are never opened, but the client wants to know how it would.
    drop(rustls::crypto::ring::default_provider().install_default());
    let dir = tempfile::tempdir().expect("a temporary directory");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let (intake, client) = runtime.block_on(intake(dir.path()));
    let body = body();
    let mut group = criterion.benchmark_group("write_path");
    group.throughput(Throughput::Elements(LINES));
    group.bench_function("1000 lines, ack = journal, no sync", |bencher| {
        bencher.iter_custom(|writes| {
            let clock = SystemClock::new();
            let start = clock.elapsed();
            for _ in 0..writes {
                let write = Write {
                    db: DB,
                    policy: "",
                    precision: Precision::Nanoseconds,
                    body: body.as_bytes(),
                };
                runtime.block_on(intake.write(&client, write)).expect("a good write");
            }
            let took = clock.elapsed().saturating_sub(start);
            // Lets the journal delete what was written.
            intake.journal.register(1, Start::End);
            intake.journal.advance(1, intake.journal.committed());
            intake.journal.save_cursors().expect("the temporary directory is there");
            took
        });
    });
    group.finish();
    intake.journal.close().expect("the temporary directory is there");
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = writing
}
criterion_main!(benches);

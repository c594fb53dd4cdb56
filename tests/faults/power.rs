//! Promise 1 on a disk that forgets what was not synced: the power fails at any operation, also while starting.
//!
//! A round is several lives of the write path (intake, journal, queues that spill, couriers) over one disk and the same
//! servers, which refuse writes at times so that something waits. In the last life the power stays; in the end every
//! server must hold what was acknowledged, each key with its last value, and both circles the same.

mod server;

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::Path,
    rc::Rc,
    sync::{Arc, Once},
    time::Duration,
};

use gyre::{
    base::{BackendId, CircleId, Clock, SystemClock},
    config::{self, Ack, Config},
    influx::line::{Limits, Precision},
    journal::{
        self, Journal, OnDamage, SyncMode,
        fs::{Disk, Fs, Machine},
    },
    meta::{Embedded, HistoryLimit},
    obs::BackendMetrics,
    proxy::{
        ack::Note,
        agreement::{Agreement, ring::RingDocument},
        client::{Client, ClientOptions},
        courier::{Courier, Turn},
        dead_letters::DeadLetters,
        fleet::{Backend, Circle, Condition, Fleet},
        intake::{Intake, Write},
        lookup::Lookup,
        queue::Queue,
        schema::Database,
        shared::Shared,
        watermark::Watermarks,
    },
    ring::Ring,
};
use tokio::task::{LocalSet, spawn_blocking, spawn_local};

use self::server::Server;
use super::{
    ledger::{Key, Ledger, Point, Replica},
    schedule::{self, Random},
};
use crate::support;

const DB: &str = "power";
const CIRCLES: usize = 2;
const PER_CIRCLE: usize = 2;
const WRITERS: u64 = 3;
/// Enough that each server owns some.
const MEASUREMENTS: usize = 6;
/// Writes of one writer in one life, if the power lasts so long.
const WRITES: usize = 30;
/// A life without writes takes some fifty operations on the disk, one with all of them some hundreds.
const MOST_OPERATIONS: usize = 500;

/// What a round keeps over the lives.
struct Round {
    disk: Disk,
    servers: Vec<Rc<Server>>,
    ledger: Rc<Ledger>,
    shared: Arc<Shared>,
    next_value: Rc<Cell<i64>>,
}

/// The write path in one life.
struct WritePath {
    intake: Rc<Intake>,
    client: Client,
    couriers: Vec<Arc<Courier>>,
    dead_letters: DeadLetters,
}

#[test]
fn after_any_power_loss_every_acknowledged_point_arrives() {
    static CRYPTO: Once = Once::new();
    CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let rounds = if support::long() { 2000 } else { 200 };
    let dir = support::dir::temp_dir();
    let clock = Arc::new(SystemClock::new());
    let store = Embedded::open(&dir.path().join("meta"), clock, HistoryLimit::DEFAULT).unwrap();
    let shared = Arc::new(Shared::alone(Arc::new(store)));
    let first = schedule::seed();
    let mut acknowledged = 0;
    for seed in first..first + rounds {
        println!("GYRE_TEST_SEED={seed}");
        acknowledged += Round::new(&shared).run(seed);
    }
    println!("{rounds} rounds, {acknowledged} points acknowledged");
}

impl Round {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            disk: Disk::default(),
            servers: (0..CIRCLES * PER_CIRCLE).map(|_| Rc::default()).collect(),
            ledger: Rc::default(),
            shared: Arc::clone(shared),
            next_value: Rc::default(),
        }
    }

    /// Answers how many points were acknowledged.
    fn run(&self, seed: u64) -> usize {
        let mut random = Random(seed);
        for _life in 0..1 + random.below(3) {
            let operations = 1 + random.below(MOST_OPERATIONS) as u64;
            let machine = self.disk.boot(Some(operations), random.next());
            for server in &self.servers {
                server.refusing.set(if random.below(2) == 0 { 0 } else { 12 });
            }
            in_a_runtime(self.live(&machine, &mut random));
        }
        self.servers.iter().for_each(|server| server.refusing.set(0));
        in_a_runtime(self.deliver_all(&self.disk.boot(None, 0)));
        self.check();
        self.ledger.len()
    }

    /// Writes and delivers until the power fails.
    async fn live(&self, machine: &Machine, random: &mut Random) {
        let ack = match random.below(2) {
            0 => Ack::Journal,
            _ => Ack::Applied {
                timeout: Duration::from_millis(20),
            },
        };
        let Ok(path) = self.open(machine, ack).await else {
            assert!(machine.has_failed(), "opens after any power loss");
            return;
        };
        for courier in &path.couriers {
            spawn_local(deliver(Arc::clone(courier), Random(random.next())));
        }
        spawn_local(save(path.intake.journal.clone(), path.couriers.clone()));
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| spawn_local(self.write(number, &path, Random(random.next()))))
            .collect();
        for writer in writers {
            writer.await.expect("no writer panics");
        }
        machine.fail();
        path.close();
    }

    /// Delivers what is left.
    async fn deliver_all(&self, machine: &Machine) {
        let path = self
            .open(machine, Ack::Journal)
            .await
            .expect("opens after any power loss");
        for courier in &path.couriers {
            loop {
                match courier.turn().await {
                    Turn::Delivered => {}
                    Turn::Idle => break,
                    Turn::Failed(failure) => panic!("{}: {failure}", courier.backend.config.name),
                }
            }
        }
        assert_eq!(path.dead_letters.count(), 0, "nothing was refused for good");
        path.close();
    }

    /// One writer: new points, and its head, a key that is written again and again.
    fn write(&self, number: u64, path: &WritePath, mut random: Random) -> impl Future<Output = ()> + use<> {
        let (intake, client) = (Rc::clone(&path.intake), path.client.clone());
        let (ledger, next_value) = (Rc::clone(&self.ledger), Rc::clone(&self.next_value));
        async move {
            for _ in 0..WRITES {
                next_value.update(|value| value + 1);
                let value = next_value.get();
                let point = |random: &mut Random, time| Point {
                    key: Key {
                        measurement: format!("m{}", random.below(MEASUREMENTS)),
                        writer: format!("w{number}"),
                        time,
                    },
                    value,
                };
                let points = [point(&mut random, 0), point(&mut random, value)];
                ledger.sending(&points);
                let body = points.each_ref().map(Point::line).join("\n");
                let write = Write {
                    db: DB,
                    policy: "",
                    precision: Precision::Nanoseconds,
                    body: body.as_bytes(),
                };
                if intake.write(&client, write).await.is_err() {
                    return;
                }
                ledger.acknowledged(&points);
            }
        }
    }

    fn check(&self) {
        let circles: Vec<Replica> = self.servers.chunks(PER_CIRCLE).map(replica).collect();
        for (number, circle) in (1..).zip(&circles) {
            let report = self.ledger.check(circle);
            assert!(report.is_clean(), "circle {number}:\n{report}");
        }
        assert_eq!(
            circles[0], circles[1],
            "the circles differ in what was not acknowledged"
        );
    }

    async fn open(&self, machine: &Machine, ack: Ack) -> Result<WritePath, journal::Error> {
        let config = self.config().await;
        let fs: Arc<dyn Fs> = Arc::new(machine.clone());
        let (journal, _) = Journal::open(Arc::clone(&fs), Path::new("/data/journal"), options())?;
        let opened = self.open_on(&config, ack, &fs, &journal).await;
        if opened.is_err() {
            drop(journal.close());
        }
        opened
    }

    async fn open_on(
        &self,
        config: &Config,
        ack: Ack,
        fs: &Arc<dyn Fs>,
        journal: &Journal<Note>,
    ) -> Result<WritePath, journal::Error> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let fleet = Arc::new(fleet(config, journal.committed()));
        let dead_letters = DeadLetters::open(Arc::clone(fs), Path::new("/data/dead-letters"), options())?;
        let timeout = Duration::from_secs(5);
        let client_options = ClientOptions {
            timeout,
            connect_timeout: timeout,
            connections: 1,
        };
        let client = Client::new(fleet.backends.iter().map(AsRef::as_ref), client_options).expect("plain HTTP");
        let lookup = Lookup::open(Arc::clone(&fleet), Arc::clone(&self.shared), Arc::clone(&clock)).await;
        let lookup = Arc::new(lookup.expect("the store is well"));
        lookup
            .learn(DB, Database::default())
            .await
            .expect("the process is alone");
        let mut couriers = Vec::new();
        for backend in &fleet.backends {
            let dir = Path::new("/data/spill").join(backend.id.to_string());
            let queue = Queue::open(Arc::clone(backend), journal.clone(), Arc::clone(fs), dir, options())?;
            couriers.push(Arc::new(Courier {
                backend: Arc::clone(backend),
                queue: Arc::new(queue),
                client: client.clone(),
                lookup: Arc::clone(&lookup),
                dead_letters: dead_letters.clone(),
                config: config.delivery,
                clock: Arc::clone(&clock),
                metrics: BackendMetrics::default(),
                alone: Arc::default(),
            }));
        }
        let agreement = Agreement::open(Arc::clone(&self.shared), RingDocument::of(config)).await;
        let intake = Rc::new(Intake {
            agreement: Arc::new(agreement.expect("the store is well")),
            watermarks: Arc::new(Watermarks::starting_at(journal.committed())),
            fleet,
            journal: journal.clone(),
            lookup,
            clock,
            ack,
            statement_timeout: timeout,
            limits: Limits {
                max_line: 1 << 10,
                max_errors: 1 << 10,
            },
            databases: config.proxy.databases.clone(),
            metrics: gyre::obs::WriteMetrics::default(),
        });
        Ok(WritePath {
            intake,
            client,
            couriers,
            dead_letters,
        })
    }

    /// A configuration with this life's addresses; batches are small so that a turn is a part of what waits.
    async fn config(&self) -> Config {
        let mut text = "[delivery]\nbatch_bytes = \"1KiB\"\n".to_owned();
        for (number, server) in self.servers.iter().enumerate() {
            if number % PER_CIRCLE == 0 {
                text.push_str(&format!("[[circles]]\nname = \"c{number}\"\n"));
            }
            let url = server::start(server).await;
            text.push_str(&format!(
                "[[circles.backends]]\nname = \"b{number}\"\nurl = \"{url}\"\n"
            ));
        }
        config::parse(Path::new("gyre.toml"), &text, []).expect("a valid configuration")
    }
}

impl WritePath {
    /// Ends the threads.
    fn close(&self) {
        for courier in &self.couriers {
            drop(courier.queue.close());
        }
        drop(self.intake.journal.close());
        drop(self.dead_letters.close());
    }
}

/// As the actor of a backend does, and spills at times.
async fn deliver(courier: Arc<Courier>, mut random: Random) {
    let mut commits = courier.queue.subscribe();
    loop {
        match courier.turn().await {
            Turn::Delivered => {}
            Turn::Idle => drop(commits.changed().await),
            Turn::Failed(_) => tokio::time::sleep(Duration::from_micros(300)).await,
        }
        if random.below(6) == 0 {
            drop(courier.with_queue(Queue::spill).await);
        }
    }
}

/// Saves the cursors again and again.
async fn save(journal: Journal<Note>, couriers: Vec<Arc<Courier>>) {
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let (journal, couriers) = (journal.clone(), couriers.clone());
        let saved = spawn_blocking(move || {
            journal.save_cursors()?;
            couriers.iter().try_for_each(|courier| courier.queue.save())
        });
        drop(saved.await);
    }
}

/// Small enough that segments are full and memory is exceeded all the time.
fn options() -> journal::Options {
    journal::Options {
        segment_bytes: 1 << 10,
        max_bytes: 1 << 20,
        max_record_bytes: 1 << 16,
        tail_bytes: 1 << 10,
        sync: SyncMode::Always,
        on_damage: OnDamage::Refuse,
    }
}

fn fleet(config: &Config, tip: u64) -> Fleet {
    let mut circles = Vec::new();
    let mut ids = 1..;
    for (id, circle) in (0..).map(CircleId).zip(&config.circles) {
        let members = circle.backends.iter().zip(&mut ids).map(|(backend, number)| {
            let condition = Condition::default();
            condition.set_alive(true);
            condition.note_owned(tip);
            Arc::new(Backend {
                id: BackendId(number),
                circle: id,
                config: backend.clone(),
                local: None,
                condition,
            })
        });
        circles.push(Circle {
            id,
            name: circle.name.clone(),
            ring: Ring::new(&circle.node_keys(&config.proxy.hash_key)).expect("has members"),
            members: members.collect(),
        });
    }
    Fleet::new(circles, config.proxy.shard_key.clone())
}

fn replica(circle: &[Rc<Server>]) -> Replica {
    let mut replica = BTreeMap::new();
    for server in circle {
        for (key, value) in &*server.applied.borrow() {
            replica.entry(key.clone()).or_insert_with(Vec::new).push(*value);
        }
    }
    replica
}

fn in_a_runtime(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    // What still waits when the life ends knows where it runs.
    let _inside = runtime.enter();
    LocalSet::new().block_on(&runtime, work);
}

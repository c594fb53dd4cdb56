//! What tests of couriers and their actors stand on: a journal in memory, and servers that do as they are told.

use std::{
    path::Path,
    sync::{Arc, Once},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    base::{BackendId, CircleId, SystemClock},
    config::{self, Config},
    journal::{self, Journal, OnDamage, SyncMode, fs::MemFs},
    meta::{Embedded, HistoryLimit},
    obs::BackendMetrics,
    ring::Ring,
};

use super::{
    ack::Note,
    client::{Client, ClientOptions},
    courier::Courier,
    dead_letters::DeadLetters,
    fleet::{Backend, Circle, Condition, Fleet},
    lookup::Lookup,
    queue::Queue,
    record::{Builder, Kind},
    shared::Shared,
};

/// One courier to the first backend of a fleet, with all it needs.
pub(crate) struct Rig {
    pub(crate) config: Config,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) fs: Arc<MemFs>,
    pub(crate) journal: Journal<Note>,
    pub(crate) courier: Arc<Courier>,
    _dir: tempfile::TempDir,
}

/// A request to write that arrived whole.
pub(crate) struct Arrived {
    pub(crate) target: String,
    pub(crate) body: String,
    connection: BufReader<TcpStream>,
}

impl Rig {
    /// One circle for each URL; `settings` are TOML.
    pub(crate) async fn new(urls: &[&str], settings: &str) -> Self {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut text = settings.to_owned();
        for (number, url) in urls.iter().enumerate() {
            text.push_str(&format!(
                "\n[[circles]]\nname = \"c{number}\"\n[[circles.backends]]\nname = \"b{number}\"\nurl = \"{url}\"\n"
            ));
        }
        let config = config::parse(Path::new("gyre.toml"), &text, []).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::new());
        let store = Embedded::open(&dir.path().join("meta"), Arc::clone(&clock) as _, HistoryLimit::DEFAULT);
        let shared = Arc::new(Shared::alone(Arc::new(store.unwrap())));
        let fs = Arc::new(MemFs::new());
        let (journal, _) = Journal::open(Arc::clone(&fs) as _, Path::new("/journal"), options()).unwrap();
        let fleet = Arc::new(fleet(&config));
        let backend = Arc::clone(&fleet.backends[0]);
        let spill = Path::new("/spill/1").to_owned();
        let client_options = ClientOptions {
            timeout: config.delivery.timeout,
            connect_timeout: config.delivery.connect_timeout,
            connections: 1,
        };
        let courier = Courier {
            queue: Arc::new(
                Queue::open(
                    Arc::clone(&backend),
                    journal.clone(),
                    Arc::clone(&fs) as _,
                    spill,
                    options(),
                )
                .unwrap(),
            ),
            client: Client::new([backend.as_ref()], client_options).unwrap(),
            backend,
            lookup: Arc::new(
                Lookup::open(Arc::clone(&fleet), Arc::clone(&shared), Arc::clone(&clock) as _)
                    .await
                    .unwrap(),
            ),
            dead_letters: DeadLetters::open(Arc::clone(&fs) as _, Path::new("/dead-letters"), options()).unwrap(),
            config: config.delivery,
            clock,
            metrics: BackendMetrics::default(),
            alone: Arc::default(),
        };
        Self {
            config,
            fleet,
            shared,
            fs,
            journal,
            courier: Arc::new(courier),
            _dir: dir,
        }
    }

    /// Puts a line for the first backend in the journal.
    pub(crate) fn append(&self, policy: &str, line: &str) {
        let mut record = Builder::new(
            Kind::Lines,
            crate::base::TimestampNs(0),
            &[self.courier.backend.id],
            "db",
            policy,
            0,
        )
        .unwrap();
        record.push_complete_line(line.as_bytes());
        let commit = self.journal.append(Bytes::from(record.finish()), None).unwrap();
        // The committer has a thread of its own.
        std::thread::spawn(|| commit.wait()).join().unwrap().unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(self.courier.queue.close());
        drop(self.courier.dead_letters.close());
        drop(self.journal.close());
    }
}

impl Arrived {
    /// Takes the points.
    pub(crate) async fn accept(mut self) {
        let answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
        self.connection.write_all(answer).await.unwrap();
    }

    /// Waits until the client has given up.
    pub(crate) async fn given_up(mut self) {
        assert_eq!(self.connection.read(&mut [0]).await.unwrap_or(0), 0, "nothing follows");
    }
}

/// A server that answers pings itself and hands out writes, to be answered at leisure; with its URL.
pub(crate) async fn server() -> (String, mpsc::UnboundedReceiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, writes) = mpsc::unbounded_channel();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(receive(stream, sender.clone()));
        }
    });
    (url, writes)
}

async fn receive(stream: TcpStream, writes: mpsc::UnboundedSender<Arrived>) {
    let mut connection = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut body).await.unwrap();
    let arrived = Arrived {
        target: head.split(' ').nth(1).unwrap_or_default().to_owned(),
        body: String::from_utf8(body).unwrap(),
        connection,
    };
    if arrived.target.starts_with("/write") {
        // A test that is over receives no more.
        let _heard = writes.send(arrived);
    } else {
        arrived.accept().await;
    }
}

/// A journal that syncs always, with some room.
pub(crate) fn options() -> journal::Options {
    journal::Options {
        segment_bytes: 1 << 20,
        max_bytes: 1 << 30,
        max_record_bytes: 1 << 20,
        tail_bytes: 1 << 20,
        sync: SyncMode::Always,
        on_damage: OnDamage::Refuse,
    }
}

fn fleet(config: &Config) -> Fleet {
    let circle = |(id, circle): (u16, &config::Circle)| Circle {
        id: CircleId(id),
        name: circle.name.clone(),
        ring: Ring::new(&circle.node_keys(&config.proxy.hash_key)).unwrap(),
        members: vec![Arc::new(Backend {
            id: BackendId(u32::from(id) + 1),
            circle: CircleId(id),
            config: circle.backends[0].clone(),
            local: None,
            condition: Condition::default(),
        })],
    };
    let circles = (0..).zip(&config.circles).map(circle).collect();
    Fleet::new(circles, config.proxy.shard_key.clone())
}

//! The validated configuration: every value is in range, every default is filled in.
//!
//! What each key does is explained in `config/gyre.toml`.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use super::{BackendUrl, HostPort, HttpUrl, ListenAddr, Secret, Telemetry};
use crate::{
    base::ByteSize,
    ring::{HashKey, ShardKey},
};

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The client side.
    pub http: Http,
    /// What clients must present; `None`: nothing.
    pub auth: Option<Credentials>,
    /// What is logged.
    pub log: Log,
    /// Where durable state is kept.
    pub data: Data,
    /// The shared budget.
    pub memory: Memory,
    /// The write-ahead journal.
    pub journal: Journal,
    /// The way to the backends.
    pub delivery: Delivery,
    /// Limits of queries.
    pub query: Query,
    /// The embedded engines.
    pub embedded: Embedded,
    /// Where shared documents are kept.
    pub meta: Meta,
    /// The node registry.
    pub nodes: Nodes,
    /// Plugins and tasks that collect metrics.
    pub telemetry: Telemetry,
    /// Placement and acknowledgement.
    pub proxy: Proxy,
    /// At least one; each holds all data once. A circle's number is its position.
    pub circles: Vec<Circle>,
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// At least one.
    pub listen: Vec<ListenAddr>,
    /// Threads that serve requests.
    pub workers: Workers,
    /// The largest body as it is sent; not more than `max_decompressed`.
    pub max_body: ByteSize,
    /// The largest body after decompression; not more than the memory budget.
    pub max_decompressed: ByteSize,
    /// The longest line of line protocol; not more than `max_body`.
    pub max_line: ByteSize,
    /// Connections open at once, over all workers.
    pub max_connections: NonZeroUsize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a client may take to send a request.
    pub request_timeout: Duration,
    /// How long running requests may finish at the end; may be zero.
    pub shutdown_timeout: Duration,
    /// Whether `/ping` and `/metrics` need credentials.
    pub ping_auth: bool,
    /// `None`: plain HTTP.
    pub tls: Option<ServerTls>,
    /// Whether answers are compressed.
    pub compress: bool,
}

/// How many threads serve requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the machine has cores.
    PerCore,
    /// This many.
    Exactly(NonZeroUsize),
}

/// The PEM files to serve HTTPS with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// The certificate, then its chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A user name and its password, in plain text; at least one is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The least important level that is logged.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// Levels of the log, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the usual ones")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[data]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The directory; relative to where the process was started.
    pub dir: PathBuf,
}

/// `[memory]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes that requests, deliveries, results and the journal's tail share.
    pub budget: ByteSize,
}

/// `[journal]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal {
    /// When writes are forced to disk.
    pub sync: JournalSync,
    /// Size of one file; not more than `max_size`.
    pub segment: ByteSize,
    /// Size of all files.
    pub max_size: ByteSize,
    /// The newest part that stays in memory; not more than the memory budget.
    pub tail: ByteSize,
    /// What damage found at start means.
    pub on_damage: OnDamage,
}

/// When journal writes are forced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalSync {
    /// Before they are acknowledged.
    Always,
    /// Again and again after this time, more than zero.
    Interval(Duration),
    /// When the operating system likes.
    Never,
}

/// What to do about damaged records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// Do not start.
    Refuse,
    /// Leave them out, counted and logged.
    Skip,
}

/// `[delivery]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// Lines in one request to a backend.
    pub batch_lines: NonZeroUsize,
    /// Bytes in one request to a backend; not more than the memory budget.
    pub batch_bytes: ByteSize,
    /// How long a batch waits for more, with [`Ack::Journal`] only; may be zero.
    pub linger: Duration,
    /// How long one write or ping may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Connections to each backend, reads included.
    pub connections: NonZeroUsize,
    /// The first pause after a failure; not more than `backoff_max`.
    pub backoff_min: Duration,
    /// The longest pause after failures.
    pub backoff_max: Duration,
    /// Time between two pings.
    pub check_interval: Duration,
    /// Whether requests are compressed.
    pub gzip: Gzip,
    /// Waiting bytes beyond which a backend gets files of its own; not more than `max_pending`.
    pub spill_after: ByteSize,
    /// Waiting bytes beyond which a backend is detached.
    pub max_pending: ByteSize,
}

/// Whether requests to backends are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gzip {
    /// Not over loopback: see [`HttpUrl::is_loopback`].
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `[query]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// How long a query may run; `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// How long a client may leave the next piece of its answer unread.
    pub stall_timeout: Duration,
    /// Queries answered here at once; further ones are refused.
    pub max_concurrent: NonZeroUsize,
    /// Points that a `SELECT` may read from an embedded backend; 0: no limit.
    pub max_points: u64,
    /// Series that it may read; 0: no limit.
    pub max_series: u64,
    /// Windows of time that it may ask for; 0: no limit.
    pub max_buckets: u64,
    /// Bytes of answers held to merge one statement; not more than the memory budget.
    pub max_merged: ByteSize,
    /// Statements in one request.
    pub max_statements: NonZeroUsize,
}

/// `[embedded]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Embedded {
    /// Time between two looks for expired data, more than zero.
    pub retention_check: Duration,
}

/// The most that `meta.max_blob` can be: all its chunks are kept by one transaction.
pub const MAX_BLOB: ByteSize = ByteSize::mib(48);
/// The most that `meta.history` can be: one transaction forgets them all.
pub const MAX_HISTORY: NonZeroUsize = NonZeroUsize::new(100).expect("it is more than zero");

/// `[meta]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Where shared documents are kept.
    pub store: SharedStore,
    /// The largest metadata of a cluster; not more than [`MAX_BLOB`].
    pub max_blob: ByteSize,
    /// Versions of a cluster's metadata that are kept, the current one included; not more than [`MAX_HISTORY`].
    pub history: NonZeroUsize,
    /// Bytes of all versions that are kept of one cluster; the current one is kept in any case.
    pub history_bytes: ByteSize,
    /// How long a request for newer metadata is held.
    pub longpoll: Duration,
    /// What it is answered then.
    pub longpoll_timeout: LongpollTimeout,
    /// How long an error on the route of such requests is held back; may be zero.
    pub error_delay: Duration,
}

/// Where shared documents are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedStore {
    /// In the data directory of this process.
    Embedded,
    /// In etcd; no backend is embedded then.
    Etcd(Etcd),
}

/// `meta.etcd`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etcd {
    /// Its members; at least one.
    pub endpoints: Vec<HttpUrl>,
    /// What every key starts with: a slash first, none last.
    pub prefix: String,
    /// What is presented to it; `None`: nothing.
    pub credentials: Option<Credentials>,
    /// A PEM file of authorities to trust for https; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// How long one request may take, and connecting.
    pub timeout: Duration,
}

/// What a long-poll is answered when nothing newer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongpollTimeout {
    /// 204.
    NoContent,
    /// 504.
    GatewayTimeout,
}

/// `[nodes]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    /// How long a node stays after its last heartbeat; 1 s to 24 h.
    pub ttl: Duration,
    /// Whether this process is a node.
    pub self_register: bool,
    /// Where others reach this process; `None`: to be found out.
    pub advertise: Option<HostPort>,
    /// How long the record of a dead node is kept; may be zero.
    pub retention: Duration,
    /// How long after its death a node may come back with its id; may be zero.
    pub revive_window: Duration,
    /// How long the consequences wait when many nodes die at once; may be zero.
    pub brake_hold: Duration,
}

/// `[proxy]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Which influx-proxy the admin routes answer like.
    pub api: Api,
    /// How backends are put on their circle's ring.
    pub hash_key: HashKey,
    /// What is placed together.
    pub shard_key: ShardKey,
    /// When a write is acknowledged.
    pub ack: Ack,
    /// The databases that may be named.
    pub databases: Whitelist,
}

/// The generations of influx-proxy's admin routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// 2.4.7 and 2.5.0: `/migrate/*`, `/clear`.
    V2_4_7,
    /// 2.5.12: `/transfer/*`, `/cleanup`.
    V2_5_12,
}

/// When a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// Once one replica of every point has it, or after `timeout`.
    Applied {
        /// The longest wait, more than zero.
        timeout: Duration,
    },
    /// Once it is in the journal.
    Journal,
}

/// The databases that may be named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whitelist(pub(super) Vec<String>);

/// One full replica of all data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// Unique, not empty.
    pub name: String,
    /// At least one. The order is that of the ring.
    pub backends: Vec<Backend>,
}

/// One server of a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Unique over all circles, not empty.
    pub name: String,
    /// Where it is.
    pub url: BackendUrl,
    /// What is presented to it; `None`: nothing.
    pub credentials: Option<Credentials>,
    /// Written, and read only as a last resort.
    pub write_only: bool,
    /// Whom to believe that the server is the right one (https).
    pub trust: Trust,
}

/// Which certificates of a backend are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those of the system's authorities.
    System,
    /// Those of the authorities in this PEM file.
    Authorities(PathBuf),
    /// Any.
    Anyone,
}

impl LogLevel {
    /// The level's name in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Api {
    /// The version as it is configured and as `X-Influxdb-Version` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2_4_7 => "2.4.7",
            Self::V2_5_12 => "2.5.12",
        }
    }
}

impl Whitelist {
    /// Whether `database` may be named; the empty list allows all. Case matters.
    #[must_use]
    pub fn allows(&self, database: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| name == database)
    }

    /// The listed databases, in the order of the configuration.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl Circle {
    /// The node keys of the backends, in order, for [`crate::ring::Ring::new`].
    #[must_use]
    pub fn node_keys(&self, hash_key: &HashKey) -> Vec<String> {
        let backends = self.backends.iter().enumerate();
        backends
            .map(|(i, backend)| hash_key.node_key(i, &backend.name, backend.url.as_configured()))
            .collect()
    }
}

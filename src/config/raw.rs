//! The configuration as it is written: types right, nothing checked.
//!
//! The defaults are merged in before it is read, so a field is missing only where a key is required. The keys are
//! explained in `config/gyre.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Secret;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) http: Http,
    pub(super) auth: Auth,
    pub(super) log: Log,
    pub(super) data: Data,
    pub(super) memory: Memory,
    pub(super) journal: Journal,
    pub(super) delivery: Delivery,
    pub(super) query: Query,
    pub(super) embedded: Embedded,
    pub(super) meta: Meta,
    pub(super) nodes: Nodes,
    pub(super) telemetry: Telemetry,
    pub(super) proxy: Proxy,
    pub(super) circles: Vec<Circle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Http {
    pub(super) listen: Vec<String>,
    pub(super) workers: usize,
    pub(super) max_body: String,
    pub(super) max_decompressed: String,
    pub(super) max_line: String,
    pub(super) max_connections: usize,
    pub(super) keep_alive: String,
    pub(super) request_timeout: String,
    pub(super) shutdown_timeout: String,
    pub(super) ping_auth: bool,
    pub(super) tls: ServerTls,
    pub(super) compress: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ServerTls {
    pub(super) cert: String,
    pub(super) key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Auth {
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) encrypted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Log {
    pub(super) level: String,
    pub(super) format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Data {
    pub(super) dir: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Memory {
    pub(super) budget: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Journal {
    pub(super) sync: String,
    pub(super) sync_interval: String,
    pub(super) segment: String,
    pub(super) max_size: String,
    pub(super) tail: String,
    pub(super) on_damage: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Delivery {
    pub(super) batch_lines: usize,
    pub(super) batch_bytes: String,
    pub(super) linger: String,
    pub(super) timeout: String,
    pub(super) connect_timeout: String,
    pub(super) connections: usize,
    pub(super) backoff_min: String,
    pub(super) backoff_max: String,
    pub(super) check_interval: String,
    pub(super) gzip: String,
    pub(super) spill_after: String,
    pub(super) max_pending: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Query {
    pub(super) timeout: String,
    pub(super) stall_timeout: String,
    pub(super) max_concurrent: usize,
    pub(super) max_points: u64,
    pub(super) max_series: u64,
    pub(super) max_buckets: u64,
    pub(super) max_merged: String,
    pub(super) max_statements: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Embedded {
    pub(super) retention_check: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Meta {
    pub(super) store: String,
    pub(super) etcd: Etcd,
    pub(super) max_blob: String,
    pub(super) history: usize,
    pub(super) history_bytes: String,
    pub(super) longpoll: String,
    pub(super) longpoll_timeout_status: u16,
    pub(super) error_delay: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Etcd {
    pub(super) endpoints: Vec<String>,
    pub(super) prefix: String,
    pub(super) username: String,
    pub(super) password: Secret,
    pub(super) ca: String,
    pub(super) timeout: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Nodes {
    pub(super) ttl: String,
    pub(super) self_register: bool,
    pub(super) advertise: String,
    pub(super) retention: String,
    pub(super) revive_window: String,
    pub(super) brake_hold: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Telemetry {
    pub(super) default_task: bool,
    pub(super) password: Secret,
    pub(super) allowed_origins: Vec<String>,
    pub(super) expand_env: bool,
    pub(super) max_tasks: usize,
    pub(super) watch_backlog: usize,
    pub(super) auto_discover: Vec<String>,
    pub(super) max_running_plugins: usize,
    pub(super) max_plugin_restarts: i64,
    pub(super) plugin_load_timeout: String,
    pub(super) max_plugin_size: String,
    pub(super) cache_expiration: String,
    pub(super) plugin_trust: String,
    pub(super) keyrings: Vec<String>,
    pub(super) plugin_tls: PluginTls,
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) plugins: serde_json::Map<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct PluginTls {
    pub(super) cert: String,
    pub(super) key: String,
    pub(super) ca: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Proxy {
    pub(super) api: String,
    pub(super) hash_key: String,
    pub(super) shard_key: String,
    pub(super) ack: String,
    pub(super) ack_timeout: String,
    pub(super) databases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Circle {
    pub(super) name: String,
    pub(super) backends: Vec<Backend>,
}

/// Items of a list have no defaults to be merged with: what may be left out is empty or false.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Backend {
    pub(super) name: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) password: Secret,
    #[serde(default)]
    pub(super) auth_encrypted: bool,
    #[serde(default)]
    pub(super) write_only: bool,
    #[serde(default)]
    pub(super) tls_insecure: bool,
    #[serde(default)]
    pub(super) ca: String,
}

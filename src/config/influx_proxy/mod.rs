//! influx-proxy's own files, accepted as they are and turned into the values of a Gyre file.
//!
//! Read as influx-proxy reads them: keys in any case, unknown keys ignored, values converted where they can be, numbers
//! that are not positive replaced by the default. Then its checks in its order with its texts, of the generation whose
//! keys the file uses (2.4.7 or 2.5.12, which answers decide where they collide).
//!
//! What has no counterpart is read and dropped: log directories and tracing, pprof, `flush_time` and
//! `rewrite_threads` (delivery batches without waiting, and keeps the order), TLS suites and versions (Gyre serves TLS
//! 1.2 and 1.3). Unlike influx-proxy, Gyre verifies the certificates of `https` backends.

mod checks;
mod file;
mod weak;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    document::{Document, Format},
    error::ConfigError,
    key_path::KeyPath,
    source::Source,
};
use file::{Backend, Circle, File, NEW_KEYS, OLD_KEYS};
use weak::Table;

/// Keys that both generations know; `circles` is Gyre's too.
const COMMON_KEYS: [&str; 16] = [
    "listen_addr",
    "db_list",
    "data_dir",
    "hash_key",
    "flush_size",
    "flush_time",
    "check_interval",
    "rewrite_interval",
    "conn_pool_size",
    "write_timeout",
    "idle_timeout",
    "username",
    "password",
    "https_enabled",
    "https_cert",
    "https_key",
];

/// Keys of Gyre and what influx-proxy calls them, for errors about imported values.
const RENAMED: [(&str, &str); 16] = [
    ("http.listen", "listen_addr"),
    ("http.keep_alive", "idle_timeout"),
    ("http.ping_auth", "ping_auth_enabled"),
    ("http.tls.cert", "https_cert"),
    ("http.tls.key", "https_key"),
    ("auth.username", "username"),
    ("auth.password", "password"),
    ("data.dir", "data_dir"),
    ("delivery.batch_lines", "flush_size"),
    ("delivery.timeout", "write_timeout"),
    ("delivery.check_interval", "check_interval"),
    ("delivery.connections", "conn_pool_size"),
    ("delivery.backoff_max", "rewrite_interval"),
    ("proxy.databases", "db_list"),
    ("proxy.hash_key", "hash_key"),
    ("proxy.shard_key", "shard_key"),
];

/// Whether the file is one of influx-proxy: it has keys of its own and none of Gyre's tables.
///
/// `tls` says nothing: it is an easy slip for `http.tls`. A file with nothing but circles is Gyre's when it is TOML;
/// the other formats are influx-proxy's usual ones.
pub(super) fn recognises(document: &Document, gyre: &Value) -> bool {
    let keys: BTreeSet<_> = document.values.keys().map(|key| key.to_ascii_lowercase()).collect();
    let has = |names: &[&str]| names.iter().any(|name| keys.contains(*name));
    let is_gyre_table = |key: &str, value: &Value| value.is_object() && gyre.get(key).is_some_and(Value::is_object);
    if document.values.iter().any(|(key, value)| is_gyre_table(key, value)) {
        return false;
    }
    let only_circles = document.format != Format::Toml && has(&["circles"]);
    only_circles || has(&OLD_KEYS) || has(&NEW_KEYS) || has(&COMMON_KEYS)
}

/// The keys of Gyre that come from such a file, with their names there.
pub(super) fn renamed() -> Vec<(KeyPath, KeyPath)> {
    RENAMED
        .map(|(ours, theirs)| (KeyPath::dotted(ours), KeyPath::dotted(theirs)))
        .into()
}

/// The same configuration as the values of a Gyre file.
pub(super) fn import(values: &Map<String, Value>, source: &Source) -> Result<Value, ConfigError> {
    let file = file::read(&Table::new(values, KeyPath::default(), source))?;
    checks::check(&file, source)?;
    Ok(to_gyre(&file))
}

fn to_gyre(file: &File) -> Value {
    let seconds = |number: u64| format!("{number}s");
    let served = |path: &str| {
        if file.https.enabled {
            path.to_owned()
        } else {
            String::new()
        }
    };
    json!({
        "http": {
            "listen": [file.listen_addr],
            "keep_alive": seconds(file.idle_timeout),
            "ping_auth": file.ping_auth,
            "tls": { "cert": served(&file.https.cert), "key": served(&file.https.key) },
        },
        "auth": { "username": file.username, "password": file.password, "encrypted": file.auth_encrypt },
        "data": { "dir": file.data_dir },
        "delivery": {
            "batch_lines": file.flush_size,
            "timeout": seconds(file.write_timeout),
            "check_interval": seconds(file.check_interval),
            "connections": file.conn_pool_size,
            "backoff_max": seconds(file.rewrite_interval),
        },
        "proxy": {
            "api": file.api.as_str(),
            "hash_key": file.hash_key,
            "shard_key": file.shard_key,
            "databases": file.databases,
        },
        // Whoever takes over from influx-proxy expects in the servers what was written, and nothing else.
        "telemetry": { "default_task": false },
        "circles": circles_to_gyre(&file.circles),
    })
}

/// A circle's name is only a label there; without one, or with one that repeats, it is called by its number here.
fn circles_to_gyre(circles: &[Circle]) -> Vec<Value> {
    let mut names = BTreeSet::new();
    let mut values = Vec::with_capacity(circles.len());
    for (index, circle) in circles.iter().enumerate() {
        let is_name = !circle.name.trim().is_empty() && !names.contains(&circle.name);
        let numbered = || {
            let is_free = |name: &String| circles.iter().all(|circle| circle.name != *name) && !names.contains(name);
            (index + 1..).map(|number| format!("circle-{number}")).find(is_free)
        };
        let name = if is_name { Some(circle.name.clone()) } else { numbered() };
        names.extend(name.clone());
        let backends: Vec<_> = circle.backends.iter().map(backend_to_gyre).collect();
        values.push(json!({ "name": name, "backends": backends }));
    }
    values
}

fn backend_to_gyre(backend: &Backend) -> Value {
    json!({
        "name": backend.name,
        "url": backend.url,
        "username": backend.username,
        "password": backend.password,
        "auth_encrypted": backend.auth_encrypt,
        "write_only": backend.write_only,
    })
}

//! The keys of an influx-proxy file and their defaults.

use super::{
    super::{error::ConfigError, model::Api},
    weak::Table,
};

/// Keys that only influx-proxy 2.4.7 knows.
pub(super) const OLD_KEYS: [&str; 4] = ["auth_secure", "mlog_dir", "vnode_size", "log_enabled"];

/// Keys that influx-proxy knows since 2.5.1 to 2.5.12, at the top or in a backend.
pub(super) const NEW_KEYS: [&str; 9] = [
    "tlog_dir",
    "auth_encrypt",
    "write_only",
    "shard_key",
    "rewrite_threads",
    "ping_auth_enabled",
    "write_tracing",
    "query_tracing",
    "pprof_enabled",
];

/// A file of influx-proxy with every default filled in.
pub(super) struct File {
    pub(super) api: Api,
    pub(super) circles: Vec<Circle>,
    pub(super) listen_addr: String,
    pub(super) databases: Vec<String>,
    pub(super) data_dir: String,
    pub(super) hash_key: String,
    pub(super) shard_key: String,
    pub(super) vnode_size: u64,
    pub(super) flush_size: u64,
    pub(super) check_interval: u64,
    pub(super) rewrite_interval: u64,
    pub(super) conn_pool_size: u64,
    pub(super) write_timeout: u64,
    pub(super) idle_timeout: u64,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) auth_encrypt: bool,
    pub(super) ping_auth: bool,
    pub(super) https: Https,
    pub(super) tls: Tls,
}

pub(super) struct Circle {
    pub(super) name: String,
    pub(super) backends: Vec<Backend>,
}

pub(super) struct Backend {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) auth_encrypt: bool,
    pub(super) write_only: bool,
}

pub(super) struct Https {
    pub(super) enabled: bool,
    pub(super) cert: String,
    pub(super) key: String,
}

pub(super) struct Tls {
    pub(super) ciphers: Vec<String>,
    pub(super) min_version: String,
    pub(super) max_version: String,
}

/// Reads the file whose top-level table is `top`.
pub(super) fn read(top: &Table<'_>) -> Result<File, ConfigError> {
    let circles = top.tables("circles")?;
    let mut backends = Vec::new();
    for circle in &circles {
        backends.extend(circle.tables("backends")?);
    }
    let api = generation(top, &backends);
    let auth_secure = api == Api::V2_4_7 && top.boolean("auth_secure")?;
    let tls = top.table("tls")?;
    Ok(File {
        api,
        circles: circles
            .iter()
            .map(|circle| read_circle(circle, auth_secure))
            .collect::<Result<_, _>>()?,
        listen_addr: top.text_or("listen_addr", ":7076")?,
        databases: top.texts("db_list")?,
        data_dir: top.text_or("data_dir", "data")?,
        hash_key: top.text_or("hash_key", "idx")?,
        shard_key: top.text_or("shard_key", "%db,%mm")?,
        vnode_size: top.positive_or("vnode_size", 256)?,
        flush_size: top.positive_or("flush_size", 10_000)?,
        check_interval: top.positive_or("check_interval", 1)?,
        rewrite_interval: top.positive_or("rewrite_interval", 10)?,
        conn_pool_size: top.positive_or("conn_pool_size", 20)?,
        write_timeout: top.positive_or("write_timeout", 10)?,
        idle_timeout: top.positive_or("idle_timeout", 10)?,
        username: top.text_or("username", "")?,
        password: top.text_or("password", "")?,
        auth_encrypt: auth_secure || top.boolean("auth_encrypt")?,
        ping_auth: top.boolean("ping_auth_enabled")?,
        https: Https {
            enabled: top.boolean("https_enabled")?,
            cert: top.text_or("https_cert", "")?,
            key: top.text_or("https_key", "")?,
        },
        tls: Tls {
            ciphers: tls.texts("ciphers")?,
            min_version: tls.text_or("min_version", "")?,
            max_version: tls.text_or("max_version", "")?,
        },
    })
}

fn generation(top: &Table<'_>, backends: &[Table<'_>]) -> Api {
    let is_new = top.has_any(&NEW_KEYS) || backends.iter().any(|backend| backend.has_any(&NEW_KEYS));
    if !is_new && top.has_any(&OLD_KEYS) {
        Api::V2_4_7
    } else {
        Api::V2_5_12
    }
}

/// `auth_secure`: 2.4.7's one flag covers the backends too.
fn read_circle(circle: &Table<'_>, auth_secure: bool) -> Result<Circle, ConfigError> {
    let backends = circle.tables("backends")?;
    let backend = |backend: &Table<'_>| {
        Ok(Backend {
            name: backend.text_or("name", "")?,
            url: backend.text_or("url", "")?,
            username: backend.text_or("username", "")?,
            password: backend.text_or("password", "")?,
            auth_encrypt: auth_secure || backend.boolean("auth_encrypt")?,
            write_only: backend.boolean("write_only")?,
        })
    };
    Ok(Circle {
        name: circle.text_or("name", "")?,
        backends: backends.iter().map(backend).collect::<Result<_, _>>()?,
    })
}

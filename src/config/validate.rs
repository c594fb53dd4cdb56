//! From what is written to what is meant: the rules of every key, and those between keys.

use std::{collections::BTreeSet, fmt::Display, num::NonZeroUsize, time::Duration};

use super::{
    address::BackendUrl,
    check::{Table, at_most, given_path},
    error::ConfigError,
    key_path::KeyPath,
    model::{
        Ack, Api, Backend, Circle, Config, Data, Delivery, Embedded, Etcd, Gzip, Http, Journal, JournalSync, Log,
        LogFormat, LogLevel, LongpollTimeout, MAX_BLOB, MAX_HISTORY, Memory, Meta, Nodes, OnDamage, Proxy, Query,
        ServerTls, SharedStore, Trust, Whitelist, Workers,
    },
    raw::{self, RawConfig},
    source::Source,
    telemetry::telemetry,
};
use crate::base::{ByteSize, duration};

/// The least and the most that a node may stay silent: below, one lost packet kills it; above, nobody would wait for it.
const TTLS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 60 * 60));

/// The validated configuration, or the first mistake.
pub(super) fn validate(raw: RawConfig, source: &Source) -> Result<Config, ConfigError> {
    let table = |name| Table::new(source, KeyPath::dotted(name));
    let raw::Auth {
        username,
        password,
        encrypted,
    } = raw.auth;
    let config = Config {
        http: http(raw.http, &table("http"), &table("http.tls"))?,
        auth: table("auth").credentials(username, password, encrypted)?,
        log: log(&raw.log, &table("log"))?,
        data: Data {
            dir: table("data").text("dir", raw.data.dir)?.into(),
        },
        memory: Memory {
            budget: table("memory").some_bytes("budget", &raw.memory.budget)?,
        },
        journal: journal(&raw.journal, &table("journal"))?,
        delivery: delivery(&raw.delivery, &table("delivery"))?,
        query: query(&raw.query, &table("query"))?,
        embedded: Embedded {
            retention_check: table("embedded").some_time("retention_check", &raw.embedded.retention_check)?,
        },
        meta: meta(raw.meta, &table("meta"), &table("meta.etcd"))?,
        nodes: nodes(&raw.nodes, &table("nodes"))?,
        telemetry: telemetry(raw.telemetry, &table("telemetry"), &table("telemetry.plugin_tls"))?,
        proxy: proxy(raw.proxy, &table("proxy"))?,
        circles: circles(raw.circles, source)?,
    };
    sizes_agree(&config, source)?;
    durations_agree(&config, source)?;
    stores_agree(&config, source)?;
    Ok(config)
}

fn http(raw: raw::Http, table: &Table<'_>, tls_table: &Table<'_>) -> Result<Http, ConfigError> {
    Ok(Http {
        listen: table.parse_list("listen", &raw.listen)?,
        workers: NonZeroUsize::new(raw.workers).map_or(Workers::PerCore, Workers::Exactly),
        max_body: table.some_bytes("max_body", &raw.max_body)?,
        max_decompressed: table.some_bytes("max_decompressed", &raw.max_decompressed)?,
        max_line: table.some_bytes("max_line", &raw.max_line)?,
        max_connections: table.some("max_connections", raw.max_connections)?,
        keep_alive: table.some_time("keep_alive", &raw.keep_alive)?,
        request_timeout: table.some_time("request_timeout", &raw.request_timeout)?,
        shutdown_timeout: table.duration("shutdown_timeout", &raw.shutdown_timeout)?,
        ping_auth: raw.ping_auth,
        tls: server_tls(&raw.tls, tls_table)?,
        compress: raw.compress,
    })
}

fn server_tls(raw: &raw::ServerTls, table: &Table<'_>) -> Result<Option<ServerTls>, ConfigError> {
    match (given_path(&raw.cert), given_path(&raw.key)) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(ServerTls { cert, key })),
        (Some(_), None) => Err(table.wrong("cert", "the certificate needs its private key")),
        (None, Some(_)) => Err(table.wrong("key", "the private key needs its certificate")),
    }
}

fn log(raw: &raw::Log, table: &Table<'_>) -> Result<Log, ConfigError> {
    use LogLevel::{Debug, Error, Info, Trace, Warn};
    Ok(Log {
        level: table.choice(
            "level",
            &raw.level,
            &[Error, Warn, Info, Debug, Trace].map(|level| (level.as_str(), level)),
        )?,
        format: table.choice(
            "format",
            &raw.format,
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
        )?,
    })
}

fn journal(raw: &raw::Journal, table: &Table<'_>) -> Result<Journal, ConfigError> {
    let interval = table.some_time("sync_interval", &raw.sync_interval)?;
    let syncs = [
        ("always", JournalSync::Always),
        ("interval", JournalSync::Interval(interval)),
        ("never", JournalSync::Never),
    ];
    let damages = [("refuse", OnDamage::Refuse), ("skip", OnDamage::Skip)];
    Ok(Journal {
        sync: table.choice("sync", &raw.sync, &syncs)?,
        segment: table.some_bytes("segment", &raw.segment)?,
        max_size: table.some_bytes("max_size", &raw.max_size)?,
        tail: table.parse("tail", &raw.tail)?,
        on_damage: table.choice("on_damage", &raw.on_damage, &damages)?,
    })
}

fn delivery(raw: &raw::Delivery, table: &Table<'_>) -> Result<Delivery, ConfigError> {
    let gzips = [("auto", Gzip::Auto), ("always", Gzip::Always), ("never", Gzip::Never)];
    Ok(Delivery {
        batch_lines: table.some("batch_lines", raw.batch_lines)?,
        batch_bytes: table.some_bytes("batch_bytes", &raw.batch_bytes)?,
        linger: table.duration("linger", &raw.linger)?,
        timeout: table.some_time("timeout", &raw.timeout)?,
        connect_timeout: table.some_time("connect_timeout", &raw.connect_timeout)?,
        connections: table.some("connections", raw.connections)?,
        backoff_min: table.some_time("backoff_min", &raw.backoff_min)?,
        backoff_max: table.some_time("backoff_max", &raw.backoff_max)?,
        check_interval: table.some_time("check_interval", &raw.check_interval)?,
        gzip: table.choice("gzip", &raw.gzip, &gzips)?,
        spill_after: table.some_bytes("spill_after", &raw.spill_after)?,
        max_pending: table.some_bytes("max_pending", &raw.max_pending)?,
    })
}

fn query(raw: &raw::Query, table: &Table<'_>) -> Result<Query, ConfigError> {
    let timeout = table.duration("timeout", &raw.timeout)?;
    Ok(Query {
        timeout: (!timeout.is_zero()).then_some(timeout),
        stall_timeout: table.some_time("stall_timeout", &raw.stall_timeout)?,
        max_concurrent: table.some("max_concurrent", raw.max_concurrent)?,
        max_points: raw.max_points,
        max_series: raw.max_series,
        max_buckets: raw.max_buckets,
        max_merged: table.some_bytes("max_merged", &raw.max_merged)?,
        max_statements: table.some("max_statements", raw.max_statements)?,
    })
}

fn meta(raw: raw::Meta, table: &Table<'_>, etcd_table: &Table<'_>) -> Result<Meta, ConfigError> {
    // Checked in any case, so that a mistake shows before the day it is switched on.
    let etcd = etcd(raw.etcd, etcd_table)?;
    let stores = [("embedded", false), ("etcd", true)];
    let timeouts = [
        (204, LongpollTimeout::NoContent),
        (504, LongpollTimeout::GatewayTimeout),
    ];
    let timeout = timeouts
        .iter()
        .find(|(status, _)| *status == raw.longpoll_timeout_status);
    Ok(Meta {
        store: match table.choice("store", &raw.store, &stores)? {
            true => SharedStore::Etcd(etcd),
            false => SharedStore::Embedded,
        },
        max_blob: no_more(
            table,
            "max_blob",
            table.some_bytes("max_blob", &raw.max_blob)?,
            MAX_BLOB,
        )?,
        history: no_more(table, "history", table.some("history", raw.history)?, MAX_HISTORY)?,
        history_bytes: table.some_bytes("history_bytes", &raw.history_bytes)?,
        longpoll: table.some_time("longpoll", &raw.longpoll)?,
        longpoll_timeout: timeout.map(|(_, timeout)| *timeout).ok_or_else(|| {
            let message = format!("{} is none of 204, 504", raw.longpoll_timeout_status);
            table.wrong("longpoll_timeout_status", message)
        })?,
        error_delay: table.duration("error_delay", &raw.error_delay)?,
    })
}

fn no_more<T: PartialOrd + Display>(table: &Table<'_>, key: &str, value: T, most: T) -> Result<T, ConfigError> {
    if value > most {
        return Err(table.wrong(key, format!("{value} is more than {most}")));
    }
    Ok(value)
}

fn etcd(raw: raw::Etcd, table: &Table<'_>) -> Result<Etcd, ConfigError> {
    let prefix = raw.prefix;
    if !prefix.starts_with('/') || prefix.ends_with('/') {
        let message = format!("{prefix:?} must start with a slash, have a name after it, and not end with a slash");
        return Err(table.wrong("prefix", message));
    }
    Ok(Etcd {
        endpoints: table.parse_list("endpoints", &raw.endpoints)?,
        prefix,
        credentials: table.credentials(raw.username, raw.password, false)?,
        ca: given_path(&raw.ca),
        timeout: table.some_time("timeout", &raw.timeout)?,
    })
}

fn nodes(raw: &raw::Nodes, table: &Table<'_>) -> Result<Nodes, ConfigError> {
    let advertise = (!raw.advertise.is_empty()).then(|| table.parse("advertise", &raw.advertise));
    Ok(Nodes {
        ttl: table.time_between("ttl", &raw.ttl, TTLS)?,
        self_register: raw.self_register,
        advertise: advertise.transpose()?,
        retention: table.duration("retention", &raw.retention)?,
        revive_window: table.duration("revive_window", &raw.revive_window)?,
        brake_hold: table.duration("brake_hold", &raw.brake_hold)?,
    })
}

fn proxy(raw: raw::Proxy, table: &Table<'_>) -> Result<Proxy, ConfigError> {
    let timeout = table.some_time("ack_timeout", &raw.ack_timeout)?;
    let acks = [("applied", Ack::Applied { timeout }), ("journal", Ack::Journal)];
    if raw.databases.iter().any(String::is_empty) {
        return Err(table.wrong("databases", "a database must have a name"));
    }
    Ok(Proxy {
        api: table.choice(
            "api",
            &raw.api,
            &[Api::V2_4_7, Api::V2_5_12].map(|api| (api.as_str(), api)),
        )?,
        hash_key: table.parse("hash_key", &raw.hash_key)?,
        shard_key: table.parse("shard_key", &raw.shard_key)?,
        ack: table.choice("ack", &raw.ack, &acks)?,
        databases: Whitelist(raw.databases),
    })
}

fn circles(raw: Vec<raw::Circle>, source: &Source) -> Result<Vec<Circle>, ConfigError> {
    let path = KeyPath::dotted("circles");
    if raw.is_empty() {
        return Err(source.invalid(&path, "circles cannot be empty"));
    }
    let (mut circle_names, mut backend_names) = (BTreeSet::new(), BTreeSet::new());
    let mut circles = Vec::with_capacity(raw.len());
    for (index, circle) in raw.into_iter().enumerate() {
        let path = path.index(index);
        let table = Table::new(source, path.clone());
        let name = table.unique("name", circle.name, &mut circle_names)?;
        if circle.backends.is_empty() {
            return Err(table.wrong("backends", "backends cannot be empty"));
        }
        let mut backends = Vec::with_capacity(circle.backends.len());
        for (index, raw) in circle.backends.into_iter().enumerate() {
            let table = Table::new(source, path.key("backends").index(index));
            backends.push(backend(raw, &table, &mut backend_names)?);
        }
        circles.push(Circle { name, backends });
    }
    Ok(circles)
}

fn backend(raw: raw::Backend, table: &Table<'_>, names: &mut BTreeSet<String>) -> Result<Backend, ConfigError> {
    let name = table.unique("name", raw.name, names)?;
    let url = table.parse("url", &raw.url)?;
    let trust = match (given_path(&raw.ca), raw.tls_insecure) {
        (None, false) => Trust::System,
        (None, true) => Trust::Anyone,
        (Some(file), false) => Trust::Authorities(file),
        (Some(_), true) => return Err(table.wrong("ca", "has no use with tls_insecure")),
    };
    if matches!(url, BackendUrl::Node(_)) && trust != Trust::System {
        let key = if raw.tls_insecure { "tls_insecure" } else { "ca" };
        return Err(table.wrong(
            key,
            "has no use with the url of a node, which is spoken to over plain http",
        ));
    }
    Ok(Backend {
        name,
        url,
        credentials: table.credentials(raw.username, raw.password, raw.auth_encrypted)?,
        write_only: raw.write_only,
        trust,
    })
}

fn sizes_agree(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let Config {
        http,
        memory,
        journal,
        delivery,
        query,
        ..
    } = config;
    let budget = ("memory.budget", memory.budget);
    let pairs = [
        (("http.max_line", http.max_line), ("http.max_body", http.max_body)),
        (
            ("http.max_body", http.max_body),
            ("http.max_decompressed", http.max_decompressed),
        ),
        (("http.max_decompressed", http.max_decompressed), budget),
        (
            ("journal.segment", journal.segment),
            ("journal.max_size", journal.max_size),
        ),
        (("journal.tail", journal.tail), budget),
        (("delivery.batch_bytes", delivery.batch_bytes), budget),
        (
            ("delivery.spill_after", delivery.spill_after),
            ("delivery.max_pending", delivery.max_pending),
        ),
        (("query.max_merged", query.max_merged), budget),
    ];
    pairs
        .into_iter()
        .try_for_each(|(small, large)| at_most(source, small, large, ByteSize::to_string))
}

fn durations_agree(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let shortest = ("delivery.backoff_min", config.delivery.backoff_min);
    let longest = ("delivery.backoff_max", config.delivery.backoff_max);
    at_most(source, shortest, longest, |duration: &Duration| {
        duration::print(*duration)
    })
}

/// Several processes share etcd, but what an embedded backend holds is in one of them.
fn stores_agree(config: &Config, source: &Source) -> Result<(), ConfigError> {
    if config.meta.store == SharedStore::Embedded {
        return Ok(());
    }
    for (i, circle) in config.circles.iter().enumerate() {
        let embedded = |backend: &Backend| backend.url == BackendUrl::Embedded;
        if let Some(j) = circle.backends.iter().position(embedded) {
            let url = KeyPath::dotted("circles").index(i).key("backends").index(j).key("url");
            let (key, message) = if source.is_given(&url) {
                (
                    url,
                    "\"embedded:\" is in one process, but meta.store is \"etcd\", which several share",
                )
            } else {
                let store = KeyPath::dotted("meta.store");
                (
                    store,
                    "\"etcd\" needs circles of servers: by default there is one embedded backend",
                )
            };
            return Err(source.invalid(&key, message));
        }
    }
    Ok(())
}

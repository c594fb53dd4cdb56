//! PURE. The two texts with which a plugin and Gyre meet: the plugin's argument, and its first line in answer.
//!
//! ```text
//! argv[1] = {"LogLevel":3,"PingTimeoutDuration":10000000000,"NoDaemon":false,…,"TLSEnabled":false}
//! stdout  = {"Meta":{"Name":…,"Version":…,"RPCType":2,…},"ListenAddress":"127.0.0.1:45009","Type":0,"State":0,…}
//! ```
//!
//! The line is read as Go reads it: names in any case, `null` and absent are zero.

mod fields;

use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::workflow::{PluginKey, PluginMeta, PluginType, Routing};

use super::{LogLevel, PluginTls};

use fields::Fields;

/// In nanoseconds, as Snap sends it; plugins in Python take it for milliseconds.
const PING_TIMEOUT_NS: u64 = 10_000_000_000;

/// How plugins speak; other numbers were never in use, or are obsolete.
mod rpc {
    pub(super) const NATIVE: i64 = 0;
    pub(super) const GRPC: i64 = 2;
    pub(super) const STREAMING_GRPC: i64 = 3;
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Argument {
    log_level: u8,
    ping_timeout_duration: u64,
    no_daemon: bool,
    pprof: bool,
    cert_path: String,
    key_path: String,
    root_cert_paths: String,
    #[serde(rename = "TLSEnabled")]
    tls_enabled: bool,
}

/// The argument of a plugin's process.
pub(super) fn argument(level: LogLevel, tls: Option<&PluginTls>) -> String {
    let path = |path: &Path| path.display().to_string();
    let argument = Argument {
        log_level: level.number(),
        ping_timeout_duration: PING_TIMEOUT_NS,
        no_daemon: false,
        pprof: false,
        cert_path: tls.map(|tls| path(&tls.cert)).unwrap_or_default(),
        key_path: tls.map(|tls| path(&tls.key)).unwrap_or_default(),
        root_cert_paths: tls.map(PluginTls::ca_list).unwrap_or_default(),
        tls_enabled: tls.is_some(),
    };
    serde_json::to_string(&argument).expect("texts and numbers can always be written")
}

/// What a plugin says in its first line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Handshake {
    /// What it is.
    pub(super) meta: PluginMeta,
    /// Where it listens, `host:port`.
    pub(super) address: String,
    /// Why it cannot work, if it says that it cannot.
    pub(super) failure: Option<String>,
}

/// Whether Gyre speaks with plugins in TLS only, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Tls,
    Plain,
}

/// With that plugin one cannot speak; Snap's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The line is not the JSON that it should be; Go's words.
    #[error("{0}")]
    NotJson(String),
    /// The plugin wants TLS, and Gyre has no certificate.
    #[error("insecure framework can't connect to secure plugin; plugin_name: {0}")]
    NeedsTls(String),
    /// Gyre wants TLS, and the plugin has none.
    #[error("secure framework can't connect to insecure plugin; plugin_name: {0}")]
    HasNoTls(String),
    /// A type that does not exist.
    #[error("Cannot create a client for a plugin of the type: {0}")]
    UnknownType(i64),
    /// It speaks Go's own RPC.
    #[error("plugin {0} speaks Go's net/rpc and gob, which is not supported: it must speak gRPC")]
    Native(PluginKey),
    /// It speaks something else, or not what its type speaks.
    #[error("Invalid RPCTYPE")]
    InvalidRpcType,
    /// Where it listens is not `host:port`.
    #[error("error while creating client connection: bad address")]
    BadAddress,
}

impl Handshake {
    /// Reads the first line.
    ///
    /// # Errors
    /// When it is not JSON, or of a plugin that one cannot speak with.
    pub(super) fn read(line: &[u8], security: Security) -> Result<Self, HandshakeError> {
        let all = Fields::read(line)?;
        let meta = all.object("Meta")?;
        let name = meta.text("Name")?;
        match (security, meta.yes("TLSEnabled")?) {
            (Security::Plain, true) => return Err(HandshakeError::NeedsTls(name)),
            (Security::Tls, false) => return Err(HandshakeError::HasNoTls(name)),
            (Security::Plain, false) | (Security::Tls, true) => {}
        }
        let number = all.integer("Type")?;
        let key = PluginKey {
            kind: PluginType::from_number(number).ok_or(HandshakeError::UnknownType(number))?,
            name: name.to_lowercase(),
            version: meta.integer("Version")?,
        };
        check_rpc(&key, meta.integer("RPCType")?)?;
        let address = all.text("ListenAddress")?;
        check_address(&address)?;
        let failed = all.integer("State")? != 0;
        Ok(Self {
            meta: plugin_meta(key, &meta)?,
            address,
            failure: failed.then(|| all.text("ErrorMessage")).transpose()?,
        })
    }
}

fn plugin_meta(key: PluginKey, meta: &Fields) -> Result<PluginMeta, HandshakeError> {
    Ok(PluginMeta {
        key,
        concurrency: usize::try_from(meta.integer("ConcurrencyCount")?).unwrap_or(0).max(1),
        exclusive: meta.yes("Exclusive")?,
        cache_ttl: Duration::from_nanos(u64::try_from(meta.integer("CacheTTL")?).unwrap_or(0)),
        routing: match meta.integer("RoutingStrategy")? {
            1 => Routing::Sticky,
            2 => Routing::ConfigBased,
            _ => Routing::LeastRecentlyUsed,
        },
    })
}

/// Streaming collectors speak one kind of gRPC, all others the other.
fn check_rpc(key: &PluginKey, number: i64) -> Result<(), HandshakeError> {
    let streams = key.kind == PluginType::StreamingCollector;
    match number {
        rpc::NATIVE => Err(HandshakeError::Native(key.clone())),
        rpc::GRPC if !streams => Ok(()),
        rpc::STREAMING_GRPC if streams => Ok(()),
        _ => Err(HandshakeError::InvalidRpcType),
    }
}

fn check_address(address: &str) -> Result<(), HandshakeError> {
    let parts = address.rsplit_once(':');
    let port = parts.and_then(|(host, port)| (!host.is_empty()).then_some(port));
    match port.map(str::parse::<u16>) {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err(HandshakeError::BadAddress),
    }
}

#[cfg(test)]
mod tests;

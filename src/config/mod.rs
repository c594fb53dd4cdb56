//! Configuration: a file and the environment, turned into values that need no further checks.
//!
//! ```text
//! file ── document ─┬─ Gyre's own: unknown keys refused ─┐
//! TOML, JSON, YAML  └─ influx-proxy's: imported ─────────┤
//! config/gyre.toml, embedded: defaults and known keys ───┴─ merged ── overlay ── RawConfig ── validate ── Config
//!                                                     GYRE__SECTION__KEY
//! ```
//!
//! * The embedded `config/gyre.toml` is the one list of keys and defaults: a key that it lacks does not exist.
//! * Every error names the file and line, or the variable, and the key: `gyre.toml:7: proxy.ack: "none" is none of ...`.
//! * Loading is a pure function of path, text and environment; only [`load()`] reads a file.
//! * [`Config`] has no field that means "the default", and passwords only as [`Secret`], in plain text.

mod address;
mod check;
pub mod cipher;
mod document;
mod error;
mod influx_proxy;
mod key_path;
mod lines;
mod load;
mod model;
mod overlay;
mod raw;
mod schema;
mod secret;
mod source;
mod telemetry;
#[cfg(test)]
mod tests;
mod validate;

pub use address::{BackendUrl, HostPort, HttpUrl, InvalidAddress, ListenAddr, NodeUrl};
pub use error::{ConfigError, Origin};
pub use key_path::{KeyPath, Segment};
pub use load::{load, parse};
pub use model::{
    Ack, Api, Backend, Circle, Config, Credentials, Data, Delivery, Etcd, Gzip, Http, Journal, JournalSync, Log,
    LogFormat, LogLevel, LongpollTimeout, MAX_BLOB, MAX_HISTORY, Memory, Meta, Nodes, OnDamage, Proxy, Query,
    ServerTls, SharedStore, Trust, Whitelist, Workers,
};
pub use secret::Secret;
pub use telemetry::{PluginSettings, PluginTls, PluginTrust, Plugins, Telemetry};

//! `[telemetry]`: what is meant, and the rules of its keys.

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, path::PathBuf, time::Duration};

use serde_json::{Map, Value};

use super::{
    check::{Table, given_path},
    error::ConfigError,
    raw,
    secret::Secret,
};
use crate::base::ByteSize;

/// How long a plugin may take to start: below, no interpreter is up; above, a mistake is noticed too late.
const LOAD_TIMES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// Whether this host's metrics are collected.
    pub default_task: bool,
    /// The password of Snap's routes, whatever the user's name; `None`: what `[auth]` wants.
    pub password: Option<Secret>,
    /// Web pages of these origins may ask; each is `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Whether `$VAR` is replaced in bodies of requests and in manifests.
    pub expand_env: bool,
    /// Tasks that may exist at once.
    pub max_tasks: NonZeroUsize,
    /// Events that a watcher may be behind before it is closed.
    pub watch_backlog: NonZeroUsize,
    /// Directories whose plugins and tasks are loaded at start.
    pub auto_discover: Vec<PathBuf>,
    /// The plugins themselves.
    pub plugins: Plugins,
    /// Tags of all collected metrics, by the namespace below which they hold.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// How plugins are loaded and run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// Instances of one plugin that run at once.
    pub max_running: NonZeroUsize,
    /// How often in a row a plugin that died is started again; `None` is for ever.
    pub max_restarts: Option<u32>,
    /// How long a plugin may take to say how it is to be reached.
    pub load_timeout: Duration,
    /// The largest executable that is taken.
    pub max_size: ByteSize,
    /// How long what was collected is given to other tasks at least.
    pub cache_expiration: Duration,
    /// What becomes of plugins without a good signature.
    pub trust: PluginTrust,
    /// Files or directories of OpenPGP keys.
    pub keyrings: Vec<PathBuf>,
    /// How this process shows itself to plugins that want TLS.
    pub tls: Option<PluginTls>,
    /// Settings of plugins, in Snap's tree: `all`, and by type, name and version.
    pub settings: PluginSettings,
}

/// What becomes of plugins without a good signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginTrust {
    /// Signatures are not looked at.
    Off,
    /// Loaded, with a warning.
    Warn,
    /// Refused.
    On,
}

/// The client's side of mutual TLS with plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginTls {
    /// The certificate, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities of the plugins' certificates, PEM.
    pub ca: Vec<PathBuf>,
}

/// Settings of plugins; may hold passwords, and is not printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PluginSettings(pub Map<String, Value>);

impl fmt::Debug for PluginSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The validated table, or the first mistake.
pub(super) fn telemetry(
    raw: raw::Telemetry,
    table: &Table<'_>,
    tls_table: &Table<'_>,
) -> Result<Telemetry, ConfigError> {
    for (index, origin) in raw.allowed_origins.iter().enumerate() {
        if !is_origin(origin) {
            return Err(table.wrong_item("allowed_origins", index, format!("Invalid origin found: {origin}")));
        }
    }
    if let Some(namespace) = raw.tags.keys().find(|namespace| namespace.is_empty()) {
        return Err(table.wrong("tags", format!("{namespace:?} is no namespace: \"/\" is all")));
    }
    let trusts = [
        ("off", PluginTrust::Off),
        ("warn", PluginTrust::Warn),
        ("on", PluginTrust::On),
    ];
    let trust = table.choice("plugin_trust", &raw.plugin_trust, &trusts)?;
    if trust == PluginTrust::On && raw.keyrings.is_empty() {
        return Err(table.wrong("plugin_trust", "\"on\" needs keyrings"));
    }
    Ok(Telemetry {
        default_task: raw.default_task,
        password: (!raw.password.expose().is_empty()).then_some(raw.password),
        allowed_origins: raw.allowed_origins,
        expand_env: raw.expand_env,
        max_tasks: table.some("max_tasks", raw.max_tasks)?,
        watch_backlog: table.some("watch_backlog", raw.watch_backlog)?,
        auto_discover: raw.auto_discover.into_iter().map(PathBuf::from).collect(),
        plugins: Plugins {
            max_running: table.some("max_running_plugins", raw.max_running_plugins)?,
            max_restarts: restarts(raw.max_plugin_restarts, table)?,
            load_timeout: table.time_between("plugin_load_timeout", &raw.plugin_load_timeout, LOAD_TIMES)?,
            max_size: table.some_bytes("max_plugin_size", &raw.max_plugin_size)?,
            cache_expiration: table.duration("cache_expiration", &raw.cache_expiration)?,
            trust,
            keyrings: raw.keyrings.into_iter().map(PathBuf::from).collect(),
            tls: plugin_tls(&raw.plugin_tls, tls_table)?,
            settings: PluginSettings(raw.plugins),
        },
        tags: raw.tags,
    })
}

/// Whether it is `scheme://host[:port]` and nothing more, as browsers send it.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@'])
}

fn restarts(number: i64, table: &Table<'_>) -> Result<Option<u32>, ConfigError> {
    match number {
        -1 => Ok(None),
        number => u32::try_from(number).map(Some).map_err(|_| {
            table.wrong(
                "max_plugin_restarts",
                format!("{number} is neither -1 nor a number of restarts"),
            )
        }),
    }
}

fn plugin_tls(raw: &raw::PluginTls, table: &Table<'_>) -> Result<Option<PluginTls>, ConfigError> {
    let ca: Vec<PathBuf> = raw.ca.iter().map(PathBuf::from).collect();
    match (given_path(&raw.cert), given_path(&raw.key)) {
        (None, None) if ca.is_empty() => Ok(None),
        (Some(cert), Some(key)) if !ca.is_empty() => Ok(Some(PluginTls { cert, key, ca })),
        (_, None) => Err(table.wrong("key", "TLS with plugins needs cert, key and ca")),
        (None, _) => Err(table.wrong("cert", "TLS with plugins needs cert, key and ca")),
        _ => Err(table.wrong("ca", "TLS with plugins needs cert, key and ca")),
    }
}

//! PURE. How a plugin is started: what is needed each time, at loading and for every instance.

use std::{path::PathBuf, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use crate::base::Clock;

/// All that is needed to start a plugin, or to find one that runs already. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Launch {
    /// What to start.
    pub program: Program,
    /// The files with which the plugin proves who it is; `None`: it speaks without TLS.
    pub plugin_tls: Option<Arc<PluginTls>>,
    /// The files with which Gyre proves who it is; with these, plugins without TLS are refused.
    pub own_tls: Option<Arc<PluginTls>>,
    /// How much the plugin is to log.
    pub log_level: LogLevel,
    /// How long it may take until it says where it listens.
    pub load_timeout: Duration,
    /// How often in a row one instance is started again when it died; `None` is endless.
    pub max_restarts: Option<u32>,
    /// Stands in the environment of every process that Gyre starts, [`OWNER_VARIABLE`]: a later Gyre finds orphans by it.
    pub owner_marker: Arc<str>,
    /// Tells when metrics came that carry no time.
    pub clock: Arc<dyn Clock>,
}

/// Name of the environment variable that tells whose plugin a process is.
pub const OWNER_VARIABLE: &str = "GYRE_PLUGIN_OF";

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// An executable file, started only while its content is what it was when it was loaded.
    File {
        /// Where it is.
        path: PathBuf,
        /// What it contains.
        checksum: Checksum,
    },
    /// Nothing: the plugin was started by somebody else, and tells by HTTP where it listens.
    StandAlone {
        /// `http://host:port`.
        url: String,
    },
}

/// SHA-256 of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum(pub [u8; 32]);

/// Files of one side of mutual TLS, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginTls {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Files of, or directories with, the certificates that the other side may be signed by.
    pub ca: Vec<PathBuf>,
}

/// How much a plugin logs; the numbers that plugins are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// 2.
    Error,
    /// 3.
    #[default]
    Warn,
    /// 4.
    Info,
    /// 5.
    Debug,
}

impl Checksum {
    /// The checksum of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Checksum {
    /// 64 hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl LogLevel {
    /// The number that plugins are given.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Error => 2,
            Self::Warn => 3,
            Self::Info => 4,
            Self::Debug => 5,
        }
    }
}

impl PluginTls {
    /// The paths of the authorities' certificates, joined by `:`.
    pub(super) fn ca_list(&self) -> String {
        let paths = self.ca.iter().map(|path| path.display().to_string());
        paths.collect::<Vec<_>>().join(":")
    }
}

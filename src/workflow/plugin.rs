//! PURE. What a plugin says of itself.

use std::{fmt, str::FromStr, time::Duration};

/// What a plugin does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginType {
    /// Is asked for metrics; 0 on the wire.
    Collector,
    /// Changes metrics; 1.
    Processor,
    /// Takes metrics away; 2.
    Publisher,
    /// Sends metrics when it likes; 3.
    StreamingCollector,
}

/// Names a loaded plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginKey {
    /// What it does.
    pub kind: PluginType,
    /// Its name, in lower case.
    pub name: String,
    /// Its version, at least 1.
    pub version: i64,
}

/// How calls are spread over the instances of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing {
    /// The instance that was idle longest; 0 on the wire.
    #[default]
    LeastRecentlyUsed,
    /// Each task keeps its instance; 1.
    Sticky,
    /// Calls with the same configuration keep their instance; 2.
    ConfigBased,
}

/// What a plugin says of itself when it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginMeta {
    /// What it does, its name and version.
    pub key: PluginKey,
    /// Subscriptions that one instance may serve, at least 1.
    pub concurrency: usize,
    /// Never more than one instance.
    pub exclusive: bool,
    /// How long what it collected may be given to other tasks, less than the global minimum or not.
    pub cache_ttl: Duration,
    /// How calls are spread.
    pub routing: Routing,
}

/// No such type of plugin; the text is what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid plugin type name given {0}")]
pub struct UnknownType(pub String);

impl PluginType {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::Collector,
        Self::Processor,
        Self::Publisher,
        Self::StreamingCollector,
    ];

    /// The name in URLs and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collector => "collector",
            Self::Processor => "processor",
            Self::Publisher => "publisher",
            Self::StreamingCollector => "streaming-collector",
        }
    }

    /// The type of that number on the wire.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Whether it is a source of metrics.
    #[must_use]
    pub fn collects(self) -> bool {
        matches!(self, Self::Collector | Self::StreamingCollector)
    }
}

impl FromStr for PluginType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, UnknownType> {
        let is_it = |kind: &Self| kind.as_str() == name;
        let found = Self::ALL.into_iter().find(is_it);
        found.ok_or_else(|| UnknownType(name.to_owned()))
    }
}

impl fmt::Display for PluginType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PluginKey {
    /// `TYPE:NAME:VERSION`, as Snap's command line writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.version)
    }
}

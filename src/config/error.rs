//! What is wrong with a configuration, and where.

use std::{fmt, io};

use super::KeyPath;
use crate::base::ErrorKind;

/// A configuration that cannot be used. The first mistake found; nothing has been started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file as it was named.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The file's name does not tell its format.
    #[error("{file}: unsupported config type {extension:?}: name it .toml, .json, .yaml or .yml")]
    UnsupportedType {
        /// The file as it was named.
        file: String,
        /// What follows the last dot of its name.
        extension: String,
    },
    /// The text is not TOML, JSON or YAML.
    #[error("{origin}: {message}")]
    Syntax {
        /// Where the parser stopped.
        origin: Origin,
        /// What the parser says.
        message: String,
    },
    /// A key that does not exist; most often a slip of the pen.
    #[error("{origin}: unknown key `{key}`{}", hint(known))]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// The whole key.
        key: KeyPath,
        /// The known keys at that place that were probably meant: the nearest one, or all.
        known: Vec<String>,
    },
    /// A value of the wrong type, out of range, or in contradiction to another one.
    #[error("{origin}: {key}: {message}")]
    Invalid {
        /// Where it stands.
        origin: Origin,
        /// The whole key.
        key: KeyPath,
        /// What is wrong with the value.
        message: String,
    },
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the file, at a line counted from 1.
    File {
        /// The file as it was named.
        file: String,
        /// The line of the key; of the nearest table around it when the key is missing.
        line: usize,
    },
    /// In the environment, by this variable.
    Variable(String),
}

impl ConfigError {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Read { .. } => ErrorKind::Unavailable,
            Self::UnsupportedType { .. } | Self::Syntax { .. } | Self::UnknownKey { .. } | Self::Invalid { .. } => {
                ErrorKind::InvalidArgument
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
        }
    }
}

fn hint(known: &[String]) -> String {
    match known {
        [] => String::new(),
        [nearest] => format!(": did you mean `{nearest}`?"),
        _ => format!(": known are `{}`", known.join("`, `")),
    }
}

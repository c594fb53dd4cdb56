//! The text by which a backend is put on the ring.

use std::{fmt, str::FromStr};

use super::InvalidTemplate;

/// How the node key of a backend is made (`hash_key`). The four words are matched exactly, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashKey {
    /// `idx`: the backend's position in its circle, decimal, from 0.
    Index,
    /// `exi`: the same after a `|`, which keeps replica numbers and positions apart.
    ExtendedIndex,
    /// `name`: the backend's name.
    Name,
    /// `url`: the backend's URL as configured.
    Url,
    /// Any other text with at least one `%idx`, each replaced by the position.
    Template(String),
}

/// What a template replaces by the backend's position.
const INDEX: &str = "%idx";

impl HashKey {
    /// The node key of the backend at `index` (from 0) of its circle.
    #[must_use]
    pub fn node_key(&self, index: usize, name: &str, url: &str) -> String {
        match self {
            Self::Index => index.to_string(),
            Self::ExtendedIndex => format!("|{index}"),
            Self::Name => name.to_owned(),
            Self::Url => url.to_owned(),
            Self::Template(template) => template.replace(INDEX, &index.to_string()),
        }
    }
}

impl FromStr for HashKey {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        match text {
            "idx" => Ok(Self::Index),
            "exi" => Ok(Self::ExtendedIndex),
            "name" => Ok(Self::Name),
            "url" => Ok(Self::Url),
            _ if text.contains(INDEX) => Ok(Self::Template(text.to_owned())),
            _ => Err(InvalidTemplate::HashKey),
        }
    }
}

impl fmt::Display for HashKey {
    /// As it is configured; [`FromStr`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Index => "idx",
            Self::ExtendedIndex => "exi",
            Self::Name => "name",
            Self::Url => "url",
            Self::Template(template) => template,
        })
    }
}

//! What a backup consists of: the names of its entries, and what it says of itself.
//!
//! ```text
//! backup.json          the description; the first entry
//! documents.json       the documents, see [`crate::meta::Snapshot`]
//! tsdb/<id>/<file>     a file of the engine of the backend with this number
//! dead-letters/<n>     a dead letter, in its log's encoding
//! ```

use serde::{Deserialize, Serialize};

use crate::{base::BackendId, journal::Seq};

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The version of Gyre that made it.
    pub gyre: String,
    /// When, RFC 3339.
    pub made: String,
    /// The last record of the journal whose effect is in it.
    pub sequence: Seq,
    /// The engines in it.
    pub engines: Vec<Described>,
    /// Names of backends whose points are not in it.
    pub not_covered: Vec<String>,
}

/// An engine in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// The backend's number.
    pub id: u32,
    /// The backend's name; a configuration has to name it so to find the points again.
    pub name: String,
}

/// An entry of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// The description.
    Description,
    /// The documents.
    Documents,
    /// A file of an engine.
    Engine {
        /// Whose engine.
        id: BackendId,
        /// The file's name, of letters, digits, and dots between them.
        file: &'a str,
    },
    /// A dead letter with its number.
    DeadLetter(Seq),
}

impl Description {
    /// Its form in the archive.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers always serialise")
    }

    /// Reads what [`Description::to_json`] wrote.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}

impl<'a> Entry<'a> {
    /// Its name in the archive.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Description => "backup.json".to_owned(),
            Self::Documents => "documents.json".to_owned(),
            Self::Engine { id, file } => format!("tsdb/{id}/{file}"),
            Self::DeadLetter(id) => format!("dead-letters/{id}"),
        }
    }

    /// The entry of a name; `None` when it is no entry's, be it one that leads elsewhere on a disk.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let entry = match name.split_once('/') {
            None if name == "backup.json" => Self::Description,
            None if name == "documents.json" => Self::Documents,
            Some(("tsdb", rest)) => {
                let (id, file) = rest.split_once('/').filter(|(_, file)| is_file_name(file))?;
                let id = BackendId(id.parse().ok()?);
                Self::Engine { id, file }
            }
            Some(("dead-letters", id)) => Self::DeadLetter(id.parse().ok()?),
            _ => return None,
        };
        Some(entry).filter(|entry| entry.name() == name)
    }
}

fn is_file_name(name: &str) -> bool {
    name.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_written() {
        let file = "0000000000000001.block";
        let id = BackendId(7);
        let entries = [
            Entry::Description,
            Entry::Documents,
            Entry::Engine { id, file },
            Entry::Engine { id, file: "manifest.a" },
            Entry::DeadLetter(12),
        ];
        for entry in entries {
            assert_eq!(Entry::parse(&entry.name()), Some(entry));
        }
    }

    #[test]
    fn no_name_leads_elsewhere() {
        let names = [
            "",
            "/etc/passwd",
            "tsdb/1/../../x",
            "tsdb/1/..",
            "tsdb/1/.x",
            "tsdb/1/",
            "tsdb/+1/a",
            "tsdb/x/a",
            "dead-letters/01",
            "journal/cursors",
        ];
        for name in names {
            assert_eq!(Entry::parse(name), None, "{name}");
        }
    }
}

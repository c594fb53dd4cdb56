//! The key under which a (database, measurement) is looked up on the ring.

use std::{fmt, str::FromStr};

use super::InvalidTemplate;

/// A shard key template, split once: `%db` stands for the database, `%mm` for the measurement, the rest for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardKey {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Database,
    Measurement,
}

const DATABASE: &str = "%db";
const MEASUREMENT: &str = "%mm";

impl ShardKey {
    /// Writes the key of `measurement` in `database` into `key`, replacing what it held.
    ///
    /// Inserted names are not expanded again.
    pub fn expand_into(&self, database: &[u8], measurement: &[u8], key: &mut Vec<u8>) {
        key.clear();
        self.each_piece(database, measurement, |piece| key.extend_from_slice(piece));
    }

    /// The CRC-32/IEEE of the key of `measurement` in `database`, without building the key.
    ///
    /// One hash serves all circles: see [`super::Ring::owner_at`].
    #[must_use]
    pub fn hash(&self, database: &[u8], measurement: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        self.each_piece(database, measurement, |piece| hasher.update(piece));
        hasher.finalize()
    }

    fn each_piece(&self, database: &[u8], measurement: &[u8], mut take: impl FnMut(&[u8])) {
        for part in &self.parts {
            take(match part {
                Part::Literal(text) => text.as_bytes(),
                Part::Database => database,
                Part::Measurement => measurement,
            });
        }
    }
}

impl FromStr for ShardKey {
    type Err = InvalidTemplate;

    fn from_str(template: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = template.chars();
        while !rest.as_str().is_empty() {
            let name = [(DATABASE, Part::Database), (MEASUREMENT, Part::Measurement)]
                .into_iter()
                .find_map(|(text, part)| Some((rest.as_str().strip_prefix(text)?, part)));
            if let Some((after, part)) = name {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(part);
                rest = after.chars();
            } else {
                literal.extend(rest.next());
            }
        }
        if parts.is_empty() {
            return Err(InvalidTemplate::ShardKey);
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }
}

impl fmt::Display for ShardKey {
    /// As it is configured; [`FromStr`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| {
            f.write_str(match part {
                Part::Literal(text) => text,
                Part::Database => DATABASE,
                Part::Measurement => MEASUREMENT,
            })
        })
    }
}

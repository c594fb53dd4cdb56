//! What Gyre knows of databases and retention policies, so that it can create them where they are missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The known databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    databases: BTreeMap<String, Database>,
}

/// One database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its retention policies by name.
    pub policies: BTreeMap<String, Policy>,
    /// The name of the default policy, if one is set.
    pub default_policy: Option<String>,
}

/// One retention policy. Durations are texts as `SHOW RETENTION POLICIES` prints them: `168h0m0s`, `0s` for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long points are kept.
    pub duration: String,
    /// Time covered by one shard group; empty lets the server choose.
    pub shard_duration: String,
    /// The replication factor as configured; meaningless to a single server, kept for fidelity.
    pub replication: u64,
}

impl Schema {
    /// Whether the database is known.
    #[must_use]
    pub fn has(&self, db: &str) -> bool {
        self.databases.contains_key(db)
    }

    /// A known database.
    #[must_use]
    pub fn get(&self, db: &str) -> Option<&Database> {
        self.databases.get(db)
    }

    /// The names of the known databases, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// Learns what a database looks like.
    pub fn put(&mut self, db: &str, database: Database) {
        self.databases.insert(db.to_owned(), database);
    }

    /// Forgets a database.
    pub fn remove(&mut self, db: &str) {
        self.databases.remove(db);
    }

    /// The statements that make a server know `db` and `policy` (empty: the default); none when they are unknown here.
    #[must_use]
    pub fn creation(&self, db: &str, policy: &str) -> Vec<String> {
        let Some(database) = self.databases.get(db) else {
            return Vec::new();
        };
        if !policy.is_empty() && !database.policies.contains_key(policy) {
            return Vec::new();
        }
        database.creation(db)
    }
}

impl Database {
    /// The statements that create this database with all its policies on a server that has none of it. Creating what
    /// exists already with the same settings is no error to InfluxDB.
    #[must_use]
    pub fn creation(&self, db: &str) -> Vec<String> {
        let mut statements = vec![format!("CREATE DATABASE {}", quote(db))];
        for (name, policy) in &self.policies {
            let is_default = self.default_policy.as_deref() == Some(name);
            // CREATE DATABASE has made `autogen` already, so it is altered to what it should be.
            let verb = if name == "autogen" { "ALTER" } else { "CREATE" };
            statements.push(policy.statement(verb, name, db, is_default));
        }
        statements
    }
}

impl Policy {
    fn statement(&self, verb: &str, name: &str, db: &str, is_default: bool) -> String {
        let mut text = format!(
            "{verb} RETENTION POLICY {} ON {} DURATION {}",
            quote(name),
            quote(db),
            influx_duration(&self.duration)
        );
        text.push_str(&format!(" REPLICATION {}", self.replication.max(1)));
        if !self.shard_duration.is_empty() {
            text.push_str(&format!(" SHARD DURATION {}", influx_duration(&self.shard_duration)));
        }
        if is_default {
            text.push_str(" DEFAULT");
        }
        text
    }
}

/// InfluxQL reads `168h`, not `168h0m0s` with its zero parts; `0s` means for ever.
fn influx_duration(go: &str) -> String {
    let mut text = String::new();
    let mut rest = go;
    while let Some(digits_end) = rest.find(|c: char| !c.is_ascii_digit()) {
        let (number, after) = rest.split_at(digits_end);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        if number.bytes().any(|digit| digit != b'0') {
            text.push_str(number);
            text.push_str(unit);
        }
        rest = after;
    }
    if text.is_empty() { "INF".to_owned() } else { text }
}

/// An identifier in double quotes.
#[must_use]
pub fn quote(name: &str) -> String {
    format!(
        "\"{}\"",
        name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(duration: &str, shard_duration: &str) -> Policy {
        Policy {
            duration: duration.to_owned(),
            shard_duration: shard_duration.to_owned(),
            replication: 1,
        }
    }

    #[test]
    fn recreates_policies_with_duration_and_default() {
        let mut schema = Schema::default();
        let policies = BTreeMap::from([
            ("autogen".to_owned(), policy("0s", "168h0m0s")),
            ("p30".to_owned(), policy("720h0m0s", "24h0m0s")),
        ]);
        schema.put(
            "d\"b",
            Database {
                policies,
                default_policy: Some("p30".to_owned()),
            },
        );
        let expect = [
            r#"CREATE DATABASE "d\"b""#,
            r#"ALTER RETENTION POLICY "autogen" ON "d\"b" DURATION INF REPLICATION 1 SHARD DURATION 168h"#,
            r#"CREATE RETENTION POLICY "p30" ON "d\"b" DURATION 720h REPLICATION 1 SHARD DURATION 24h DEFAULT"#,
        ];
        assert_eq!(schema.creation("d\"b", ""), expect);
        assert_eq!(schema.creation("d\"b", "p30"), expect);
        assert!(schema.creation("d\"b", "p31").is_empty());
        assert!(schema.creation("other", "").is_empty());
    }

    #[test]
    fn durations_lose_their_zero_parts() {
        for (go, influx) in [
            ("0s", "INF"),
            ("168h0m0s", "168h"),
            ("1h30m0s", "1h30m"),
            ("1m40s", "1m40s"),
            ("", "INF"),
        ] {
            assert_eq!(influx_duration(go), influx);
        }
    }
}

//! The known schema: where it is kept, and how it is learnt.
//!
//! Statements that pass through Gyre change it; what is not known is asked of the backends, at most once a second per
//! database, and remembered in the meta store.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use futures_util::future::join_all;

use crate::{
    base::Clock,
    influx::result::{self, StatementResult, Value},
    meta::{self, MetaStore},
};

use super::{
    client::Client,
    fleet::Fleet,
    schema::{Database, Policy, Schema, quote},
};

const PREFIX: &str = "/schema/databases/";

/// How long a database that no backend knew is not asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many unknown names are remembered before all are forgotten; bounds what a client can make Gyre hold.
const MAX_UNKNOWN: usize = 10_000;

/// Knows the schema, or finds out.
#[derive(Debug)]
pub struct Lookup {
    fleet: Arc<Fleet>,
    store: Arc<dyn MetaStore>,
    known: ArcSwap<Schema>,
    change: Mutex<()>,
    unknown_since: DashMap<String, Duration>,
    clock: Arc<dyn Clock>,
}

/// What is known about a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existence {
    /// It exists.
    Known,
    /// The backends were asked in vain.
    Unknown,
    /// No backend answered.
    CannotTell,
}

impl Lookup {
    /// Loads what the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        fleet: Arc<Fleet>,
        store: Arc<dyn MetaStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, meta::Error> {
        let mut schema = Schema::default();
        for entry in store.load(PREFIX).await?.entries {
            let name = entry.key.strip_prefix(PREFIX).unwrap_or(&entry.key).to_owned();
            match serde_json::from_slice(&entry.value) {
                Ok(database) => schema.put(&name, database),
                Err(error) => tracing::warn!(db = %name, %error, "stored schema cannot be read: it is learnt anew"),
            }
        }
        let known = ArcSwap::from_pointee(schema);
        Ok(Self {
            fleet,
            store,
            known,
            change: Mutex::new(()),
            unknown_since: DashMap::new(),
            clock,
        })
    }

    /// The schema as known now.
    #[must_use]
    pub fn schema(&self) -> Arc<Schema> {
        self.known.load_full()
    }

    /// Whether a database exists; asks the backends when it is not known.
    pub async fn existence(&self, client: &Client, db: &str) -> Existence {
        if self.known.load().has(db) {
            return Existence::Known;
        }
        let now = self.clock.elapsed();
        let asked = self.unknown_since.get(db).map(|since| *since);
        if asked.is_some_and(|since| now.saturating_sub(since) < ASK_AGAIN_AFTER) {
            return Existence::Unknown;
        }
        let existence = self.ask(client, db).await;
        if existence == Existence::Unknown {
            if self.unknown_since.len() >= MAX_UNKNOWN {
                self.unknown_since.clear();
            }
            self.unknown_since.insert(db.to_owned(), now);
        }
        existence
    }

    /// The statements that create `db` and `policy` where they are missing; asks the backends when they are not known.
    pub async fn creation(&self, client: &Client, db: &str, policy: &str) -> Vec<String> {
        let known = self.known.load().creation(db, policy);
        if !known.is_empty() {
            return known;
        }
        self.ask(client, db).await;
        self.known.load().creation(db, policy)
    }

    /// Remembers a database as it is now.
    pub async fn learn(&self, db: &str, database: Database) {
        self.unknown_since.remove(db);
        let value = serde_json::to_vec(&database).unwrap_or_default();
        self.change(|schema| schema.put(db, database));
        self.save(self.store.put(&key(db), value.into()).await.map(drop), db);
    }

    /// Forgets a database that was dropped.
    pub async fn forget(&self, db: &str) {
        self.change(|schema| schema.remove(db));
        self.save(self.store.delete(&key(db)).await.map(drop), db);
    }

    /// A database may have changed: reads it anew from the backends.
    pub async fn refresh(&self, client: &Client, db: &str) -> Existence {
        self.unknown_since.remove(db);
        self.ask(client, db).await
    }

    fn save(&self, saved: Result<(), meta::Error>, db: &str) {
        if let Err(error) = saved {
            tracing::warn!(%db, %error, "schema not saved: it will be learnt anew after a restart");
        }
    }

    fn change(&self, change: impl FnOnce(&mut Schema)) {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut schema = Schema::clone(&self.known.load());
        change(&mut schema);
        self.known.store(Arc::new(schema));
    }

    /// Asks all usable backends for the policies of a database; the answer with the most policies wins.
    async fn ask(&self, client: &Client, db: &str) -> Existence {
        let statement = format!("SHOW DATABASES; SHOW RETENTION POLICIES ON {}", quote(db));
        let usable: Vec<_> = self
            .fleet
            .backends
            .iter()
            .filter(|backend| backend.condition.is_usable())
            .collect();
        let asked = usable.iter().map(|backend| client.statement(backend, "", &statement));
        let answers = join_all(asked).await;
        let read: Vec<_> = answers
            .iter()
            .filter_map(|answer| read_answer(&answer.as_ref().ok()?.body, db))
            .collect();
        // Every database is on every backend, so one answer is enough to deny it.
        let somebody_answered = !read.is_empty();
        let best = read
            .into_iter()
            .flatten()
            .max_by_key(|database| database.policies.len());
        match best {
            Some(database) => {
                self.learn(db, database).await;
                Existence::Known
            }
            None if somebody_answered => Existence::Unknown,
            None => Existence::CannotTell,
        }
    }
}

fn key(db: &str) -> String {
    format!("{PREFIX}{db}")
}

/// Reads an answer to `SHOW DATABASES; SHOW RETENTION POLICIES`: outer `None` when it is none, inner when the backend
/// does not have the database.
fn read_answer(body: &[u8], db: &str) -> Option<Option<Database>> {
    let results = result::decode(body).ok()?.results;
    let names = results.first()?;
    let exists = names
        .series
        .iter()
        .flat_map(|series| &series.values)
        .any(|row| row.first().and_then(Value::as_str) == Some(db));
    let policies = results.get(1).map(read_policies).unwrap_or_default();
    Some(exists.then_some(policies))
}

/// Reads the rows of `SHOW RETENTION POLICIES`: name, duration, shardGroupDuration, replicaN, default.
fn read_policies(result: &StatementResult) -> Database {
    let mut database = Database {
        policies: BTreeMap::new(),
        default_policy: None,
    };
    for series in &result.series {
        let at = |name: &str| series.columns.iter().position(|column| column == name);
        for row in &series.values {
            let text = |column: &str| {
                at(column)
                    .and_then(|i| row.get(i))
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let number = at("replicaN")
                .and_then(|i| row.get(i))
                .and_then(Value::as_whole)
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(1);
            let name = text("name");
            if at("default").and_then(|i| row.get(i)) == Some(&Value::Bool(true)) {
                database.default_policy = Some(name.clone());
            }
            let policy = Policy {
                duration: text("duration"),
                shard_duration: text("shardGroupDuration"),
                replication: number,
            };
            database.policies.insert(name, policy);
        }
    }
    database
}

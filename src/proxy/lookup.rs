//! The known schema: where it is kept, and how it is learnt.
//!
//! Statements that pass through Gyre change it; what is not known is asked of the backends, at most once a second per
//! database, and remembered in the shared store, through which the other processes learn of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use futures_util::future::join_all;

use crate::{
    base::Clock,
    influx::result::{self, StatementResult, Value},
    meta::{self, Event, KeyValue, Revision, Update},
};

use super::{
    client::Client,
    fleet::Fleet,
    schema::{Database, Policy, Schema, quote},
    shared::{Shared, Topic},
};

/// How long a database that no backend knew is not asked for again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many unknown names are remembered before all are forgotten; bounds what a client can make Gyre hold.
const MAX_UNKNOWN: usize = 10_000;

/// Knows the schema, or finds out.
#[derive(Debug)]
pub struct Lookup {
    fleet: Arc<Fleet>,
    shared: Arc<Shared>,
    known: ArcSwap<Schema>,
    /// The revision at which this process last stored each database, once it is answered: what the store tells of
    /// earlier ones is older than what is known here.
    own: Mutex<BTreeMap<String, Revision>>,
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
    /// Loads what the shared store knows, or was last known of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(fleet: Arc<Fleet>, shared: Arc<Shared>, clock: Arc<dyn Clock>) -> Result<Self, meta::Error> {
        let mut schema = Schema::default();
        for entry in shared.known(Topic::Schema).await? {
            take_up(&mut schema, &entry);
        }
        Ok(Self {
            fleet,
            shared,
            known: ArcSwap::from_pointee(schema),
            own: Mutex::default(),
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
        let existence = self.find(client, db).await;
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
        self.find(client, db).await;
        self.known.load().creation(db, policy)
    }

    /// Remembers a database as it is now, for all processes.
    ///
    /// # Errors
    /// When there are other processes, and they cannot be told: they may go on with what they believe.
    pub async fn learn(&self, db: &str, database: Database) -> Result<(), meta::Error> {
        self.unknown_since.remove(db);
        let value = serde_json::to_vec(&database).unwrap_or_default();
        self.change(db, |schema| schema.put(db, database));
        self.stored(db, async { self.shared.put(&key(db), value.into()).await })
            .await
    }

    /// Forgets a database that was dropped, for all processes.
    ///
    /// # Errors
    /// As [`Lookup::learn`].
    pub async fn forget(&self, db: &str) -> Result<(), meta::Error> {
        self.change(db, |schema| schema.remove(db));
        self.stored(db, async { self.shared.delete(&key(db)).await }).await
    }

    /// A database may have changed: reads it anew from the backends.
    ///
    /// # Errors
    /// As [`Lookup::learn`].
    pub async fn refresh(&self, client: &Client, db: &str) -> Result<(), meta::Error> {
        self.unknown_since.remove(db);
        match self.ask(client, db).await {
            Found::Database(database) => self.learn(db, database).await,
            Found::Nothing | Found::NoAnswer => Ok(()),
        }
    }

    /// Takes up what the shared store says.
    pub fn changed(&self, update: &Update) {
        let mut own = self.own();
        let mut schema = Schema::clone(&self.known.load());
        match update {
            Update::Lost(_) => return,
            Update::Reset(page) => {
                let mut all = Schema::default();
                page.entries.iter().for_each(|entry| take_up(&mut all, entry));
                // What was changed here after the page was read is newer.
                own.retain(|_, own| *own > page.revision);
                own.keys().for_each(|db| match schema.get(db) {
                    Some(database) => all.put(db, database.clone()),
                    None => all.remove(db),
                });
                schema = all;
            }
            Update::Changed(batch) => {
                for event in &batch.events {
                    match event {
                        _ if own.get(name(event.key())).is_some_and(|own| *own >= batch.revision) => {}
                        Event::Put(entry) => take_up(&mut schema, entry),
                        Event::Delete(key) => schema.remove(name(key)),
                    }
                }
            }
        }
        self.known.store(Arc::new(schema));
    }

    /// Waits until a change of a database is stored.
    async fn stored(
        &self,
        db: &str,
        storing: impl Future<Output = Result<Revision, meta::Error>>,
    ) -> Result<(), meta::Error> {
        // Without contact nobody is asked, so that nobody waits in vain.
        let stored = match self.shared.require() {
            Ok(()) => storing.await,
            Err(error) => Err(meta::Error::Unavailable(Arc::new(error))),
        };
        match stored {
            Ok(revision) => {
                self.own().entry(db.to_owned()).and_modify(|own| *own = revision);
                Ok(())
            }
            Err(error) => {
                self.own().remove(db);
                if !self.shared.is_alone() {
                    return Err(error);
                }
                tracing::warn!(%db, %error, "schema not saved: it will be learnt anew after a restart");
                Ok(())
            }
        }
    }

    fn change(&self, db: &str, change: impl FnOnce(&mut Schema)) {
        let mut own = self.own();
        if !self.shared.is_alone() {
            // Until the store has answered, nothing that it tells is news.
            own.insert(db.to_owned(), Revision(u64::MAX));
        }
        let mut schema = Schema::clone(&self.known.load());
        change(&mut schema);
        self.known.store(Arc::new(schema));
    }

    fn own(&self) -> MutexGuard<'_, BTreeMap<String, Revision>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the backends and remembers what they say.
    async fn find(&self, client: &Client, db: &str) -> Existence {
        match self.ask(client, db).await {
            Found::Database(database) => {
                if let Err(error) = self.learn(db, database).await {
                    tracing::warn!(%db, %error, "schema not stored: other processes learn it for themselves");
                }
                Existence::Known
            }
            Found::Nothing => Existence::Unknown,
            Found::NoAnswer => Existence::CannotTell,
        }
    }

    /// Asks all usable backends for the policies of a database; the answer with the most policies wins.
    async fn ask(&self, client: &Client, db: &str) -> Found {
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
            Some(database) => Found::Database(database),
            None if somebody_answered => Found::Nothing,
            None => Found::NoAnswer,
        }
    }
}

/// What the backends say of a database.
enum Found {
    Database(Database),
    Nothing,
    NoAnswer,
}

fn key(db: &str) -> String {
    format!("{}{db}", Topic::Schema.prefix())
}

/// The database that a key is about.
fn name(key: &str) -> &str {
    key.strip_prefix(Topic::Schema.prefix()).unwrap_or(key)
}

fn take_up(schema: &mut Schema, entry: &KeyValue) {
    let db = name(&entry.key);
    match serde_json::from_slice(&entry.value) {
        Ok(database) => schema.put(db, database),
        Err(error) => tracing::warn!(%db, %error, "stored schema cannot be read: it is learnt anew"),
    }
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

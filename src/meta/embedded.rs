//! The metadata store in one file of this process: redb below, everything else in `writer` and `view`.
//!
//! ```text
//! table      key            value
//! store      "format"       1
//!            "revision"     revision of the last change
//!            "next_lease"   number of the next lease
//! documents  key            (created, modified, version, lease or 0, value)
//! leases     number         time to live in nanoseconds
//! ```
//!
//! * **Durability.** Every commit is redb's two-phase one: two syncs, after which exactly this state is what a reopened
//!   file holds. With one sync, redb would answer damage to the newest pages by going back one commit, silently.
//! * **Opening** checks the checksum of every page, then reads all documents into memory; what is damaged is refused. The
//!   bit that tells which of the two headers is newer has no checksum: flipped after an unclean end, it hides one commit.
//! * **Creation** happens under another name, so that a file of the right name is always complete; an empty one is damage.
//! * The history for watches is in memory only: after a restart, watches start at the next revision.

use std::{
    collections::BTreeMap,
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    future,
    stream::{self, StreamExt},
};
use redb::{
    Builder, Database, DatabaseError, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};

use super::{
    Answer, Batch, Error, Event, HistoryLimit, KeyValue, LeaseId, MetaStore, Page, Revision, Snapshot, Txn, TxnResult,
    Watch,
    documents::Documents,
    machine::{Effect, LeaseChange, Machine, Stored},
    txn::check_key,
};
use crate::base::Clock;

mod view;
mod writer;

use view::{View, Watching};
pub use writer::CommitStats;
use writer::Handle;

/// The format that this version writes and the newest that it reads.
const FORMAT: u64 = 1;
/// Documents are served from memory; redb needs pages only while it commits.
const CACHE_BYTES: usize = 8 << 20;

/// Created, modified, version, lease (0 for none), value.
type Document = (u64, u64, u64, u64, &'static [u8]);

const STORE: TableDefinition<&str, u64> = TableDefinition::new("store");
const DOCUMENTS: TableDefinition<&str, Document> = TableDefinition::new("documents");
const LEASES: TableDefinition<u64, u64> = TableDefinition::new("leases");

/// The store in a file. Dropping it commits what is queued and closes the file.
#[derive(Debug)]
pub struct Embedded {
    view: Arc<View>,
    writer: Handle,
}

impl Embedded {
    /// Opens the file at `path`, or creates it when there is none; its directory must exist. Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::NewerFormat`], [`Error::Corrupt`] or [`Error::Storage`].
    pub fn open(path: &Path, clock: Arc<dyn Clock>, history: HistoryLimit) -> Result<Self, Error> {
        if !fs::exists(path).map_err(failed)? {
            create(path, &Stored::empty())?;
        }
        let (database, stored) = refusing_damage(|| {
            let database = open(path)?;
            let stored = load(&database)?;
            Ok((database, stored))
        })?;
        let view = Arc::new(View::new(stored.documents.clone(), history));
        let machine = Machine::restore(stored, clock.elapsed());
        let commit = Box::new(move |effects: &[Effect]| commit(&database, effects).map_err(redb_failed));
        let writer = Handle::start(machine, Arc::clone(&view), clock, commit)?;
        Ok(Self { view, writer })
    }

    /// Makes the file at `path`, which must not exist, of what was a store at some revision; its directory must exist.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`Error::Storage`]; [`Error::Corrupt`] when a document cannot be decoded.
    pub fn restore(path: &Path, snapshot: Snapshot) -> Result<(), Error> {
        let stored = Stored {
            documents: snapshot.into_documents()?,
            ..Stored::empty()
        };
        create(path, &stored)
    }

    /// All documents at one revision, but those that vanish with a lease: they tell of processes that live now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view.snapshot()
    }

    /// What the writer has done since the store was opened.
    #[must_use]
    pub fn stats(&self) -> CommitStats {
        self.writer.stats()
    }
}

impl MetaStore for Embedded {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<KeyValue>> {
        Box::pin(async move {
            check_key(key)?;
            Ok(self.view.get(key))
        })
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> Answer<'a, Page> {
        Box::pin(async move { Ok(self.view.page(prefix, after, limit)) })
    }

    fn txn(&self, txn: Txn) -> Answer<'_, TxnResult> {
        Box::pin(async move {
            txn.check()?;
            self.writer
                .submit(txn.bytes(), move |machine, _| machine.txn(&txn))
                .await
        })
    }

    fn watch(&self, prefix: &str, from: Revision) -> Watch {
        let watching = Watching {
            view: Arc::clone(&self.view),
            published: self.writer.published(),
            prefix: prefix.into(),
            from,
        };
        stream::unfold(Some(watching), async |watching| {
            let mut watching = watching?;
            let next = watching.next().await;
            let rest = next.is_ok().then_some(watching);
            Some((next, rest))
        })
        .boxed()
    }

    fn lease_grant(&self, ttl: Duration) -> Answer<'_, LeaseId> {
        Box::pin(self.writer.submit(0, move |machine, now| machine.grant(ttl, now)))
    }

    fn lease_keep_alive(&self, lease: LeaseId) -> Answer<'_, ()> {
        Box::pin(future::ready(self.writer.keep_alive(lease)))
    }

    fn lease_revoke(&self, lease: LeaseId) -> Answer<'_, ()> {
        Box::pin(self.writer.submit(0, move |machine, _| machine.revoke(lease)))
    }
}

/// Makes a complete, synced file, then gives it its name.
fn create(path: &Path, stored: &Stored) -> Result<(), Error> {
    let unfinished = path.with_added_extension("new");
    if fs::exists(&unfinished).map_err(failed)? {
        fs::remove_file(&unfinished).map_err(failed)?;
    }
    write_new(&unfinished, stored).map_err(redb_failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = fs::File::open(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    directory.sync_all().map_err(failed)
}

/// Writes documents and counters; there are no leases.
fn write_new(path: &Path, stored: &Stored) -> Result<(), redb::Error> {
    let database = Builder::new().create(path)?;
    let txn = begin_commit(&database)?;
    let Stored {
        documents,
        leases: _,
        next_lease,
    } = stored;
    {
        let mut store = txn.open_table(STORE)?;
        store.insert("format", FORMAT)?;
        store.insert("revision", documents.revision().0)?;
        store.insert("next_lease", next_lease.0)?;
        let mut table = txn.open_table(DOCUMENTS)?;
        for kv in documents.all() {
            table.insert(&*kv.key, encode(kv))?;
        }
        txn.open_table(LEASES)?;
    }
    Ok(txn.commit()?)
}

/// Turns a panic into [`Error::Corrupt`].
///
/// redb loads its allocator before it verifies any checksum, and asserts on what it finds there: some damage that the
/// verification would report panics first. What was opened is dropped by the unwinding; nothing of it is used.
fn refusing_damage<T>(open: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    panic::catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|_| Err(Error::Corrupt("the file contradicts itself".to_owned())))
}

/// Opens an existing file and verifies every page.
fn open(path: &Path) -> Result<Database, Error> {
    let opened = Builder::new().set_cache_size(CACHE_BYTES).open(path);
    let mut database = opened.map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => Error::InUse(path.to_path_buf()),
        other => redb_failed(other),
    })?;
    let intact = database.check_integrity().map_err(redb_failed)?;
    if !intact {
        tracing::warn!(file = %path.display(), "metadata file needed repair, no document was affected");
    }
    Ok(database)
}

fn load(database: &Database) -> Result<Stored, Error> {
    let numbers = read_numbers(database).map_err(redb_failed)?;
    let number = |name: &str| {
        let found = numbers.get(name).copied();
        found.ok_or_else(|| Error::Corrupt(format!("no {name}")))
    };
    let found = number("format")?;
    if found > FORMAT {
        let supported = FORMAT;
        return Err(Error::NewerFormat { found, supported });
    }
    Ok(Stored {
        documents: Documents::new(
            Revision(number("revision")?),
            read_documents(database).map_err(redb_failed)?,
        ),
        leases: read_leases(database).map_err(redb_failed)?,
        next_lease: LeaseId(number("next_lease")?),
    })
}

fn read_numbers(database: &Database) -> Result<BTreeMap<String, u64>, redb::Error> {
    let table = database.begin_read()?.open_table(STORE)?;
    let mut numbers = BTreeMap::new();
    for row in table.iter()? {
        let (name, value) = row?;
        numbers.insert(name.value().to_owned(), value.value());
    }
    Ok(numbers)
}

fn read_leases(database: &Database) -> Result<BTreeMap<LeaseId, Duration>, redb::Error> {
    let table = database.begin_read()?.open_table(LEASES)?;
    let mut leases = BTreeMap::new();
    for row in table.iter()? {
        let (id, ttl) = row?;
        leases.insert(LeaseId(id.value()), Duration::from_nanos(ttl.value()));
    }
    Ok(leases)
}

fn read_documents(database: &Database) -> Result<Vec<KeyValue>, redb::Error> {
    let table = database.begin_read()?.open_table(DOCUMENTS)?;
    let mut documents = Vec::new();
    for row in table.iter()? {
        let (key, document) = row?;
        documents.push(decode(key.value(), document.value()));
    }
    Ok(documents)
}

/// Makes the effects of one group durable, all or none.
fn commit(database: &Database, effects: &[Effect]) -> Result<(), redb::Error> {
    let txn = begin_commit(database)?;
    for effect in effects {
        if let Some(batch) = &effect.batch {
            store_batch(&txn, batch)?;
        }
        if let Some(change) = effect.lease {
            store_lease(&txn, change)?;
        }
    }
    Ok(txn.commit()?)
}

fn begin_commit(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut txn = database.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    txn.set_two_phase_commit(true);
    Ok(txn)
}

fn store_batch(txn: &WriteTransaction, batch: &Batch) -> Result<(), redb::Error> {
    let mut documents = txn.open_table(DOCUMENTS)?;
    for event in &batch.events {
        match event {
            Event::Put(kv) => drop(documents.insert(&*kv.key, encode(kv))?),
            Event::Delete(key) => drop(documents.remove(&**key)?),
        }
    }
    txn.open_table(STORE)?.insert("revision", batch.revision.0)?;
    Ok(())
}

fn store_lease(txn: &WriteTransaction, change: LeaseChange) -> Result<(), redb::Error> {
    let mut leases = txn.open_table(LEASES)?;
    match change {
        LeaseChange::Granted(id, ttl) => {
            let nanos = u64::try_from(ttl.as_nanos()).unwrap_or(u64::MAX);
            leases.insert(id.0, nanos)?;
            txn.open_table(STORE)?.insert("next_lease", id.0 + 1)?;
        }
        LeaseChange::Ended(id) => drop(leases.remove(id.0)?),
    }
    Ok(())
}

fn encode(kv: &KeyValue) -> (u64, u64, u64, u64, &[u8]) {
    let lease = kv.lease.map_or(0, |id| id.0);
    (kv.created.0, kv.modified.0, kv.version, lease, &kv.value)
}

fn decode(key: &str, (created, modified, version, lease, value): (u64, u64, u64, u64, &[u8])) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Bytes::copy_from_slice(value),
        created: Revision(created),
        modified: Revision(modified),
        version,
        lease: (lease != 0).then_some(LeaseId(lease)),
    }
}

fn redb_failed(error: impl Into<redb::Error>) -> Error {
    match error.into() {
        redb::Error::Corrupted(what) => Error::Corrupt(what),
        redb::Error::Io(error) if is_content(error.kind()) => Error::Corrupt(error.to_string()),
        error @ (redb::Error::TableDoesNotExist(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::UpgradeRequired(_)) => Error::Corrupt(error.to_string()),
        other => failed(other),
    }
}

/// Whether an I/O error is about what a file holds, not about the disk: a wrong magic number, an early end.
fn is_content(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Storage(Arc::new(error))
}

#[cfg(test)]
mod tests;

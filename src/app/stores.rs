//! The durable parts: journal, dead letters, meta store.

use std::sync::Arc;

use crate::{
    base::{ByteSize, Clock, SystemClock},
    config::{Config, HttpUrl, JournalSync, OnDamage, SharedStore},
    journal::{
        self, Journal, SyncMode,
        fs::{Fs, RealFs},
    },
    meta::{Embedded, Etcd, EtcdOptions, HistoryLimit, MetaStore},
    proxy::{ack::Note, dead_letters::DeadLetters, shared::Shared},
};

use super::StartError;

/// Dead letters have a log of their own, which is full at this size.
const MAX_DEAD_LETTERS: ByteSize = ByteSize::mib(4096);

/// The journal's directory in the data directory.
pub(super) const JOURNAL: &str = "journal";
/// The directory of dead letters.
pub(super) const DEAD_LETTERS: &str = "dead-letters";
/// The file of documents.
pub(super) const META: &str = "meta.redb";

/// What is opened before anything runs.
pub(super) struct Stores {
    pub(super) journal: Journal<Note>,
    pub(super) dead_letters: DeadLetters,
    /// The documents of this process, which are always kept here; only these can be backed up here.
    pub(super) local: Arc<Embedded>,
    /// The documents that all processes share: the same store, or another.
    pub(super) meta: Arc<dyn MetaStore>,
    /// What the data path needs of them, in whatever reach the store is.
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Opens the logs and the meta store below the data directory.
pub(super) async fn open(config: &Config) -> Result<Stores, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let shared_store = config.meta.store.clone();
    let (config, opening_clock) = (config.clone(), Arc::clone(&clock));
    let open = move || -> Result<_, StartError> {
        let dir = &config.data.dir;
        let cannot = |source| StartError::DataDir {
            path: dir.display().to_string(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(cannot)?;
        let meta = Embedded::open(&dir.join(META), opening_clock, HistoryLimit::DEFAULT)?;
        let fs: Arc<dyn Fs> = Arc::new(RealFs);
        let options = journal_options(&config, config.journal.max_size);
        let (journal, recovery) = Journal::open(Arc::clone(&fs), &dir.join(JOURNAL), options)?;
        if recovery.needs_attention() {
            tracing::warn!(?recovery, "journal recovered");
        }
        let dead_letters = DeadLetters::open(
            Arc::clone(&fs),
            &dir.join(DEAD_LETTERS),
            journal::Options {
                // Rare, read by the operator only, and no longer in the journal.
                sync: SyncMode::Always,
                tail_bytes: 0,
                ..journal_options(&config, MAX_DEAD_LETTERS)
            },
        )?;
        // The directories that were made just now must be as durable as what is written into them.
        fs.sync_dir(dir).map_err(cannot)?;
        Ok((journal, dead_letters, meta))
    };
    let (journal, dead_letters, local) = tokio::task::spawn_blocking(open).await??;
    let local = Arc::new(local);
    let (meta, shared) = share(&shared_store, Arc::<Embedded>::clone(&local)).await?;
    Ok(Stores {
        journal,
        dead_letters,
        local,
        meta,
        shared: Arc::new(shared),
        clock,
    })
}

/// The store that all processes share.
async fn share(store: &SharedStore, local: Arc<dyn MetaStore>) -> Result<(Arc<dyn MetaStore>, Shared), StartError> {
    let SharedStore::Etcd(etcd) = store else {
        return Ok((Arc::clone(&local), Shared::alone(local)));
    };
    let ca = etcd.ca.as_ref().map(|file| {
        std::fs::read(file).map_err(|source| StartError::Authorities {
            path: file.display().to_string(),
            source,
        })
    });
    let user = etcd.credentials.as_ref();
    let store: Arc<dyn MetaStore> = Arc::new(Etcd::new(EtcdOptions {
        endpoints: etcd.endpoints.iter().map(HttpUrl::base).collect(),
        prefix: etcd.prefix.clone(),
        user: user.map(|user| (user.username.clone(), user.password.expose().to_owned())),
        ca: ca.transpose()?,
        timeout: etcd.timeout,
    })?);
    let shared = Shared::among_others(Arc::clone(&store), local).await?;
    Ok((store, shared))
}

/// A journal's limits and ways as configured, for a log of at most `max_size`.
pub(super) fn journal_options(config: &Config, max_size: ByteSize) -> journal::Options {
    journal::Options {
        segment_bytes: config.journal.segment.0,
        max_bytes: max_size.0,
        // A request's lines with their timestamps in full, and room for names.
        max_record_bytes: (config.http.max_decompressed.0 * 3).clamp(1 << 20, u64::from(u32::MAX)),
        tail_bytes: config.journal.tail.0,
        sync: match config.journal.sync {
            JournalSync::Always => SyncMode::Always,
            JournalSync::Interval(interval) => SyncMode::Interval(interval),
            JournalSync::Never => SyncMode::Never,
        },
        on_damage: match config.journal.on_damage {
            OnDamage::Refuse => journal::OnDamage::Refuse,
            OnDamage::Skip => journal::OnDamage::Skip,
        },
    }
}

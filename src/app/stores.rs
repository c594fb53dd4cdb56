//! The durable parts: journal, dead letters, meta store.

use std::sync::Arc;

use crate::{
    base::{ByteSize, Clock, SystemClock},
    config::{Config, JournalSync, OnDamage, SharedStore},
    journal::{
        self, Journal, SyncMode,
        fs::{Fs, RealFs},
    },
    meta::{Embedded, HistoryLimit, MetaStore},
    proxy::{ack::Note, dead_letters::DeadLetters},
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
    pub(super) meta: Arc<dyn MetaStore>,
    /// The same, as what it is: only documents that are kept here can be backed up here.
    pub(super) embedded_meta: Arc<Embedded>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Opens the logs and the meta store below the data directory.
pub(super) async fn open(config: &Config) -> Result<Stores, StartError> {
    if config.meta.store != SharedStore::Embedded {
        return Err(StartError::Unsupported(
            "meta.store = \"etcd\" is not part of this version",
        ));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
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
    let (journal, dead_letters, meta) = tokio::task::spawn_blocking(open).await??;
    let embedded_meta = Arc::new(meta);
    Ok(Stores {
        journal,
        dead_letters,
        meta: Arc::<Embedded>::clone(&embedded_meta),
        embedded_meta,
        clock,
    })
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

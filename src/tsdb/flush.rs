//! Flushing: memtables into block files, new series into a series file, and the manifest that makes both count.
//!
//! Memtables are sealed together with a copy of the state around them; writes go on in new ones. What was sealed stays
//! readable in memory until the manifest is replaced, and after a failure until a later flush succeeds.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use crate::query::source::{Column, Times};

use super::{
    Error,
    block::{BlockWriter, FieldId},
    engine::Engine,
    index::{Entry, file},
    manifest::{self, FileRecord, Manifest},
    memtable::Memtable,
    state::{Sealed, SealedGroup},
    store::{Run, StoredFile, block_path, series_path},
};

const ALL: Times = Times {
    min: i64::MIN,
    max: i64::MAX,
};

/// A series file is merged into a newer one that has at least this part of its length.
const SERIES_MERGE_RATIO: u64 = 2;

/// Files written for one flush, before they count.
#[derive(Debug, Default)]
struct Written {
    runs: Vec<Arc<Run>>,
    /// By database: the series files that it has then.
    series: HashMap<u32, Vec<FileRecord>>,
    paths: Vec<PathBuf>,
}

impl Engine {
    /// Makes everything applied so far durable; the new checkpoint. Writes and queries go on meanwhile.
    ///
    /// # Errors
    /// When the disk fails or is full: nothing is lost, a later flush tries again. [`Error::Broken`]: none will succeed.
    pub fn flush(&self) -> Result<u64, Error> {
        let _flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_whole()?;
        let failed = self.read_state().sealed.clone();
        failed.map_or(Ok(()), |sealed| self.flush_sealed(&sealed))?;
        let sealed = {
            // asked again: a record may have died half applied while an earlier flush was repeated
            let mut state = self.state.write().map_err(|_| Error::Broken)?;
            let is_needed = state.is_dirty || state.applied != self.checkpoint();
            is_needed.then(|| state.seal())
        };
        sealed.map_or(Ok(()), |sealed| self.flush_sealed(&sealed))?;
        Ok(self.checkpoint())
    }

    fn flush_sealed(&self, sealed: &Sealed) -> Result<(), Error> {
        tracing::debug!(dir = %self.dir.display(), checkpoint = sealed.manifest.checkpoint, "flush begins");
        let mut written = Written::default();
        let result = self
            .write_files(sealed, &mut written)
            .and_then(|()| self.commit_flush(sealed, &written));
        if result.is_err() && !manifest::may_name_files(&*self.fs, &self.dir, self.lock_durable().version) {
            written.paths.iter().for_each(|path| drop(self.fs.remove(path)));
        }
        tracing::debug!(dir = %self.dir.display(), done = result.is_ok(), "flush ends");
        result
    }

    fn write_files(&self, sealed: &Sealed, written: &mut Written) -> Result<(), Error> {
        for group in &*sealed.groups {
            let record = self.write_table(&group.table.table, written)?;
            let file = match StoredFile::open(&*self.fs, &self.dir, record)? {
                Ok(file) => file,
                Err(unusable) => {
                    let (path, what) = (unusable.path, unusable.what);
                    return Err(Error::Damaged { path, what });
                }
            };
            written.runs.push(Arc::new(Run {
                stamp: group.table.stamp,
                files: vec![Arc::new(file)],
            }));
        }
        for (database, fresh) in &*sealed.fresh {
            let files = self.write_series(sealed, *database, fresh, written)?;
            written.series.insert(*database, files);
        }
        self.fs.sync_dir(&self.dir).map_err(Error::io("sync", &self.dir))
    }

    fn write_table(&self, table: &Memtable, written: &mut Written) -> Result<FileRecord, Error> {
        let number = self.take_file_number();
        let path = block_path(&self.dir, number);
        written.paths.push(path.clone());
        let mut writer = BlockWriter::create(&*self.fs, &path)?;
        for series in table.series() {
            let fields: Vec<FieldId> = table.fields(series).iter().map(|field| field.id).collect();
            let rows = table.read(series, &fields, ALL);
            let columns: Vec<(FieldId, Column)> = fields.into_iter().zip(rows.columns).collect();
            writer.append(series, &rows.times, &columns)?;
        }
        let bytes = writer.finish()?.bytes;
        Ok(FileRecord { number, bytes })
    }

    /// Writes new series, together with those of recent files that are not much longer; the files there are then.
    fn write_series(
        &self,
        sealed: &Sealed,
        database: u32,
        fresh: &[Arc<Entry>],
        written: &mut Written,
    ) -> Result<Vec<FileRecord>, Error> {
        let known = self
            .lock_durable()
            .database(database)
            .map(|known| known.series_files.clone());
        let mut files = known.unwrap_or_default();
        let live = sealed.manifest.database(database).map(|known| &known.live.0);
        let mut series: Vec<file::Stored> = Vec::new();
        let mut bytes = fresh.iter().map(|entry| entry.key.len() as u64).sum::<u64>();
        while let Some(older) = files.pop_if(|older| older.bytes <= bytes * SERIES_MERGE_RATIO) {
            let loaded = file::read(&*self.fs, &series_path(&self.dir, older.number), older.bytes)?;
            if loaded.damage.is_some() {
                files.push(older);
                break;
            }
            bytes += older.bytes;
            series.extend(
                loaded
                    .series
                    .into_iter()
                    .filter(|stored| live.is_some_and(|live| live.contains(stored.id))),
            );
        }
        series.extend(fresh.iter().map(|entry| file::Stored::from(&**entry)));
        let number = self.take_file_number();
        let path = series_path(&self.dir, number);
        written.paths.push(path.clone());
        let bytes = file::write(&*self.fs, &path, series.into_iter())?;
        files.push(FileRecord { number, bytes });
        Ok(files)
    }

    fn commit_flush(&self, sealed: &Sealed, written: &Written) -> Result<(), Error> {
        let mut durable = self.lock_durable();
        let manifest = self.next_manifest(&durable, sealed, written);
        manifest::save(&*self.fs, &self.dir, &manifest)?;
        let obsolete: Vec<u64> = durable.files().difference(&manifest.files()).copied().collect();
        self.checkpoint.store(manifest.checkpoint, Ordering::Release);
        *durable = manifest;
        let now = self.clock.now();
        let mut state = self.write_state();
        for (
            SealedGroup {
                database,
                policy,
                first,
                ..
            },
            run,
        ) in sealed.groups.iter().zip(&written.runs)
        {
            if let Some(group) = state.group_mut(*database, *policy, *first) {
                group.sealed = None;
                group.runs.push(Arc::clone(run));
                group.changed_at = now;
                group.drop_spent_tombstones();
            }
        }
        state.sealed = None;
        state.sealed_bytes = 0;
        drop(state);
        drop(durable);
        self.pins.remove(&obsolete);
        Ok(())
    }

    /// The state that was sealed, with the files of now.
    fn next_manifest(&self, durable: &Manifest, sealed: &Sealed, written: &Written) -> Manifest {
        let mut manifest = (*sealed.manifest).clone();
        manifest.version = durable.version + 1;
        manifest.next_file = self.next_file.load(Ordering::Relaxed);
        for database in &mut manifest.databases {
            let known = durable.database(database.id).map(|known| known.series_files.clone());
            database.series_files = written.series.get(&database.id).cloned().or(known).unwrap_or_default();
            for policy in &mut database.policies {
                for group in &mut policy.groups {
                    // compaction may have replaced the files since
                    let known = durable.group(database.id, policy.id, group.first);
                    group.runs = known.map(|known| known.runs.clone()).unwrap_or_default();
                }
            }
        }
        for (
            SealedGroup {
                database,
                policy,
                first,
                ..
            },
            run,
        ) in sealed.groups.iter().zip(&written.runs)
        {
            if let Some(group) = manifest.group_mut(*database, *policy, *first) {
                group.runs.push(run.to_record());
            }
        }
        manifest.drop_empty_groups();
        manifest
    }
}

impl Manifest {
    /// Forgets shard groups without files, and tombstones that no file needs.
    pub(super) fn drop_empty_groups(&mut self) {
        for policy in self.databases.iter_mut().flat_map(|database| &mut database.policies) {
            policy
                .groups
                .iter_mut()
                .for_each(manifest::GroupRecord::drop_spent_tombstones);
            policy.groups.retain(|group| !group.runs.is_empty());
        }
    }
}

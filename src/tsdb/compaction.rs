//! Compaction: runs of a shard group into one, without what is overwritten, deleted or of dropped series.
//!
//! It never changes what queries see. Files are merged without a lock but the compaction's own; when the runs are still
//! there at the end, the manifest is replaced.

use std::{
    collections::HashSet,
    ops::Range,
    path::PathBuf,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use roaring::RoaringBitmap;

use crate::{
    base::{ErrorKind, TimestampNs},
    query::source::{Column, Rows},
};

use super::{
    Error, Options,
    block::{BlockWriter, FieldId, MAX_CHUNK_ROWS, SeriesId},
    columns::concat,
    engine::Engine,
    index::PolicyId,
    manifest::{self, FileRecord},
    scan::{GroupView, Scan},
    state::Group,
    store::{Run, StoredFile, block_path},
    tombstone::Tombstone,
};

/// A shard group to which no file was added for so long is merged into one run: InfluxDB's
/// `compact-full-write-cold-duration`, 4 hours.
const COLD_NS: i64 = 4 * 3_600_000_000_000;

/// Runs of at most this ratio are of like size.
const LIKE: u64 = 2;

/// Rows gathered before they are written: many chunks, so that few are not full.
const GATHERED_ROWS: usize = 8 * MAX_CHUNK_ROWS;

/// Runs to be merged.
#[derive(Debug)]
struct Job {
    database: u32,
    policy: PolicyId,
    first: i64,
    runs: Vec<Arc<Run>>,
    tombstones: Vec<Arc<Tombstone>>,
    alive: RoaringBitmap,
    /// Tombstones up to this one are carried out.
    stamp: u64,
}

/// Files written, before they count.
#[derive(Debug, Default)]
struct Output {
    files: Vec<Arc<StoredFile>>,
    paths: Vec<PathBuf>,
}

impl Engine {
    /// Merges files of one shard group; `false` when there is nothing to be done. Only one runs at a time.
    ///
    /// # Errors
    /// When the disk fails or is full; then nothing has changed. Damaged files are left alone, see
    /// [`super::Stats::damaged_files`]. [`Error::Broken`]: as with [`Engine::flush`].
    pub fn compact_once(&self) -> Result<bool, Error> {
        let mut damaged = self.compacting.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_whole()?;
        let Some(job) = self.next_job(&damaged) else {
            return Ok(false);
        };
        tracing::debug!(dir = %self.dir.display(), runs = job.runs.len(), "compaction begins");
        let mut output = Output::default();
        let merged = self
            .merge_runs(&job, &mut output)
            .and_then(|()| self.commit_compaction(&job, &output));
        tracing::debug!(dir = %self.dir.display(), done = merged.is_ok(), "compaction ends");
        match merged {
            Ok(()) => Ok(true),
            Err(error) => {
                if !manifest::may_name_files(&*self.fs, &self.dir, self.lock_durable().version) {
                    output.paths.iter().for_each(|path| drop(self.fs.remove(path)));
                }
                if error.kind() != ErrorKind::Corrupt {
                    return Err(error);
                }
                tracing::error!(%error, "a damaged file is not compacted");
                damaged.extend(damaged_files(&job));
                Ok(true)
            }
        }
    }

    /// Whether there is something to merge.
    pub(super) fn has_compaction(&self) -> bool {
        let Ok(damaged) = self.compacting.try_lock() else {
            return false;
        };
        let (state, now) = (self.read_state(), self.clock.now());
        let stamp = state.durable_stamp();
        state
            .groups()
            .any(|(.., group)| choose(group, stamp, &self.options, now, &damaged).is_some())
    }

    fn next_job(&self, damaged: &HashSet<u64>) -> Option<Job> {
        // first this lock: the tombstones and ids of the state must be durable to be carried out
        let durable = self.lock_durable();
        let stamp = durable.stamp;
        let (state, now) = (self.read_state(), self.clock.now());
        let mut groups = state.groups();
        let (range, (database, policy, group)) =
            groups.find_map(|found| Some((choose(found.2, stamp, &self.options, now, damaged)?, found)))?;
        let record = durable.database(database.id)?;
        Some(Job {
            database: database.id,
            policy: policy.id,
            first: group.first,
            runs: group.runs.get(range)?.to_vec(),
            tombstones: group
                .tombstones
                .iter()
                .filter(|tombstone| tombstone.stamp <= stamp)
                .cloned()
                .collect(),
            alive: &record.live.0 | &record.nameless.0,
            stamp,
        })
    }

    fn merge_runs(&self, job: &Job, output: &mut Output) -> Result<(), Error> {
        let series: RoaringBitmap = job
            .runs
            .iter()
            .flat_map(|run| &run.files)
            .flat_map(|file| file.block.series())
            .collect();
        let mut series = (series & &job.alive).into_iter().peekable();
        let max_rows = max_rows(job, self.options.max_file_bytes);
        while series.peek().is_some() {
            let number = self.take_file_number();
            let path = block_path(&self.dir, number);
            output.paths.push(path.clone());
            let mut writer = BlockWriter::create(&*self.fs, &path)?;
            let mut rows = 0;
            while let Some(id) = series.next_if(|_| rows < max_rows) {
                rows += job.merge_series(id, &mut writer)?;
            }
            let bytes = writer.finish()?.bytes;
            if rows == 0 {
                self.pins.remove(&[number]);
                continue;
            }
            match StoredFile::open(&*self.fs, &self.dir, FileRecord { number, bytes })? {
                Ok(file) => output.files.push(Arc::new(file)),
                Err(unusable) => {
                    let (path, what) = (unusable.path, unusable.what);
                    return Err(Error::Damaged { path, what });
                }
            }
        }
        self.fs.sync_dir(&self.dir).map_err(Error::io("sync", &self.dir))
    }

    fn commit_compaction(&self, job: &Job, output: &Output) -> Result<(), Error> {
        let mut durable = self.lock_durable();
        let merged = Arc::new(Run {
            stamp: job.stamp,
            files: output.files.clone(),
        });
        let mut next = durable.clone();
        let group = next.group_mut(job.database, job.policy, job.first);
        let replaced = group.is_some_and(|group| {
            let at = position(&group.runs, job, |run, record| run.is(record));
            at.map(|at| {
                group
                    .runs
                    .splice(at, (!merged.files.is_empty()).then(|| merged.to_record()))
            })
            .is_some()
        });
        if !replaced {
            // the group was dropped meanwhile
            output.paths.iter().for_each(|path| drop(self.fs.remove(path)));
            return Ok(());
        }
        next.version += 1;
        next.next_file = self.next_file.load(Ordering::Relaxed);
        next.drop_empty_groups();
        manifest::save(&*self.fs, &self.dir, &next)?;
        let obsolete: Vec<u64> = durable.files().difference(&next.files()).copied().collect();
        *durable = next;
        self.install(job, &merged);
        drop(durable);
        self.pins.remove(&obsolete);
        Ok(())
    }

    /// Lets queries use the merged files.
    fn install(&self, job: &Job, merged: &Arc<Run>) {
        let mut state = self.write_state();
        let Some(group) = state.group_mut(job.database, job.policy, job.first) else {
            return;
        };
        if let Some(at) = position(&group.runs, job, Arc::ptr_eq) {
            let is_whole = at.len() == group.runs.len();
            group
                .runs
                .splice(at, (!merged.files.is_empty()).then(|| Arc::clone(merged)));
            group.dead = group.dead.filter(|dead| !is_whole || *dead > job.stamp);
            group.drop_spent_tombstones();
        }
        let is_empty = group.is_empty();
        let policies = state
            .databases
            .iter_mut()
            .filter(|database| database.id == job.database);
        let policy = policies
            .flat_map(|database| &mut database.policies)
            .find(|policy| policy.id == job.policy);
        if let Some(policy) = policy.filter(|_| is_empty) {
            policy.groups.remove(&job.first);
        }
    }
}

impl Job {
    /// Appends the rows of a series; how many.
    fn merge_series(&self, series: SeriesId, writer: &mut BlockWriter<'_>) -> Result<usize, Error> {
        let runs: Vec<_> = self
            .runs
            .iter()
            .filter(|run| run.file_of(series).is_some())
            .cloned()
            .collect();
        let view = GroupView {
            runs,
            tombstones: self.tombstones.clone(),
            memory: Vec::new(),
        };
        let mut scan = Scan::of_all_fields(view, series);
        let fields = scan.fields().to_vec();
        let (mut gathered, mut waiting, mut total) = (Vec::new(), 0, 0);
        while let Some(rows) = scan.next_rows() {
            let rows = rows?;
            waiting += rows.times.len();
            total += rows.times.len();
            gathered.push(rows);
            if waiting >= GATHERED_ROWS {
                append(writer, series, &fields, &std::mem::take(&mut gathered))?;
                waiting = 0;
            }
        }
        append(writer, series, &fields, &gathered)?;
        Ok(total)
    }
}

fn append(writer: &mut BlockWriter<'_>, series: SeriesId, fields: &[FieldId], pieces: &[Rows]) -> Result<(), Error> {
    if pieces.is_empty() {
        return Ok(());
    }
    let rows = concat(pieces);
    let columns: Vec<(FieldId, Column)> = fields.iter().copied().zip(rows.columns).collect();
    Ok(writer.append(series, &rows.times, &columns)?)
}

/// Rows after which another file begins.
fn max_rows(job: &Job, max_file_bytes: u64) -> usize {
    let files = || job.runs.iter().flat_map(|run| &run.files);
    let rows: u64 = files().map(|file| file.block.meta().rows).sum();
    let bytes: u64 = files().map(|file| file.record.bytes).sum();
    usize::try_from(max_file_bytes.saturating_mul(rows.max(1)) / bytes.max(1))
        .unwrap_or(usize::MAX)
        .max(1)
}

/// Files of a job that have damaged chunks.
fn damaged_files(job: &Job) -> Vec<u64> {
    let files: Vec<_> = job.runs.iter().flat_map(|run| &run.files).collect();
    let damaged: Vec<u64> = files
        .iter()
        .filter(|file| !file.block.verify().is_empty())
        .map(|file| file.record.number)
        .collect();
    // a disk that answers differently each time must not keep this going
    if damaged.is_empty() {
        files.iter().map(|file| file.record.number).collect()
    } else {
        damaged
    }
}

/// Where the runs of a job are among others.
fn position<T>(runs: &[T], job: &Job, is: impl Fn(&Arc<Run>, &T) -> bool) -> Option<Range<usize>> {
    let count = job.runs.len();
    let at = (0..=runs.len().checked_sub(count)?)
        .find(|at| job.runs.iter().zip(&runs[*at..]).all(|(ours, run)| is(ours, run)))?;
    Some(at..at + count)
}

/// The runs of a group to be merged next, when everything up to a stamp is durable.
fn choose(
    group: &Group,
    durable: u64,
    options: &Options,
    now: TimestampNs,
    damaged: &HashSet<u64>,
) -> Option<Range<usize>> {
    let is_damaged = |run: &Arc<Run>| run.files.iter().any(|file| damaged.contains(&file.record.number));
    let sizes: Vec<Option<u64>> = group
        .runs
        .iter()
        .map(|run| (!is_damaged(run)).then(|| run.bytes()))
        .collect();
    let is_cold = group.changed_at.0.saturating_add(COLD_NS) <= now.0;
    let has_waste = group.dead.is_some_and(|dead| dead <= durable)
        || group.tombstones.iter().any(|tombstone| tombstone.stamp <= durable);
    if is_cold && (has_waste || sizes.len() > 1) {
        let total = sizes.iter().try_fold(0, |total: u64, size| Some(total + (*size)?));
        if total.is_some_and(|total| has_waste || total <= options.max_run_bytes) && !sizes.is_empty() {
            return Some(0..sizes.len());
        }
    }
    like_sized(&sizes, options)
}

/// The newest runs in sequence that are of like size, if they are enough; `None` among the sizes is not to be touched.
fn like_sized(sizes: &[Option<u64>], options: &Options) -> Option<Range<usize>> {
    let of = |at: usize| sizes[at].filter(|size| *size <= options.max_run_bytes);
    (1..=sizes.len()).rev().find_map(|end| {
        let (mut start, mut largest) = (end - 1, of(end - 1)?);
        while let Some(size) = start
            .checked_sub(1)
            .and_then(of)
            .filter(|size| *size <= largest.saturating_mul(LIKE))
        {
            (start, largest) = (start - 1, largest.max(size));
        }
        (end - start >= options.compaction_fan_in.max(2)).then_some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_like_size_are_merged() {
        let options = Options {
            max_run_bytes: 1000,
            compaction_fan_in: 4,
            ..Options::default()
        };
        let check = |sizes: &[u64], expect: Option<Range<usize>>| {
            let sizes: Vec<_> = sizes.iter().map(|size| Some(*size).filter(|size| *size > 0)).collect();
            assert_eq!(like_sized(&sizes, &options), expect, "{sizes:?}");
        };
        check(&[], None);
        check(&[1, 1, 1], None);
        check(&[1, 1, 1, 1], Some(0..4));
        check(&[16, 4, 4, 1, 1, 1, 1], Some(3..7));
        check(&[4, 4, 4, 4, 1], Some(0..4));
        check(&[4, 5, 4, 7, 4, 1], Some(0..5));
        check(&[2000, 2000, 2000, 2000], None);
        check(&[1, 1, 0, 1, 1, 1], None);
        check(&[1, 1, 1, 1, 0, 1], Some(0..4));
    }
}

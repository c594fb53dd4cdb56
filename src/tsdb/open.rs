//! Opening an engine: the manifest, then what it names; damaged files are set aside and the rest is served.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use roaring::RoaringBitmap;

use crate::{
    base::{Clock, TimestampNs},
    journal::fs::Fs,
};

use super::{
    Error, Options,
    engine::Engine,
    index::file,
    manifest::{self, DatabaseRecord, FileRecord, GroupRecord, Manifest},
    snapshot::Pins,
    state::{Database, Group, State, restore_fields},
    store::{Run, Unusable, block_path, number_of, series_path, set_aside},
    tombstone::Tombstone,
};

/// What was found when an engine was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Damaged or missing files: which, and what is wrong. Block and series files are set aside under the same name with
    /// `.damaged` behind it, and their points, or those of the series that they name, are not served.
    pub damaged: Vec<(PathBuf, String)>,
    /// Series whose names are lost; their points are kept, but cannot be asked for.
    pub nameless_series: u64,
    /// Files that a crash had left half written, or not yet removed.
    pub leftovers: usize,
}

impl Engine {
    /// Opens the engine of a directory, which is created when there is none. Afterwards the caller applies the journal's
    /// records behind [`Engine::checkpoint`], writes by [`Engine::write_at`], and only then enforces retention: one of the
    /// records may have prolonged it.
    ///
    /// # Errors
    /// When the disk fails, or both copies of the manifest are damaged or missing, or a later version wrote them.
    pub fn open(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovery), Error> {
        fs.create_dir_all(dir).map_err(Error::io("create", dir))?;
        let now = clock.now();
        let mut opening = Opening::new(&*fs, dir)?;
        let leftovers = opening.remove_leftovers()?;
        let state = opening.state(now)?;
        let mut recovery = opening.finish(&state)?;
        recovery.leftovers = leftovers;
        let manifest = opening.manifest;
        let engine = Self {
            dir: dir.to_owned(),
            options,
            state: RwLock::new(state),
            applying: Mutex::new(()),
            flushing: Mutex::new(()),
            compacting: Mutex::new(HashSet::new()),
            next_file: AtomicU64::new(manifest.next_file.max(opening.next_file.load(Ordering::Relaxed))),
            checkpoint: AtomicU64::new(manifest.checkpoint),
            durable: Mutex::new(manifest),
            pins: Arc::new(Pins::new(Arc::clone(&fs), dir)),
            fs,
            clock,
        };
        Ok((engine, recovery))
    }
}

/// An engine being opened.
struct Opening<'a> {
    fs: &'a dyn Fs,
    dir: &'a Path,
    manifest: Manifest,
    next_file: AtomicU64,
    damaged: Vec<(PathBuf, String)>,
}

impl<'a> Opening<'a> {
    fn new(fs: &'a dyn Fs, dir: &'a Path) -> Result<Self, Error> {
        let (manifest, damaged) = match manifest::load(fs, dir)? {
            Some(loaded) => (loaded.manifest, loaded.damaged),
            None => (first_manifest(fs, dir)?, Vec::new()),
        };
        Ok(Self {
            fs,
            dir,
            next_file: AtomicU64::new(manifest.next_file),
            manifest,
            damaged,
        })
    }

    /// Removes files that the manifest does not name; how many.
    fn remove_leftovers(&self) -> Result<usize, Error> {
        let named = self.manifest.files();
        let names = self.fs.list(self.dir).map_err(Error::io("list", self.dir))?;
        let is_leftover = |name: &String| {
            let number = number_of(name);
            number.is_some_and(|number| !named.contains(&number)) || name == "manifest.new"
        };
        let leftovers: Vec<PathBuf> = names
            .iter()
            .filter(|name| is_leftover(name))
            .map(|name| self.dir.join(name))
            .collect();
        for path in &leftovers {
            self.fs.remove(path).map_err(Error::io("remove", path))?;
        }
        Ok(leftovers.len())
    }

    fn state(&mut self, now: TimestampNs) -> Result<State, Error> {
        let records = self.manifest.databases.clone();
        let databases = records.iter().map(|record| self.database(record, now));
        Ok(State {
            databases: databases.collect::<Result<_, _>>()?,
            next_database: self.manifest.next_database,
            applied: self.manifest.checkpoint,
            stamp: self.manifest.stamp + 1,
            ..State::default()
        })
    }

    fn database(&mut self, record: &DatabaseRecord, now: TimestampNs) -> Result<Database, Error> {
        let mut database = Database::from_record(record);
        for stored in &record.series_files {
            self.load_series(record, *stored, &mut database)?;
        }
        database.nameless |= &record.live.0 - database.index.live();
        for measurement in &record.measurements {
            if let Some(known) = database.index.measurement_mut(&measurement.name) {
                restore_fields(known, measurement);
            }
        }
        let alive = database.index.live() | &database.nameless;
        for (policy, known) in database.policies.iter_mut().zip(&record.policies) {
            for group in &known.groups {
                policy.groups.insert(group.first, self.group(group, &alive, now)?);
            }
        }
        Ok(database)
    }

    fn load_series(
        &mut self,
        record: &DatabaseRecord,
        stored: FileRecord,
        database: &mut Database,
    ) -> Result<(), Error> {
        let path = series_path(self.dir, stored.number);
        let loaded = file::read(self.fs, &path, stored.bytes)?;
        for series in loaded.series.iter().filter(|series| record.live.0.contains(series.id)) {
            database.index.insert(series.id, &series.measurement, &series.tags);
        }
        let Some(what) = loaded.damage else { return Ok(()) };
        // what could be read goes into a new file, so that the damage is met once
        let number = self.next_file.fetch_add(1, Ordering::Relaxed);
        let bytes = file::write(self.fs, &series_path(self.dir, number), loaded.series.into_iter())?;
        self.set_aside(path, what)?;
        let files = self
            .manifest
            .databases
            .iter_mut()
            .flat_map(|known| &mut known.series_files);
        files
            .filter(|known| known.number == stored.number)
            .for_each(|known| *known = FileRecord { number, bytes });
        Ok(())
    }

    fn group(&mut self, record: &GroupRecord, alive: &RoaringBitmap, now: TimestampNs) -> Result<Group, Error> {
        let mut group = Group::new(record.first, record.last);
        for run in &record.runs {
            let (run, unusable) = Run::open(self.fs, self.dir, run)?;
            for Unusable { path, what } in unusable {
                self.set_aside(path, what)?;
            }
            if !run.files.is_empty() {
                group.runs.push(Arc::new(run));
            }
        }
        let has_dead = {
            let mut stored = group
                .runs
                .iter()
                .flat_map(|run| &run.files)
                .flat_map(|file| file.block.series());
            stored.any(|series| !alive.contains(series))
        };
        group.dead = has_dead.then_some(self.manifest.stamp);
        group.tombstones = record
            .tombstones
            .iter()
            .map(|record| Arc::new(Tombstone::from_record(record)))
            .collect();
        group.changed_at = now;
        Ok(group)
    }

    fn set_aside(&mut self, path: PathBuf, what: String) -> Result<(), Error> {
        let aside = set_aside(self.fs, &path)?;
        tracing::error!(path = %path.display(), aside = %aside.display(), what, "a damaged file is set aside");
        self.damaged.push((path, what));
        Ok(())
    }

    /// Makes the manifest say what is left, when something was damaged.
    fn finish(&mut self, state: &State) -> Result<Recovery, Error> {
        if !self.damaged.is_empty() {
            self.forget_damaged(state);
            self.manifest.version += 1;
            self.manifest.next_file = self.next_file.load(Ordering::Relaxed);
            self.fs.sync_dir(self.dir).map_err(Error::io("sync", self.dir))?;
            manifest::save(self.fs, self.dir, &self.manifest)?;
        }
        Ok(Recovery {
            damaged: std::mem::take(&mut self.damaged),
            nameless_series: state.databases.iter().map(|database| database.nameless.len()).sum(),
            leftovers: 0,
        })
    }

    fn forget_damaged(&mut self, state: &State) {
        let files = state
            .groups()
            .flat_map(|(.., group)| &group.runs)
            .flat_map(|run| &run.files);
        let whole: HashSet<u64> = files.map(|file| file.record.number).collect();
        for (record, database) in self.manifest.databases.iter_mut().zip(&state.databases) {
            record.live.0.clone_from(database.index.live());
            record.nameless.0.clone_from(&database.nameless);
            for group in record.policies.iter_mut().flat_map(|policy| &mut policy.groups) {
                group
                    .runs
                    .iter_mut()
                    .for_each(|run| run.files.retain(|file| whole.contains(&file.number)));
                group.runs.retain(|run| !run.files.is_empty());
            }
        }
        self.manifest.drop_empty_groups();
    }
}

/// The manifest of a new directory.
fn first_manifest(fs: &dyn Fs, dir: &Path) -> Result<Manifest, Error> {
    let names = fs.list(dir).map_err(Error::io("list", dir))?;
    if let Some(number) = names.iter().find_map(|name| number_of(name)) {
        return Err(Error::Damaged {
            path: block_path(dir, number),
            what: "there are data, but no manifest that says whose".to_owned(),
        });
    }
    let manifest = Manifest {
        version: 1,
        next_file: 1,
        ..Manifest::default()
    };
    manifest::save(fs, dir, &manifest)?;
    Ok(manifest)
}

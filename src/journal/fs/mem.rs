//! A file system in memory that keeps a promise only when it was synced.
//!
//! Every file has its content and how much of it is durable; every directory has its names and the names that are
//! durable. A crash keeps what is durable, and of the rest whatever the seed says: part of the unsynced bytes of a
//! file, with a hole in them or the last of them overwritten by rubbish; new names or old ones. What a failed sync
//! was to make durable is lost then, whatever later syncs say.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{AppendFile, Fs, ReadFile};

type FileId = u64;

/// A file system in memory. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct MemFs {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Clone, Default)]
struct Disk {
    files: BTreeMap<FileId, Content>,
    names: BTreeMap<PathBuf, FileId>,
    durable_names: BTreeMap<PathBuf, FileId>,
    dirs: BTreeSet<PathBuf>,
    next: FileId,
    /// Handles of an earlier life are dead.
    life: u64,
    space_left: Option<u64>,
    failing_syncs: u32,
    failing_cuts: u32,
}

#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    /// So many of them.
    durable: usize,
    /// Failed to be synced.
    spoiled: Vec<Range<usize>>,
}

#[derive(Debug)]
struct MemFile {
    disk: Arc<Mutex<Disk>>,
    id: FileId,
    life: u64,
}

impl MemFs {
    /// An empty file system.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the power away: what was not synced survives in part, as `seed` decides; open handles are dead. Whatever
    /// used them must not create files any more; [`MemFs::after_crash`] is for those who cannot be stopped.
    pub fn crash(&self, seed: u64) {
        self.lock().crash(&mut Dice(seed));
    }

    /// What would be found if the power failed now. This file system itself goes on.
    #[must_use]
    pub fn after_crash(&self, seed: u64) -> Self {
        let mut disk = self.lock().clone();
        disk.crash(&mut Dice(seed));
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    /// From now on only this many bytes may be appended; `None` means any number.
    pub fn set_space_left(&self, bytes: Option<u64>) {
        self.lock().space_left = bytes;
    }

    /// The next `n` syncs of files fail, and lose what they were to make durable.
    pub fn fail_syncs(&self, n: u32) {
        self.lock().failing_syncs = n;
    }

    /// The next `n` cuts of files fail.
    pub fn fail_cuts(&self, n: u32) {
        self.lock().failing_cuts = n;
    }

    /// The content of a file, to be looked at or damaged by a test.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let disk = self.lock();
        disk.names
            .get(path)
            .and_then(|id| disk.files.get(id))
            .map(|content| content.bytes.clone())
    }

    /// Replaces the content of a file durably.
    pub fn set_content(&self, path: &Path, bytes: Vec<u8>) {
        let mut disk = self.lock();
        let id = disk.new_name(path);
        disk.durable_names.insert(path.to_owned(), id);
        disk.files.insert(
            id,
            Content {
                durable: bytes.len(),
                bytes,
                spoiled: Vec::new(),
            },
        );
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, id: FileId, life: u64) -> MemFile {
        MemFile {
            disk: Arc::clone(&self.disk),
            id,
            life,
        }
    }
}

impl Disk {
    fn crash(&mut self, dice: &mut Dice) {
        self.life += 1;
        let paths: BTreeSet<_> = self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        let mut names = BTreeMap::new();
        for path in paths {
            let (now, durable) = (self.names.get(&path).copied(), self.durable_names.get(&path).copied());
            let kept = if now == durable || dice.one_in(2) { durable } else { now };
            names.extend(kept.map(|id| (path, id)));
        }
        self.files.retain(|id, _| names.values().any(|kept| kept == id));
        self.files.values_mut().for_each(|content| content.crash(dice));
        self.durable_names.clone_from(&names);
        self.names = names;
    }

    fn new_name(&mut self, path: &Path) -> FileId {
        self.next += 1;
        let id = self.next;
        self.names.insert(path.to_owned(), id);
        id
    }

    fn find(&self, path: &Path) -> io::Result<FileId> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, path.display().to_string()))
    }

    fn check_life(&self, life: u64) -> io::Result<()> {
        if life == self.life {
            Ok(())
        } else {
            Err(io::Error::other("the machine has crashed since"))
        }
    }
}

impl Content {
    fn crash(&mut self, dice: &mut Dice) {
        let unsynced = self.bytes.len() - self.durable;
        let kept = if dice.one_in(3) { 0 } else { dice.below(unsynced + 1) };
        self.bytes.truncate(self.durable + kept);
        for spoiled in self.spoiled.drain(..) {
            self.bytes
                .iter_mut()
                .take(spoiled.end)
                .skip(spoiled.start)
                .for_each(|byte| *byte = 0);
        }
        let sector = 1 + dice.below(512);
        let survived = self.bytes.get_mut(self.durable..).unwrap_or_default();
        match dice.below(3) {
            // The last sector was being written.
            0 => survived
                .iter_mut()
                .rev()
                .take(sector)
                .for_each(|byte| *byte = dice.byte()),
            // Sectors were written in another order.
            1 => survived
                .iter_mut()
                .skip(dice.below(kept + 1))
                .take(sector)
                .for_each(|byte| *byte = 0),
            _ => {}
        }
        self.durable = self.bytes.len();
    }

    fn sync(&mut self) {
        self.durable = self.bytes.len();
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.spoiled.retain(|spoiled| spoiled.start < len);
        self.sync();
    }
}

impl Fs for MemFs {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let disk = self.lock();
        Ok(disk.names.contains_key(path) || disk.dirs.contains(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let disk = self.lock();
        let inside = disk.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let mut disk = self.lock();
        let id = disk.new_name(path);
        disk.files.insert(id, Content::default());
        Ok(Box::new(self.handle(id, disk.life)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let disk = self.lock();
        Ok(Box::new(self.handle(disk.find(path)?, disk.life)))
    }

    fn truncate(&self, path: &Path, len: u64) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.find(path)?;
        if disk.failing_cuts > 0 {
            disk.failing_cuts -= 1;
            return Err(io::Error::other("cut failed"));
        }
        disk.files
            .entry(id)
            .or_default()
            .truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        let id = disk.find(from)?;
        disk.names.remove(from);
        disk.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.find(path)?;
        disk.names.remove(path);
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.names.retain(|path, _| !path.starts_with(dir));
        disk.dirs.retain(|path| !path.starts_with(dir));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        let Disk {
            names, durable_names, ..
        } = &mut *disk;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        durable_names.extend(
            names
                .iter()
                .filter(|(path, _)| path.parent() == Some(dir))
                .map(|(path, id)| (path.clone(), *id)),
        );
        Ok(())
    }
}

impl MemFile {
    fn lock(&self) -> io::Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        disk.check_life(self.life)?;
        Ok(disk)
    }
}

impl AppendFile for MemFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.lock()?;
        let fits = disk.space_left.map_or(bytes.len(), |left| {
            bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))
        });
        disk.space_left = disk.space_left.map(|left| left - fits as u64);
        let content = disk.files.entry(self.id).or_default();
        content.bytes.extend_from_slice(bytes.get(..fits).unwrap_or(bytes));
        if fits < bytes.len() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.lock()?;
        let failing = disk.failing_syncs > 0;
        disk.failing_syncs -= u32::from(failing);
        let content = disk.files.entry(self.id).or_default();
        if failing {
            content.spoiled.push(content.durable..content.bytes.len());
            return Err(io::Error::other("sync failed"));
        }
        content.sync();
        Ok(())
    }
}

impl ReadFile for MemFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self
            .lock()?
            .files
            .get(&self.id)
            .map_or(0, |content| content.bytes.len() as u64))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let disk = self.lock()?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = disk
            .files
            .get(&self.id)
            .and_then(|content| content.bytes.get(start..))
            .unwrap_or_default();
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// The crash's dice: splitmix64, see <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap_or(0) % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 24).to_le_bytes()[0]
    }
}

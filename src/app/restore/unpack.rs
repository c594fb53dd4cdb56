//! Unpacking: entries of a backup become the files of a data directory.

use std::{
    fs::{self, File},
    io::Write as _,
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    archive::Piece,
    journal::{self, SyncMode, fs::RealFs},
    meta::{self, Embedded},
    proxy::{backup::Entry, dead_letters::DeadLetters},
};

use super::{RestoreError, embedded, failed, parse, stores};

/// Entries becoming files.
pub(super) struct Unpacking<'a> {
    dir: &'a Path,
    open: Open,
    has_documents: bool,
    letters: Option<DeadLetters>,
}

/// The entry that comes now.
enum Open {
    Nothing,
    File(PathBuf, File),
    Documents(Vec<u8>),
    DeadLetter(u64, Vec<u8>),
}

impl<'a> Unpacking<'a> {
    /// Nothing yet, in an empty directory.
    pub(super) fn into(dir: &'a Path) -> Self {
        Self {
            dir,
            open: Open::Nothing,
            has_documents: false,
            letters: None,
        }
    }

    /// Takes the next piece of the archive.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> Result<(), RestoreError> {
        match piece {
            Piece::Entry(name) => {
                self.close()?;
                self.open = self.begin(parse(name)?)?;
            }
            Piece::Data(bytes) => match &mut self.open {
                Open::Nothing => {}
                Open::File(path, file) => file.write_all(bytes).map_err(failed("write", &*path))?,
                Open::Documents(content) | Open::DeadLetter(_, content) => content.extend_from_slice(bytes),
            },
        }
        Ok(())
    }

    fn begin(&self, entry: Entry<'_>) -> Result<Open, RestoreError> {
        Ok(match entry {
            Entry::Description => Open::Nothing,
            Entry::Documents => Open::Documents(Vec::new()),
            Entry::DeadLetter(id) => Open::DeadLetter(id, Vec::new()),
            Entry::Engine { id, file } => {
                let dir = embedded::dir(self.dir, id);
                fs::create_dir_all(&dir).map_err(failed("create", &dir))?;
                let path = dir.join(file);
                let file = File::create_new(&path).map_err(failed("create", &path))?;
                Open::File(path, file)
            }
        })
    }

    /// Makes the entry durable whose content is complete.
    fn close(&mut self) -> Result<(), RestoreError> {
        match mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => {}
            Open::File(path, file) => file.sync_all().map_err(failed("sync", path))?,
            Open::Documents(json) => {
                let snapshot = meta::Snapshot::from_json(&json)?;
                Embedded::restore(&self.dir.join(stores::META), snapshot)?;
                self.has_documents = true;
            }
            Open::DeadLetter(id, letter) => {
                let letters = match self.letters.take() {
                    Some(letters) => letters,
                    None => create_letters(self.dir, id)?,
                };
                letters.keep_encoded(letter.into())?;
                self.letters = Some(letters);
            }
        }
        Ok(())
    }

    /// Makes everything durable but the names of the directories.
    pub(super) fn finish(mut self) -> Result<(), RestoreError> {
        self.close()?;
        self.letters.as_ref().map_or(Ok(()), DeadLetters::close)?;
        if self.has_documents {
            Ok(())
        } else {
            Err(RestoreError::Missing("documents"))
        }
    }
}

/// A log whose first letter has the number `id`.
fn create_letters(dir: &Path, id: u64) -> Result<DeadLetters, journal::Error> {
    let options = journal::Options {
        segment_bytes: 64 << 20,
        max_bytes: u64::MAX,
        max_record_bytes: u64::MAX,
        tail_bytes: 0,
        sync: SyncMode::Always,
        on_damage: journal::OnDamage::Refuse,
    };
    DeadLetters::create_at(Arc::new(RealFs), &dir.join(stores::DEAD_LETTERS), id, options)
}

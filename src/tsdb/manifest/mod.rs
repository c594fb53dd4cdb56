//! The manifest: what the engine holds durably, in one file that is replaced as a whole. It is the only point of commit.
//!
//! It describes the state after one record of the journal, its checkpoint: databases, policies, fields, which series are
//! alive, which files belong to which shard group, and deletions not yet carried out in files. A file that it does not
//! name does not exist. Nothing that comes later in the journal shows in it; after a restart the journal's records
//! behind the checkpoint are applied again, in order, and lead to the same state as before.
//!
//! ```text
//! file: magic "GYREMAN\0" | format u32 | crc32c u32 | length u64 | JSON
//! ```
//! Integers are little-endian; the checksum covers format, length and JSON. Two files hold the same manifest, written
//! one after the other, so that damage to one of them costs nothing.

mod record;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::journal::fs::{self, Fs};

use super::Error;

pub(super) use record::{
    DatabaseRecord, FieldRecord, FileRecord, GroupRecord, Ids, Manifest, MeasurementRecord, PolicyRecord, RunRecord,
    TombstoneRecord,
};

const MAGIC: &[u8; 8] = b"GYREMAN\0";
const FORMAT: u32 = 1;
const HEADER: usize = 24;
/// The names of its copies.
pub(super) const COPIES: [&str; 2] = ["manifest.a", "manifest.b"];
/// Larger than any manifest: a hundred million fields and files.
const MAX_BYTES: u64 = 16 << 30;

/// The manifest of a directory, and which of its copies are damaged.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) manifest: Manifest,
    pub(super) damaged: Vec<(PathBuf, String)>,
}

/// Reads the newest whole copy; `None`: there is none at all.
///
/// # Errors
/// When there are copies and none can be read.
pub(super) fn load(fs: &dyn Fs, dir: &Path) -> Result<Option<Loaded>, Error> {
    let mut newest: Option<Manifest> = None;
    let mut damaged = Vec::new();
    for path in COPIES.map(|name| dir.join(name)) {
        match read(fs, &path)? {
            Found::Whole(manifest) => {
                if newest.as_ref().is_none_or(|newest| newest.version < manifest.version) {
                    newest = Some(*manifest);
                }
            }
            Found::Missing => {}
            Found::Damaged(what) => damaged.push((path, what)),
        }
    }
    match (newest, damaged.pop()) {
        (Some(manifest), last) => {
            damaged.extend(last);
            Ok(Some(Loaded { manifest, damaged }))
        }
        (None, Some((path, what))) => Err(Error::Damaged { path, what }),
        (None, None) => Ok(None),
    }
}

/// Replaces the manifest durably.
///
/// # Errors
/// Those of the file system. It may then be open which manifest is found later, see [`may_name_files`].
pub(super) fn save(fs: &dyn Fs, dir: &Path, manifest: &Manifest) -> Result<(), Error> {
    let bytes = encode(manifest);
    let [first, second] = COPIES.map(|name| dir.join(name));
    fs::replace(fs, &first, &bytes).map_err(Error::io("replace", first))?;
    // the first copy counts already
    if let Err(error) = fs::replace(fs, &second, &bytes) {
        tracing::warn!(%error, path = %second.display(), "the manifest has no second copy until it is replaced again");
    }
    Ok(())
}

/// Whether, after an error of [`save`], a manifest later than `version` may be found, so that its files must stay.
pub(super) fn may_name_files(fs: &dyn Fs, dir: &Path, version: u64) -> bool {
    !matches!(load(fs, dir), Ok(Some(loaded)) if loaded.manifest.version == version)
}

enum Found {
    Whole(Box<Manifest>),
    Missing,
    Damaged(String),
}

fn read(fs: &dyn Fs, path: &Path) -> Result<Found, Error> {
    let bytes = match fs::read_all(fs, path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    match decode(&bytes) {
        Ok(manifest) => Ok(Found::Whole(Box::new(manifest))),
        Err(Undecodable::Format(format)) => Err(Error::Damaged {
            path: path.to_owned(),
            what: format!("manifest format {format} is not known"),
        }),
        Err(Undecodable::Damaged(what)) => Ok(Found::Damaged(what)),
    }
}

enum Undecodable {
    Format(u32),
    Damaged(String),
}

/// What a copy holds.
pub(super) fn encode(manifest: &Manifest) -> Vec<u8> {
    let json = serde_json::to_vec(manifest).expect("maps have texts for keys, and no value refuses to be written");
    let mut bytes = Vec::with_capacity(HEADER + json.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&crc(FORMAT, &json).to_le_bytes());
    bytes.extend_from_slice(&(json.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Manifest, Undecodable> {
    let damaged = |what: &str| Undecodable::Damaged(what.to_owned());
    let (header, json) = bytes
        .split_first_chunk::<HEADER>()
        .ok_or_else(|| damaged("manifest is cut"))?;
    let format = u32_at(header, 8);
    let length = u64::from(u32_at(header, 16)) | u64::from(u32_at(header, 20)) << 32;
    if &header[..8] != MAGIC || length != json.len() as u64 || crc(format, json) != u32_at(header, 12) {
        return Err(damaged("manifest checksum does not match"));
    }
    if format != FORMAT {
        return Err(Undecodable::Format(format));
    }
    serde_json::from_slice(json).map_err(|error| Undecodable::Damaged(error.to_string()))
}

fn crc(format: u32, json: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&format.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, &(json.len() as u64).to_le_bytes()), json)
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fs::MemFs;

    fn saved(version: u64) -> (MemFs, &'static Path) {
        let (fs, dir) = (MemFs::new(), Path::new("/d"));
        let manifest = Manifest {
            version,
            ..Manifest::default()
        };
        save(&fs, dir, &manifest).unwrap();
        (fs, dir)
    }

    #[test]
    fn one_copy_is_enough() {
        for copy in COPIES {
            let (fs, dir) = saved(7);
            let path = dir.join(copy);
            let whole = fs.content(&path).unwrap();
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x10;
                fs.set_content(&path, damaged);
                let loaded = load(&fs, dir).unwrap().unwrap();
                assert_eq!((loaded.manifest.version, loaded.damaged.len()), (7, 1), "byte {at}");
                fs.set_content(&path, whole[..at].to_vec());
                let loaded = load(&fs, dir).unwrap().unwrap();
                assert_eq!((loaded.manifest.version, loaded.damaged.len()), (7, 1), "cut at {at}");
            }
        }
    }

    #[test]
    fn two_damaged_copies_are_an_error() {
        let (fs, dir) = saved(7);
        COPIES
            .iter()
            .for_each(|copy| fs.set_content(&dir.join(copy), b"rubbish".to_vec()));
        assert!(matches!(load(&fs, dir), Err(Error::Damaged { .. })));
        assert!(load(&fs, Path::new("/other")).unwrap().is_none());
    }

    #[test]
    fn the_newer_copy_counts() {
        let (fs, dir) = saved(7);
        let (newer, _) = saved(8);
        let path = dir.join(COPIES[0]);
        fs.set_content(&path, newer.content(&path).unwrap());
        assert_eq!(load(&fs, dir).unwrap().unwrap().manifest.version, 8);
    }
}

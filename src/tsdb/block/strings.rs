//! How texts are written: each once, compressed, then which one each row has.
//!
//! ```text
//! strings: distinct texts | length of the dictionary | its compressed length, 0: it is plain
//!          | dictionary: the length of each text, then the texts | numbers: which text each row has
//! ```

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use pco::wrapped::FileDecompressor;

use super::{
    numbers,
    varint::{self, Reader},
};

/// Most bytes of one chunk's dictionary: one row's text may be long, but memory has an end.
pub(super) const MAX_DICTIONARY: usize = 256 << 20;

/// zstd's level: higher ones gain little on so few bytes.
const LEVEL: i32 = 1;

/// A shorter dictionary gains nothing.
const MIN_COMPRESSED: usize = 64;

/// Appends texts of together less than [`MAX_DICTIONARY`] bytes, lengths included.
pub(super) fn put(out: &mut Vec<u8>, values: &[Arc<str>]) {
    let mut places: HashMap<&str, i64, RandomState> = HashMap::default();
    let (mut lengths, mut texts) = (Vec::new(), Vec::new());
    let rows: Vec<i64> = values
        .iter()
        .map(|text| {
            let next = places.len() as i64;
            *places.entry(text).or_insert_with(|| {
                varint::put_len(&mut lengths, text.len());
                texts.extend_from_slice(text.as_bytes());
                next
            })
        })
        .collect();
    varint::put_len(out, places.len());
    lengths.extend_from_slice(&texts);
    put_dictionary(out, &lengths);
    numbers::put_integers(out, &rows);
}

/// Reads `n` texts; `None`: they are not there.
pub(super) fn get(pco: &FileDecompressor, bytes: &[u8], n: usize) -> Option<Vec<Arc<str>>> {
    let mut reader = Reader::new(bytes);
    let distinct = reader.len().filter(|distinct| *distinct <= n)?;
    let dictionary = dictionary(&mut reader)?;
    let texts = texts(&dictionary, distinct)?;
    let rows = numbers::integers(pco, reader.rest(), n)?;
    rows.into_iter()
        .map(|row| texts.get(usize::try_from(row).ok()?).map(Arc::clone))
        .collect()
}

fn put_dictionary(out: &mut Vec<u8>, dictionary: &[u8]) {
    varint::put_len(out, dictionary.len());
    let compressed = (dictionary.len() >= MIN_COMPRESSED)
        .then(|| zstd::bulk::compress(dictionary, LEVEL).ok())
        .flatten()
        .filter(|compressed| compressed.len() < dictionary.len());
    varint::put_len(out, compressed.as_ref().map_or(0, Vec::len));
    out.extend_from_slice(compressed.as_deref().unwrap_or(dictionary));
}

fn dictionary(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let len = reader.len().filter(|len| *len <= MAX_DICTIONARY)?;
    let bytes = match reader.len()? {
        0 => reader.take(len)?.to_vec(),
        compressed => zstd::bulk::decompress(reader.take(compressed)?, len).ok()?,
    };
    (bytes.len() == len).then_some(bytes)
}

fn texts(dictionary: &[u8], distinct: usize) -> Option<Vec<Arc<str>>> {
    let mut reader = Reader::new(dictionary);
    let lengths: Vec<usize> = (0..distinct).map(|_| reader.len()).collect::<Option<_>>()?;
    let texts = lengths
        .into_iter()
        .map(|len| std::str::from_utf8(reader.take(len)?).ok().map(Arc::from));
    texts.collect()
}

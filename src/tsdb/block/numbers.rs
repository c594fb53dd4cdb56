//! How a sequence of numbers is written, in the way that suits it.
//!
//! ```text
//! numbers: 0 STEPS    first, step                     integers at a constant distance, also all equal
//!        | 1 DELTAS   first, then each less the one before    few integers
//!        | 2 PCO      pco's chunk metadata and one page
//!        | 3 CONSTANT u64                             equal floats
//!        | 4 CHANGES  each xor the one before, bytes reversed, as varint  few floats, most of short mantissa
//!        | 5 PLAIN    u64 each                        few floats
//! ```
//! Integers wrap, floats are bits: every value comes back as it was. The number of values is not written.

use pco::{
    ChunkConfig,
    data_types::Number,
    wrapped::{FileCompressor, FileDecompressor},
};

use super::varint::{self, Reader};

const STEPS: u8 = 0;
const DELTAS: u8 = 1;
const PCO: u8 = 2;
const CONSTANT: u8 = 3;
const CHANGES: u8 = 4;
const PLAIN: u8 = 5;

/// Fewer values do not pay for pco's header, nor for its start.
const MIN_PCO: usize = 64;

/// pco's level: higher ones save at most 3 %, and the default of 8 takes up to four times as long.
const LEVEL: usize = 3;

/// Appends integers; unsigned ones are given as the signed ones of the same bits.
pub(super) fn put_integers(out: &mut Vec<u8>, values: &[i64]) {
    if let Some((first, step)) = steps(values) {
        out.push(STEPS);
        varint::put_signed(out, first);
        varint::put_signed(out, step);
    } else if values.len() < MIN_PCO || !put_pco(out, values) {
        out.push(DELTAS);
        changes(values, |value, before| value.wrapping_sub(before)).for_each(|delta| varint::put_signed(out, delta));
    }
}

/// Reads `n` integers, which must be all that is there; `None`: they are not.
pub(super) fn integers(pco: &FileDecompressor, bytes: &[u8], n: usize) -> Option<Vec<i64>> {
    let mut reader = Reader::new(bytes);
    let values = match reader.byte()? {
        STEPS => {
            let (first, step) = (reader.signed()?, reader.signed()?);
            steady(first, step, n)
        }
        DELTAS => restored(n, 0, || reader.signed(), i64::wrapping_add)?,
        PCO => return read_pco(pco, reader.rest(), n),
        _ => return None,
    };
    reader.is_empty().then_some(values)
}

/// Appends floats.
pub(super) fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    let equal = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
    match values.first() {
        Some(first) if equal => {
            out.push(CONSTANT);
            out.extend_from_slice(&first.to_le_bytes());
        }
        _ if values.len() < MIN_PCO || !put_pco(out, values) => put_few_floats(out, values),
        _ => {}
    }
}

/// Reads `n` floats, which must be all that is there; `None`: they are not.
pub(super) fn floats(pco: &FileDecompressor, bytes: &[u8], n: usize) -> Option<Vec<f64>> {
    let mut reader = Reader::new(bytes);
    let bits = match reader.byte()? {
        CONSTANT => vec![reader.u64()?; n],
        CHANGES => restored(
            n,
            0,
            || reader.varint().map(u64::swap_bytes),
            |before, change| before ^ change,
        )?,
        PLAIN => restored(n, 0, || reader.u64(), |_, value| value)?,
        PCO => return read_pco(pco, reader.rest(), n),
        _ => return None,
    };
    reader
        .is_empty()
        .then(|| bits.into_iter().map(f64::from_bits).collect())
}

fn steps(values: &[i64]) -> Option<(i64, i64)> {
    let first = *values.first()?;
    let step = values.get(1).map_or(0, |second| second.wrapping_sub(first));
    let is_steady = values.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    is_steady.then_some((first, step))
}

fn steady(first: i64, step: i64, n: usize) -> Vec<i64> {
    std::iter::successors(Some(first), |value| Some(value.wrapping_add(step)))
        .take(n)
        .collect()
}

fn put_few_floats(out: &mut Vec<u8>, values: &[f64]) {
    let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
    let start = out.len();
    out.push(CHANGES);
    changes(&bits, |value, before| value ^ before).for_each(|change| varint::put(out, change.swap_bytes()));
    if out.len() - start > 1 + 8 * bits.len() {
        out.truncate(start);
        out.push(PLAIN);
        out.extend(bits.iter().flat_map(|value| value.to_le_bytes()));
    }
}

/// Each value seen from the one before; the first from 0.
fn changes<T: Copy + Default>(values: &[T], change: impl Fn(T, T) -> T) -> impl Iterator<Item = T> {
    values.iter().scan(T::default(), move |before, &value| {
        Some(change(value, std::mem::replace(before, value)))
    })
}

fn restored<T: Copy>(
    n: usize,
    zero: T,
    mut next: impl FnMut() -> Option<T>,
    add: impl Fn(T, T) -> T,
) -> Option<Vec<T>> {
    let mut value = zero;
    let mut values = Vec::with_capacity(n);
    for _ in 0..n {
        value = add(value, next()?);
        values.push(value);
    }
    Some(values)
}

/// Whether pco took the values.
fn put_pco<T: Number>(out: &mut Vec<u8>, values: &[T]) -> bool {
    let start = out.len();
    out.push(PCO);
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let written = FileCompressor::default()
        .chunk_compressor(values, &config)
        .and_then(|mut chunk| {
            chunk.write_meta(&mut *out)?;
            chunk.write_page(0, &mut *out)?;
            Ok(())
        });
    if written.is_err() {
        out.truncate(start);
    }
    written.is_ok()
}

fn read_pco<T: Number + Default>(pco: &FileDecompressor, bytes: &[u8], n: usize) -> Option<Vec<T>> {
    let (mut chunk, page) = pco.chunk_decompressor::<T, _>(bytes).ok()?;
    let mut values = vec![T::default(); n];
    let progress = chunk.page_decompressor(page, n).ok()?.read(&mut values).ok()?;
    (progress.finished && progress.n_processed == n).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pco() -> FileDecompressor {
        let mut header = Vec::new();
        FileCompressor::default().write_header(&mut header).unwrap();
        FileDecompressor::new(&header[..]).unwrap().0
    }

    fn check_integers(values: &[i64], encoding: u8, at_most: usize) {
        let mut bytes = Vec::new();
        put_integers(&mut bytes, values);
        assert_eq!(bytes[0], encoding, "{values:?}");
        assert!(bytes.len() <= at_most, "{} bytes for {values:?}", bytes.len());
        assert_eq!(integers(&pco(), &bytes, values.len()).as_deref(), Some(values));
    }

    fn check_floats(values: &[f64], encoding: u8, at_most: usize) {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let mut bytes = Vec::new();
        put_floats(&mut bytes, values);
        assert_eq!(bytes[0], encoding, "{values:?}");
        assert!(bytes.len() <= at_most, "{} bytes for {values:?}", bytes.len());
        assert_eq!(
            floats(&pco(), &bytes, values.len()).map(|values| bits(&values)),
            Some(bits(values))
        );
    }

    #[test]
    fn integers_choose_their_encoding() {
        check_integers(&[i64::MIN], STEPS, 12);
        check_integers(&[7; 1000], STEPS, 3);
        check_integers(
            &(0..2000)
                .map(|i| 1_700_000_000_000_000_000 + i * 10_000_000_000)
                .collect::<Vec<_>>(),
            STEPS,
            17,
        );
        check_integers(&[i64::MAX, i64::MIN, i64::MIN + 2], DELTAS, 13);
        check_integers(&[5, 6, 4, 5], DELTAS, 5);
        check_integers(&(0..1000).map(|i| i * i % 7).collect::<Vec<_>>(), PCO, 500);
        check_integers(
            &(0..100)
                .map(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX - i })
                .collect::<Vec<_>>(),
            PCO,
            900,
        );
    }

    #[test]
    fn floats_choose_their_encoding() {
        check_floats(&[f64::NAN; 500], CONSTANT, 9);
        check_floats(&[-0.0, 0.0], CHANGES, 5);
        check_floats(&[1.0, 2.0, 3.5, 1e6], CHANGES, 20);
        check_floats(&[0.1, 0.7, f64::from_bits(0x7ff8_0000_dead_beef)], PLAIN, 25);
        check_floats(
            &(0..1000_u32).map(|i| f64::from(i * i % 70) / 10.0).collect::<Vec<_>>(),
            PCO,
            1200,
        );
        check_floats(
            &[f64::NAN, f64::INFINITY, -0.0, 0.0, f64::MIN_POSITIVE].repeat(20),
            PCO,
            900,
        );
    }

    #[test]
    fn what_is_too_short_or_too_long_is_refused() {
        for values in [
            vec![3; 40],
            (0..40).map(|i| i * i).collect(),
            (0..400).map(|i| i * i % 77).collect(),
        ] {
            let mut bytes = Vec::new();
            put_integers(&mut bytes, &values);
            for len in 0..bytes.len() {
                assert_eq!(
                    integers(&pco(), &bytes[..len], values.len()),
                    None,
                    "{len} of {}",
                    bytes.len()
                );
            }
            bytes.push(0);
            assert!(bytes[0] == PCO || integers(&pco(), &bytes, values.len()).is_none());
        }
        assert_eq!(integers(&pco(), &[9, 1], 1), None);
    }
}

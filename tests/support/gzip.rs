//! Compressed bodies.

use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};

/// `bytes` as one gzip member.
pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    compress_all(bytes)
}

/// A gzip member that inflates to `length` empty lines: a body without points.
pub(crate) fn bomb(length: u64) -> Vec<u8> {
    compress_all(io::repeat(b'\n').take(length))
}

fn compress_all(mut from: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut from, &mut encoder).expect("memory takes everything");
    encoder.flush().expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

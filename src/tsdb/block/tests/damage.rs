//! Cuts, flips and failing disks.

use crate::{base::ErrorKind, journal::fs::Fs};

use super::*;

/// All types, all encodings, with and without gaps, in several chunks.
fn batches() -> Vec<Batch> {
    let many = 70_i64;
    let rows: Vec<i64> = (0..many).collect();
    let numbers: Vec<f64> = (0..70_u32).map(|row| f64::from(row * row % 17) / 10.0).collect();
    let few = vec![
        (0, all(Values::Float(vec![1.5, f64::NAN, 0.1]))),
        (1, all(Values::Integer(vec![i64::MIN, 3, 9]))),
        (2, some(Values::Unsigned(vec![u64::MAX, 0, 1]), |row| row != 1)),
        (3, all(Values::String(vec![text("a"), text("é"), text("")]))),
        (4, all(Values::Boolean(vec![true, false, true]))),
    ];
    let more = vec![
        (0, all(Values::Float(numbers))),
        (
            1,
            some(Values::Integer(rows.iter().map(|row| row * row % 9).collect()), |row| {
                row != 5
            }),
        ),
        (
            3,
            all(Values::String(
                rows.iter()
                    .map(|row| text(format!("text number {}", row % 40)))
                    .collect(),
            )),
        ),
        (
            4,
            some(Values::Boolean(rows.iter().map(|row| row % 3 == 0).collect()), |row| {
                row % 2 == 0
            }),
        ),
    ];
    let uneven: Vec<i64> = rows.iter().map(|row| row * 1000 + row * row % 13).collect();
    vec![
        (1, vec![-5, 0, 7], few),
        (1, uneven.iter().map(|time| time + 8).collect(), more),
        (400, vec![1], vec![(0, all(Values::Float(vec![2.0])))]),
    ]
}

fn written() -> (MemFs, Vec<u8>) {
    let fs = MemFs::new();
    write(&fs, &batches());
    let bytes = fs.content(Path::new(PATH)).unwrap();
    (fs, bytes)
}

type Content = Vec<(Chunk, Vec<(i64, Vec<String>)>)>;

fn read(file: &BlockFile, chunk: &Chunk) -> Result<Vec<(i64, Vec<String>)>, BlockError> {
    file.read(chunk, &[0, 1, 2, 3, 4, 5]).map(|rows| lines(&rows))
}

fn content(file: &BlockFile) -> Content {
    let chunks = file.series().flat_map(|series| file.chunks(series));
    chunks
        .map(|chunk| (chunk.clone(), read(file, &chunk).unwrap()))
        .collect()
}

fn assert_damaged(error: &BlockError) -> u64 {
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().starts_with(PATH), "{error}");
    match error {
        BlockError::Damaged { offset, .. } => *offset,
        other => panic!("{other}"),
    }
}

/// Damage at one place of a chunk costs this chunk; anywhere else, the file.
fn check_flip(fs: &MemFs, whole: &Content, at: u64) {
    let hit = whole
        .iter()
        .position(|(chunk, _)| (chunk.offset..chunk.offset + chunk.len).contains(&at));
    let Some(hit) = hit else {
        assert!(assert_damaged(&open(fs).unwrap_err()) <= at);
        return;
    };
    let file = open(fs).unwrap();
    for (position, (chunk, rows)) in whole.iter().enumerate() {
        match read(&file, chunk) {
            Ok(found) => assert!(position != hit && found == *rows, "byte {at}"),
            Err(error) => assert_eq!((position, assert_damaged(&error)), (hit, chunk.offset), "byte {at}"),
        }
    }
    let lost = file.verify();
    let (chunk, _) = &whole[hit];
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].series, lost[0].times), (chunk.series, chunk.times));
}

#[test]
fn every_flipped_byte_is_found_and_costs_one_chunk() {
    let (fs, bytes) = written();
    let whole = content(&open(&fs).unwrap());
    for at in 0..bytes.len() {
        for flip in [1 << (at % 8), 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            fs.set_content(Path::new(PATH), damaged);
            check_flip(&fs, &whole, at as u64);
        }
    }
}

#[test]
fn every_cut_is_found() {
    let (fs, bytes) = written();
    for len in 0..bytes.len() {
        fs.set_content(Path::new(PATH), bytes[..len].to_vec());
        assert_damaged(&open(&fs).unwrap_err());
        fs.set_content(Path::new(PATH), bytes[len..].to_vec());
        assert_eq!(open(&fs).is_ok(), len == 0, "without the first {len} bytes");
    }
    fs.set_content(Path::new(PATH), [&bytes[..], b"\0"].concat());
    assert_damaged(&open(&fs).unwrap_err());
}

#[test]
fn a_file_cut_while_open_is_found() {
    let (fs, bytes) = written();
    let file = open(&fs).unwrap();
    let whole = content(&file);
    for len in (0..bytes.len()).rev() {
        fs.truncate(Path::new(PATH), len as u64).unwrap();
        for (chunk, rows) in &whole {
            match read(&file, chunk) {
                Ok(found) => assert!(found == *rows && chunk.offset + chunk.len <= len as u64),
                Err(error) => assert_eq!(assert_damaged(&error), len.max(chunk.offset.try_into().unwrap()) as u64),
            }
        }
    }
    assert_eq!(file.verify().len(), whole.len());
}

#[test]
fn chunks_that_changed_places_are_found() {
    let fs = MemFs::new();
    let batch = |series, value| (series, vec![1], vec![(0, all(Values::Integer(vec![value])))]);
    write(&fs, &[batch(1, 10), batch(2, 20)]);
    let file = open(&fs).unwrap();
    let (first, second) = (file.chunks(1).next().unwrap(), file.chunks(2).next().unwrap());
    assert_eq!(first.len, second.len);
    let mut bytes = fs.content(Path::new(PATH)).unwrap();
    let start = usize::try_from(first.offset).unwrap();
    let len = usize::try_from(first.len).unwrap();
    bytes[start..start + 2 * len].rotate_left(len);
    fs.set_content(Path::new(PATH), bytes);
    assert_eq!(open(&fs).unwrap().verify().len(), 2);
}

/// What a checksum cannot exclude: bytes that decode to nothing, or to something else. No panic, no endless memory.
#[test]
fn columns_that_were_never_written_do_not_panic() {
    let (_, bytes) = written();
    let mut header = [0; frame::HEADER_LEN];
    header.copy_from_slice(&bytes[..frame::HEADER_LEN]);
    let pco = frame::read_header(&header).unwrap();
    let values: Vec<i64> = (0..200).map(|row| row * row % 91).collect();
    let mut column = Vec::new();
    numbers::put_integers(&mut column, &values);
    for (at, flip) in (0..column.len()).flat_map(|at| (0..8).map(move |bit| (at, 1_u8 << bit))) {
        let mut damaged = column.clone();
        damaged[at] ^= flip;
        drop(numbers::integers(&pco, &damaged, values.len()));
        drop(numbers::floats(&pco, &damaged, values.len()));
        drop(strings::get(&pco, &damaged, values.len()));
    }
}

#[test]
fn an_index_that_was_never_written_does_not_panic() {
    let (fs, _) = written();
    let file = open(&fs).unwrap();
    let mut index = Vec::new();
    let mut before = None;
    for (chunk, _) in content(&file) {
        index::put(&mut index, -5, before, &chunk);
        before = Some((chunk.series, chunk.times.max));
    }
    for (at, flip) in (0..index.len()).flat_map(|at| (0..8).map(move |bit| (at, 1_u8 << bit))) {
        let mut damaged = index.clone();
        damaged[at] ^= flip;
        let mut position = index::Position {
            record: 0,
            chunk: 20,
            before: None,
        };
        while let Some((chunk, next)) = index::get(&damaged, -5, position) {
            assert!(chunk.times.min <= chunk.times.max && (1..=MAX_CHUNK_ROWS).contains(&chunk.rows));
            position = next;
        }
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_no_file() {
    let fs = MemFs::new();
    fs.set_space_left(Some(99));
    let mut writer = BlockWriter::create(&fs, Path::new(PATH)).unwrap();
    writer.append(1, &[1], &[]).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!fs.exists(Path::new(PATH)).unwrap());
}

#[test]
fn what_is_finished_survives_a_crash() {
    for seed in 0..20 {
        let fs = MemFs::new();
        write(&fs, &batches());
        fs.sync_dir(Path::new("")).unwrap();
        let after = fs.after_crash(seed);
        assert!(open(&after).unwrap().verify().is_empty());
        fs.fail_syncs(1);
        let mut writer = BlockWriter::create(&fs, Path::new("other")).unwrap();
        writer.append(1, &[1], &[]).unwrap();
        assert!(writer.finish().is_err());
    }
}

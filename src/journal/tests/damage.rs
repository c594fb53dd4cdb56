//! Every place of a small journal cut or changed.

use super::*;

/// The files of a journal, and where its records lie: file, end of the frame before, end of the frame.
struct Sample {
    files: Vec<Vec<u8>>,
    firsts: Vec<Seq>,
    records: Records,
    places: BTreeMap<Seq, (usize, usize, usize)>,
}

/// Three segments; the last write has one record, or `last_write` of them.
fn sample(last_write: u64) -> Sample {
    let fs = MemFs::new();
    let journal = open(&fs);
    append_many(&journal, 0..10, 40);
    let group = (10..10 + last_write).map(|id| (payload(id, 40), None)).collect();
    journal.append_all(group).unwrap().wait().unwrap();
    let records = read_all(&journal);
    journal.close().unwrap();
    let paths = segment_paths(&fs);
    let files: Vec<_> = paths.iter().map(|path| fs.content(path).unwrap()).collect();
    let firsts: Vec<Seq> = (0..files.len()).map(|file| 1 + 4 * file as u64).collect();
    assert_eq!(
        firsts
            .iter()
            .map(|first| Segment::new(dir(), *first).path)
            .collect::<Vec<_>>(),
        paths
    );
    let place = |seq: &Seq| {
        let file = firsts.iter().rposition(|first| first <= seq).unwrap();
        let index = usize::try_from(seq - firsts[file]).unwrap();
        (*seq, (file, 32 + index * 56, 32 + (index + 1) * 56))
    };
    let places = records.keys().map(place).collect();
    Sample {
        files,
        firsts,
        places,
        records,
    }
}

impl Sample {
    fn disk(&self, damaged: usize, content: &[u8]) -> MemFs {
        let fs = MemFs::new();
        fs.create_dir_all(dir()).unwrap();
        for (file, first) in self.firsts.iter().enumerate() {
            let content = if file == damaged { content } else { &self.files[file] };
            fs.set_content(&Segment::new(dir(), *first).path, content.to_vec());
        }
        fs
    }

    /// Without the records `missing`, `report` being what is said of it; the journal works on afterwards.
    fn check(&self, fs: &MemFs, missing: &[Seq], refused: bool, check_report: impl Fn(&Recovery), context: &str) {
        let refusal = try_open(&fs.after_crash(0), options());
        assert_eq!(refusal.is_err(), refused, "{context}: {refusal:?}");
        match refusal {
            Ok((journal, _)) => journal.close().unwrap(),
            Err(error) => assert!(matches!(error, Error::Damaged { .. }), "{context}: {error}"),
        }
        let (journal, report) = try_open(fs, skipping()).unwrap();
        check_report(&report);
        let mut expected = self.records.clone();
        expected.retain(|seq, _| !missing.contains(seq));
        assert_eq!(read_all(&journal), expected, "{context}");
        let added = append(&journal, 99, 40).unwrap();
        assert!(expected.keys().all(|seq| *seq < added), "{context}");
        expected.insert(added, payload(99, 40).to_vec());
        journal.close().unwrap();
        let (journal, _) = try_open(fs, skipping()).unwrap();
        assert_eq!(read_all(&journal), expected, "{context}, opened again");
        journal.close().unwrap();
    }
}

fn runs(missing: &[Seq]) -> Vec<std::ops::RangeInclusive<Seq>> {
    missing
        .first()
        .zip(missing.last())
        .map(|(first, last)| *first..=*last)
        .into_iter()
        .collect()
}

#[test]
fn cut_anywhere() {
    let sample = sample(1);
    let last_file = sample.files.len() - 1;
    for (file, content) in sample.files.iter().enumerate() {
        for at in 0..content.len() {
            let cut_off = |(_, (of, _, end)): &(&Seq, &(usize, usize, usize))| *of == file && *end > at;
            let missing: Vec<Seq> = sample.places.iter().filter(cut_off).map(|(seq, _)| *seq).collect();
            let fs = sample.disk(file, &content[..at]);
            let torn = file == last_file;
            let lost = if torn { vec![] } else { runs(&missing) };
            let check_report = |report: &Recovery| {
                assert_eq!(
                    (&report.lost, report.bad_headers),
                    (&lost, 0),
                    "file {file} cut at {at}"
                );
                assert!(torn || report.torn_bytes == 0);
            };
            sample.check(&fs, &missing, !torn, check_report, &format!("file {file} cut at {at}"));
        }
    }
}

fn flip_anywhere(sample: &Sample, first_of_last_write: Seq) {
    let newest = *sample.records.keys().last().unwrap();
    for (file, content) in sample.files.iter().enumerate() {
        for at in 0..content.len() {
            let mut flipped = content.clone();
            flipped[at] ^= 1 << (at % 8);
            let hit =
                |(_, (of, start, end)): &(&Seq, &(usize, usize, usize))| *of == file && (*start..*end).contains(&at);
            let mut missing: Vec<Seq> = sample.places.iter().filter(hit).map(|(seq, _)| *seq).collect();
            // The sync of the last write may have been under way: it is cut from the bad record on.
            let torn = missing.first().is_some_and(|seq| *seq >= first_of_last_write);
            if torn {
                missing = (missing[0]..=newest).collect();
            }
            let context = format!("file {file} flipped at {at}");
            let check_report = |report: &Recovery| {
                assert_eq!(report.torn_bytes > 0, torn, "{context}");
                assert_eq!(report.bad_headers, u64::from(at < 32), "{context}");
                assert_eq!(report.lost, if torn { vec![] } else { runs(&missing) }, "{context}");
            };
            sample.check(&sample.disk(file, &flipped), &missing, !torn, check_report, &context);
        }
    }
}

#[test]
fn flipped_anywhere() {
    flip_anywhere(&sample(1), 11);
}

#[test]
fn a_hole_in_the_last_write_is_no_reason_to_refuse() {
    flip_anywhere(&sample(3), 11);
}

#[test]
fn a_segment_is_missing() {
    let sample = sample(1);
    let fs = sample.disk(0, &sample.files[0]);
    fs.remove(&Segment::new(dir(), 5).path).unwrap();
    sample.check(
        &fs,
        &[5, 6, 7, 8],
        true,
        |report| assert_eq!(report.lost, vec![5..=8]),
        "segment 5 missing",
    );
}

#[test]
fn what_every_consumer_has_seen_is_not_missed() {
    for (cursor, missed) in [(8, false), (4, false), (3, true)] {
        let sample = sample(1);
        let fs = sample.disk(0, &sample.files[0]);
        let journal = open(&fs);
        journal.register(1, Start::Oldest);
        journal.advance(1, cursor);
        cursors::save(&fs, &dir().join("cursors"), &journal.consumers().into_iter().collect()).unwrap();
        let unsaved = fs.after_crash(0);
        journal.close().unwrap();
        unsaved.remove(&Segment::new(dir(), 1).path).unwrap();
        let opened = try_open(&unsaved, options());
        assert_eq!(opened.is_err(), missed, "cursor {cursor}: {opened:?}");
        if let Ok((journal, _)) = opened {
            assert_eq!(
                read_after(&journal, cursor, 1000),
                sample.records.clone().split_off(&(cursor + 1))
            );
            journal.close().unwrap();
        }
    }
}

#[test]
fn strange_files_are_left_alone() {
    let sample = sample(1);
    let fs = sample.disk(0, &sample.files[0]);
    let strange = [
        "00000000000000000000.seg",
        "+0000000000000000001.seg",
        "1.seg",
        "notes.txt",
    ];
    strange
        .iter()
        .for_each(|name| fs.set_content(&dir().join(name), b"x".to_vec()));
    let journal = open(&fs);
    assert_eq!(read_all(&journal), sample.records);
    journal.close().unwrap();
    assert!(strange.iter().all(|name| fs.content(&dir().join(name)).is_some()));
}

#[test]
fn another_version_is_not_touched() {
    let fs = MemFs::new();
    fs.create_dir_all(dir()).unwrap();
    let path = Segment::new(dir(), 1).path;
    let mut header = frame::Header { first: 1, previous: 0 }.encode();
    header[8] = 2;
    let crc = crc32c::crc32c(&header[..28]);
    header[28..].copy_from_slice(&crc.to_le_bytes());
    fs.set_content(&path, header.to_vec());
    let error = try_open(&fs, skipping()).unwrap_err();
    assert!(error.to_string().ends_with("segment format 2 is unknown"), "{error}");
    assert_eq!(fs.content(&path), Some(header.to_vec()));
}

#[test]
fn damaged_cursors_start_over() {
    let fs = MemFs::new();
    let journal = open(&fs);
    append_many(&journal, 0..6, 40);
    journal.register(1, Start::Oldest);
    journal.advance(1, 3);
    journal.close().unwrap();
    let path = dir().join("cursors");
    let mut content = fs.content(&path).unwrap();
    content[20] ^= 1;
    fs.set_content(&path, content);
    let (journal, report) = try_open(&fs, options()).unwrap();
    assert!(report.cursors_lost && report.needs_attention());
    assert_eq!((journal.consumers(), journal.register(1, Start::Oldest)), (vec![], 0));
    journal.close().unwrap();
    fs.remove(&path).unwrap();
    let (journal, report) = try_open(&fs, options()).unwrap();
    assert_eq!(
        (report.cursors_lost, journal.consumers(), journal.committed()),
        (false, vec![], 6)
    );
    journal.close().unwrap();
}

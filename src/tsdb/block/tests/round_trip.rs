//! What is written is what is read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use crate::{base::ErrorKind, journal::fs::RealFs, query::source::Times};

use super::*;

const FIELDS: FieldId = 6;

/// The value of each series, time and field.
type Model = BTreeMap<SeriesId, BTreeMap<i64, Vec<String>>>;

fn model(batches: &[Batch]) -> Model {
    let mut model = Model::new();
    for (series, times, fields) in batches {
        let columns: BTreeMap<_, _> = fields.iter().map(|(field, column)| (*field, plain(column))).collect();
        for (row, time) in times.iter().enumerate() {
            let value = |field| columns.get(&field).map_or(String::new(), |column| column[row].clone());
            model
                .entry(*series)
                .or_default()
                .insert(*time, (0..FIELDS).map(value).collect());
        }
    }
    model
}

fn read_back(file: &BlockFile) -> Model {
    let fields: Vec<_> = (0..FIELDS).collect();
    let rows = |series| {
        file.chunks(series)
            .flat_map(|chunk| lines(&file.read(&chunk, &fields).unwrap()))
    };
    file.series().map(|series| (series, rows(series).collect())).collect()
}

/// The statistics in the index are those of the values.
fn check_statistics(file: &BlockFile) {
    for chunk in file.series().flat_map(|series| file.chunks(series)) {
        let mut known = Vec::new();
        for field in 0..FIELDS {
            let rows = file.read(&chunk, &[field]).unwrap();
            assert_eq!(
                (rows.times[0], *rows.times.last().unwrap()),
                (chunk.times.min, chunk.times.max)
            );
            let Some((values, valid)) = column::slice(&rows.columns[0], &(0..rows.times.len())) else {
                continue;
            };
            let times = column::present(&rows.times, valid);
            known.push(ChunkField {
                field,
                kind: values.kind(),
                count: times.len(),
                summary: stats::summarise(&times, &values),
            });
        }
        assert_eq!(chunk.fields, known);
        assert!(known.iter().all(|field| chunk.field(field.field) == Some(field)));
    }
}

fn check(batches: &[Batch]) {
    let fs = MemFs::new();
    let meta = write(&fs, batches);
    let file = open(&fs).unwrap();
    let model = model(batches);
    assert_eq!(read_back(&file), model);
    check_statistics(&file);
    assert!(file.verify().is_empty());
    let times = || model.values().flat_map(BTreeMap::keys).copied();
    assert_eq!(*file.meta(), meta);
    assert_eq!(meta.rows, times().count() as u64);
    assert_eq!(
        (meta.min_time, meta.max_time),
        (times().min().unwrap_or(0), times().max().unwrap_or(0))
    );
    assert_eq!(meta.bytes, fs.content(Path::new(PATH)).unwrap().len() as u64);
    for (series, rows) in &model {
        let (min, max) = (*rows.keys().min().unwrap(), *rows.keys().max().unwrap());
        assert_eq!(file.times(*series), Some(Times { min, max }));
    }
}

fn floats() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-50_i32..50).prop_map(|value| f64::from(value) / 10.0),
        Just(f64::NAN),
        Just(-0.0),
    ]
}

fn integers() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -5_i64..5, Just(i64::MIN), Just(i64::MAX)]
}

fn values(rows: usize) -> impl Strategy<Value = Values> {
    prop_oneof![
        vec(floats(), rows).prop_map(Values::Float),
        (floats(), -9_i32..9).prop_map(move |(first, step)| {
            Values::Float((0..rows).map(|row| first + f64::from(step) * row as f64).collect())
        }),
        vec(integers(), rows).prop_map(Values::Integer),
        (any::<i64>(), vec(-2_i64..3, rows)).prop_map(|(first, steps)| {
            Values::Integer(
                steps
                    .into_iter()
                    .scan(first, |value, step| {
                        *value = value.wrapping_add(step);
                        Some(*value)
                    })
                    .collect(),
            )
        }),
        vec(integers().prop_map(i64::cast_unsigned), rows).prop_map(Values::Unsigned),
        vec(prop_oneof!["[a-c]{0,2}", ".{0,40}"].prop_map(text), rows).prop_map(Values::String),
        vec(any::<bool>(), rows).prop_map(Values::Boolean),
        any::<bool>().prop_map(move |value| Values::Boolean(vec![value; rows])),
        Just(Values::Absent(rows)),
    ]
}

fn columns(rows: usize) -> impl Strategy<Value = Vec<(FieldId, Column)>> {
    let valid = prop::option::of(vec(prop::bool::weighted(0.7), rows));
    let column = (values(rows), valid).prop_map(|(values, valid)| Column { values, valid });
    let fields = Just((0..FIELDS).collect::<Vec<_>>()).prop_shuffle();
    (fields, vec(column, 0..usize::from(FIELDS)))
        .prop_map(|(fields, columns)| fields.into_iter().zip(columns).collect())
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let start = prop_oneof![Just(1_700_000_000_000_000_000), -10_i64..10, Just(i64::MIN)];
    prop_oneof![
        3 => vec(integers(), 0..6).prop_map(BTreeSet::from_iter).prop_map(Vec::from_iter),
        3 => (start, 1_i64..20, 1_i64..200).prop_map(|(start, step, rows)| (0..rows).map(|row| start + row * step).collect()),
        2 => vec(1_i64..50, 60..140).prop_map(|steps| steps.into_iter().scan(0, |time, step| {
            *time += step * 1_000_000;
            Some(*time)
        }).collect()),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let rows = times().prop_flat_map(|times| (columns(times.len()), Just(times)));
    let series = prop_oneof![Just(0_u32), 0_u32..100, any::<u32>()];
    let batch = (series, rows).prop_map(|(series, (fields, times))| (series, times, fields));
    vec(batch, 0..5).prop_map(|mut batches| {
        batches.sort_by_key(|(series, times, _)| (*series, times.first().copied()));
        batches.dedup_by(|later, batch| later.0 == batch.0 && later.1.first() <= batch.1.last());
        batches
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_block_comes_back(batches in batches()) {
        check(&batches);
    }

    #[test]
    fn values_that_pco_never_saw_come_back(values in vec(floats(), 64..300), more in vec(integers(), 64..300)) {
        let times = |n: usize| (0..n as i64).collect::<Vec<_>>();
        check(&[
            (1, times(values.len()), vec![(0, all(Values::Float(values)))]),
            (2, times(more.len()), vec![(0, all(Values::Integer(more)))]),
        ]);
    }
}

#[test]
fn long_series_become_several_chunks() {
    let rows = 2 * MAX_CHUNK_ROWS + 1;
    let times: Vec<i64> = (0..rows as i64).map(|row| row * 10).collect();
    let fields = vec![
        (3, some(Values::Integer(times.clone()), |row| row % 3 > 0)),
        (0, all(Values::Boolean(vec![true; rows]))),
    ];
    let batch = (9, times, fields);
    check(std::slice::from_ref(&batch));
    let fs = MemFs::new();
    write(&fs, &[batch]);
    let file = open(&fs).unwrap();
    assert_eq!(
        file.chunks(9).map(|chunk| chunk.rows).collect::<Vec<_>>(),
        [2048, 1024, 1025]
    );
    assert_eq!(file.chunks(8).count(), 0);
    assert_eq!(file.series().collect::<Vec<_>>(), [9]);
    assert!(file.contains(9) && !file.contains(8) && file.times(8).is_none());
}

#[test]
fn long_texts_become_chunks_of_few_rows() {
    let texts = (0..9)
        .map(|row| text(char::from(b'a' + row).to_string().repeat(MAX_CHUNK_TEXT / 2)))
        .collect();
    let batch = (0, (0..9).collect(), vec![(1, all(Values::String(texts)))]);
    check(std::slice::from_ref(&batch));
    let fs = MemFs::new();
    write(&fs, &[batch]);
    assert!(open(&fs).unwrap().chunks(0).all(|chunk| chunk.rows == 1));
}

#[test]
fn columns_come_as_asked_for() {
    let fs = MemFs::new();
    write(
        &fs,
        &[(
            5,
            vec![1, 2],
            vec![
                (7, all(Values::Integer(vec![3, 4]))),
                (2, some(Values::Boolean(vec![true; 2]), |row| row == 1)),
            ],
        )],
    );
    let file = open(&fs).unwrap();
    let chunk = file.chunks(5).next().unwrap();
    let rows = file.read(&chunk, &[7, 9, 2, 7]).unwrap();
    let three = all(Values::Integer(vec![3, 4]));
    let partial = Column {
        values: Values::Boolean(vec![false, true]),
        valid: Some(vec![false, true]),
    };
    assert_eq!(rows.columns, [three.clone(), all(Values::Absent(2)), partial, three]);
}

#[test]
fn rows_out_of_order_are_refused() {
    let fs = MemFs::new();
    let mut writer = BlockWriter::create(&fs, Path::new(PATH)).unwrap();
    let column = |values| (0, all(Values::Integer(values)));
    writer.append(3, &[10, 20], &[column(vec![1, 2])]).unwrap();
    let mut refused = |series, times: &[i64], fields: &[(FieldId, Column)]| {
        let error = writer.append(series, times, fields).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    };
    refused(2, &[30], &[column(vec![3])]);
    refused(3, &[20], &[column(vec![3])]);
    refused(3, &[30, 30], &[column(vec![3, 3])]);
    refused(3, &[30], &[column(vec![3]), column(vec![3])]);
    refused(3, &[30], &[column(vec![3, 4])]);
    let one_too_many = Column {
        values: Values::Integer(vec![3]),
        valid: Some(vec![true; 2]),
    };
    refused(3, &[30], &[(0, one_too_many)]);
    writer.append(3, &[30], &[]).unwrap();
    let meta = writer.finish().unwrap();
    assert_eq!((meta.rows, meta.values), (3, 2));
}

#[test]
fn a_real_file_serves_many_threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(PATH);
    let mut writer = BlockWriter::create(&RealFs, &path).unwrap();
    for series in 0..8_i64 {
        let values = (0..100).map(|row| row * series).collect();
        let column = (0, all(Values::Integer(values)));
        writer
            .append(u32::try_from(series).unwrap(), &(0..100).collect::<Vec<_>>(), &[column])
            .unwrap();
    }
    let meta = writer.finish().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), meta.bytes);
    let file = BlockFile::open(&RealFs, &path).unwrap();
    std::thread::scope(|scope| {
        for series in file.series() {
            let file = &file;
            scope.spawn(move || {
                let chunk = file.chunks(series).next().unwrap();
                let rows = file.read(&chunk, &[0]).unwrap();
                let expected = (0..100).map(|row| row * i64::from(series)).collect();
                assert_eq!(rows.columns, [all(Values::Integer(expected))]);
            });
        }
    });
}

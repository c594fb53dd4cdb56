//! A block is as small as the design says.

use super::*;

/// Deterministic steps of -1, 0 and 1: 1.58 bits each at best.
fn walk(seed: u64, rows: usize) -> Vec<i64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut value = i64::try_from(seed % 100_000).unwrap();
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        value += i64::try_from((state >> 33) % 3).unwrap() - 1;
        value
    };
    (0..rows).map(next).collect()
}

/// Ten fields of steady integers, 500 rows a series.
fn batch(series: SeriesId) -> Batch {
    let times = (0..500)
        .map(|row| 1_700_000_000_000_000_000 + row * 10_000_000_000)
        .collect();
    let seed = |field: FieldId| u64::from(series) * 10 + u64::from(field);
    (
        series,
        times,
        (0..10)
            .map(|field| (field, all(Values::Integer(walk(seed(field), 500)))))
            .collect(),
    )
}

#[test]
fn a_walk_takes_less_than_half_a_byte_per_value() {
    let meta = write(&MemFs::new(), &(0..50).map(batch).collect::<Vec<_>>());
    let per_value = meta.bytes as f64 / meta.values as f64;
    assert!(
        per_value < 0.32,
        "{per_value} bytes per value, times, statistics and index included"
    );
}

#[test]
fn steady_values_take_next_to_nothing() {
    let times: Vec<i64> = (0..2000).map(|row| row * 10_000_000_000).collect();
    let fields = vec![
        (0, all(Values::Integer(vec![17_179_869_184; 2000]))),
        (1, all(Values::Float(vec![99.9; 2000]))),
        (2, all(Values::String(vec![text("running"); 2000]))),
        (3, all(Values::Boolean(vec![true; 2000]))),
    ];
    let meta = write(&MemFs::new(), &[(1, times, fields)]);
    assert!(meta.bytes < 300, "{} bytes", meta.bytes);
}

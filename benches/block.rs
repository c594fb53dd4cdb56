//! Block files in memory: bytes per value, and values per second written and read.

use std::{path::Path, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gyre::{
    journal::fs::MemFs,
    query::source::{Column, Values},
    tsdb::block::{BlockFile, BlockWriter, FieldId, SeriesId},
};

const PATH: &str = "bench.block";
const FIELDS: FieldId = 10;

/// The times and columns of one series.
type Series = (Vec<i64>, Vec<(FieldId, Column)>);

/// Draws the values of one field of one series.
type Draw = fn(&mut Dice, usize) -> Values;

/// splitmix64, see <https://prng.di.unimi.it/splitmix64.c>.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: i64) -> i64 {
        (self.next() >> 1).cast_signed() % n
    }

    /// A number that moves by at most `step` each time.
    fn walk(&mut self, rows: usize, step: i64) -> Vec<i64> {
        let mut value = self.below(100_000);
        let mut next = || {
            value += self.below(2 * step + 1) - step;
            value
        };
        (0..rows).map(|_| next()).collect()
    }
}

fn integers(dice: &mut Dice, rows: usize) -> Values {
    Values::Integer(dice.walk(rows, 1))
}

fn random_floats(dice: &mut Dice, rows: usize) -> Values {
    Values::Float(
        (0..rows)
            .map(|_| (dice.next() >> 11) as f64 / (1_u64 << 53) as f64)
            .collect(),
    )
}

fn gauges(dice: &mut Dice, rows: usize) -> Values {
    Values::Float(
        dice.walk(rows, 100)
            .into_iter()
            .map(|tenths| tenths as f64 / 10.0)
            .collect(),
    )
}

fn strings(dice: &mut Dice, rows: usize) -> Values {
    let states = ["running", "stopped", "starting", "failed: exit code 1"].map(Arc::<str>::from);
    Values::String(
        (0..rows)
            .filter_map(|_| states.iter().cycle().nth(dice.next().trailing_zeros() as usize))
            .map(Arc::clone)
            .collect(),
    )
}

fn booleans(dice: &mut Dice, rows: usize) -> Values {
    Values::Boolean((0..rows).map(|_| dice.below(9) > 0).collect())
}

fn series(count: u64, rows: usize, values: Draw) -> Vec<Series> {
    let one = |seed| {
        let mut dice = Dice(seed);
        let times = (0..rows as i64)
            .map(|row| 1_700_000_000_000_000_000 + row * 10_000_000_000)
            .collect();
        let column = |field| {
            (
                field,
                Column {
                    values: values(&mut dice, rows),
                    valid: None,
                },
            )
        };
        (times, (0..FIELDS).map(column).collect())
    };
    (0..count).map(one).collect()
}

fn write(fs: &MemFs, series: &[Series]) -> f64 {
    let mut writer = BlockWriter::create(fs, Path::new(PATH)).expect("memory");
    for ((times, fields), id) in series.iter().zip(0..) {
        writer.append(id, times, fields).expect("rows in order");
    }
    let meta = writer.finish().expect("memory");
    meta.bytes as f64 / meta.values as f64
}

fn read(file: &BlockFile, fields: &[FieldId]) -> usize {
    let chunks = file.series().flat_map(|series: SeriesId| file.chunks(series));
    chunks
        .map(|chunk| file.read(&chunk, fields).expect("whole").times.len())
        .sum()
}

fn blocks(criterion: &mut Criterion) {
    let kinds: [(&str, Draw); 5] = [
        ("walk", integers),
        ("random", random_floats),
        ("gauge", gauges),
        ("string", strings),
        ("boolean", booleans),
    ];
    for (kind, values) in kinds {
        for (count, rows) in [(1000, 500), (100, 5000), (5000, 20)] {
            let series = series(count, rows, values);
            let name = format!("{kind}/{count}x{rows}");
            let fs = MemFs::new();
            println!("{name}: {:.3} bytes per value, all included", write(&fs, &series));
            let file = BlockFile::open(&fs, Path::new(PATH)).expect("whole");
            let all: Vec<FieldId> = (0..FIELDS).collect();
            let mut group = criterion.benchmark_group("block");
            group
                .sample_size(10)
                .throughput(Throughput::Elements(file.meta().values));
            group.bench_function(BenchmarkId::new("write", &name), |bencher| {
                bencher.iter(|| write(&fs, &series))
            });
            group.bench_function(BenchmarkId::new("read", &name), |bencher| {
                bencher.iter(|| read(&file, &all))
            });
            group.throughput(Throughput::Elements(file.meta().rows));
            group.bench_function(BenchmarkId::new("read-one-field", &name), |bencher| {
                bencher.iter(|| read(&file, &[3]))
            });
            group.bench_function(BenchmarkId::new("open", &name), |bencher| {
                bencher.iter(|| BlockFile::open(&fs, Path::new(PATH)))
            });
        }
    }
}

criterion_group!(benches, blocks);
criterion_main!(benches);

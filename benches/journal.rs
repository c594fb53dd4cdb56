//! What appending to the journal costs: alone without syncs, and by many threads with one sync for all of them.

use std::{
    path::Path,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gyre::{
    base::{Clock, SystemClock},
    journal::{Journal, OnDamage, Options, Start, SyncMode, fs::RealFs},
};

const SMALL: usize = 80;
const LARGE: usize = 40 << 10;
const APPENDERS: usize = 16;

fn open(dir: &Path, sync: SyncMode) -> Journal<()> {
    let options = Options {
        segment_bytes: 64 << 20,
        max_bytes: 4 << 30,
        max_record_bytes: 32 << 20,
        tail_bytes: 32 << 20,
        sync,
        on_damage: OnDamage::Refuse,
    };
    Journal::open(Arc::new(RealFs), dir, options)
        .expect("the temporary directory is empty")
        .0
}

/// Lets the journal delete what the bench has written.
fn forget_all(journal: &Journal<()>) {
    journal.register(1, Start::End);
    journal.advance(1, journal.committed());
    journal.save_cursors().expect("the temporary directory is there");
}

/// Appends `total` records, waiting for every hundredth.
fn append_in_row(journal: &Journal<()>, payload: &Bytes, total: u64) {
    for n in 1..=total {
        let commit = journal.append(payload.clone(), None).expect("there is room");
        if n.is_multiple_of(100) {
            commit.wait().expect("a good disk");
        }
    }
}

fn without_syncs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("never");
    for (name, len, probe) in [("80B", SMALL, 1_000_000), ("40KB", LARGE, 20_000)] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let journal = open(dir.path(), SyncMode::Never);
        let payload = Bytes::from(vec![b'x'; len]);
        group.throughput(Throughput::Elements(1000));
        group.bench_function(name, |bencher| {
            let append_1000 = |()| append_in_row(&journal, &payload, 1000);
            bencher.iter_batched(|| forget_all(&journal), append_1000, BatchSize::PerIteration);
        });
        report(name, &journal, || append_in_row(&journal, &payload, probe));
        journal.close().expect("the temporary directory is there");
    }
    group.finish();
}

/// Time for `total` appends by 16 threads, each waiting for its own.
fn append_in_parallel(journal: &Journal<()>, payload: &Bytes, total: u64) -> Duration {
    let barrier = Barrier::new(APPENDERS + 1);
    let clock = SystemClock::new();
    thread::scope(|scope| {
        let appenders: Vec<_> = (0..APPENDERS as u64)
            .map(|id| {
                let share = (id..total).step_by(APPENDERS);
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    for _ in share {
                        journal
                            .append(payload.clone(), None)
                            .expect("room")
                            .wait()
                            .expect("a good disk");
                    }
                })
            })
            .collect();
        barrier.wait();
        let start = clock.elapsed();
        for appender in appenders {
            appender.join().expect("appenders do not panic");
        }
        clock.elapsed().saturating_sub(start)
    })
}

/// User and system time of this process so far, microseconds; `/proc/self/stat` counts them in ticks of 10 ms.
fn cpu_us() -> Option<[f64; 2]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields
        .split_whitespace()
        .skip(11)
        .map_while(|field| field.parse::<f64>().ok());
    Some([ticks.next()? * 1e4, ticks.next()? * 1e4])
}

/// Prints the processor time of what `run` appends.
fn report(name: &str, journal: &Journal<()>, run: impl FnOnce()) {
    forget_all(journal);
    let (stats, before) = (journal.stats(), cpu_us());
    run();
    if let Some(([user, system], [user_after, system_after])) = before.zip(cpu_us()) {
        let records = (journal.stats().records - stats.records) as f64;
        let commits = (journal.stats().commits - stats.commits) as f64;
        let (user, system) = ((user_after - user) / records, (system_after - system) / records);
        println!(
            "{name}: {user:.2} us user and {system:.2} us system a record, {:.1} records a commit",
            records / commits
        );
    }
}

fn group_commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("always/16 appenders");
    for (name, len) in [("80B", SMALL), ("40KB", LARGE)] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let journal = open(dir.path(), SyncMode::Always);
        let payload = Bytes::from(vec![b'x'; len]);
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|total| {
                forget_all(&journal);
                append_in_parallel(&journal, &payload, total)
            });
        });
        report(name, &journal, || {
            append_in_parallel(&journal, &payload, 20_000);
        });
        journal.close().expect("the temporary directory is there");
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = without_syncs, group_commit
}
criterion_main!(benches);

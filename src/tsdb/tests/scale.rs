//! Figures of a large store; run by hand: `cargo test --release --lib -- --ignored --nocapture tsdb::tests::scale`.

use std::fmt::Write as _;

use crate::{
    base::SystemClock,
    journal::fs::RealFs,
    query::source::{Place, SeriesSource, TagFilter, Times},
};

use super::*;

const FIELDS: usize = 10;

/// A line for each series at one time.
fn body(series: std::ops::Range<usize>, time: i64, step: usize) -> String {
    let mut body = String::new();
    for one in series {
        write!(
            body,
            "cpu,datacenter=eu-{},host=host-{one},region=r{} ",
            one % 7,
            one % 3
        )
        .unwrap();
        for field in 0..FIELDS {
            let value = mix(((one * FIELDS + field) << 20 | step) as u64) >> 50;
            write!(
                body,
                "{}usage_{field}={}.{}",
                if field > 0 { "," } else { "" },
                value / 1000,
                value % 1000
            )
            .unwrap();
        }
        writeln!(body, " {time}").unwrap();
    }
    body
}

/// Numbers without a pattern: splitmix64's finish, see <https://prng.di.unimi.it/splitmix64.c>.
fn mix(seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
}

/// Time that this thread has used a processor, seconds.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn measure(series: usize, steps: usize) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        max_values_per_tag: 0,
        ..Options::default()
    };
    let open = || {
        let (fs, clock): (Arc<dyn Fs>, Arc<dyn Clock>) = (Arc::new(RealFs), Arc::new(SystemClock::new()));
        Engine::open(fs, dir.path(), options.clone(), clock).unwrap()
    };
    let engine = open().0;
    engine.create_database(1, "db", None).unwrap();
    let (mut writing, mut first, mut storing) = (0.0, 0.0, 0.0);
    for step in 0..steps {
        let time = NOW + i64::try_from(step).unwrap() * 10_000_000_000;
        for start in (0..series).step_by(5000) {
            let body = body(start..series.min(start + 5000), time, step);
            let before = used();
            engine.write(2, "db", "", body.as_bytes()).unwrap();
            *if step == 0 { &mut first } else { &mut writing } += (used() - before);
            let before = used();
            if engine.maintenance_due().flush {
                engine.flush().unwrap();
            }
            while engine.maintenance_due().compaction {
                engine.compact_once().unwrap();
            }
            storing += (used() - before);
        }
    }
    let before = used();
    engine.flush().unwrap();
    while engine.compact_once().unwrap() {}
    storing += (used() - before);
    let lines = (series * steps) as f64;
    println!("{series} series, {steps} points each: {:?}", engine.stats());
    println!(
        "  first write {:.2} us/line, write {:.2} us/line",
        first * 1e6 / series as f64,
        writing * 1e6 / (lines - series as f64)
    );
    println!(
        "  flush and compaction {:.2} us/line, {:.2} bytes/value",
        storing * 1e6 / lines,
        engine.stats().block_bytes as f64 / lines / FIELDS as f64
    );
    println!(
        "  resident {} MiB, counted {} MiB",
        resident_mib(),
        engine.memory_bytes() >> 20
    );
    drop(engine);
    let before = used();
    let (engine, _) = open();
    println!("  opened in {:.2} s", (used() - before));
    let before = used();
    let place = Place {
        db: "db",
        policy: "autogen",
        measurement: "cpu",
    };
    let all = engine.series("db", "cpu", &TagFilter::All);
    println!("  {} series listed in {:.3} s", all.len(), (used() - before));
    let before = used();
    let fields = ["usage_0".into()];
    let every = Times {
        min: i64::MIN,
        max: i64::MAX,
    };
    let rows: usize = all
        .iter()
        .flat_map(|one| engine.rows(place, one, &fields, every, false))
        .map(|rows| rows.unwrap().times.len())
        .sum();
    println!("  {rows} rows read in {:.3} s", (used() - before));
}

#[test]
#[ignore = "for its figures"]
fn few_series() {
    measure(1000, 3000);
}

#[test]
#[ignore = "for its figures"]
fn many_series() {
    measure(200_000, 20);
}

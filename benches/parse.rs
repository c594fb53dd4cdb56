//! Nanoseconds per line of scanning and writing line protocol.

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gyre::{
    base::TimestampNs,
    influx::line::{
        Limits, Precision, scan,
        write::{self, Point, Value},
    },
};

const LINES: u64 = 1000;
const LIMITS: Limits = Limits {
    max_line: 1 << 20,
    max_errors: 1 << 16,
};

/// `LINES` lines, each made by `line` from its number.
fn body(line: impl Fn(u64) -> String) -> String {
    (0..LINES).map(line).collect::<Vec<_>>().join("\n")
}

fn short() -> String {
    body(|n| {
        let (cpu, host, region) = (n % 16, n % 7, n % 3);
        format!("cpu{cpu},host=h{host},region=r{region} usage=7.5,idle=3i 1700000000{n:09}")
    })
}

/// Ten tags and ten fields of every type.
fn wide() -> String {
    body(|n| {
        let mut line = "system".to_owned();
        for tag in 0..10 {
            write!(line, ",tag{tag}=value-{n}-{tag}").expect("a string");
        }
        for field in 0..10 {
            let separator = if field == 0 { ' ' } else { ',' };
            let value = match field % 5 {
                0 => format!("{n}.125"),
                1 => format!("{n}i"),
                2 => "true".to_owned(),
                3 => format!("\"state of {n}\""),
                _ => "0.6180339887498949".to_owned(),
            };
            write!(line, "{separator}field{field}={value}").expect("a string");
        }
        line + &format!(" 1700000000{n:09}")
    })
}

/// What Telegraf sends: escapes in tags and strings, which leave the fast path.
fn escaped() -> String {
    body(|n| {
        format!(r#"win\ cpu,host=h{n},object=Processor\ Information Percent\ Idle=7.5,note="a \"b\"" 1700000000{n:09}"#)
    })
}

fn scanning(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(LINES));
    for (name, body) in [("short", short()), ("wide", wide()), ("escaped", escaped())] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let report = scan(
                    body.as_bytes(),
                    Precision::Nanoseconds,
                    TimestampNs(0),
                    &LIMITS,
                    |line| {
                        black_box(line);
                    },
                );
                assert_eq!((report.accepted, report.rejected), (1000, 0));
            });
        });
    }
    let body = short();
    group.bench_function("short with fields", |bencher| {
        bencher.iter(|| {
            scan(
                body.as_bytes(),
                Precision::Nanoseconds,
                TimestampNs(0),
                &LIMITS,
                |line| {
                    for tag in line.tags() {
                        black_box(tag);
                    }
                    for field in line.fields() {
                        black_box(field);
                    }
                },
            )
        });
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let point = Point {
        measurement: b"cpu7",
        tags: &[(b"host", b"h3"), (b"region", b"r2")],
        fields: &[(b"usage", Value::Float(7.5)), (b"idle", Value::Integer(3))],
        time: TimestampNs(1_700_000_000_000_000_000),
    };
    let mut out = Vec::new();
    criterion.bench_function("write/short", |bencher| {
        bencher.iter(|| {
            out.clear();
            write::append(&mut out, black_box(&point)).expect("a plain point");
        });
    });
}

criterion_group!(benches, scanning, writing);
criterion_main!(benches);

//! Nanoseconds to place a measurement: computed, and remembered.

use std::{fmt::Write as _, hint::black_box, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gyre::{
    base::{BackendId, CircleId},
    config,
    proxy::{
        fleet::{Backend, Circle, Condition, Fleet},
        route_cache::with_cache,
    },
    ring::Ring,
};

const CIRCLES: u32 = 2;
const PER_CIRCLE: u32 = 10;

fn fleet() -> Arc<Fleet> {
    let mut text = String::new();
    for circle in 0..CIRCLES {
        write!(text, "[[circles]]\nname = \"c{circle}\"\n").expect("a string");
        for backend in 0..PER_CIRCLE {
            let url = "http://127.0.0.1:1";
            write!(
                text,
                "[[circles.backends]]\nname = \"b{circle}-{backend}\"\nurl = \"{url}\"\n"
            )
            .expect("a string");
        }
    }
    let config = config::parse(Path::new("gyre.toml"), &text, []).expect("a valid configuration");
    let mut ids = (1..).map(BackendId);
    let circles = (0..).map(CircleId).zip(&config.circles).map(|(id, circle)| Circle {
        id,
        name: circle.name.clone(),
        ring: Ring::new(&circle.node_keys(&config.proxy.hash_key)).expect("has members"),
        members: circle
            .backends
            .iter()
            .zip(&mut ids)
            .map(|(backend, number)| {
                Arc::new(Backend {
                    id: number,
                    circle: id,
                    config: backend.clone(),
                    local: None,
                    address: ArcSwapOption::from_pointee(backend.url.fixed().cloned()),
                    condition: Condition::default(),
                })
            })
            .collect(),
    });
    Arc::new(Fleet::new(circles.collect(), config.proxy.shard_key.clone()))
}

fn placing(criterion: &mut Criterion) {
    let fleet = fleet();
    let names: Vec<String> = (0..1000).map(|n| format!("measurement{n}")).collect();
    let mut group = criterion.benchmark_group("route");
    group.throughput(Throughput::Elements(names.len() as u64));
    group.bench_function("placement", |bencher| {
        bencher.iter(|| {
            for name in &names {
                black_box(fleet.placement(b"db", name.as_bytes()));
            }
        });
    });
    for (what, distinct) in [("cached, 16 names", 16), ("cached, 1000 names", 1000)] {
        group.bench_function(what, |bencher| {
            bencher.iter(|| {
                with_cache(&fleet, |cache| {
                    for name in names.iter().take(distinct).cycle().take(names.len()) {
                        black_box(cache.route(&fleet, b"db", name.as_bytes()));
                    }
                });
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = placing
}
criterion_main!(benches);

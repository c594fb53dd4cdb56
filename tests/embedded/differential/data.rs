//! Seeded points: every field type, missing tags and fields, gaps, overwrites, any order, extremes, several shards.

use crate::faults::schedule::Random;

/// 2026-01-01T00:00:00Z, a Thursday: the middle of an InfluxDB shard.
pub(super) const START_S: usize = 1_767_225_600;
/// Measurements; `mem` has `i` as a float, and lacks `s`.
pub(super) const MEASUREMENTS: [&str; 3] = ["cpu", "disk io", "mem"];
/// Tag keys; each may be missing from a point.
pub(super) const TAGS: [&str; 3] = ["host", "rack", "region"];

const POINTS: usize = 500;
const PER_BATCH: usize = 60;

/// Bodies in line protocol, to be written in this order.
pub(super) fn batches(random: &mut Random) -> Vec<String> {
    let lines: Vec<String> = (0..POINTS).map(|_| line(random)).collect();
    lines.chunks(PER_BATCH).map(|lines| lines.join("\n")).collect()
}

fn line(random: &mut Random) -> String {
    let measurement = MEASUREMENTS[random.below(MEASUREMENTS.len())];
    let (mut line, mut series) = (measurement.replace(' ', "\\ "), 0);
    for (key, values) in TAGS.iter().zip([3, 2, 2]) {
        let value = random.below(values + 1);
        series = series * 4 + value;
        if value > 0 {
            line.push_str(&format!(
                ",{key}={}{}",
                key.chars().next().unwrap_or_default(),
                value - 1
            ));
        }
    }
    let fields = fields(random, measurement);
    // In which order influxd answers points of the same time of several series depends on its number of threads.
    let time = time(random) + series;
    format!("{line} {} {time}", fields.join(","))
}

fn fields(random: &mut Random, measurement: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let integer = if measurement == "mem" { ".5" } else { "i" };
    // Eighths, so that a sum is the same in any order.
    let float = i64::try_from(random.below(8000)).expect("it is small") - 4000;
    for field in [
        format!("f={}", f64::from(i32::try_from(float).expect("it is small")) / 8.0),
        format!(
            "i={}{integer}",
            i64::try_from(random.below(200)).expect("it is small") - 100
        ),
        format!("b={}", random.below(2) == 0),
        format!(
            "g={}",
            ["1e300", "-1e300", "5e-324", "0", "-0.1", "1.7e308"][random.below(6)]
        ),
        format!(
            "n={}i",
            [i64::MAX, i64::MIN, 0, -1, 1 << 53, (1 << 53) + 1][random.below(6)]
        ),
    ] {
        if random.below(3) > 0 {
            fields.push(field);
        }
    }
    if measurement != "mem" || fields.is_empty() {
        let text = ["red", "green", "", "it's \\\"so\\\"", "ünï, x=y"][random.below(5)];
        fields.push(if measurement == "mem" {
            "only=1".to_owned()
        } else {
            format!("s=\"{text}\"")
        });
    }
    fields
}

/// Nanoseconds: mostly whole minutes of two hours with a gap between them, so that points meet; some far away.
fn time(random: &mut Random) -> usize {
    let seconds = match random.below(20) {
        0 => 86_400 * (1 + random.below(16)),
        1 => random.below(14_400),
        2..11 => 60 * random.below(60),
        _ => 10_800 + 60 * random.below(60),
    };
    let ns = if random.below(20) == 0 {
        random.below(1_000_000_000)
    } else {
        0
    };
    (START_S + seconds) * 1_000_000_000 + ns
}

//! The points that are written: for every step, one line for every host.

use std::fmt::Write;

use super::args::Args;

/// 2026-01-01, in seconds.
const START: u64 = 1_767_225_600;

/// How many measurements the short workload spreads its hosts over.
const SHORT_MEASUREMENTS: usize = 50;

/// Fields of a host: what `/proc/stat` counts.
const FIELDS: [&str; 10] = [
    "user",
    "system",
    "idle",
    "nice",
    "iowait",
    "irq",
    "softirq",
    "steal",
    "guest",
    "guest_nice",
];

/// What a line looks like.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Short,
    Integers,
    Floats,
}

/// Where a host's fields stand in their walk between 0 and 100.
type Walk = [f64; FIELDS.len()];

/// An endless source would never end a run: this one has `hosts` x `steps` lines.
#[derive(Debug)]
pub(crate) struct Workload {
    shape: Shape,
    series: Vec<String>,
    walks: Vec<Walk>,
    steps: usize,
    interval: u64,
    batch: usize,
    random: u64,
}

impl Workload {
    /// As the command line says.
    pub(crate) fn from_args(args: &Args) -> Result<Self, String> {
        let shape = match (args.text("workload", "short"), args.has("floats")) {
            ("short", false) => Shape::Short,
            ("hosts", false) => Shape::Integers,
            ("hosts", true) => Shape::Floats,
            (name, _) => {
                return Err(format!(
                    "--workload {name}: say short, or hosts with or without --floats"
                ));
            }
        };
        let hosts: usize = args.number("hosts", 100)?;
        let series = (0..hosts).map(|host| series(shape, host)).collect();
        Ok(Self {
            shape,
            series,
            walks: vec![[50.0; FIELDS.len()]; hosts],
            steps: args.number("steps", 100)?,
            interval: args.number("interval", 10)?,
            batch: args.number("batch", 1000)?,
            random: 0x2545_f491_4f6c_dd1d,
        })
    }

    /// Passes every request body to `send` with its number of lines, until that returns false.
    pub(crate) fn each_batch(mut self, mut send: impl FnMut(String, usize) -> bool) {
        let (mut body, mut lines) = (String::new(), 0);
        for step in 0..self.steps {
            for host in 0..self.series.len() {
                self.push_line(&mut body, step, host);
                lines += 1;
                if lines == self.batch {
                    let capacity = body.len();
                    if !send(std::mem::replace(&mut body, String::with_capacity(capacity)), lines) {
                        return;
                    }
                    lines = 0;
                }
            }
        }
        if lines > 0 {
            send(body, lines);
        }
    }

    fn push_line(&mut self, body: &mut String, step: usize, host: usize) {
        let seconds = START + u64::try_from(step).unwrap_or(u64::MAX) * self.interval;
        body.push_str(&self.series[host]);
        match self.shape {
            Shape::Short => push(body, format_args!(" usage={}.5,idle={}i", step % 100, host % 100)),
            Shape::Integers | Shape::Floats => self.push_walk(body, host),
        }
        push(body, format_args!(" {seconds}000000000\n"));
    }

    fn push_walk(&mut self, body: &mut String, host: usize) {
        for (n, name) in FIELDS.iter().enumerate() {
            let unit = self.next_unit();
            let value = &mut self.walks[host][n];
            let separator = if n == 0 { ' ' } else { ',' };
            if matches!(self.shape, Shape::Floats) {
                *value = (*value + 2.0 * unit - 1.0).clamp(0.0, 100.0);
                push(body, format_args!("{separator}usage_{name}={value}"));
            } else {
                *value = (*value + (3.0 * unit).floor() - 1.0).clamp(0.0, 100.0);
                push(body, format_args!("{separator}usage_{name}={value}i"));
            }
        }
    }

    /// Between 0 and 1. Marsaglia's xorshift64* (Vigna 2016); its upper half is what a `u32` holds.
    fn next_unit(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let mixed = self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        u32::try_from(mixed).map_or(0.0, |half| f64::from(half) / f64::from(u32::MAX))
    }
}

/// Measurement and tags.
fn series(shape: Shape, host: usize) -> String {
    if matches!(shape, Shape::Short) {
        return format!("cpu{},host=h{host},region=r{}", host % SHORT_MEASUREMENTS, host % 5);
    }
    let region = ["eu-north", "eu-south", "us-east", "us-west", "asia-east", "asia-south"][host % 6];
    let environment = ["production", "staging", "test"][host % 3];
    format!(
        "cpu,arch=x{},datacenter={region}-{},hostname=host_{host},os=debian{},rack={},region={region},service={},\
         service_environment={environment},service_version={},team=team{}",
        64 + host % 2,
        host % 4,
        10 + host % 4,
        host % 90,
        host % 25,
        host % 3,
        host % 7,
    )
}

fn push(body: &mut String, text: std::fmt::Arguments<'_>) {
    body.write_fmt(text).expect("a String takes every text");
}

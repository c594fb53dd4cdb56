//! The last value of every published series, as Prometheus's text format.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>. Values have no time of their own: a
//! scrape says what holds now, and what was not published again in time is gone.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::base::TimestampNs;

/// More series are not kept: labels that never repeat must not fill the memory.
const MAX_SERIES: usize = 100_000;

/// A series: its labels with sanitised names, in order.
pub(super) type Labels = Vec<(String, String)>;

/// The last values of all series. Shared by all publishers of the process and by whoever shows them.
#[derive(Debug, Default)]
pub struct LastValues {
    families: Mutex<Families>,
}

#[derive(Debug, Default)]
struct Families {
    by_name: BTreeMap<String, Family>,
    series: usize,
}

#[derive(Debug)]
struct Family {
    help: Arc<str>,
    values: BTreeMap<Labels, Value>,
}

#[derive(Debug)]
struct Value {
    number: f64,
    expires: TimestampNs,
}

/// A value to be kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// A name that Prometheus allows.
    pub(super) name: String,
    /// What the family means.
    pub(super) help: Arc<str>,
    pub(super) labels: Labels,
    pub(super) number: f64,
}

impl LastValues {
    /// Keeps samples that were published now for the given time; answers how many had no room.
    pub(super) fn keep(&self, samples: Vec<Sample>, now: TimestampNs, keep: Duration) -> usize {
        let keep = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        let expires = TimestampNs(now.0.saturating_add(keep));
        let mut families = self.lock();
        families.make_room(samples.len(), now);
        samples
            .into_iter()
            .filter(|sample| !families.put(sample, expires))
            .count()
    }

    /// All values that have not expired, in the text format (version 0.0.4).
    #[must_use]
    pub fn render(&self, now: TimestampNs) -> String {
        let mut families = self.lock();
        families.expire(now);
        let mut text = String::new();
        for (name, family) in &families.by_name {
            // Printing into a string cannot fail.
            let _printed = print_family(&mut text, name, family);
        }
        text
    }

    /// The series that are held, expired ones included until somebody looks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().series
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Families> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Families {
    /// Whether the sample was kept.
    fn put(&mut self, sample: &Sample, expires: TimestampNs) -> bool {
        let value = Value {
            number: sample.number,
            expires,
        };
        let known = self.by_name.get_mut(&sample.name);
        if let Some(known) = known.and_then(|family| family.values.get_mut(&sample.labels)) {
            *known = value;
            return true;
        }
        if self.series >= MAX_SERIES {
            return false;
        }
        let family = self.by_name.entry(sample.name.clone()).or_insert_with(|| Family {
            help: Arc::clone(&sample.help),
            values: BTreeMap::new(),
        });
        family.values.insert(sample.labels.clone(), value);
        self.series += 1;
        true
    }

    /// Drops what has expired when there might be no room for that many more.
    fn make_room(&mut self, wanted: usize, now: TimestampNs) {
        if self.series + wanted > MAX_SERIES {
            self.expire(now);
        }
    }

    fn expire(&mut self, now: TimestampNs) {
        for family in self.by_name.values_mut() {
            family.values.retain(|_, value| value.expires > now);
        }
        self.by_name.retain(|_, family| !family.values.is_empty());
        self.series = self.by_name.values().map(|family| family.values.len()).sum();
    }
}

fn print_family(out: &mut String, name: &str, family: &Family) -> std::fmt::Result {
    if !family.help.is_empty() {
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
        writeln!(out, "# HELP {name} {help}")?;
    }
    writeln!(out, "# TYPE {name} untyped")?;
    for (labels, value) in &family.values {
        out.push_str(name);
        print_labels(out, labels)?;
        writeln!(out, " {}", number(value.number))?;
    }
    Ok(())
}

fn print_labels(out: &mut String, labels: &Labels) -> std::fmt::Result {
    let mut before = '{';
    for (name, value) in labels {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(out, "{before}{name}=\"{value}\"")?;
        before = ',';
    }
    if !labels.is_empty() {
        out.push('}');
    }
    Ok(())
}

/// Go's `ParseFloat` reads it.
fn number(number: f64) -> String {
    match number {
        number if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        number => number.to_string(),
    }
}

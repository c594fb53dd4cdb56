//! The publisher `prometheus`: keeps the last value of every series for whoever scrapes `GET /telemetry/metrics`.
//!
//! A metric's name is its static elements joined by `_`, its labels are its tags and its dynamic elements by their names.
//! Truth values are 0 and 1; what is no number is not kept.

mod last_values;
mod sample;

use std::sync::{Arc, atomic::Ordering};

use crate::workflow::{Config, Metric, PluginType};

use super::{
    super::{Answer, Instance},
    Builtin, Deps, description,
    options::{optional_integer, rules, seconds},
};

pub use last_values::LastValues;

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Publisher,
    name: "prometheus",
    version: 1,
    prefix: &[],
    files: &[],
    describe: |_| {
        let expiry = optional_integer(Some(EXPIRY.into()), 1, i64::from(u32::MAX));
        Ok(description(&V1, rules([("expiry", expiry)]), Vec::new()))
    },
    start: |deps| Arc::new(Prometheus { deps: deps.clone() }),
};

/// Seconds for which a value is shown that is not published again: Prometheus's own time to staleness.
const EXPIRY: u32 = 300;

#[derive(Debug)]
struct Prometheus {
    deps: Deps,
}

impl Instance for Prometheus {
    fn publish(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, ()> {
        Box::pin(async move {
            let samples: Vec<_> = metrics.iter().filter_map(sample::of).collect();
            let unusable = metrics.len() - samples.len();
            let keep = seconds(&config, "expiry", EXPIRY);
            let too_many = self.deps.last_values.keep(samples, self.deps.clock.now(), keep);
            let dropped = (unusable + too_many) as u64;
            self.deps.dropped_values.fetch_add(dropped, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;

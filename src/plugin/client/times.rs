//! PURE. The times of metrics that went through a processor in Python.

use std::ops::RangeInclusive;

use crate::{base::TimestampNs, workflow::Metric};

/// Gives metrics their time back.
///
/// Snap's library for Python sets the time of each metric that it takes in to the one at which its module was imported.
/// That is seen by all metrics having one time, and it being within `started`, when the plugin began to run. Which
/// metric is which is known when the processor has left their number and names alone.
pub(super) fn restore(sent: &[Metric], processed: &mut [Metric], started: &RangeInclusive<TimestampNs>) {
    let Some(time) = processed.first().and_then(|metric| metric.timestamp) else {
        return;
    };
    let is_lost = started.contains(&time) && processed.iter().all(|metric| metric.timestamp == Some(time));
    let names = |metrics: &[Metric]| {
        metrics
            .iter()
            .map(|metric| metric.namespace.clone())
            .collect::<Vec<_>>()
    };
    if !is_lost || names(sent) != names(processed) {
        return;
    }
    for (metric, sent) in processed.iter_mut().zip(sent) {
        metric.timestamp = sent.timestamp;
        metric.last_advertised = sent.last_advertised;
    }
}

#[cfg(test)]
mod tests {
    use crate::workflow::{Element, Namespace};

    use super::*;

    /// Metrics named by their first number, with the time of their second.
    fn metrics(given: &[(i64, i64)]) -> Vec<Metric> {
        let metric = |&(name, time): &(i64, i64)| Metric {
            timestamp: Some(TimestampNs(time)),
            ..Metric::new(Namespace::from_iter([Element::new(name.to_string())]), 1)
        };
        given.iter().map(metric).collect()
    }

    fn restored(sent: &[(i64, i64)], processed: &[(i64, i64)]) -> Vec<i64> {
        let mut processed = metrics(processed);
        restore(&metrics(sent), &mut processed, &(TimestampNs(10)..=TimestampNs(20)));
        let times = processed.iter().map(|metric| metric.timestamp.unwrap().0);
        times.collect()
    }

    #[test]
    fn only_what_was_lost_comes_back() {
        let sent = [(1, 100), (2, 200)];
        for (processed, expected, why) in [
            (vec![(1, 15), (2, 15)], vec![100, 200], "lost"),
            (vec![(1, 10), (2, 10)], vec![100, 200], "lost at the first moment"),
            (vec![(1, 15), (2, 16)], vec![15, 16], "not one time"),
            (vec![(1, 50), (2, 50)], vec![50, 50], "set by the processor"),
            (vec![(1, 15), (3, 15)], vec![15, 15], "other names"),
            (vec![(1, 15)], vec![15], "other number"),
            (vec![], vec![], "nothing"),
        ] {
            assert_eq!(restored(&sent, &processed), expected, "{why}");
        }
    }
}

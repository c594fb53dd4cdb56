//! The machine that the tests run on, and what is asked of it.

use std::collections::BTreeSet;

use super::*;
use crate::{base::SystemClock, workflow::Data};

fn asked(text: &str) -> Metric {
    let wanted = metrics::catalogue().into_iter().find(|metric| {
        let elements: Vec<_> = metric
            .namespace
            .0
            .iter()
            .map(|element| element.value.as_str())
            .collect();
        elements.join("/") == text
    });
    wanted.expect("it is advertised")
}

fn of(metric: &Metric, which: &str) -> Metric {
    let mut elements = metric.namespace.0.to_vec();
    which.clone_into(&mut elements[2].value);
    Metric::new(elements.into_iter().collect(), 1)
}

fn number(metrics: &[Metric], text: &str) -> f64 {
    let selected = select(&[asked(text)], metrics).unwrap();
    match selected[0].data {
        Data::Float64(float) => float,
        Data::Uint64(integer) => integer as f64,
        ref other => panic!("{other:?} is no number"),
    }
}

#[tokio::test]
async fn everything_advertised_is_seen() {
    let sampler = Sampler::new(Arc::new(SystemClock::new()));
    let sample = sampler.sample().await.unwrap();
    let catalogue = metrics::catalogue();
    // A machine may have no disk of its own in a container.
    for metric in catalogue.iter().filter(|metric| metric.namespace.0[1].value != "disk") {
        let seen = select(std::slice::from_ref(metric), &sample).unwrap();
        assert!(!seen.is_empty(), "{:?} is not seen", metric.namespace);
        assert!(
            seen.iter()
                .all(|metric| metric.timestamp.is_some() && metric.data != Data::None)
        );
    }
    assert!(number(&sample, "host/memory/total") > 1e6);
    assert!((0.0..=100.0).contains(&number(&sample, "host/memory/used_percent")));
    assert!(number(&sample, "host/processes/total") >= 1.0);
    let states = ["running", "sleeping", "blocked", "idle", "stopped", "zombies"];
    let told: f64 = states
        .map(|state| number(&sample, &format!("host/processes/{state}")))
        .iter()
        .sum();
    assert!(told >= 1.0, "every process is in some state");
    assert!(number(&sample, "host/system/uptime") >= 1.0);
    let cores: BTreeSet<_> = select(&[asked("host/cpu/*/usage")], &sample)
        .unwrap()
        .iter()
        .map(|m| m.namespace.0[2].value.clone())
        .collect();
    assert!(cores.contains("0") && cores.contains("total"), "{cores:?}");
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_a_sample() {
    let sampler = Sampler::new(Arc::new(SystemClock::new()));
    let (one, other) = tokio::join!(sampler.sample(), sampler.sample());
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}

#[test]
fn what_is_named_is_selected_and_what_is_gone_is_left_out() {
    let usage = asked("host/cpu/*/usage");
    let seen = [of(&usage, "0"), of(&usage, "1")];
    let selected = |wanted: &[Metric]| select(wanted, &seen).map(|selected| selected.len());
    assert_eq!(selected(std::slice::from_ref(&usage)), Ok(2));
    assert_eq!(selected(&[of(&usage, "1"), of(&usage, "7")]), Ok(1));
    let error = selected(&[of(&usage, "7")]).unwrap_err();
    assert_eq!(error.to_string(), "requested core `7` is not available");
    assert_eq!(selected(&[asked("host/load/load1")]), Ok(0));
}

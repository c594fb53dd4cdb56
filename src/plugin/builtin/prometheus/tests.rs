//! What is published, as a scrape sees it.

use std::time::Duration;

use super::*;
use crate::{
    base::ManualClock,
    plugin::builtin::testing,
    workflow::{ConfigValue, Data, Element, Tags},
};

struct Fixture {
    deps: Deps,
    clock: ManualClock,
}

impl Fixture {
    fn new() -> Self {
        let (deps, clock, _sink) = testing::deps(0);
        Self { deps, clock }
    }

    async fn publish(&self, metrics: Vec<Metric>, expiry: i64) {
        let config = Config::from([("expiry".to_owned(), ConfigValue::Integer(expiry))]);
        V1.start(&self.deps)
            .publish(metrics.into(), Arc::new(config))
            .await
            .unwrap();
    }

    fn shown(&self) -> String {
        self.deps.last_values.render(self.deps.clock.now())
    }
}

fn usage(core: &str, data: Data) -> Metric {
    let mut dynamic = Element::dynamic("core", "");
    core.clone_into(&mut dynamic.value);
    let namespace = [
        Element::new("host"),
        Element::new("cpu"),
        dynamic,
        Element::new("usage"),
    ];
    Metric {
        data,
        description: "in use, \\ of\nall".into(),
        tags: Arc::new(Tags::from([("run.on".to_owned(), "a \"b\"".to_owned())])),
        ..Metric::new(namespace.into_iter().collect(), 1)
    }
}

#[tokio::test]
async fn the_last_value_of_each_series_is_shown() {
    let it = Fixture::new();
    it.publish(vec![usage("0", Data::Float64(1.5)), usage("1", Data::Bool(true))], 300)
        .await;
    it.publish(
        vec![
            usage("0", Data::Float64(f64::NAN)),
            usage("2", Data::String("x".to_owned())),
        ],
        300,
    )
    .await;
    let expected = "# HELP host_cpu_usage in use, \\\\ of\\nall\n\
                    # TYPE host_cpu_usage untyped\n\
                    host_cpu_usage{core=\"0\",run_on=\"a \\\"b\\\"\"} NaN\n\
                    host_cpu_usage{core=\"1\",run_on=\"a \\\"b\\\"\"} 1\n";
    assert_eq!(it.shown(), expected);
    assert_eq!(it.deps.dropped_values.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_not_published_again_goes() {
    let it = Fixture::new();
    it.publish(vec![usage("0", Data::Int64(1))], 10).await;
    it.clock.advance(Duration::from_secs(9));
    it.publish(vec![usage("1", Data::Int64(1))], 10).await;
    assert_eq!(it.shown().lines().count(), 4);
    it.clock.advance(Duration::from_secs(1));
    assert_eq!((it.shown().lines().count(), it.deps.last_values.len()), (3, 1));
    it.clock.advance(Duration::from_secs(9));
    assert_eq!(it.shown(), "");
}

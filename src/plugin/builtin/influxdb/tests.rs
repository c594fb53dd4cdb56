//! The publisher with a sink that remembers.

use bytes::Bytes;

use super::*;
use crate::{
    plugin::builtin::testing,
    workflow::{ConfigValue, Data, Element},
};

#[tokio::test]
async fn the_default_target_is_gyres_own_write_path() {
    let (deps, _clock, sink) = testing::deps(5);
    let metric = |data| Metric {
        data,
        ..Metric::new([Element::new("a")].into_iter().collect(), 1)
    };
    let config = Config::from([("database".to_owned(), ConfigValue::String("gyre".to_owned()))]);
    let metrics: Arc<[Metric]> = Arc::from([metric(Data::Int64(1)), metric(Data::Float64(f64::INFINITY))]);
    V1.start(&deps)
        .publish(metrics, Arc::new(config.clone()))
        .await
        .unwrap();
    let only_dropped: Arc<[Metric]> = Arc::from([metric(Data::None)]);
    V1.start(&deps).publish(only_dropped, Arc::new(config)).await.unwrap();
    let written = sink.0.lock().unwrap();
    let expected = ("gyre".to_owned(), String::new(), Bytes::from_static(b"a value=1i 5\n"));
    assert_eq!(*written, [expected]);
    assert_eq!(deps.dropped_values.load(Ordering::Relaxed), 2);
}

//! Any manifest is read as it was stored.

use proptest::prelude::*;

use super::{super::*, NOW};
use crate::workflow::ConfigValue;

fn config() -> BoxedStrategy<Config> {
    let value = prop_oneof![
        any::<String>().prop_map(ConfigValue::String),
        any::<i64>().prop_map(ConfigValue::Integer),
        (-1000..1000_i32).prop_map(|n| ConfigValue::Float(f64::from(n) + 0.25)),
        any::<bool>().prop_map(ConfigValue::Bool),
    ];
    prop::collection::btree_map(".{0,5}", value, 0..3).boxed()
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (".{0,5}", any::<i64>(), config(), ".{0,5}")
        .prop_map(|(plugin_name, plugin_version, config, target)| Node {
            plugin_name,
            plugin_version,
            config,
            target,
            ..Node::default()
        })
        .boxed();
    let leaf = leaf.boxed();
    leaf.clone().prop_recursive(3, 8, 2, move |inner| {
        let publish = prop::collection::vec(leaf.clone(), 0..2);
        (leaf.clone(), prop::collection::vec(inner, 0..2), publish).prop_map(|(node, process, publish)| Node {
            process,
            publish,
            ..node
        })
    })
}

fn schedule() -> impl Strategy<Value = Schedule> {
    let window = (1..i64::MAX, any::<bool>(), any::<u64>()).prop_map(|(interval, has_start, count)| Window {
        interval: Duration::from_nanos(interval.unsigned_abs()),
        start: has_start.then(|| gotime::parse_json("\"2046-10-27T16:00:00.25+01:00\"").unwrap()),
        stop: None,
        count,
    });
    prop_oneof![
        window.prop_map(Schedule::Windowed),
        Just(Schedule::Cron("@daily".to_owned())),
        Just(Schedule::Streaming)
    ]
}

prop_compose! {
    fn manifest()(
        name in prop::option::of(".{1,9}"),
        deadline in 0..i64::MAX,
        schedule in schedule(),
        metrics in prop::collection::btree_map(".{0,5}", any::<i64>(), 1..3),
        config in prop::collection::btree_map(".{0,5}", config(), 0..3),
        tags in prop::collection::btree_map(".{0,5}", prop::collection::btree_map(".{0,5}", ".{0,5}", 0..3), 0..3),
        process in prop::collection::vec(node(), 0..2),
        start: bool,
        max_failures in prop::option::of(1..1000_u32),
        max_metrics_buffer: i64,
    ) -> Manifest {
        Manifest {
            name,
            deadline: Duration::from_nanos(deadline.unsigned_abs()),
            schedule,
            workflow: Workflow { metrics, config, tags, process, publish: Vec::new() },
            start,
            max_failures,
            max_collect_duration: DEFAULT_MAX_COLLECT_DURATION,
            max_metrics_buffer,
        }
    }
}

proptest! {
    #[test]
    fn reads_what_it_stores(manifest in manifest()) {
        let stored = manifest.to_json();
        prop_assert_eq!(from_json(stored.to_string().as_bytes(), NOW), Ok(manifest.clone()));
        prop_assert_eq!(Manifest::from_stored(&stored), Ok(manifest));
    }

    #[test]
    fn any_json_is_read_or_refused(text in r#"\{"(schedule|workflow)": ?[\[\]{}":a1, ]{0,12}\}"#) {
        let _is_manifest = from_json(text.as_bytes(), NOW).is_ok();
    }
}

//! What is remembered of a collector's answers, for how long and for whom.

use super::*;
use crate::{
    base::TimestampNs,
    workflow::{ConfigValue, Data, Element, PluginKey, PluginType},
};

const MINIMUM: Duration = Duration::from_millis(500);

fn meta(cache_ttl: Duration, routing: Routing) -> PluginMeta {
    PluginMeta {
        key: PluginKey {
            kind: PluginType::Collector,
            name: "mock".to_owned(),
            version: 1,
        },
        concurrency: 1,
        exclusive: false,
        cache_ttl,
        routing,
    }
}

fn cache() -> CollectCache {
    CollectCache::new(&meta(Duration::ZERO, Routing::LeastRecentlyUsed), MINIMUM)
}

/// A metric whose `*` are dynamic elements.
fn metric(path: &str) -> Metric {
    let element = |part: &str| match part {
        "*" => Element::dynamic("host", ""),
        part => Element::new(part),
    };
    Metric::new(path.split('/').map(element).collect(), 1)
}

fn collected(path: &str, second: i64) -> Metric {
    Metric {
        data: Data::Int64(second),
        timestamp: Some(TimestampNs(second * 1_000_000_000)),
        ..metric(path)
    }
}

fn wanted(paths: &[&str]) -> Arc<[Metric]> {
    paths.iter().map(|path| metric(path)).collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn task(id: &str) -> Arc<str> {
    Arc::from(id)
}

#[test]
fn hits_are_given_out_as_they_were_collected() {
    let mut cache = cache();
    let asked = wanted(&["a", "b"]);
    let answer = [collected("a", 1)];
    cache.keep(&task("t"), &asked, &answer, ms(100));
    let look = cache.look(&task("other"), &asked, ms(599));
    assert_eq!((look.cached, look.missing), (answer.to_vec(), wanted(&["b"])));
    let late = cache.look(&task("t"), &asked, ms(600));
    assert_eq!((late.cached, late.missing), (vec![], asked));
}

#[test]
fn the_longer_time_to_live_counts() {
    let asked = wanted(&["a"]);
    let fresh_at = |cache_ttl, at| {
        let mut cache = CollectCache::new(&meta(cache_ttl, Routing::LeastRecentlyUsed), MINIMUM);
        cache.keep(&task("t"), &asked, &[collected("a", 1)], Duration::ZERO);
        !cache.look(&task("t"), &asked, at).cached.is_empty()
    };
    assert!(fresh_at(ms(1100), ms(1000)));
    assert!(!fresh_at(ms(1100), ms(1100)));
    assert!(fresh_at(ms(1), ms(499)));
    assert!(!fresh_at(ms(1), ms(500)));
}

#[test]
fn wildcards_are_answered_by_all_that_they_brought() {
    let mut cache = cache();
    let asked = wanted(&["m/*/baz", "m/foo"]);
    let answer = [
        collected("m/foo", 1),
        collected("m/h0/baz", 1),
        collected("m/h1/baz", 1),
    ];
    cache.keep(&task("t"), &asked, &answer, ms(0));
    assert_eq!(cache.look(&task("t"), &wanted(&["m/*/baz"]), ms(1)).cached, answer[1..]);
    assert!(cache.look(&task("t"), &wanted(&["m/h0/baz"]), ms(1)).cached.is_empty());
}

#[test]
fn an_answer_to_two_requests_is_not_kept() {
    let mut cache = cache();
    let asked = wanted(&["m/*/baz", "m/h0/baz", "x"]);
    let answer = [collected("m/h0/baz", 1), collected("m/h1/baz", 1), collected("x", 1)];
    cache.keep(&task("t"), &asked, &answer, ms(0));
    let look = cache.look(&task("t"), &asked, ms(1));
    assert_eq!((look.cached, look.missing), (answer[2..].to_vec(), asked[..2].into()));
}

#[test]
fn other_configurations_and_versions_are_other_requests() {
    let mut cache = cache();
    let with = |value| Metric {
        config: Arc::new(Config::from([("boom".to_owned(), ConfigValue::Bool(value))])),
        ..metric("a")
    };
    cache.keep(&task("t"), &[with(true)], &[collected("a", 1)], ms(0));
    cache.keep(&task("t"), &[with(false)], &[collected("a", 2)], ms(0));
    let cached = |metric: Metric| cache.look(&task("t"), &Arc::from([metric]), ms(1)).cached;
    assert_eq!(cached(with(true)), [collected("a", 1)]);
    assert_eq!(cached(with(false)), [collected("a", 2)]);
    let version = Metric {
        version: 2,
        ..with(true)
    };
    assert_eq!(cached(version), []);
}

#[test]
fn sticky_plugins_answer_each_task_for_itself() {
    let mut cache = CollectCache::new(&meta(Duration::ZERO, Routing::Sticky), MINIMUM);
    cache.keep(&task("t"), &wanted(&["a"]), &[collected("a", 1)], ms(0));
    assert_eq!(cache.look(&task("t"), &wanted(&["a"]), ms(1)).cached.len(), 1);
    assert_eq!(cache.look(&task("other"), &wanted(&["a"]), ms(1)).cached.len(), 0);
}

#[test]
fn what_is_old_is_dropped() {
    let mut cache = cache();
    cache.keep(&task("t"), &wanted(&["a"]), &[collected("a", 1)], ms(500));
    cache.keep(&task("t"), &wanted(&["b"]), &[collected("b", 1)], ms(2000));
    assert_eq!(cache.entries.len(), 1);
}

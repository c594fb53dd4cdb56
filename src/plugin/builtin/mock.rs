//! The collector `mock`, versions 1 and 2: Snap's example plugin, which tests, tutorials and benchmarks collect from.
//!
//! Four metrics below `/intel/mock`: `foo`, `bar`, `<host>/baz` of ten hosts, and `all/baz`. Version 1 answers a text
//! that tells its configuration, version 2 numbers. The global setting `test` adds the metric `test`, `test-fail` makes
//! loading fail.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    base::{Clock, TimestampNs},
    workflow::{
        Config, ConfigValue, Data, Element, Metric, Namespace, PluginMeta, PluginType, Routing, policy::Policy,
    },
};

use super::{
    super::{Answer, CallError, Description, Instance},
    Builtin,
    options::{optional_text, required_text, rules},
};

/// Text in `foo` and `bar`, numbers from 65 to 89 of the hosts.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Collector,
    name: "mock",
    version: 1,
    prefix: &["intel", "mock"],
    files: &["snap-plugin-collector-mock1"],
    describe: |config| describe(&V1, config),
    start: |deps| Arc::new(Mock::new(Numbers::OfHosts, Arc::clone(&deps.clock))),
};

/// Numbers from 1065 to 1089 in all but `all/baz`, which is 1001.
pub(super) const V2: Builtin = Builtin {
    version: 2,
    files: &["snap-plugin-collector-mock2"],
    describe: |config| describe(&V2, config),
    start: |deps| Arc::new(Mock::new(Numbers::Everywhere, Arc::clone(&deps.clock))),
    ..V1
};

/// Where the element is that names a host.
const HOST_AT: usize = 2;
const HOSTS: [&str; 10] = [
    "host0", "host1", "host2", "host3", "host4", "host5", "host6", "host7", "host8", "host9",
];

fn describe(plugin: &Builtin, config: &Config) -> Result<Description, CallError> {
    if config.contains_key("test-fail") {
        return Err(CallError::Plugin("testing".to_owned()));
    }
    let is_first = plugin.version == 1;
    let mut namespaces = vec![
        namespace(&["foo"]),
        namespace(&["bar"]),
        of_hosts(),
        namespace(&["all", "baz"]),
    ];
    if config.contains_key("test") {
        namespaces.push(namespace(&["test"]));
    }
    let (unit, description) = if is_first {
        ("", "")
    } else {
        ("mock unit", "mock description")
    };
    let advertise = |namespace| Metric {
        unit: unit.into(),
        description: description.into(),
        ..Metric::new(namespace, plugin.version)
    };
    Ok(Description {
        meta: PluginMeta {
            key: plugin.key(),
            concurrency: 1,
            exclusive: false,
            cache_ttl: Duration::from_millis(if is_first { 1100 } else { 100 }),
            routing: if is_first {
                Routing::LeastRecentlyUsed
            } else {
                Routing::Sticky
            },
        },
        policy: policy(),
        metrics: namespaces.into_iter().map(advertise).collect(),
    })
}

fn namespace(below: &[&str]) -> Namespace {
    let values = ["intel", "mock"].iter().chain(below);
    values.map(|value| Element::new(*value)).collect()
}

fn of_hosts() -> Namespace {
    let host = Element::dynamic("host", "name of the host");
    [Element::new("intel"), Element::new("mock"), host, Element::new("baz")]
        .into_iter()
        .collect()
}

fn policy() -> Policy {
    let rules = rules([("name", optional_text(Some("bob"))), ("password", required_text())]);
    let of_foo = ["intel", "mock", "foo"].map(str::to_owned).to_vec();
    Policy {
        nodes: BTreeMap::from([(of_foo, rules)]),
    }
}

/// Which metrics have numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    OfHosts,
    Everywhere,
}

#[derive(Debug)]
struct Mock {
    numbers: Numbers,
    clock: Arc<dyn Clock>,
    /// Steps through the numbers: they are to differ, not to surprise.
    step: AtomicU64,
}

impl Mock {
    fn new(numbers: Numbers, clock: Arc<dyn Clock>) -> Self {
        let step = AtomicU64::new(0);
        Self { numbers, clock, step }
    }

    fn gather(&self, wanted: &[Metric]) -> Result<Vec<Metric>, CallError> {
        let now = self.clock.now();
        let mut gathered = Vec::with_capacity(wanted.len());
        for metric in wanted {
            match metric.namespace.0.get(HOST_AT) {
                Some(host) if host.is_dynamic() => {
                    for name in hosts(&host.value)? {
                        gathered.push(collected(metric, of_host(metric, name), self.number(), now));
                    }
                }
                _ => gathered.push(collected(metric, metric.namespace.clone(), self.plain(metric), now)),
            }
        }
        Ok(gathered)
    }

    /// The value of a metric that is of no host.
    fn plain(&self, metric: &Metric) -> Data {
        let is_all = metric
            .namespace
            .0
            .get(HOST_AT)
            .is_some_and(|element| element.value == "all");
        match self.numbers {
            Numbers::OfHosts => Data::String(about(&metric.config)),
            Numbers::Everywhere if is_all => Data::Int64(1001),
            Numbers::Everywhere => self.number(),
        }
    }

    fn number(&self) -> Data {
        // 7 and 25 have no common divisor: all 25 values come, neighbours apart.
        let step = self.step.fetch_add(7, Ordering::Relaxed) % 25;
        let base = if self.numbers == Numbers::Everywhere { 1065 } else { 65 };
        Data::Int64(base + i64::try_from(step).unwrap_or(0))
    }
}

impl Instance for Mock {
    fn collect(&self, wanted: Arc<[Metric]>) -> Answer<'_, Vec<Metric>> {
        Box::pin(ready(self.gather(&wanted)))
    }
}

fn collected(asked: &Metric, namespace: Namespace, data: Data, now: TimestampNs) -> Metric {
    Metric {
        namespace,
        data,
        timestamp: Some(now),
        ..asked.clone()
    }
}

/// The hosts that an element asks for.
fn hosts(wanted: &str) -> Result<&'static [&'static str], CallError> {
    if wanted == "*" {
        return Ok(&HOSTS);
    }
    let at = HOSTS.iter().position(|host| *host == wanted);
    let found = at.and_then(|at| HOSTS.get(at..=at));
    found.ok_or_else(|| {
        let all = HOSTS.join(" ");
        CallError::Plugin(format!(
            "CollectMetrics call error : requested hostname `{wanted}` is not available (list of available hosts: [{all}])"
        ))
    })
}

fn of_host(metric: &Metric, host: &str) -> Namespace {
    let mut elements = metric.namespace.0.to_vec();
    if let Some(element) = elements.get_mut(HOST_AT) {
        host.clone_into(&mut element.value);
    }
    elements.into_iter().collect()
}

/// The text of version 1; the braces are Go's way to print a setting.
fn about(config: &Config) -> String {
    let shown = |name: &str| {
        config
            .get(name)
            .map_or_else(|| "{}".to_owned(), |value| format!("{{{}}}", text(value)))
    };
    let test = config
        .get("test")
        .map(|value| format!(" test={}", text(value)))
        .unwrap_or_default();
    let (name, password) = (shown("name"), shown("password"));
    format!("The mock collected data! config data: name={name} password={password}{test}")
}

fn text(value: &ConfigValue) -> String {
    match value {
        ConfigValue::String(text) => text.clone(),
        ConfigValue::Integer(integer) => integer.to_string(),
        ConfigValue::Float(float) => float.to_string(),
        ConfigValue::Bool(bool) => bool.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mock(numbers: Numbers) -> Mock {
        Mock::new(numbers, Arc::new(crate::base::ManualClock::at(TimestampNs(5))))
    }

    fn asked(namespace: Namespace, config: &[(&str, &str)]) -> Metric {
        let config = config
            .iter()
            .map(|(name, value)| ((*name).to_owned(), ConfigValue::String((*value).to_owned())));
        Metric {
            config: Arc::new(config.collect()),
            ..Metric::new(namespace, 1)
        }
    }

    #[test]
    fn the_first_version_tells_its_configuration() {
        let wanted = [
            asked(namespace(&["foo"]), &[("name", "bob"), ("password", "secret")]),
            asked(namespace(&["bar"]), &[("password", "secret"), ("test", "true")]),
        ];
        let gathered = mock(Numbers::OfHosts).gather(&wanted).unwrap();
        let data: Vec<_> = gathered.iter().map(|metric| metric.data.clone()).collect();
        let text = |settings: &str| Data::String(format!("The mock collected data! config data: {settings}"));
        assert_eq!(
            data,
            [
                text("name={bob} password={secret}"),
                text("name={} password={secret} test=true")
            ]
        );
        assert_eq!(gathered[0].timestamp, Some(TimestampNs(5)));
    }

    #[test]
    fn every_host_has_its_number() {
        let gathered = mock(Numbers::Everywhere)
            .gather(&[asked(of_hosts(), &[]), asked(namespace(&["all", "baz"]), &[])])
            .unwrap();
        let hosts: Vec<_> = gathered
            .iter()
            .map(|metric| metric.namespace.0[2].value.as_str())
            .collect();
        assert_eq!(hosts[..10], HOSTS);
        assert_eq!(gathered[0].namespace.0[2].name, "host");
        for metric in &gathered[..10] {
            assert!(matches!(metric.data, Data::Int64(1065..=1089)), "{:?}", metric.data);
        }
        assert_eq!(gathered[10].data, Data::Int64(1001));
    }

    #[test]
    fn an_unknown_host_is_named() {
        let mut element = Element::dynamic("host", "");
        "host77".clone_into(&mut element.value);
        let namespace = [
            Element::new("intel"),
            Element::new("mock"),
            element,
            Element::new("baz"),
        ];
        let error = mock(Numbers::OfHosts)
            .gather(&[asked(namespace.into_iter().collect(), &[])])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "CollectMetrics call error : requested hostname `host77` is not available (list of available hosts: \
             [host0 host1 host2 host3 host4 host5 host6 host7 host8 host9])"
        );
    }

    #[test]
    fn global_settings_change_what_is_advertised() {
        let set = |name: &str| Config::from([(name.to_owned(), ConfigValue::Bool(true))]);
        assert_eq!(V1.describe(&Config::new()).unwrap().metrics.len(), 4);
        assert_eq!(
            V2.describe(&set("test")).unwrap().metrics[4].namespace,
            namespace(&["test"])
        );
        assert_eq!(V1.describe(&set("test-fail")).unwrap_err().to_string(), "testing");
    }
}

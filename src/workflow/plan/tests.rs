use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::workflow::{
    ConfigValue, Element, Namespace,
    config::Place,
    manifest::{Manifest, Node, Schedule, Window, Workflow},
    policy::{Rule, RuleKind, Rules},
};

/// Loaded plugins: what they offer, by key, and their policies.
struct Loaded {
    plugins: Vec<(PluginKey, Vec<Metric>, Policy)>,
    config: GlobalConfig,
}

impl Loaded {
    /// A mock collector in two versions, one that streams, another one, a processor and a publisher.
    fn new() -> Self {
        let collector = PluginType::Collector;
        let streaming = PluginType::StreamingCollector;
        let mock = |version| offers(&["/mock/foo", "/mock/bar", "/mock/[host]/baz"], version);
        let plugins = vec![
            (key(collector, "mock", 1), mock(1), mock_policy()),
            (key(collector, "mock", 2), mock(2), mock_policy()),
            (
                key(collector, "demo", 3),
                offers(&["/demo/int", "/demo/secret"], 3),
                demo_policy(),
            ),
            (
                key(streaming, "stream", 1),
                offers(&["/stream/n"], 1),
                Policy::default(),
            ),
            (
                key(streaming, "random", 1),
                offers(&["/random/n"], 1),
                Policy::default(),
            ),
            (key(PluginType::Processor, "passthru", 1), vec![], Policy::default()),
            (key(PluginType::Publisher, "file", 2), vec![], file_policy()),
            (key(PluginType::Publisher, "file", 10), vec![], file_policy()),
        ];
        Self {
            plugins,
            config: GlobalConfig::default(),
        }
    }

    fn resolve(&self, manifest: &Manifest) -> Result<Plan, Vec<String>> {
        let offers = self.plugins.iter();
        let catalogue = Catalogue::new(offers.map(|(key, metrics, policy)| (key.clone(), metrics.as_slice(), policy)));
        let plugins: Vec<_> = self.plugins.iter().map(|(key, _, policy)| (key, policy)).collect();
        let scope = Scope {
            catalogue: &catalogue,
            plugins: &plugins,
            config: &self.config,
        };
        resolve(manifest, scope).map_err(|errors| errors.iter().map(PlanError::to_string).collect())
    }

    fn errors(&self, workflow: Workflow) -> Vec<String> {
        self.resolve(&every_second(workflow)).expect_err("it is wrong")
    }
}

fn key(kind: PluginType, name: &str, version: i64) -> PluginKey {
    PluginKey {
        kind,
        name: name.to_owned(),
        version,
    }
}

fn offers(namespaces: &[&str], version: i64) -> Vec<Metric> {
    let element = |value: &str| match value {
        "[host]" => Element::dynamic("host", ""),
        _ => Element::new(value),
    };
    let metric = |text: &&str| Metric::new(Namespace::parse(text).values().map(element).collect(), version);
    namespaces.iter().map(metric).collect()
}

fn policy(nodes: &[(&str, Rules)]) -> Policy {
    let node = |(path, rules): &(&str, Rules)| (Namespace::parse_prefix(path), rules.clone());
    Policy {
        nodes: nodes.iter().map(node).collect(),
    }
}

fn text_rule(name: &str, default: Option<&str>, required: bool) -> Rules {
    let default = default.map(str::to_owned);
    let kind = RuleKind::String { default };
    Rules::from([(name.to_owned(), Rule { kind, required })])
}

fn number_rule(name: &str, default: i64, maximum: i64) -> Rules {
    let kind = RuleKind::Integer {
        default: Some(default),
        minimum: None,
        maximum: Some(maximum),
    };
    Rules::from([(name.to_owned(), Rule { kind, required: false })])
}

fn mock_policy() -> Policy {
    let mut foo = text_rule("name", Some("bob"), false);
    foo.extend(text_rule("password", None, true));
    policy(&[("/mock/foo", foo)])
}

fn demo_policy() -> Policy {
    let secret = text_rule("password", None, true);
    policy(&[("/demo", number_rule("scale", 2, 100)), ("/demo/secret", secret)])
}

fn file_policy() -> Policy {
    let mut rules = text_rule("file", None, true);
    rules.extend(number_rule("size", 10, 100));
    policy(&[("/", rules)])
}

fn every_second(workflow: Workflow) -> Manifest {
    let window = Window {
        interval: Duration::from_secs(1),
        start: None,
        stop: None,
        count: 0,
    };
    task(Schedule::Windowed(window), workflow)
}

fn task(schedule: Schedule, workflow: Workflow) -> Manifest {
    Manifest {
        name: None,
        deadline: Duration::from_secs(5),
        schedule,
        workflow,
        start: false,
        max_failures: None,
        max_collect_duration: Duration::from_secs(10),
        max_metrics_buffer: 0,
    }
}

fn collecting(metrics: &[(&str, i64)]) -> Workflow {
    let request = |(namespace, version): &(&str, i64)| ((*namespace).to_owned(), *version);
    Workflow {
        metrics: metrics.iter().map(request).collect(),
        ..Workflow::default()
    }
}

fn node(name: &str, version: i64, config: &[(&str, ConfigValue)]) -> Node {
    Node {
        plugin_name: name.to_owned(),
        plugin_version: version,
        config: table(config),
        ..Node::default()
    }
}

fn table(entries: &[(&str, ConfigValue)]) -> Config {
    let entry = |(name, value): &(&str, ConfigValue)| ((*name).to_owned(), value.clone());
    entries.iter().map(entry).collect()
}

fn text(value: &str) -> ConfigValue {
    ConfigValue::String(value.to_owned())
}

fn number(value: i64) -> ConfigValue {
    ConfigValue::Integer(value)
}

/// `plugin: namespace:version {settings}` of every metric.
fn collected(plan: &Plan) -> Vec<String> {
    let metric = |collect: &Collect, metric: &Metric| {
        let config: Vec<_> = metric
            .config
            .iter()
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        let (namespace, version) = (&metric.namespace, metric.version);
        format!("{}: {namespace}:{version} {}", collect.plugin, config.join(" "))
    };
    let of = |collect: &'_ Collect| {
        collect
            .metrics
            .iter()
            .map(|one| metric(collect, one))
            .collect::<Vec<_>>()
    };
    plan.collect.iter().flat_map(of).collect()
}

#[test]
fn one_call_a_collector_and_every_metric_once() {
    let mut workflow = collecting(&[
        ("/mock/*", 0),
        ("/mock/bar", 2),
        ("|demo|int", 0),
        ("/mock/(h1;h2)/baz", 1),
    ]);
    workflow.config = BTreeMap::from([("/mock".to_owned(), table(&[("password", text("p"))]))]);
    let plan = Loaded::new().resolve(&every_second(workflow)).unwrap();
    let expect = [
        "collector:demo:3: /demo/int:3 scale=Integer(2)",
        "collector:mock:1: /mock/h1/baz:1 password=String(\"p\")",
        "collector:mock:1: /mock/h2/baz:1 password=String(\"p\")",
        "collector:mock:2: /mock/*/baz:2 password=String(\"p\")",
        "collector:mock:2: /mock/bar:2 password=String(\"p\")",
        "collector:mock:2: /mock/foo:2 name=String(\"bob\") password=String(\"p\")",
    ];
    assert_eq!(collected(&plan), expect);
    let [_, h, _] = plan.collect.as_slice() else {
        panic!("{plan:?}")
    };
    assert!(Arc::ptr_eq(&h.metrics[0].config, &h.metrics[1].config));
}

#[test]
fn settings_of_the_task_are_over_the_operators_over_defaults() {
    let mut loaded = Loaded::new();
    let kind = PluginType::Collector;
    loaded.config.put(
        Place::Name(kind, "mock".to_owned()),
        table(&[("password", text("o")), ("name", text("o"))]),
    );
    let mut workflow = collecting(&[("/mock/foo", 1), ("/mock/bar", 1), ("/demo/int", 0)]);
    workflow.config = BTreeMap::from([
        (
            "/mock".to_owned(),
            table(&[("name", text("shallow")), ("x", number(1))]),
        ),
        ("/mock/foo".to_owned(), table(&[("name", text("deep"))])),
        ("/demo".to_owned(), table(&[("scale", number(7))])),
    ]);
    let plan = loaded.resolve(&every_second(workflow)).unwrap();
    let expect = [
        "collector:demo:3: /demo/int:3 scale=Integer(7)",
        "collector:mock:1: /mock/bar:1 name=String(\"shallow\") password=String(\"o\") x=Integer(1)",
        "collector:mock:1: /mock/foo:1 name=String(\"deep\") password=String(\"o\") x=Integer(1)",
    ];
    assert_eq!(collected(&plan), expect);
}

#[test]
fn collectors_are_held_to_types_and_required_keys_but_not_to_bounds() {
    let loaded = Loaded::new();
    let with = |config: &[(&str, ConfigValue)]| Workflow {
        config: BTreeMap::from([("/demo".to_owned(), table(config))]),
        ..collecting(&[("/demo/int", 0)])
    };
    assert!(loaded.resolve(&every_second(with(&[("scale", number(1000))]))).is_ok());
    assert_eq!(
        loaded.errors(with(&[("scale", text("x"))])),
        ["type mismatch (scale wanted type 'integer' but provided type 'string')"]
    );
    assert_eq!(
        loaded.errors(collecting(&[("/demo/secret", 0), ("/mock/foo", 1), ("/mock/foo", 2)])),
        ["required key missing (password)"; 2]
    );
}

#[test]
fn processors_and_publishers_are_found_by_name_in_any_case_and_by_version() {
    let file = table(&[("file", text("/f"))]);
    let publish = |version| Node {
        config: file.clone(),
        ..node("FILE", version, &[])
    };
    let mut workflow = collecting(&[("/demo/int", 0)]);
    let mut process = node("PassThru", -1, &[("any", number(1))]);
    process.publish = vec![publish(2)];
    process.process = vec![node("passthru", 0, &[])];
    workflow.process = vec![process];
    workflow.publish = vec![publish(0)];
    let plan = Loaded::new().resolve(&every_second(workflow)).unwrap();
    let [process] = plan.process.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!(process.plugin, key(PluginType::Processor, "passthru", 1));
    assert_eq!(*process.config, table(&[("any", number(1))]));
    assert_eq!(process.process[0].plugin, process.plugin);
    assert_eq!(process.publish[0].plugin.version, 2);
    assert_eq!(plan.publish[0].plugin.version, 10);
    assert_eq!(
        *plan.publish[0].config,
        table(&[("file", text("/f")), ("size", number(10))])
    );
}

#[test]
fn the_operators_settings_fill_what_a_publisher_has_no_default_for() {
    let mut loaded = Loaded::new();
    loaded.config.put(
        Place::All,
        table(&[("file", text("/o")), ("size", number(20)), ("x", number(1))]),
    );
    let workflow = |config| Workflow {
        publish: vec![node("file", 0, config)],
        ..collecting(&[("/demo/int", 0)])
    };
    let plan = loaded.resolve(&every_second(workflow(&[]))).unwrap();
    let expect = table(&[("file", text("/o")), ("size", number(10)), ("x", number(1))]);
    assert_eq!(*plan.publish[0].config, expect);
    let plan = loaded
        .resolve(&every_second(workflow(&[("size", number(30))])))
        .unwrap();
    assert_eq!(plan.publish[0].config["size"], number(30));
}

#[test]
fn all_errors_of_a_stage_are_told_in_order() {
    let loaded = Loaded::new();
    let mut workflow = collecting(&[("/nope2", 0), ("/nope", -1), ("/demo/secret", 0), ("/demo/int", 9)]);
    workflow.publish = vec![node("nofile", 0, &[])];
    let missing = [
        "Metric not found: /demo/int (version: 9)",
        "Metric not found: /nope (version: -1)",
        "Metric not found: /nope2 (version: 0)",
    ];
    assert_eq!(loaded.errors(workflow.clone()), missing);
    workflow.metrics = collecting(&[("/demo/secret", 0)]).metrics;
    assert_eq!(loaded.errors(workflow.clone()), ["required key missing (password)"]);
    let mut process = node("NoSuch", 3, &[]);
    process.publish = vec![node("file", 7, &[])];
    workflow.process = vec![process];
    workflow.metrics = collecting(&[("/demo/int", 0)]).metrics;
    workflow.publish.push(node("file", 0, &[("size", number(101))]));
    let expect = [
        "Plugin not found: type(processor) name(nosuch) version(3)",
        "Plugin not found: type(publisher) name(file) version(7)",
        "Plugin not found: type(publisher) name(nofile) version(-1)",
        "required key missing (file)",
        "value is over maximum (size value 101 > 100)",
    ];
    assert_eq!(loaded.errors(workflow), expect);
}

#[test]
fn a_streaming_task_follows_one_streaming_collector() {
    let loaded = Loaded::new();
    let errors = |schedule, metrics: &[&str]| {
        let metrics: Vec<_> = metrics.iter().map(|namespace| (*namespace, 0)).collect();
        let resolved = loaded.resolve(&task(schedule, collecting(&metrics)));
        resolved.err().unwrap_or_default()
    };
    let incompatible = ["Plugin is incompatible with the tasks schedule type."];
    let none: [&str; 0] = [];
    assert_eq!(errors(Schedule::Streaming, &["/stream/n"]), none);
    assert_eq!(errors(Schedule::Streaming, &["/demo/int"]), incompatible);
    assert_eq!(errors(Schedule::Streaming, &["/demo/int", "/stream/n"]), incompatible);
    assert_eq!(
        errors(Schedule::Streaming, &["/random/n", "/stream/n"]),
        ["Multiple streaming plugins within the same task is not supported."]
    );
    assert_eq!(
        errors(Schedule::Cron("@daily".to_owned()), &["/stream/n"]),
        incompatible
    );
    assert_eq!(
        errors(Schedule::Streaming, &["/nope", "/demo/int"]),
        ["Metric not found: /nope (version: 0)", incompatible[0]]
    );
}

#[test]
fn a_task_that_collects_only_is_a_plan() {
    let plan = Loaded::new()
        .resolve(&every_second(collecting(&[("/demo/int", 0)])))
        .unwrap();
    assert!(plan.process.is_empty() && plan.publish.is_empty());
    assert_eq!(plan.plugins(), [key(PluginType::Collector, "demo", 3)]);
}

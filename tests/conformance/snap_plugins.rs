//! Snap's tables on plugin configuration, policies and pools.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use gyre::workflow::{
    Config, ConfigValue, Element, Namespace, PluginKey, PluginMeta, PluginType, Routing,
    config::{self, Address, ConfigTree, GlobalConfig},
    policy::{self, Rule, RuleKind, Rules},
    pool::{self, Call, Candidate, Selector},
};
use serde_json::Value;

use super::given;

/// The rows of a table, or none without recorded cases.
fn rows(table: &str) -> Vec<Value> {
    let Some(mut cases) = given("snap/cases.json") else {
        return vec![];
    };
    let table = cases[table].take();
    let rows = table.get("rows").unwrap_or(&table).as_array().cloned();
    rows.expect("the table has rows")
}

fn config_of(table: &Value) -> Config {
    config::from_json(table.to_string().as_bytes()).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

fn path(text: &str) -> Vec<String> {
    text.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn config_trees_merge_along_the_namespace() {
    for row in rows("config_tree") {
        let mut tree = ConfigTree::default();
        for (place, table) in row["tree"].as_object().unwrap() {
            tree.insert(path(place), config_of(table));
        }
        let namespace: Namespace = path(row["get"].as_str().unwrap())
            .into_iter()
            .map(Element::new)
            .collect();
        let expect = match &row["expect"] {
            Value::Null => Config::new(),
            table => config_of(table),
        };
        assert_eq!(tree.get(&namespace), expect, "{row}");
    }
}

#[test]
fn levels_of_global_configuration_merge() {
    for row in rows("global_plugin_config_merge") {
        let global = GlobalConfig::from_document(&row["config"]).unwrap();
        let lookup = &row["lookup"];
        let address = Address {
            kind: Some(lookup[0].as_str().unwrap().parse().unwrap()),
            name: lookup[1].as_str().unwrap().to_owned(),
            version: lookup[2].as_i64().unwrap(),
        };
        assert_eq!(global.get(&address), config_of(&row["expect"]), "{row}");
        assert_eq!(GlobalConfig::from_document(&global.to_document()), Ok(global), "{row}");
    }
}

#[test]
fn policies_check_and_complete() {
    for row in rows("config_policy_process") {
        let rules: Rules = row["rules"].as_array().unwrap().iter().map(rule).collect();
        let expect = match row.get("errors") {
            Some(errors) => Err(texts(errors).into_iter().map(str::to_owned).collect()),
            None => Ok(config_of(&row["result"])),
        };
        let processed = policy::process(&rules, &config_of(&row["config"]), true);
        let processed = processed.map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>());
        // The original goes through its rules in random order.
        assert_eq!(processed.map_err(sorted), expect.map_err(sorted), "{row}");
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn rule(row: &Value) -> (String, Rule) {
    let kind = match row["type"].as_str().unwrap() {
        "string" => RuleKind::String {
            default: row["default"].as_str().map(str::to_owned),
        },
        "integer" => RuleKind::Integer {
            default: row["default"].as_i64(),
            minimum: row["minimum"].as_i64(),
            maximum: row["maximum"].as_i64(),
        },
        "float" => RuleKind::Float {
            default: row["default"].as_f64(),
            minimum: row["minimum"].as_f64(),
            maximum: row["maximum"].as_f64(),
        },
        _ => RuleKind::Bool {
            default: row["default"].as_bool(),
        },
    };
    let required = row["required"].as_bool().unwrap_or(false);
    (row["key"].as_str().unwrap().to_owned(), Rule { kind, required })
}

fn routing(text: &str) -> Routing {
    match text {
        "sticky" => Routing::Sticky,
        "config-based" => Routing::ConfigBased,
        _ => Routing::LeastRecentlyUsed,
    }
}

#[test]
fn pools_grow_when_they_must() {
    for row in rows("pool_eligibility") {
        let number = |at: usize| usize::try_from(row[at].as_u64().unwrap()).unwrap();
        let meta = PluginMeta {
            key: PluginKey {
                kind: PluginType::Collector,
                name: "p".to_owned(),
                version: 1,
            },
            concurrency: number(1),
            exclusive: row[3].as_bool().unwrap(),
            cache_ttl: Duration::ZERO,
            routing: routing(row[0].as_str().unwrap()),
        };
        let wanted = pool::wants_instance(&meta, number(2), 1, usize::MAX);
        assert_eq!(Some(wanted), row[4].as_bool(), "{row}");
    }
}

#[test]
fn routing_chooses_instances() {
    for row in rows("routing_selection") {
        let routing = routing(row["strategy"].as_str().unwrap());
        let mut selector = Selector::new(routing);
        let instances = texts(&row["instances"]);
        let candidates: Vec<_> = (0..instances.len() as u64)
            .map(|id| Candidate { id, last_used: 0 })
            .collect();
        for (asked, expect) in texts(&row["select_for"]).into_iter().zip(texts(&row["result"])) {
            let settings = Config::from([("asked".to_owned(), ConfigValue::String(asked.to_owned()))]);
            let call = Call {
                task: &Arc::from(asked),
                config: pool::fingerprint([&settings]),
            };
            let names: BTreeMap<_, _> = candidates
                .iter()
                .zip(&instances)
                .map(|(at, name)| (at.id, *name))
                .collect();
            match selector.select(&candidates, call) {
                Ok(id) => assert_eq!(names[&id], expect, "{row}"),
                Err(error) => assert_eq!(format!("ERROR {error}"), expect, "{row}"),
            }
        }
    }
}

//! The recorded sequence of changes, and what a document may say.

use serde_json::json;

use super::*;
use crate::workflow::ConfigValue;

fn mock(version: i64) -> Address {
    Address {
        kind: Some(PluginType::Collector),
        name: "mock".to_owned(),
        version,
    }
}

fn table(entries: &[(&str, i64)]) -> Config {
    let entry = |(name, value): &(&str, i64)| ((*name).to_owned(), ConfigValue::Integer(*value));
    entries.iter().map(entry).collect()
}

fn put(global: &mut GlobalConfig, address: &Address, entries: &[(&str, i64)]) -> Config {
    global.put(global.place(address), table(entries));
    global.get(address)
}

fn remove(global: &mut GlobalConfig, address: &Address, names: &[&str]) -> Config {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    global.remove(&global.place(address), &names);
    global.get(address)
}

#[test]
fn a_version_without_a_table_changes_that_of_the_plugin() {
    let mut global = GlobalConfig::default();
    let all = [("b", 1), ("n", 3)];
    assert_eq!(put(&mut global, &mock(1), &all), table(&all));
    assert_eq!(put(&mut global, &mock(2), &[("only2", 1)]), table(&[("only2", 1)]));
    assert_eq!(global.get(&mock(1)), table(&[("b", 1), ("n", 3), ("only2", 1)]));
    assert_eq!(global.get(&mock(3)), table(&[("only2", 1)]));
    assert_eq!(
        remove(&mut global, &mock(1), &["b", "nope"]),
        table(&[("n", 3), ("only2", 1)])
    );
    assert_eq!(remove(&mut global, &mock(1), &["n", "only2"]), table(&[("only2", 1)]));
    assert_eq!(remove(&mut global, &mock(2), &["only2"]), table(&[]));
    assert_eq!(global.get(&mock(1)), table(&[]));
}

#[test]
fn an_address_without_a_name_or_type_is_wider() {
    let mut global = GlobalConfig::default();
    let no_name = Address {
        name: String::new(),
        ..mock(7)
    };
    let no_kind = Address { kind: None, ..mock(7) };
    put(&mut global, &no_kind, &[("all", 1)]);
    put(&mut global, &no_name, &[("type", 1)]);
    put(&mut global, &mock(0), &[("name", 1)]);
    assert_eq!(global.get(&no_kind), table(&[("all", 1)]));
    assert_eq!(global.get(&no_name), table(&[("all", 1), ("type", 1)]));
    assert_eq!(global.get(&mock(5)), table(&[("all", 1), ("type", 1), ("name", 1)]));
    assert_eq!(remove(&mut global, &no_name, &["all", "type"]), table(&[("all", 1)]));
}

#[test]
fn what_is_merged_wins() {
    let mut global = GlobalConfig::default();
    put(&mut global, &mock(1), &[("a", 1), ("b", 1)]);
    let mut over = GlobalConfig::default();
    over.put(
        Place::Version(PluginType::Collector, "mock".to_owned(), 1),
        table(&[("b", 2)]),
    );
    global.merge(over);
    assert_eq!(global.get(&mock(1)), table(&[("a", 1), ("b", 2)]));
}

#[test]
fn documents_say_where_they_are_wrong() {
    let check = |document: Value, expect: &str| {
        let error = GlobalConfig::from_document(&document).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    check(json!({"all": 1}), "all: expected a table");
    check(json!({"bogus": {}}), "bogus: invalid plugin type name given bogus");
    check(
        json!({"collector": {"mock": {"1": {}}}}),
        "collector.mock.1: expected `all` or `versions`",
    );
    check(
        json!({"collector": {"mock": {"versions": {"x": {}}}}}),
        "collector.mock.versions.x: invalid digit found in string",
    );
    check(
        json!({"publisher": {"all": {"a": {"b": 1}}}}),
        "publisher.all.a: expected a text, number or boolean",
    );
}

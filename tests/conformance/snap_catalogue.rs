//! Snap's tables on namespaces, the catalogue of metrics and tags, and what was recorded of `/metrics`.

use std::{collections::BTreeMap, sync::Arc};

use gyre::workflow::{
    Element, Metric, Namespace, PluginKey, PluginType, Tags,
    catalogue::{
        Catalogue, Entry, LookupError,
        query::{Found, Query},
    },
    namespace::{check, request},
    policy::Policy,
    tags::TagRules,
};
use serde_json::Value;

use super::given;

/// A part of the recorded cases; null without them.
fn table(path: &str) -> Value {
    let cases = given("snap/cases.json");
    let found = cases.as_ref().and_then(|cases| cases.pointer(path));
    assert!(cases.is_none() || found.is_some(), "no {path}");
    found.cloned().unwrap_or_default()
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    rows(value).iter().map(text).collect()
}

/// The rows of a table, each with its catalogue; some have one for several cases.
fn with_catalogues(table: &Value) -> Vec<(Catalogue, &Value)> {
    rows(table).iter().flat_map(cases_of).collect()
}

fn cases_of(row: &Value) -> Vec<(Catalogue, &Value)> {
    let with = || catalogue(texts(&row["catalog"]).into_iter().flat_map(offers).collect());
    match &row["cases"] {
        Value::Array(cases) => cases.iter().map(|case| (with(), case)).collect(),
        _ => vec![(with(), row)],
    }
}

fn catalogue(metrics: Vec<Metric>) -> Catalogue {
    let plugin = PluginKey {
        kind: PluginType::Collector,
        name: "some".to_owned(),
        version: 1,
    };
    Catalogue::new([(plugin, metrics.as_slice(), &Policy::default())])
}

/// `/intel/{mock,anothermock}/[host]/baz v2,v5`: alternatives in braces, dynamic elements in brackets, versions.
fn offers(row: &str) -> Vec<Metric> {
    let (namespace, versions) = row.split_once(" v").unwrap_or((row, "1"));
    let namespaces = match namespace
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        Some((before, (names, after))) => names.split(',').map(|name| format!("{before}{name}{after}")).collect(),
        None => vec![namespace.to_owned()],
    };
    let element = |value: &str| match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(name) => Element::dynamic(name, ""),
        None => Element::new(value),
    };
    let named = |text: &String| Namespace::parse(text).values().map(element).collect::<Namespace>();
    let versions: Vec<i64> = versions.split(",v").map(|version| version.parse().unwrap()).collect();
    let all = |namespace| {
        versions
            .iter()
            .map(move |version| Metric::new(Namespace::clone(&namespace), *version))
    };
    namespaces.iter().map(named).flat_map(all).collect()
}

fn name(entry: &Arc<Entry>) -> String {
    entry.metric.namespace.to_string()
}

/// A case's `error`, `error_prefix`, `count`, `all_versions` and `result`, whose entries may say a version.
fn check(case: &Value, found: Result<Vec<Arc<Entry>>, LookupError>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let is_same = case["error"].as_str().map(|expect| error.to_string() == expect);
            let begins = case["error_prefix"]
                .as_str()
                .map(|expect| error.to_string().starts_with(expect));
            return assert_eq!(is_same.or(begins), Some(true), "{case}: {error}");
        }
    };
    assert!(
        case["error"].is_null() && case["error_prefix"].is_null(),
        "{case}: {found:?}"
    );
    if let Some(count) = case["count"].as_u64() {
        assert_eq!(found.len() as u64, count, "{case}");
    }
    if let Some(version) = case["all_versions"].as_i64() {
        assert!(found.iter().all(|entry| entry.metric.version == version), "{case}");
    }
    let mut expect = match &case["result"] {
        Value::String(one) => vec![one.as_str()],
        several => texts(several),
    };
    if !case["result"].is_null() {
        let says_versions = expect.iter().any(|text| text.contains(" v"));
        let shown = |entry| if says_versions { versioned(entry) } else { name(entry) };
        let mut found: Vec<_> = found.iter().map(shown).collect();
        expect.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expect, "{case}");
    }
}

fn versioned(entry: &Arc<Entry>) -> String {
    format!("{} v{}", name(entry), entry.metric.version)
}

/// A requested namespace: text, or a list of elements.
fn requested(value: &Value) -> Namespace {
    match value {
        Value::Array(_) => texts(value).into_iter().map(Element::new).collect(),
        text => Namespace::parse(text.as_str().unwrap()),
    }
}

/// The wanted version of a case, the latest when it says none.
fn version_of(case: &Value) -> i64 {
    case["version"].as_i64().unwrap_or(0)
}

#[test]
fn separators_are_chosen_alike() {
    for case in rows(&table("/namespace_separator")["cases"]) {
        let namespace: Namespace = texts(&case["elements"]).into_iter().map(Element::new).collect();
        assert_eq!(namespace.separator().to_string(), case["separator"], "{case}");
        if let Some(expect) = case["string"].as_str() {
            assert_eq!(namespace.to_string(), expect);
        }
        assert_eq!(Namespace::parse(&namespace.to_string()), namespace);
    }
}

#[test]
fn tuples_are_seen_alike() {
    for case in rows(&table("/tuple_detection")) {
        let expect = case["tuple"].as_array().map(|_| texts(&case["tuple"]));
        assert_eq!(request::tuple(text(&case["element"])), expect, "{case}");
    }
}

#[test]
fn offered_namespaces_are_checked_alike() {
    for case in rows(&table("/metric_namespace_validation_on_load")) {
        let element = |element: &Value| Element {
            name: text(&element["name"]).to_owned(),
            ..Element::new(text(&element["v"]))
        };
        let error = check::offered(&rows(&case["elements"]).iter().map(element).collect()).err();
        let why = error.as_ref().map(|error| match error {
            check::BadNamespace::EndsWithAsterisk { .. } => "ends with asterisk",
            check::BadNamespace::NamedStatic { .. } => "name on a static element",
            check::BadNamespace::UnnamedDynamic { .. } => "dynamic element without a name",
            check::BadNamespace::Tuple { .. } => "tuple",
            check::BadNamespace::Empty | check::BadNamespace::TooLong => "length",
        });
        assert_eq!(why.is_none(), case["ok"].as_bool().unwrap(), "{case}");
        assert_eq!(why, case["why"].as_str(), "{case}");
    }
}

#[test]
fn prefixes_find_alike() {
    for (catalogue, case) in with_catalogues(&table("/catalog_prefix_fetch")) {
        check(case, catalogue.below(&requested(&case["fetch"])));
    }
}

#[test]
fn metrics_and_versions_are_found_alike() {
    for (catalogue, case) in with_catalogues(&table("/catalog_get_metrics")) {
        check(case, catalogue.matching(&requested(&case["get"]), version_of(case)));
    }
    for (catalogue, case) in with_catalogues(&table("/catalog_get_one")) {
        let one = catalogue.get(&requested(&case["get"]), version_of(case));
        check(case, one.map(|entry| vec![entry]));
    }
    for (catalogue, case) in with_catalogues(&table("/catalog_get_versions")) {
        check(case, catalogue.versions(&requested(&case["get"])));
    }
}

#[test]
fn requests_of_tasks_are_expanded_alike() {
    for (catalogue, case) in with_catalogues(&table("/requested_namespace_expansion")) {
        check(
            case,
            catalogue.requested(&requested(&case["request"]), version_of(case)),
        );
    }
}

#[test]
fn tags_are_added_alike() {
    let tags = |value: &Value| -> Tags {
        let pairs = value.as_object().into_iter().flatten();
        pairs
            .map(|(key, value)| (key.clone(), text(value).to_owned()))
            .collect()
    };
    for case in rows(&table("/workflow_tags")) {
        let given = case["tags"].as_object().into_iter().flatten();
        let given: BTreeMap<_, _> = given
            .map(|(namespace, value)| (namespace.clone(), tags(value)))
            .collect();
        let mut metric = Metric::new(Namespace::parse(text(&case["metric"])), 1);
        TagRules::new("<hostname>", &BTreeMap::new(), &given).apply(&mut metric);
        assert_eq!(*metric.tags, tags(&case["expect"]), "{case}");
    }
}

/// The catalogue of the daemon that was recorded, from its own list.
fn recorded_catalogue() -> Catalogue {
    let exchanges = table("/rest_observed/plugins_and_metrics");
    let all = rows(&exchanges).iter().find(|row| row["path"] == "/v1/metrics");
    let listed = all.map(|row| row["body_json"]["body"].clone()).unwrap_or_default();
    let metric = |row: &Value| {
        let mut elements = Namespace::parse(text(&row["namespace"])).0.to_vec();
        for dynamic in rows(&row["dynamic_elements"]) {
            let index = usize::try_from(dynamic["index"].as_u64().unwrap_or(0)).unwrap();
            elements[index] = Element::dynamic(text(&dynamic["name"]), text(&dynamic["description"]));
        }
        Metric::new(elements.into_iter().collect(), row["version"].as_i64().unwrap())
    };
    catalogue(rows(&listed).iter().map(metric).collect())
}

#[test]
fn recorded_questions_are_answered_alike() {
    let full = recorded_catalogue();
    let mut replayed = 0;
    for (section, catalogue) in [
        ("empty_daemon", &Catalogue::default()),
        ("plugins_and_metrics", &full),
        ("api_v2", &full),
    ] {
        for row in rows(&table(&format!("/rest_observed/{section}"))) {
            let is_question = row["method"] == "GET" && row["status"] != 400 && !row["body_json"].is_string();
            if let Some((version, asked)) = text(&row["path"]).split_once("/metrics").filter(|_| is_question) {
                let answer = query(version == "/v1", asked).answer(catalogue);
                assert_eq!(shown(answer), recorded(&row["body_json"]), "{}", row["path"]);
                replayed += 1;
            }
        }
    }
    println!("{replayed} questions");
    assert!(replayed > 20 || full.all().is_empty(), "{replayed} questions");
}

/// The question behind `/metrics` in a URL; the recorded ones are not escaped.
fn query(first_version: bool, asked: &str) -> Query {
    let (path, parameters) = asked.split_once('?').unwrap_or((asked, ""));
    let parameters: BTreeMap<_, _> = parameters.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let version = parameters.get("ver").map(|version| version.parse().unwrap());
    match path {
        "" => Query::of_parameters(parameters.get("ns").unwrap_or(&""), version, first_version),
        path => Query::of_path(path, version),
    }
}

fn shown(answer: Result<Found, LookupError>) -> Vec<String> {
    match answer {
        Ok(Found::Many(entries)) => entries.iter().map(versioned).collect(),
        Ok(Found::One(entry)) => vec!["one".to_owned(), versioned(&entry)],
        Err(error) => vec![error.to_string()],
    }
}

/// The same of a recorded body of either version.
fn recorded(body: &Value) -> Vec<String> {
    let versioned = |metric: &Value| format!("{} v{}", text(&metric["namespace"]), metric["version"]);
    if let Some(message) = body["body"]["message"].as_str().or_else(|| body["message"].as_str()) {
        return vec![message.to_owned()];
    }
    if !body["body"]["Metric"].is_null() {
        return vec!["one".to_owned(), versioned(&body["body"]["Metric"])];
    }
    let list = if body["meta"].is_null() {
        &body["metrics"]
    } else {
        &body["body"]
    };
    rows(list).iter().map(versioned).collect()
}

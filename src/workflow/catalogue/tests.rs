use proptest::prelude::*;

use super::{
    offer::{BadOffer, accept},
    query::{Found, Query},
    *,
};
use crate::base::TimestampNs;
use crate::workflow::{
    Element, PluginType,
    policy::{Rule, RuleKind},
};

/// A catalogue of one collector; `[x]` is a dynamic element named x, and `v2` at the end a version.
fn catalogue(offers: &[&str]) -> Catalogue {
    let metrics: Vec<_> = offers.iter().map(|offer| metric(offer)).collect();
    Catalogue::new([(plugin("some"), metrics.as_slice(), &Policy::default())])
}

fn metric(offer: &str) -> Metric {
    let (namespace, version) = offer.split_once(" v").unwrap_or((offer, "1"));
    let element = |value: &str| match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(name) => Element::dynamic(name, ""),
        None => Element::new(value),
    };
    let namespace = Namespace::parse(namespace).values().map(element).collect();
    Metric::new(namespace, version.parse().expect("a version"))
}

fn plugin(name: &str) -> PluginKey {
    PluginKey {
        kind: PluginType::Collector,
        name: name.to_owned(),
        version: 1,
    }
}

fn names(entries: &[Arc<Entry>]) -> Vec<String> {
    entries.iter().map(|entry| entry.order()).collect()
}

fn told(found: Result<Vec<Arc<Entry>>, LookupError>) -> Vec<String> {
    found.map_or_else(|error| vec![error.to_string()], |entries| names(&entries))
}

fn mock() -> Catalogue {
    catalogue(&[
        "/intel/mock/foo v1",
        "/intel/mock/foo v2",
        "/intel/mock/[host]/baz v1",
        "/intel/mock/[host]/baz v2",
        "/intel/mock/all/baz v2",
    ])
}

#[test]
fn lists_are_ordered_by_their_text() {
    let order = ["/a/[x]/b v2", "/a/b v10", "/a/b v2", "/a/bc v1"];
    let reversed: Vec<_> = order.iter().rev().copied().collect();
    assert_eq!(
        names(catalogue(&reversed).all()),
        ["/a/*/b:2", "/a/b:10", "/a/b:2", "/a/bc:1"]
    );
}

#[test]
fn the_latest_version_is_the_greatest_number() {
    let catalogue = catalogue(&["/a/b v10", "/a/b v9"]);
    assert_eq!(told(catalogue.matching(&Namespace::parse("/a/b"), 0)), ["/a/b:10"]);
    assert_eq!(told(catalogue.matching(&Namespace::parse("/a/b"), 9)), ["/a/b:9"]);
    assert_eq!(
        told(catalogue.versions(&Namespace::parse("/a/*"))),
        ["/a/b:10", "/a/b:9"]
    );
}

#[test]
fn of_two_that_offer_the_same_the_later_is_asked() {
    let metrics = [metric("/a/b")];
    let policy = Policy::default();
    let catalogue = Catalogue::new([
        (plugin("one"), &metrics[..], &policy),
        (plugin("two"), &metrics[..], &policy),
    ]);
    assert_eq!(catalogue.all().len(), 1);
    assert_eq!(catalogue.all()[0].plugin, plugin("two"));
}

#[test]
fn rules_are_those_of_the_path() {
    let rule = |(name, required): &(&str, bool)| {
        let kind = RuleKind::Bool { default: None };
        let required = *required;
        ((*name).to_owned(), Rule { kind, required })
    };
    let node = |names: &[_]| names.iter().map(rule).collect::<Rules>();
    let mut policy = Policy::default();
    policy
        .nodes
        .insert(vec!["a".to_owned()], node(&[("x", false), ("y", false)]));
    policy
        .nodes
        .insert(vec!["a".to_owned(), "b".to_owned()], node(&[("y", true)]));
    let metrics = [metric("/a/b/c"), metric("/a/c")];
    let catalogue = Catalogue::new([(plugin("some"), &metrics[..], &policy)]);
    assert_eq!(*catalogue.all()[0].rules, node(&[("x", false), ("y", true)]));
    assert_eq!(*catalogue.all()[1].rules, node(&[("x", false), ("y", false)]));
}

#[test]
fn prefixes_are_literal() {
    let catalogue = mock();
    let below = |prefix: &str| told(catalogue.below(&Namespace::parse(prefix)));
    assert_eq!(below("").len(), 5);
    assert_eq!(below("/intel/mock/*"), ["/intel/mock/*/baz:1", "/intel/mock/*/baz:2"]);
    assert_eq!(below("/intel/mock/foo"), ["/intel/mock/foo:1", "/intel/mock/foo:2"]);
    for nothing in ["/intel/mock/foo/", "/intel/*/foo", "/intel/mock/host0"] {
        assert_eq!(
            below(nothing),
            [format!("No metric found below the given namespace: {nothing}")]
        );
    }
    assert!(Catalogue::default().below(&Namespace::parse("")).unwrap().is_empty());
}

#[test]
fn a_value_in_the_place_of_a_dynamic_element_is_an_instance() {
    let found = mock().get(&Namespace::parse("/intel/mock/host0/baz"), -1).unwrap();
    assert_eq!(found.order(), "/intel/mock/host0/baz:2");
    let (place, element) = found.metric.namespace.dynamic_elements().next().unwrap();
    assert_eq!((place, element.name.as_str()), (2, "host"));
}

#[test]
fn a_static_element_hides_the_dynamic_one_where_it_leads_to_something() {
    let catalogue = catalogue(&["/a/[x]/c", "/a/[x]/e", "/a/b/d", "/a/b/c v2"]);
    let matching = |request: &str, version| told(catalogue.matching(&Namespace::parse(request), version));
    assert_eq!(matching("/a/b/*", 0), ["/a/b/c:2", "/a/b/d:1"]);
    assert_eq!(matching("/a/b/e", 0), ["/a/b/e:1"]);
    assert_eq!(matching("/a/b/c", 0), ["/a/b/c:2"]);
    assert_eq!(matching("/a/b/c", 1), ["/a/b/c:1"]);
    assert_eq!(matching("/a/*/c", 0), ["/a/*/c:1", "/a/b/c:2"]);
}

#[test]
fn one_metric_is_found_or_told_why_not() {
    let catalogue = mock();
    let get = |request: &str, version| {
        told(
            catalogue
                .get(&Namespace::parse(request), version)
                .map(|entry| vec![entry]),
        )
    };
    assert_eq!(get("/intel/*/foo", 0), ["/intel/mock/foo:2"]);
    assert_eq!(get("/intel/mock/*/baz", 1), ["/intel/mock/*/baz:1"]);
    assert_eq!(
        get("/intel/mock/*/baz", -1),
        ["Incoming namespace `/intel/mock/*/baz` is too ambiguous (version: -1)"]
    );
    assert_eq!(get("/intel/mock", 2), ["Metric not found: /intel/mock (version: 2)"]);
    assert_eq!(
        get("", 2),
        ["Incorrect format of requested metric, empty list of namespace elements"]
    );
}

#[test]
fn every_combination_of_tuples_must_exist() {
    let catalogue = catalogue(&["/a/x/1", "/a/x/2", "/a/y/1", "/b/[n]/1"]);
    let requested = |request: &str| told(catalogue.requested(&Namespace::parse(request), 0));
    assert_eq!(requested("/a/(x;y)/1"), ["/a/x/1:1", "/a/y/1:1"]);
    assert_eq!(requested("/a/(x;y)/(1;2)"), ["Metric not found: /a/y/2 (version: 0)"]);
    assert_eq!(requested("/a/(y;*)/1"), ["/a/x/1:1", "/a/y/1:1"]);
    assert_eq!(requested("/b/(p; q)/*"), ["/b/p/1:1", "/b/q/1:1"]);
}

#[test]
fn what_clients_ask() {
    let catalogue = mock();
    let asked = |query: Query| match query.answer(&catalogue) {
        Ok(Found::Many(entries)) => names(&entries),
        Ok(Found::One(entry)) => vec!["one".to_owned(), entry.order()],
        Err(error) => vec![error.to_string()],
    };
    let path = |namespace, version| asked(Query::of_path(namespace, version));
    assert_eq!(path("", Some(7)).len(), 5);
    assert_eq!(path("/", None).len(), 5);
    assert_eq!(path("/intel/mock/foo//", None).len(), 2);
    assert_eq!(path("/intel/mock/foo", Some(1)), ["one", "/intel/mock/foo:1"]);
    assert_eq!(path("/intel/mock/foo", Some(0)), ["one", "/intel/mock/foo:2"]);
    assert_eq!(path("/intel/mock/*", Some(0)).len(), 5);
    assert_eq!(
        path("/intel/mock/*", Some(1)),
        ["/intel/mock/*/baz:1", "/intel/mock/foo:1"]
    );
    assert_eq!(path("/intel/mock/*", Some(9)), [""; 0]);
    assert_eq!(
        path("/intel/mock/*", Some(-1)),
        ["Incoming namespace `/intel/mock/*/baz` is too ambiguous (version: -1)"]
    );
    let parameters = |namespace, version, single| asked(Query::of_parameters(namespace, version, single));
    assert_eq!(parameters("", Some(1), true).len(), 5);
    assert_eq!(
        parameters("|intel|mock|foo", Some(2), true),
        ["one", "/intel/mock/foo:2"]
    );
    assert_eq!(parameters("/intel/mock/foo", Some(2), false), ["/intel/mock/foo:2"]);
    assert_eq!(parameters("/intel/mock/foo", Some(44), false), [""; 0]);
    assert_eq!(
        parameters("/intel/mock/", None, true),
        ["No metric found below the given namespace: /intel/mock/"]
    );
}

#[test]
fn the_latest_of_many_is_listed_once_each() {
    let catalogue = catalogue(&["/a v1", "/a v2", "/a:1/b v1", "/c v3"]);
    let latest = Query::of_path("/*", Some(-1)).answer(&catalogue).unwrap();
    let Found::Many(entries) = latest else {
        panic!("{latest:?}")
    };
    assert_eq!(names(&entries), ["/a:2", "/a:1/b:1", "/c:3"]);
}

#[test]
fn offers_are_checked_and_completed() {
    let now = TimestampNs(7);
    let mut old = metric("/a/b v3");
    old.last_advertised = Some(TimestampNs(1));
    let accepted = accept(vec![metric("/a/c v0"), old.clone()], 5, now).unwrap();
    assert_eq!((accepted[0].version, accepted[0].last_advertised), (5, Some(now)));
    assert_eq!(accepted[1], old);
    assert_eq!(accept(vec![metric("/a/b v-1")], 5, now), Err(BadOffer::Version));
    let error = accept(vec![metric("/a/*")], 5, now).unwrap_err();
    assert!(error.to_string().starts_with("Metric namespace /a/* ends"), "{error}");
}

/// Whether an offered path fits a request, element by element.
fn fits(offered: &[&str], request: &[&str]) -> bool {
    let same = |(own, asked): (&&str, &&str)| own == asked || *own == WILDCARD || *asked == WILDCARD;
    let enough = match request.last() {
        Some(&WILDCARD) => offered.len() >= request.len(),
        _ => offered.len() == request.len(),
    };
    enough && offered.iter().zip(request).all(same)
}

/// Whether `other` has the value that was asked for where `offered` begins to be dynamic.
fn is_hidden_by(offered: &[&str], other: &[&str], request: &[&str]) -> bool {
    let place = offered.iter().zip(other).position(|(own, other)| own != other);
    place.is_some_and(|place| offered[place] == WILDCARD && request.get(place) == Some(&other[place]))
}

fn paths(elements: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Vec<&'static str>>> {
    let path = prop::collection::vec(prop::sample::select(elements), 1..4);
    prop::collection::vec(path, 1..=most)
}

proptest! {
    #[test]
    fn requests_mean_what_fits_them(
        mut offered in paths(&["a", "b", WILDCARD], 12),
        requests in paths(&["a", "b", "c", WILDCARD], 12),
    ) {
        offered.iter_mut().for_each(|path| path.push("leaf"));
        let element = |value: &&str| if *value == WILDCARD { Element::dynamic("x", "") } else { Element::new(*value) };
        let metrics: Vec<_> = offered.iter().map(|path| Metric::new(path.iter().map(element).collect(), 1)).collect();
        let catalogue = Catalogue::new([(plugin("some"), &metrics[..], &Policy::default())]);
        for request in requests.iter().flat_map(|path| [path.clone(), [path.as_slice(), &["leaf"]].concat()]) {
            let fitting: Vec<_> = offered.iter().filter(|path| fits(path, &request)).collect();
            let hidden = |path: &&Vec<&str>| fitting.iter().any(|other| is_hidden_by(path, other, &request));
            let asked = |path: &Vec<&str>| path.iter().enumerate().map(|(place, own)| match request.get(place) {
                Some(asked) if *asked != WILDCARD => (*asked).to_owned(),
                _ => (*own).to_owned(),
            }).collect::<Vec<_>>();
            let mut expect: Vec<_> = fitting.iter().copied().filter(|path| !hidden(path)).map(asked).collect();
            expect.sort();
            expect.dedup();
            let namespace = request.iter().copied().map(Element::new).collect();
            let found = catalogue.matching(&namespace, 0).unwrap_or_default();
            let values = |entry: &Arc<Entry>| entry.metric.namespace.values().map(str::to_owned).collect::<Vec<_>>();
            let mut found: Vec<_> = found.iter().map(values).collect();
            found.sort();
            found.dedup();
            prop_assert_eq!(found, expect, "{}", namespace);
        }
    }
}

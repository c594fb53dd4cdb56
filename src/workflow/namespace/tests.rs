use proptest::prelude::*;

use super::{
    check::{BadNamespace, MAX_ELEMENTS, offered},
    request::{MAX_COMBINATIONS, combinations, tuple},
    *,
};

fn of(elements: &[(&str, &str)]) -> Namespace {
    let element = |(value, name): &(&str, &str)| Element {
        name: (*name).to_owned(),
        ..Element::new(*value)
    };
    elements.iter().map(element).collect()
}

fn texts(namespaces: &[Namespace]) -> Vec<String> {
    namespaces.iter().map(Namespace::to_string).collect()
}

#[test]
fn the_first_character_is_the_separator() {
    let expect = of(&[("intel", ""), ("mock", ""), ("foo", "")]);
    for text in ["/intel/mock/foo", "|intel|mock|foo", "大intel大mock大foo"] {
        assert_eq!(Namespace::parse(text), expect, "{text}");
        assert_eq!(Namespace::parse(text).to_string(), "/intel/mock/foo");
    }
    assert_eq!(Namespace::parse(""), of(&[]));
    assert_eq!(Namespace::parse("/"), of(&[("", "")]));
    assert_eq!(Namespace::parse("/a/"), of(&[("a", ""), ("", "")]));
}

#[test]
fn a_prefix_may_end_with_its_separator() {
    assert_eq!(Namespace::parse_prefix("/"), Vec::<String>::new());
    assert_eq!(Namespace::parse_prefix("/a/b/"), ["a", "b"]);
    assert_eq!(Namespace::parse_prefix("|a|b"), ["a", "b"]);
}

#[test]
fn prefixes_are_whole_elements() {
    let namespace = Namespace::parse("/a/b/c");
    for (prefix, expect) in [
        ("", true),
        ("/a/b", true),
        ("/a/b/c", true),
        ("/a/bc", false),
        ("/a/b/c/d", false),
    ] {
        assert_eq!(namespace.starts_with(&Namespace::parse(prefix)), expect, "{prefix}");
    }
}

#[test]
fn the_separator_is_one_that_no_element_contains() {
    assert_eq!(of(&[("/a", ""), ("b", "")]).to_string(), "|/a|b");
    let all: String = SEPARATORS.iter().collect();
    assert_eq!(of(&[(&all, ""), ("b", "")]).to_string(), format!("🐢{all}🐢b"));
}

#[test]
fn dynamic_elements_are_those_with_a_name() {
    let namespace = of(&[("intel", ""), ("host0", "host"), ("*", ""), ("*", "cpu")]);
    let places: Vec<_> = namespace.dynamic_elements().map(|(place, _)| place).collect();
    assert_eq!(places, [1, 3]);
    assert!(namespace.is_dynamic());
    assert!(!Namespace::parse("/a/*/b").is_dynamic());
}

#[test]
fn tuples_are_in_parentheses_with_semicolons() {
    assert_eq!(tuple("( a ;b; c d )"), Some(vec!["a", "b", "c d"]));
    assert_eq!(tuple("(a(1);b(2))"), Some(vec!["a(1)", "b(2)"]));
    for plain in ["a", "a;b", "(a)", "(a,b)", "(a|b)", "(a;b", "a;b)", "()"] {
        assert_eq!(tuple(plain), None, "{plain}");
    }
}

#[test]
fn several_tuples_mean_every_combination() {
    let of = |text: &str| texts(&combinations(&Namespace::parse(text)).unwrap());
    assert_eq!(of("/a/b"), ["/a/b"]);
    assert_eq!(of("/(a;b)/x/(1;2)"), ["/a/x/1", "/a/x/2", "/b/x/1", "/b/x/2"]);
    assert_eq!(of("/(a;b)/(1;2;3)").len(), 6);
    assert_eq!(of("/(a;*)/x"), ["/*/x"]);
}

#[test]
fn too_many_combinations_are_refused() {
    let request = Namespace::parse(&"/(1;2)".repeat(17));
    assert!(2_usize.pow(17) > MAX_COMBINATIONS);
    let error = combinations(&request).unwrap_err();
    assert!(
        error.to_string().ends_with("have more than 65536 combinations"),
        "{error}"
    );
    let request = Namespace::parse(&"/(1;2)".repeat(200));
    assert!(combinations(&request).is_err(), "the product itself is beyond counting");
}

#[test]
fn what_a_collector_may_offer() {
    let check = |elements: &[(&str, &str)]| offered(&of(elements)).map_err(|error| error.to_string());
    let refused = |text: &str| Err(text.to_owned());
    assert_eq!(check(&[("a", ""), ("*", "host"), ("b", "")]), Ok(()));
    assert_eq!(
        check(&[("a", ""), ("*", "host")]),
        refused("Metric namespace /a/* ends with an asterisk is not allowed")
    );
    assert_eq!(
        check(&[("a", ""), ("*", "")]),
        refused("Metric namespace /a/* ends with an asterisk is not allowed")
    );
    assert_eq!(
        check(&[("a", "first"), ("b", "")]),
        refused("A static element a should not define name first for namespace /a/b.")
    );
    assert_eq!(
        check(&[("a", ""), ("*", ""), ("b", "")]),
        refused("A dynamic element * requires a name for namespace /a/*/b.")
    );
    assert_eq!(
        check(&[("a", ""), ("(x;y)", "")]),
        refused("A element (x;y) should not define tuple for namespace /a/(x;y).")
    );
    assert_eq!(offered(&of(&[])), Err(BadNamespace::Empty));
    assert_eq!(offered(&of(&[("a", ""); MAX_ELEMENTS])), Ok(()));
    assert_eq!(offered(&of(&[("a", ""); MAX_ELEMENTS + 1])), Err(BadNamespace::TooLong));
}

/// Elements made of separators and letters, none of the last resort.
fn elements() -> impl Strategy<Value = Vec<String>> {
    let characters: Vec<_> = SEPARATORS.into_iter().chain(['a', '*', '(', 'é']).collect();
    let element = prop::collection::vec(prop::sample::select(characters), 0..8);
    let element = element.prop_map(|characters| characters.into_iter().collect());
    prop::collection::vec(element, 0..6)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(values in elements()) {
        let namespace: Namespace = values.into_iter().map(Element::new).collect();
        prop_assert_eq!(Namespace::parse(&namespace.to_string()), namespace);
    }

    #[test]
    fn combinations_are_the_product(sizes in prop::collection::vec(1_usize..5, 0..5)) {
        let tuple = |size: &usize| (0..*size).map(|item| item.to_string()).collect::<Vec<_>>().join(";");
        let request: Namespace = sizes.iter().map(|size| Element::new(format!("({})", tuple(size)))).collect();
        let all = texts(&combinations(&request).unwrap());
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        prop_assert_eq!(all.len(), sizes.iter().product::<usize>());
        prop_assert_eq!(distinct.len(), all.len());
    }
}

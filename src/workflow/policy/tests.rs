//! What policies refuse, in Snap's words, and what they add.

use super::*;
use crate::workflow::Element;

fn integer(minimum: Option<i64>, maximum: Option<i64>, default: Option<i64>) -> Rule {
    Rule {
        kind: RuleKind::Integer {
            default,
            minimum,
            maximum,
        },
        required: false,
    }
}

fn required_text(default: Option<&str>) -> Rule {
    Rule {
        kind: RuleKind::String {
            default: default.map(str::to_owned),
        },
        required: true,
    }
}

fn check(rule: Rule, given: Option<ConfigValue>, bounds: bool, expect: Result<Option<ConfigValue>, &str>) {
    let rules = Rules::from([("port".to_owned(), rule)]);
    let config = given.map(|value| ("port".to_owned(), value)).into_iter().collect();
    let found = process(&rules, &config, bounds)
        .map(|config| config.get("port").cloned())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    assert_eq!(found, expect.map_err(str::to_owned));
}

#[test]
fn values_are_checked_and_defaults_added() {
    use ConfigValue::{Bool, Float, Integer, String};
    check(
        integer(Some(7), None, None),
        Some(Integer(7)),
        true,
        Ok(Some(Integer(7))),
    );
    check(
        integer(Some(7), None, None),
        Some(Integer(5)),
        true,
        Err("value is under minimum (port value 5 < 7)"),
    );
    check(
        integer(None, Some(4), None),
        Some(Integer(5)),
        true,
        Err("value is over maximum (port value 5 > 4)"),
    );
    check(
        integer(None, Some(4), None),
        Some(Integer(5)),
        false,
        Ok(Some(Integer(5))),
    );
    check(integer(None, None, Some(9)), None, true, Ok(Some(Integer(9))));
    check(integer(None, None, None), None, true, Ok(None));
    check(required_text(Some("x")), None, true, Err("required key missing (port)"));
    check(
        required_text(None),
        Some(String("y".to_owned())),
        true,
        Ok(Some(String("y".to_owned()))),
    );
    let mismatch = "type mismatch (port wanted type 'string' but provided type 'bool')";
    check(required_text(None), Some(Bool(true)), false, Err(mismatch));
    let float = |maximum| Rule {
        kind: RuleKind::Float {
            default: None,
            minimum: None,
            maximum,
        },
        required: false,
    };
    let mismatch = "type mismatch (port wanted type 'float' but provided type 'integer')";
    check(float(None), Some(Integer(5)), true, Err(mismatch));
    check(
        float(Some(1.5)),
        Some(Float(2.25)),
        true,
        Err("value is over maximum (port value 2.25 > 1.5)"),
    );
}

#[test]
fn errors_come_by_type_and_name() {
    let flag = Rule {
        kind: RuleKind::Bool { default: None },
        required: true,
    };
    let number = Rule {
        required: true,
        ..integer(None, None, None)
    };
    let rules = [
        ("nova", flag),
        ("port", number),
        ("b", required_text(None)),
        ("a", required_text(None)),
    ];
    let rules = rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect();
    let errors = process(&rules, &Config::new(), true).unwrap_err();
    let names = ["a", "b", "port", "nova"].map(|name| PolicyError::Missing(name.to_owned()));
    assert_eq!(errors, names);
}

#[test]
fn rules_of_all_paths_to_a_metric_hold() {
    let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let rules = |name: &str, maximum| Rules::from([(name.to_owned(), integer(None, Some(maximum), None))]);
    let policy = Policy {
        nodes: BTreeMap::from([
            (path("py/demo"), rules("scale", 100)),
            (path("py/demo/int"), rules("scale", 5)),
            (path("py/other"), rules("other", 1)),
        ]),
    };
    let of = |text: &str| policy.for_namespace(&path(text).into_iter().map(Element::new).collect());
    assert_eq!(of("py/demo/int"), rules("scale", 5));
    assert_eq!(of("py/demo/float"), rules("scale", 100));
    assert_eq!(of("py"), Rules::new());
}

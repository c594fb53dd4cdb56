//! How policies are shown: a list of rules.

use serde::Serialize;
use serde_json::Value;

use crate::workflow::{
    ConfigValue,
    policy::{Rule, RuleKind, Rules},
};

/// A rule as clients read it.
#[derive(Debug, Serialize)]
pub(super) struct ShownRule<'a> {
    name: &'a str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<Value>,
}

/// The rules, by name; `bounds` tells whether with their minimum and maximum.
pub(super) fn shown(rules: &Rules, bounds: bool) -> Vec<ShownRule<'_>> {
    rules
        .iter()
        .map(|(name, rule)| shown_rule(name, rule, bounds))
        .collect()
}

fn shown_rule<'a>(name: &'a str, rule: &Rule, bounds: bool) -> ShownRule<'a> {
    let (r#type, minimum, maximum) = match &rule.kind {
        RuleKind::String { .. } => ("string", None, None),
        RuleKind::Bool { .. } => ("bool", None, None),
        RuleKind::Integer { minimum, maximum, .. } => ("integer", minimum.map(Value::from), maximum.map(Value::from)),
        RuleKind::Float { minimum, maximum, .. } => ("float", minimum.map(Value::from), maximum.map(Value::from)),
    };
    ShownRule {
        name,
        r#type,
        default: rule.kind.default_value().map(value),
        required: rule.required,
        minimum: minimum.filter(|_| bounds),
        maximum: maximum.filter(|_| bounds),
    }
}

fn value(value: ConfigValue) -> Value {
    match value {
        ConfigValue::String(text) => text.into(),
        ConfigValue::Integer(number) => number.into(),
        ConfigValue::Float(number) => number.into(),
        ConfigValue::Bool(yes) => yes.into(),
    }
}

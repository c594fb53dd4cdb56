//! PURE. Settings of built-ins: their rules, and their values, which the rules have checked and filled in before a call.

use std::time::Duration;

use crate::workflow::{
    Config, ConfigValue,
    policy::{Rule, RuleKind, Rules},
};

/// Rules by name.
pub(super) fn rules<const N: usize>(rules: [(&str, Rule); N]) -> Rules {
    rules.map(|(name, rule)| (name.to_owned(), rule)).into_iter().collect()
}

/// A text that must be given.
pub(super) fn required_text() -> Rule {
    Rule {
        kind: RuleKind::String { default: None },
        required: true,
    }
}

/// A text.
pub(super) fn optional_text(default: Option<&str>) -> Rule {
    Rule {
        kind: RuleKind::String {
            default: default.map(str::to_owned),
        },
        required: false,
    }
}

/// A whole number.
pub(super) fn optional_integer(default: Option<i64>, minimum: i64, maximum: i64) -> Rule {
    Rule {
        kind: RuleKind::Integer {
            default,
            minimum: Some(minimum),
            maximum: Some(maximum),
        },
        required: false,
    }
}

/// Yes or no.
pub(super) fn optional_flag(default: Option<bool>) -> Rule {
    Rule {
        kind: RuleKind::Bool { default },
        required: false,
    }
}

/// The text of that name; empty when there is none.
pub(super) fn text<'a>(config: &'a Config, name: &str) -> &'a str {
    match config.get(name) {
        Some(ConfigValue::String(text)) => text,
        _ => "",
    }
}

/// The number of that name.
pub(super) fn integer(config: &Config, name: &str) -> Option<i64> {
    match config.get(name) {
        Some(ConfigValue::Integer(integer)) => Some(*integer),
        _ => None,
    }
}

/// Whether the setting is there and says yes.
pub(super) fn flag(config: &Config, name: &str) -> bool {
    matches!(config.get(name), Some(ConfigValue::Bool(true)))
}

/// So many seconds, at least one, or else the default.
pub(super) fn seconds(config: &Config, name: &str, default: u32) -> Duration {
    let given = integer(config, name).and_then(|seconds| u64::try_from(seconds).ok());
    Duration::from_secs(given.unwrap_or(u64::from(default)).max(1))
}

//! PURE. Which configuration a plugin wants.

use std::collections::BTreeMap;

use super::ConfigValue;

/// What a plugin wants for one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The type, with what belongs to it.
    pub kind: RuleKind,
    /// Whether the task or the global configuration must give it; a default does not do.
    pub required: bool,
}

/// The type of a setting, its default and its bounds.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// A text.
    String {
        /// Taken when nothing is given.
        default: Option<String>,
    },
    /// A whole number.
    Integer {
        /// Taken when nothing is given.
        default: Option<i64>,
        /// The least.
        minimum: Option<i64>,
        /// The greatest.
        maximum: Option<i64>,
    },
    /// Any number.
    Float {
        /// Taken when nothing is given.
        default: Option<f64>,
        /// The least.
        minimum: Option<f64>,
        /// The greatest.
        maximum: Option<f64>,
    },
    /// Yes or no.
    Bool {
        /// Taken when nothing is given.
        default: Option<bool>,
    },
}

/// The rules of one plugin or metric, by the name of the setting.
pub type Rules = BTreeMap<String, Rule>;

/// All rules of a plugin, by where in the namespace they apply: the empty path is a processor's or publisher's own, and
/// in a collector's policy every path holds for all metrics below it, the deeper ones winning.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// Path of values of namespace elements, to rules.
    pub nodes: BTreeMap<Vec<String>, Rules>,
}

impl RuleKind {
    /// The default.
    #[must_use]
    pub fn default_value(&self) -> Option<ConfigValue> {
        match self {
            Self::String { default } => default.clone().map(ConfigValue::String),
            Self::Integer { default, .. } => default.map(ConfigValue::Integer),
            Self::Float { default, .. } => default.map(ConfigValue::Float),
            Self::Bool { default } => default.map(ConfigValue::Bool),
        }
    }
}

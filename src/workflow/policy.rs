//! PURE. Which configuration a plugin wants.

use std::{collections::BTreeMap, fmt::Display};

use super::{Config, ConfigValue, Namespace, config::merged_along};

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

/// A setting is not what a plugin wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It must be given; the name.
    #[error("required key missing ({0})")]
    Missing(String),
    /// It has another type.
    #[error("type mismatch ({name} wanted type '{wanted}' but provided type '{given}')")]
    Type {
        /// Its name.
        name: String,
        /// The type that the plugin wants.
        wanted: &'static str,
        /// The type that was given.
        given: &'static str,
    },
    /// It is below the least.
    #[error("value is under minimum ({name} value {value} < {minimum})")]
    UnderMinimum {
        /// Its name.
        name: String,
        /// What was given.
        value: String,
        /// The least.
        minimum: String,
    },
    /// It is above the greatest.
    #[error("value is over maximum ({name} value {value} > {maximum})")]
    OverMaximum {
        /// Its name.
        name: String,
        /// What was given.
        value: String,
        /// The greatest.
        maximum: String,
    },
}

impl Policy {
    /// What holds for a metric; for the empty namespace, a processor's or publisher's own rules.
    #[must_use]
    pub fn for_namespace(&self, namespace: &Namespace) -> Rules {
        merged_along(&self.nodes, namespace)
    }
}

/// Checks what is given, and adds the defaults of what is not. With `bounds`, minima and maxima are checked too: Snap
/// holds processors and publishers to them, and collectors not.
///
/// # Errors
/// Everything that is wrong, ordered by type and name: texts, integers, floats, booleans.
pub fn process(rules: &Rules, given: &Config, bounds: bool) -> Result<Config, Vec<PolicyError>> {
    let mut config = given.clone();
    let mut errors = vec![];
    let mut rules: Vec<_> = rules.iter().collect();
    rules.sort_by_key(|(_, rule)| rule.kind.order());
    for (name, rule) in rules {
        match (given.get(name), rule.kind.default_value()) {
            (Some(value), _) => errors.extend(rule.kind.check(name, value, bounds).err()),
            (None, _) if rule.required => errors.push(PolicyError::Missing(name.clone())),
            (None, Some(default)) => drop(config.insert(name.clone(), default)),
            (None, None) => {}
        }
    }
    if errors.is_empty() { Ok(config) } else { Err(errors) }
}

impl RuleKind {
    /// The type's name in listings and error texts.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String { .. } => "string",
            Self::Integer { .. } => "integer",
            Self::Float { .. } => "float",
            Self::Bool { .. } => "bool",
        }
    }

    fn order(&self) -> u8 {
        match self {
            Self::String { .. } => 0,
            Self::Integer { .. } => 1,
            Self::Float { .. } => 2,
            Self::Bool { .. } => 3,
        }
    }

    /// Checks a value that was given for the setting `name`.
    fn check(&self, name: &str, value: &ConfigValue, bounds: bool) -> Result<(), PolicyError> {
        match (self, value) {
            (Self::String { .. }, ConfigValue::String(_)) | (Self::Bool { .. }, ConfigValue::Bool(_)) => Ok(()),
            (Self::Integer { minimum, maximum, .. }, ConfigValue::Integer(value)) if bounds => {
                within(name, *value, (*minimum, *maximum))
            }
            (Self::Float { minimum, maximum, .. }, ConfigValue::Float(value)) if bounds => {
                within(name, *value, (*minimum, *maximum))
            }
            (Self::Integer { .. }, ConfigValue::Integer(_)) | (Self::Float { .. }, ConfigValue::Float(_)) => Ok(()),
            (_, value) => Err(PolicyError::Type {
                name: name.to_owned(),
                wanted: self.type_name(),
                given: value.type_name(),
            }),
        }
    }

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

fn within<T: PartialOrd + Display>(
    name: &str,
    value: T,
    (minimum, maximum): (Option<T>, Option<T>),
) -> Result<(), PolicyError> {
    let (name, text) = (name.to_owned(), value.to_string());
    match (minimum, maximum) {
        (Some(minimum), _) if value < minimum => Err(PolicyError::UnderMinimum {
            name,
            value: text,
            minimum: minimum.to_string(),
        }),
        (_, Some(maximum)) if value > maximum => Err(PolicyError::OverMaximum {
            name,
            value: text,
            maximum: maximum.to_string(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

//! PURE. Configuration of plugins: flat tables of four types.

use std::collections::BTreeMap;

/// A table of settings, ordered by name.
pub type Config = BTreeMap<String, ConfigValue>;

/// A setting.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigValue {
    /// A text.
    String(String),
    /// A whole number; JSON numbers without a fraction are these.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

impl ConfigValue {
    /// The type's name in policies and error texts.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
        }
    }
}

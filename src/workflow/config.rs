//! PURE. Configuration of plugins: flat tables of four types, by where in the namespace or for which plugins they hold.

use std::collections::BTreeMap;

mod global;
mod json;
mod tree;

pub use global::{Address, GlobalConfig, InvalidConfig, Place};
pub use json::{NotConfig, from_json, names_from_json, to_json};
pub use tree::{ConfigTree, merged_along};

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

//! PURE. Configuration that the operator gives to plugins, whatever task uses them.
//!
//! Four levels, each over the one before it: all plugins, all of a type, all versions of a plugin, one version. As a
//! document:
//!
//! ```text
//! { all: TABLE, collector: { all: TABLE, NAME: { all: TABLE, versions: { "1": TABLE } } }, processor: …, publisher: … }
//! ```

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Config, json};
use crate::workflow::{PluginKey, PluginType};

/// The key of what holds for all, at every level.
const ALL: &str = "all";
/// The key of what holds for single versions.
const VERSIONS: &str = "versions";

/// For which plugins something is asked or set. What is left out holds for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// The type; without one, name and version mean nothing.
    pub kind: Option<PluginType>,
    /// The name in lower case, or empty; without one, the version means nothing.
    pub name: String,
    /// The version; below 1 for all.
    pub version: i64,
}

/// Where a table of the configuration is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// For all plugins.
    All,
    /// For all plugins of a type.
    Type(PluginType),
    /// For all versions of a plugin.
    Name(PluginType, String),
    /// For one version of a plugin.
    Version(PluginType, String, i64),
}

/// The configuration of all levels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GlobalConfig {
    tables: BTreeMap<Place, Config>,
}

/// A document is no global plugin configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct InvalidConfig {
    /// Where in the document, `collector.mock.versions` for example.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

impl GlobalConfig {
    /// What holds at an address: its level over all levels before it.
    #[must_use]
    pub fn get(&self, address: &Address) -> Config {
        let mut merged = Config::new();
        for place in address.levels() {
            if let Some(table) = self.tables.get(&place) {
                merged.extend(table.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        merged
    }

    /// Where a change at an address lands: at its own level, but at the plugin's when the plugin has tables and none for
    /// this version. Snap does so: what is put for version 2 while only version 1 has a table holds for all versions.
    #[must_use]
    pub fn place(&self, address: &Address) -> Place {
        match address.own_place() {
            Place::Version(kind, name, version) if self.knows(kind, &name) => {
                let own = Place::Version(kind, name.clone(), version);
                let has_own = self.tables.contains_key(&own);
                if has_own { own } else { Place::Name(kind, name) }
            }
            own => own,
        }
    }

    /// Puts settings over those of a place.
    pub fn put(&mut self, place: Place, config: Config) {
        self.tables.entry(place).or_default().extend(config);
    }

    /// Removes the settings of these names from a place.
    pub fn remove(&mut self, place: &Place, names: &[String]) {
        if let Some(table) = self.tables.get_mut(place) {
            names.iter().for_each(|name| drop(table.remove(name)));
        }
    }

    /// Puts everything of `other` over what is here.
    pub fn merge(&mut self, other: Self) {
        for (place, table) in other.tables {
            self.put(place, table);
        }
    }

    /// Whether a plugin has a table of its own, for all or one of its versions.
    fn knows(&self, kind: PluginType, name: &str) -> bool {
        self.tables.keys().any(|place| match place {
            Place::Name(its_kind, its_name) | Place::Version(its_kind, its_name, _) => {
                *its_kind == kind && its_name == name
            }
            Place::All | Place::Type(_) => false,
        })
    }

    /// Reads a document of the form above. Names of plugins are taken in lower case.
    ///
    /// # Errors
    /// When it has another form; says where.
    pub fn from_document(document: &Value) -> Result<Self, InvalidConfig> {
        let mut config = Self::default();
        for (key, value) in object(document, "")? {
            if key == ALL {
                config.put(Place::All, table(value, key)?);
                continue;
            }
            let kind = key.parse().map_err(|error| InvalidConfig::new(key, error))?;
            config.put_type(kind, value)?;
        }
        Ok(config)
    }

    fn put_type(&mut self, kind: PluginType, document: &Value) -> Result<(), InvalidConfig> {
        for (name, value) in object(document, kind.as_str())? {
            let path = format!("{kind}.{name}");
            if name == ALL {
                self.put(Place::Type(kind), table(value, &path)?);
            } else {
                self.put_plugin((kind, &name.to_lowercase()), value, &path)?;
            }
        }
        Ok(())
    }

    fn put_plugin(
        &mut self,
        (kind, name): (PluginType, &str),
        document: &Value,
        path: &str,
    ) -> Result<(), InvalidConfig> {
        for (key, value) in object(document, path)? {
            let path = format!("{path}.{key}");
            match key.as_str() {
                ALL => self.put(Place::Name(kind, name.to_owned()), table(value, &path)?),
                VERSIONS => {
                    for (version, value) in object(value, &path)? {
                        let path = format!("{path}.{version}");
                        let number = version.parse().map_err(|error| InvalidConfig::new(&path, error))?;
                        self.put(Place::Version(kind, name.to_owned(), number), table(value, &path)?);
                    }
                }
                _ => return Err(InvalidConfig::new(&path, "expected `all` or `versions`")),
            }
        }
        Ok(())
    }

    /// The document that [`Self::from_document`] reads.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let mut document = Value::Object(Map::new());
        for (place, config) in &self.tables {
            let table = match place {
                Place::All => &mut document[ALL],
                Place::Type(kind) => &mut document[kind.as_str()][ALL],
                Place::Name(kind, name) => &mut document[kind.as_str()][name][ALL],
                Place::Version(kind, name, version) => {
                    &mut document[kind.as_str()][name][VERSIONS][version.to_string()]
                }
            };
            *table = json::to_json(config);
        }
        document
    }
}

impl Address {
    /// The places whose tables hold here, each over the one before it.
    fn levels(&self) -> Vec<Place> {
        let mut levels = vec![Place::All];
        if let Some(kind) = self.kind {
            levels.push(Place::Type(kind));
            if !self.name.is_empty() {
                levels.push(Place::Name(kind, self.name.clone()));
                if self.version > 0 {
                    levels.push(Place::Version(kind, self.name.clone(), self.version));
                }
            }
        }
        levels
    }

    fn own_place(&self) -> Place {
        self.levels().pop().unwrap_or(Place::All)
    }
}

impl From<&PluginKey> for Address {
    fn from(key: &PluginKey) -> Self {
        Self {
            kind: Some(key.kind),
            name: key.name.clone(),
            version: key.version,
        }
    }
}

impl InvalidConfig {
    fn new(path: &str, reason: impl ToString) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, InvalidConfig> {
    value
        .as_object()
        .ok_or_else(|| InvalidConfig::new(path, "expected a table"))
}

fn table(value: &Value, path: &str) -> Result<Config, InvalidConfig> {
    json::from_object(object(value, path)?)
        .map_err(|key| InvalidConfig::new(&format!("{path}.{key}"), "expected a text, number or boolean"))
}

#[cfg(test)]
mod tests;
